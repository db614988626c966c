package core

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/api"
	"github.com/heroiclabs/nakama-common/rtapi"
	"github.com/heroiclabs/nakama-common/runtime"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"kumi/store/fault"
)

// bondText is how two users stand as the protocol's table writes it.
func bondText(b bond) string {
	const states = "0123-"
	return string(states[b.mine]) + "/" + string(states[b.theirs])
}

// friendship checks how two users stand, and that their counts say so too.
func (c *testCore) friendship(t testing.TB, what string, a, b uuid.UUID, want string) {
	t.Helper()
	w := &friendWork{c: c.Core, q: c.db.Reader(), friendCall: friendCall{user: a}}
	got, err := w.bond(t.Context(), b)
	if err != nil {
		t.Fatal(err)
	}
	if text := bondText(got); text != want {
		t.Errorf("%s: got %s, want %s", what, text, want)
	}
	users, err := c.Module().UsersGetId(t.Context(), []string{a.String(), b.String()}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, u := range users {
		var edges int32
		if err := c.db.Reader().QueryRowContext(t.Context(), "SELECT count(*) FROM user_edge WHERE source_id = $1", uuid.FromStringOrNil(u.Id)).Scan(&edges); err != nil {
			t.Fatal(err)
		}
		if u.EdgeCount != edges {
			t.Errorf("%s: %s has %d edges and counts %d", what, u.Username, edges, u.EdgeCount)
		}
	}
}

func TestFriendTable(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, ctx context.Context, c *testCore) {
		m := c.Module()
		add, del, block := m.FriendsAdd, m.FriendsDelete, m.FriendsBlock
		// How to bring two users there: what either does, in order.
		ways := map[string]string{"-/-": "", "1/2": "a", "2/1": "A", "0/0": "aA", "3/-": "b", "-/3": "B", "3/3": "bB"}
		n := 0
		for _, tc := range []struct{ before, do, after, told string }{
			{"-/-", "add", "1/2", "-2"}, {"-/-", "delete", "-/-", ""}, {"-/-", "block", "3/-", ""},
			{"1/2", "add", "1/2", ""}, {"1/2", "delete", "-/-", "-9"}, {"1/2", "block", "3/-", ""},
			{"2/1", "add", "0/0", "-3"}, {"2/1", "delete", "-/-", "-9"}, {"2/1", "block", "3/-", ""},
			{"0/0", "add", "0/0", ""}, {"0/0", "delete", "-/-", "-9"}, {"0/0", "block", "3/-", ""},
			{"3/-", "add", "3/-", ""}, {"3/-", "delete", "-/-", ""}, {"3/-", "block", "3/-", ""},
			{"-/3", "add", "-/3", ""}, {"-/3", "delete", "-/3", ""}, {"-/3", "block", "3/3", ""},
			{"3/3", "add", "3/3", ""}, {"3/3", "delete", "-/3", ""}, {"3/3", "block", "3/3", ""},
		} {
			n++
			what := tc.before + " " + tc.do
			a, b := c.user(t, fmt.Sprint("a", n)), c.user(t, fmt.Sprint("b", n))
			act := func(do rune, from, to uuid.UUID) {
				t.Helper()
				var err error
				switch do {
				case 'a':
					err = add(ctx, from.String(), "name", []string{to.String()}, nil, nil)
				case 'd':
					err = del(ctx, from.String(), "name", []string{to.String()}, nil)
				case 'b':
					err = block(ctx, from.String(), "name", []string{to.String()}, nil)
				}
				if err != nil {
					t.Fatalf("%s: %v", what, err)
				}
			}
			for _, do := range ways[tc.before] {
				if do < 'a' {
					act(do+'a'-'A', b, a)
				} else {
					act(do, a, b)
				}
			}
			c.friendship(t, what+", before", a, b, tc.before)
			on, own := c.connect(t, b, "b"), c.connect(t, a, "a")
			act(rune(tc.do[0]), a, b)
			c.friendship(t, what, a, b, tc.after)
			told := on.notified(map[uuid.UUID]string{a: "a"})
			if tc.told == "" && len(told) > 0 || tc.told != "" && (len(told) != 1 || !strings.HasPrefix(told[0], tc.told+" a: name ")) {
				t.Errorf("%s: the other is told %q, want code %q", what, told, tc.told)
			}
			same(t, what+", the one who acts", own.notified(nil), nil)
		}
	})
}

func TestFriendCalls(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, ctx context.Context, c *testCore) {
		m := c.Module()
		ids := map[string]uuid.UUID{}
		for _, name := range []string{"ann", "ben", "cid", "dan", "eve"} {
			ids[name] = c.user(t, name)
		}
		ann := ids["ann"]
		text := func(names ...string) (all []string) {
			for _, n := range names {
				all = append(all, ids[n].String())
			}
			return all
		}
		unknown := uuid.Must(uuid.NewV4()).String()
		if err := c.AddFriends(ctx, ann, &api.AddFriendsRequest{Ids: append(text("ben", "ben"), unknown), Usernames: []string{"cid", "nobody"}, Metadata: `{"from":"x","n":1}`}); err != nil {
			t.Fatal(err)
		}
		c.friendship(t, "by id", ann, ids["ben"], "1/2")
		c.friendship(t, "by name", ann, ids["cid"], "1/2")
		// All or nothing, and every refusal.
		for what, in := range map[string]*api.AddFriendsRequest{
			"oneself": {Ids: text("dan", "ann")}, "oneself by name": {Ids: text("dan"), Usernames: []string{"ann"}},
			"bad id": {Ids: append(text("dan"), "x")}, "nil id": {Ids: append(text("dan"), uuid.Nil.String())},
			"empty name": {Ids: text("dan"), Usernames: []string{""}}, "unknown name": {Usernames: []string{"nobody"}},
			"metadata": {Ids: text("dan"), Metadata: "[]"}, "zero byte": {Ids: text("dan"), Metadata: `{"a":"\u0000"}`},
		} {
			wantCode(t, "add "+what, c.AddFriends(ctx, ann, in), fault.InvalidArgument)
			if in.Metadata == "" {
				wantCode(t, "block "+what, c.BlockFriends(ctx, ann, &api.BlockFriendsRequest{Ids: in.Ids, Usernames: in.Usernames}), fault.InvalidArgument)
			}
			if in.Metadata == "" && what != "unknown name" {
				wantCode(t, "delete "+what, c.DeleteFriends(ctx, ann, &api.DeleteFriendsRequest{Ids: in.Ids, Usernames: in.Usernames}), fault.InvalidArgument)
			}
		}
		c.friendship(t, "after refusals", ann, ids["dan"], "-/-")
		wantCode(t, "add nobody", c.AddFriends(ctx, ann, &api.AddFriendsRequest{}), fault.OK)
		wantCode(t, "add an unknown id", c.AddFriends(ctx, ann, &api.AddFriendsRequest{Ids: []string{unknown}}), fault.OK)
		wantCode(t, "delete an unknown name", c.DeleteFriends(ctx, ann, &api.DeleteFriendsRequest{Usernames: []string{"nobody"}}), fault.OK)
		wantCode(t, "module without a name", m.FriendsAdd(ctx, ann.String(), "", text("dan"), nil, nil), fault.InvalidArgument)
		wantCode(t, "module for nobody", m.FriendsAdd(ctx, unknown, "x", text("dan"), nil, nil), fault.NotFound)

		// Metadata belongs to one side; accepting adds to it.
		metadata := func(of, about string) string {
			t.Helper()
			list, err := m.UsersGetFriendStatus(ctx, ids[of].String(), text(about, "eve"))
			if err != nil || len(list) != 1 {
				t.Fatalf("%s about %s: %v, %v", of, about, list, err)
			}
			return list[0].Metadata
		}
		if got := metadata("ann", "ben"); got != `{"n": 1, "from": "x"}` {
			t.Errorf("ann about ben: %s", got)
		}
		if err := c.AddFriends(ctx, ann, &api.AddFriendsRequest{Ids: text("ben"), Metadata: `{"n":2}`}); err != nil {
			t.Fatal(err)
		}
		if got := metadata("ann", "ben"); got != `{"n": 1, "from": "x"}` {
			t.Errorf("ann about ben, invited again: %s", got)
		}
		if err := m.FriendMetadataUpdate(ctx, ids["ben"].String(), ann.String(), map[string]any{"k": 1, "l": 1}); err != nil {
			t.Fatal(err)
		}
		if err := c.AddFriends(ctx, ids["ben"], &api.AddFriendsRequest{Usernames: []string{"ann"}, Metadata: `{"k":2}`}); err != nil {
			t.Fatal(err)
		}
		if got := metadata("ben", "ann"); got != `{"k": 2, "l": 1}` {
			t.Errorf("ben about ann: %s", got)
		}
		if err := m.FriendMetadataUpdate(ctx, ids["ben"].String(), ann.String(), map[string]any{"z": 1}); err != nil {
			t.Fatal(err)
		}
		if got := metadata("ben", "ann"); got != `{"z": 1}` {
			t.Errorf("ben about ann, replaced: %s", got)
		}
		wantCode(t, "about a stranger", m.FriendMetadataUpdate(ctx, ann.String(), ids["eve"].String(), nil), fault.NotFound)

		// A block ends the direct channel of the two.
		sa, sb := c.connect(t, ann, "ann"), c.connect(t, ids["ben"], "ben")
		for s, to := range map[*socket]string{sa: "ben", sb: "ann"} {
			if _, err := c.JoinChannel(ctx, s.speaker(), &rtapi.ChannelJoin{Target: ids[to].String(), Type: 2}); err != nil {
				t.Fatal(err)
			}
		}
		if err := c.BlockFriends(ctx, ann, &api.BlockFriendsRequest{Usernames: []string{"ben"}}); err != nil {
			t.Fatal(err)
		}
		if n := c.tracker.Count(directChannel(ann, ids["ben"])); n != 0 {
			t.Errorf("%d are on the direct channel after a block", n)
		}
		_, err := c.JoinChannel(ctx, sb.speaker(), &rtapi.ChannelJoin{Target: ann.String(), Type: 2})
		wantCode(t, "a blocked user speaks", err, fault.InvalidArgument)
	})
}

func TestFriendList(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, ctx context.Context, c *testCore) {
		m := c.Module()
		ann := c.user(t, "ann")
		ids := map[string]uuid.UUID{}
		for _, name := range []string{"friend1", "friend2", "sent1", "sent2", "got1", "got2", "blocked"} {
			ids[name] = c.user(t, name)
		}
		act := func(user uuid.UUID, do func(context.Context, string, string, []string, []string) error, names ...string) {
			t.Helper()
			if err := do(ctx, user.String(), "x", nil, names); err != nil {
				t.Fatal(err)
			}
		}
		add := func(ctx context.Context, user, name string, ids, names []string) error {
			return m.FriendsAdd(ctx, user, name, ids, names, nil)
		}
		act(ann, add, "sent1", "friend2")
		act(ids["got1"], add, "ann")
		act(ids["friend1"], add, "ann")
		act(ids["got2"], add, "ann")
		act(ann, add, "sent2", "friend1")
		act(ids["friend2"], add, "ann")
		act(ann, m.FriendsBlock, "blocked")
		int32s := wrapperspb.Int32
		invited := "sent1 sent2"
		for what, tc := range map[string]struct {
			state *wrapperspb.Int32Value
			want  string
		}{
			"all": {nil, "friend2 friend1 " + invited + " got1 got2 blocked"}, "friends": {int32s(0), "friend2 friend1"},
			"sent": {int32s(1), invited}, "received": {int32s(2), "got1 got2"}, "blocked": {int32s(3), "blocked"},
		} {
			for _, limit := range []int{1, 2, 1000} {
				got := pages(t, what, limit, func(cursor string) (some []string, next string) {
					out, err := c.ListFriends(ctx, ann, &api.ListFriendsRequest{State: tc.state, Limit: int32s(int32(limit)), Cursor: cursor})
					if err != nil {
						t.Fatal(err)
					}
					for _, f := range out.Friends {
						if f.State == nil || f.UpdateTime == nil || f.Metadata != "{}" {
							t.Errorf("incomplete: %v", f)
						}
						some = append(some, f.User.Username)
					}
					return some, out.Cursor
				})
				if text := strings.Join(got, " "); text != tc.want {
					t.Errorf("%s by %d:\n got %s\nwant %s", what, limit, text, tc.want)
				}
			}
		}
		first, err := c.ListFriends(ctx, ann, &api.ListFriendsRequest{Limit: int32s(1)})
		if err != nil {
			t.Fatal(err)
		}
		for what, in := range map[string]*api.ListFriendsRequest{
			"limit 0": {Limit: int32s(0)}, "limit 1001": {Limit: int32s(1001)}, "state 4": {State: int32s(4)}, "state -1": {State: int32s(-1)},
			"noise": {Cursor: "noise"}, "cursor of all": {State: int32s(0), Cursor: first.Cursor},
		} {
			_, err := c.ListFriends(ctx, ann, in)
			wantCode(t, what, err, fault.InvalidArgument)
		}
		if _, _, err := m.FriendsList(ctx, ann.String(), 1, nil, "noise"); err != runtime.ErrFriendInvalidCursor {
			t.Errorf("module, bad cursor: %v", err)
		}
		// A cursor outlives the rows before it.
		act(ann, m.FriendsDelete, "friend2")
		rest, err := c.ListFriends(ctx, ann, &api.ListFriendsRequest{Limit: int32s(1), Cursor: first.Cursor})
		if err != nil || len(rest.Friends) != 1 || rest.Friends[0].User.Username != "friend1" {
			t.Errorf("after a deletion: %v, %v", rest, err)
		}
	})
}

func TestFriendsOfFriends(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, ctx context.Context, c *testCore) {
		m := c.Module()
		ids := map[string]uuid.UUID{}
		names := map[string]string{}
		for _, name := range []string{"ann", "ben", "cid", "dan", "eve", "fay", "gus"} {
			ids[name] = c.user(t, name)
			names[ids[name].String()] = name
		}
		for _, pair := range []string{"ann ben", "ann cid", "ann dan", "ben cid", "ben eve", "ben fay", "cid eve", "cid fay", "dan fay"} {
			a, b, _ := strings.Cut(pair, " ")
			for x, y := range map[string]string{a: b, b: a} {
				if err := m.FriendsAdd(ctx, ids[x].String(), x, nil, []string{y}, nil); err != nil {
					t.Fatal(err)
				}
			}
		}
		// An invitation does not count, neither here nor there.
		for x, y := range map[string]string{"ann": "eve", "ben": "gus"} {
			if err := m.FriendsAdd(ctx, ids[x].String(), x, nil, []string{y}, nil); err != nil {
				t.Fatal(err)
			}
		}
		want := []string{"ben eve", "ben fay", "cid eve", "cid fay", "dan fay"}
		slices.SortFunc(want, func(p, q string) int {
			key := func(pair string) string {
				a, b, _ := strings.Cut(pair, " ")
				return ids[a].String() + ids[b].String()
			}
			return strings.Compare(key(p), key(q))
		})
		for _, limit := range []int{1, 2, 3, 100} {
			got := pages(t, "friends of friends", limit, func(cursor string) (some []string, next string) {
				out, err := c.ListFriendsOfFriends(ctx, ids["ann"], &api.ListFriendsOfFriendsRequest{Limit: wrapperspb.Int32(int32(limit)), Cursor: cursor})
				if err != nil {
					t.Fatal(err)
				}
				for _, f := range out.FriendsOfFriends {
					some = append(some, names[f.Referrer]+" "+f.User.Username)
				}
				return some, out.Cursor
			})
			same(t, fmt.Sprint("by ", limit), got, want)
		}
		for what, in := range map[string]*api.ListFriendsOfFriendsRequest{"limit 0": {Limit: wrapperspb.Int32(0)}, "limit 101": {Limit: wrapperspb.Int32(101)}, "cursor": {Cursor: "noise"}} {
			_, err := c.ListFriendsOfFriends(ctx, ids["ann"], in)
			wantCode(t, what, err, fault.InvalidArgument)
		}
		list, next, err := m.FriendsOfFriendsList(ctx, ids["ann"].String(), 1000, "")
		if err != nil || len(list) != len(want) || next != "" {
			t.Errorf("module: %d, %q, %v", len(list), next, err)
		}
	})
}

// Everyone invites everyone at once: they end as friends, and all counts fit.
func TestFriendsAtOnce(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, ctx context.Context, c *testCore) {
		var users []uuid.UUID
		var texts []string
		for i := range 6 {
			users = append(users, c.user(t, fmt.Sprint("user", i)))
			texts = append(texts, users[i].String())
		}
		var wait sync.WaitGroup
		for i, user := range users {
			wait.Go(func() {
				others := slices.Delete(slices.Clone(texts), i, i+1)
				if err := c.AddFriends(ctx, user, &api.AddFriendsRequest{Ids: others}); err != nil {
					t.Error(err)
				}
			})
		}
		wait.Wait()
		for i, a := range users {
			for _, b := range users[i+1:] {
				c.friendship(t, "at the end", a, b, "0/0")
			}
		}
	})
}
