package core

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/api"
	"github.com/heroiclabs/nakama-common/rtapi"
	"github.com/heroiclabs/nakama-common/runtime"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"kumi/presence"
	"kumi/store/fault"
)

func (s *socket) speaker() Speaker { return Speaker{Session: s.id, User: s.user, Username: s.name} }

// heard takes the messages that arrived, as "code name: content".
func (s *socket) heard() (all []string) {
	s.envelopes(func(e *rtapi.Envelope) bool {
		m := e.GetChannelMessage()
		if m != nil {
			all = append(all, fmt.Sprintf("%d %s: %s", m.GetCode().GetValue(), m.Username, m.Content))
		}
		return m != nil
	})
	return all
}

// history is what a channel has stored, oldest first.
func (c *testCore) history(t testing.TB, channelID string) (all []string) {
	t.Helper()
	list, _, _, err := c.Module().ChannelMessagesList(t.Context(), channelID, 100, true, "")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range list {
		all = append(all, fmt.Sprintf("%d %s: %s", m.GetCode().GetValue(), m.Username, m.Content))
	}
	return all
}

func TestParseChannelID(t *testing.T) {
	t.Parallel()
	const a, b = "00000000-0000-4000-8000-00000000000a", "00000000-0000-4000-8000-00000000000b"
	for _, id := range []string{"2...lobby", "2...a.b.c", "2..." + strings.Repeat("x", 64), "3." + a + "..", "4." + a + "." + b + "."} {
		s, err := ParseChannelID(id)
		if err != nil {
			t.Errorf("%q: %v", id, err)
		} else if got := s.ChannelID(); got != id {
			t.Errorf("%q comes back as %q", id, got)
		}
	}
	for _, id := range []string{
		"", "2", "2..", "2...", "2..." + strings.Repeat("x", 65), "2...a\nb", "2...a\xff", "2." + a + "..x", "2.." + a + ".x",
		"3...", "3." + a + "." + b + ".", "3." + a + "..x", "3.x..", "4." + a + "..", "4.." + a + ".", "4." + a + "." + b + ".x",
		"1." + a + "..", "5." + a + "..", "x...", "-2...a", "258...a",
	} {
		if s, err := ParseChannelID(id); !errors.Is(err, runtime.ErrChannelIDInvalid) {
			t.Errorf("%q: got %v, %v; want an invalid id", id, s, err)
		}
	}
}

func FuzzParseChannelID(f *testing.F) {
	f.Add("2...lobby")
	f.Add("4.00000000-0000-4000-8000-00000000000a.00000000-0000-4000-8000-00000000000b.")
	f.Fuzz(func(t *testing.T, id string) {
		s, err := ParseChannelID(id)
		if err != nil {
			return
		}
		if again, err := ParseChannelID(s.ChannelID()); err != nil || again != s {
			t.Fatalf("%q is %v, whose id %q gives %v, %v", id, s, s.ChannelID(), again, err)
		}
	})
}

func TestChannelJoin(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, ctx context.Context, c *testCore) {
		a, b := c.user(t, "a"), c.user(t, "b")
		names := map[uuid.UUID]string{a: "a", b: "b"}
		sa, sb := c.connect(t, a, "a"), c.connect(t, b, "b")
		join := func(s *socket, target string, kind rtapi.ChannelJoin_Type) (*rtapi.Channel, error) {
			return c.JoinChannel(ctx, s.speaker(), &rtapi.ChannelJoin{Target: target, Type: int32(kind)})
		}
		others := func(ch *rtapi.Channel) (names []string) {
			for _, p := range ch.GetPresences() {
				names = append(names, p.Username)
			}
			return names
		}

		first, err := join(sa, "lobby", 0)
		if err != nil || first.Id != "2...lobby" || first.RoomName != "lobby" || !first.Self.Persistence || len(first.Presences) != 0 {
			t.Errorf("first join: got %v, %v", first, err)
		}
		second, err := join(sb, "lobby", rtapi.ChannelJoin_ROOM)
		same(t, fmt.Sprint("second join ", err), others(second), []string{"a"})
		again, err := join(sb, "lobby", rtapi.ChannelJoin_ROOM)
		same(t, fmt.Sprint("join again ", err), others(again), []string{"a", "b"})
		hidden := c.connect(t, a, "a")
		if _, err := c.JoinChannel(ctx, hidden.speaker(), &rtapi.ChannelJoin{Target: "lobby", Hidden: wrapperspb.Bool(true)}); err != nil {
			t.Fatal(err)
		}
		again, _ = join(sa, "lobby", 0)
		same(t, "with a hidden one", others(again), []string{"a", "b"})

		// The other is told of a direct message unless it is there.
		direct, err := join(sa, b.String(), rtapi.ChannelJoin_DIRECT_MESSAGE)
		if err != nil || direct.Id != directChannel(a, b).ChannelID() || direct.UserIdOne >= direct.UserIdTwo {
			t.Errorf("direct: got %v, %v", direct, err)
		}
		invitation := []string{`-1 a: a wants to chat {"username":"a"}`}
		same(t, "invitation", sb.notified(names), invitation)
		if _, err := join(sa, b.String(), rtapi.ChannelJoin_DIRECT_MESSAGE); err != nil {
			t.Fatal(err)
		}
		if _, err := join(sb, a.String(), rtapi.ChannelJoin_DIRECT_MESSAGE); err != nil {
			t.Fatal(err)
		}
		same(t, "no further invitation", append(sa.notified(names), sb.notified(names)...), nil)
		if _, err := join(sa, a.String(), rtapi.ChannelJoin_DIRECT_MESSAGE); err != nil {
			t.Errorf("to oneself: %v", err)
		}
		same(t, "to oneself", sa.notified(names), nil)

		for what, j := range map[string]*rtapi.ChannelJoin{
			"no target":     {},
			"long name":     {Target: strings.Repeat("x", 65)},
			"control":       {Target: "a\tb"},
			"type":          {Target: "x", Type: 4},
			"negative type": {Target: "x", Type: -1},
			"no such user":  {Target: uuid.Must(uuid.NewV4()).String(), Type: 2},
			"nil user":      {Target: uuid.Nil.String(), Type: 2},
			"no user id":    {Target: "x", Type: 2},
			"no such group": {Target: uuid.Must(uuid.NewV4()).String(), Type: 3},
			"no group id":   {Target: "x", Type: 3},
		} {
			_, err := c.JoinChannel(ctx, sa.speaker(), j)
			wantCode(t, what, err, fault.InvalidArgument)
		}
		if _, err := c.db.Exec(ctx, "INSERT INTO user_edge (source_id, position, destination_id, state) VALUES ($1, 1, $2, 3)", b, a); err != nil {
			t.Fatal(err)
		}
		_, err = join(sa, b.String(), rtapi.ChannelJoin_DIRECT_MESSAGE)
		wantCode(t, "blocked", err, fault.InvalidArgument)

		for state, want := range map[int]fault.Code{0: fault.OK, 1: fault.OK, 2: fault.OK, 3: fault.InvalidArgument, 4: fault.InvalidArgument} {
			group := uuid.Must(uuid.NewV4())
			if _, err := c.db.Exec(ctx, "INSERT INTO group_edge (source_id, position, destination_id, state) VALUES ($1, 1, $2, $3)", group, a, state); err != nil {
				t.Fatal(err)
			}
			ch, err := join(sa, group.String(), rtapi.ChannelJoin_GROUP)
			wantCode(t, fmt.Sprint("group in state ", state), err, want)
			if err == nil && (ch.Id != "3."+group.String()+".." || ch.GroupId != group.String()) {
				t.Errorf("group channel: got %v", ch)
			}
		}

		wantCode(t, "leave", c.LeaveChannel(sb.speaker(), "2...lobby"), fault.OK)
		wantCode(t, "leave again", c.LeaveChannel(sb.speaker(), "2...lobby"), fault.OK)
		wantCode(t, "leave nothing", c.LeaveChannel(sb.speaker(), "lobby"), fault.InvalidArgument)
		if c.tracker.Get(sb.id, presence.Stream{Mode: presence.ModeRoom, Label: "lobby"}) != nil {
			t.Error("b is still in the lobby")
		}
	})
}

// A member who is put out of the group while it joins the channel does not stay
// on it.
func TestChannelJoinAsMembershipEnds(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, ctx context.Context, c *testCore) {
		a := c.user(t, "a")
		s := c.connect(t, a, "a")
		group := uuid.Must(uuid.NewV4())
		if _, err := c.db.Exec(ctx, "INSERT INTO group_edge (source_id, position, destination_id, state) VALUES ($1, 1, $2, 2)", group, a); err != nil {
			t.Fatal(err)
		}
		c.tracker.Listen(presence.ModeGroup, func(_ presence.Stream, join, _ *presence.Presence) {
			if join != nil {
				if _, err := c.db.Exec(ctx, "DELETE FROM group_edge WHERE source_id = $1", group); err != nil {
					t.Error(err)
				}
			}
		})
		_, err := c.JoinChannel(ctx, s.speaker(), &rtapi.ChannelJoin{Target: group.String(), Type: 3})
		wantCode(t, "join", err, fault.InvalidArgument)
		if c.tracker.Get(s.id, groupChannel(group)) != nil {
			t.Error("the session is on the channel")
		}
	})
}

func TestChannelMessages(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, ctx context.Context, c *testCore) {
		a, b := c.user(t, "a"), c.user(t, "b")
		sa, sb, away := c.connect(t, a, "a"), c.connect(t, b, "b"), c.connect(t, a, "a")
		const lobby, other = "2...lobby", "2...other"
		for _, s := range []*socket{sa, sb} {
			for _, room := range []string{"lobby", "other"} {
				if _, err := c.JoinChannel(ctx, s.speaker(), &rtapi.ChannelJoin{Target: room}); err != nil {
					t.Fatal(err)
				}
			}
		}
		send := func(s *socket, channel, content string) (*rtapi.ChannelMessageAck, error) {
			return c.SendToChannel(ctx, s.speaker(), &rtapi.ChannelMessageSend{ChannelId: channel, Content: content})
		}
		ack, err := send(sa, lobby, `{"z":1,"a":2}`)
		if err != nil || ack.ChannelId != lobby || ack.RoomName != "lobby" || ack.Username != "a" || ack.GetCode() == nil || !ack.Persistent.GetValue() || ack.MessageId == "" {
			t.Fatalf("ack: got %v, %v", ack, err)
		}
		told := []string{`0 a: {"z":1,"a":2}`}
		same(t, "to others", sb.heard(), told)
		same(t, "to the sender", sa.heard(), told)
		same(t, "stored", c.history(t, lobby), []string{`0 a: {"a": 2, "z": 1}`})

		for what, content := range map[string]string{"none": "", "text": `"x"`, "list": `[1]`, "broken": `{"a":`, "two": `{}{}`} {
			_, err := send(sa, lobby, content)
			wantCode(t, what, err, fault.InvalidArgument)
		}
		_, err = send(away, lobby, `{}`)
		wantCode(t, "not joined", err, fault.InvalidArgument)
		_, err = send(sa, "lobby", `{}`)
		wantCode(t, "bad channel", err, fault.InvalidArgument)
		_, err = send(sa, lobby, `{"a":"\u0000"}`)
		wantCode(t, "zero byte", err, fault.InvalidArgument)
		same(t, "of refused ones", sb.heard(), nil)

		update := func(s *socket, channel, id, content string) error {
			_, err := c.UpdateOnChannel(ctx, s.speaker(), &rtapi.ChannelMessageUpdate{ChannelId: channel, MessageId: id, Content: content})
			return err
		}
		remove := func(s *socket, channel, id string) error {
			_, err := c.RemoveFromChannel(ctx, s.speaker(), &rtapi.ChannelMessageRemove{ChannelId: channel, MessageId: id})
			return err
		}
		wantCode(t, "another's", update(sb, lobby, ack.MessageId, `{}`), fault.NotFound)
		wantCode(t, "another's", remove(sb, lobby, ack.MessageId), fault.NotFound)
		wantCode(t, "on another channel", update(sa, other, ack.MessageId, `{}`), fault.NotFound)
		wantCode(t, "on another channel", remove(sa, other, ack.MessageId), fault.NotFound)
		wantCode(t, "bad id", update(sa, lobby, "x", `{}`), fault.InvalidArgument)
		wantCode(t, "bad content", update(sa, lobby, ack.MessageId, `[]`), fault.InvalidArgument)
		wantCode(t, "not joined", update(away, lobby, ack.MessageId, `{}`), fault.InvalidArgument)
		same(t, "of refused ones", sb.heard(), nil)
		c.clock.Add(time.Second)
		if err := update(sa, lobby, ack.MessageId, `{"new":1}`); err != nil {
			t.Fatal(err)
		}
		same(t, "of the update", sb.heard(), []string{`1 a: {"new":1}`})
		same(t, "after the update", c.history(t, lobby), []string{`0 a: {"new": 1}`})
		if err := remove(sa, lobby, ack.MessageId); err != nil {
			t.Fatal(err)
		}
		same(t, "of the removal", sb.heard(), []string{`2 a: {}`})
		same(t, "after the removal", c.history(t, lobby), nil)

		// Without persistence nothing is stored, and all is told.
		if _, err := c.JoinChannel(ctx, away.speaker(), &rtapi.ChannelJoin{Target: "lobby", Persistence: wrapperspb.Bool(false)}); err != nil {
			t.Fatal(err)
		}
		ack, err = send(away, lobby, `{}`)
		if err != nil || ack.Persistent.GetValue() || ack.Persistent == nil {
			t.Errorf("transient: got %v, %v", ack, err)
		}
		if err := errors.Join(update(away, lobby, ack.MessageId, `{"u":1}`), remove(away, lobby, ack.MessageId)); err != nil {
			t.Error(err)
		}
		same(t, "of transient ones", sb.heard(), []string{`0 a: {}`, `1 a: {"u":1}`, `2 a: {}`})
		same(t, "stored of transient ones", c.history(t, lobby), nil)
	})
}

func TestChannelHistory(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, ctx context.Context, c *testCore) {
		a, b, other := c.user(t, "a"), c.user(t, "b"), c.user(t, "other")
		m := c.Module()
		const lobby = "2...lobby"
		var want []string
		send := func() {
			c.clock.Add(time.Second)
			text := fmt.Sprintf(`{"n": %d}`, len(want))
			if _, err := m.ChannelMessageSend(ctx, lobby, map[string]any{"n": len(want)}, a.String(), "a", true); err != nil {
				t.Fatal(err)
			}
			want = append(want, text)
		}
		list := func(in *api.ListChannelMessagesRequest) (out *api.ChannelMessageList, contents []string) {
			t.Helper()
			in.ChannelId = lobby
			out, err := c.ListChannelMessages(ctx, b, in)
			if err != nil {
				t.Fatal(err)
			}
			for _, msg := range out.Messages {
				contents = append(contents, msg.Content)
			}
			return out, contents
		}
		if out, got := list(&api.ListChannelMessagesRequest{}); len(got) > 0 || out.CacheableCursor != "" || out.NextCursor != "" || out.PrevCursor != "" {
			t.Errorf("without messages: got %v", out)
		}
		for range 7 {
			send()
		}
		for _, forward := range []bool{true, false} {
			in := func(limit int32, cursor string) *api.ListChannelMessagesRequest {
				return &api.ListChannelMessagesRequest{Limit: wrapperspb.Int32(limit), Forward: wrapperspb.Bool(forward), Cursor: cursor}
			}
			ordered := slices.Clone(want)
			if !forward {
				slices.Reverse(ordered)
			}
			for _, limit := range []int32{1, 2, 3, 7, 100} {
				var pages [][]string
				var got []string
				cursor, back := "", ""
				for {
					out, some := list(in(limit, cursor))
					if (out.PrevCursor != "") != (cursor != "") {
						t.Errorf("forward %v, page %d: previous cursor %q", forward, len(pages), out.PrevCursor)
					}
					pages, got, back = append(pages, some), append(got, some...), out.PrevCursor
					if cursor = out.NextCursor; cursor == "" {
						break
					}
				}
				same(t, fmt.Sprint("forward ", forward, " by ", limit), got, ordered)
				for i := len(pages) - 2; i >= 0; i-- {
					out, some := list(in(limit, back))
					same(t, fmt.Sprint("forward ", forward, " by ", limit, " back to page ", i), some, pages[i])
					if _, next := list(in(limit, out.NextCursor)); !slices.Equal(next, pages[i+1]) {
						t.Errorf("on again from page %d: got %q, want %q", i, next, pages[i+1])
					}
					if (out.PrevCursor != "") != (i > 0) {
						t.Errorf("back on page %d: previous cursor %q", i, out.PrevCursor)
					}
					back = out.PrevCursor
				}
			}
		}
		// Both ways of polling for what is new.
		out, _ := list(&api.ListChannelMessagesRequest{Limit: wrapperspb.Int32(100)})
		kept := out.CacheableCursor
		if out, got := list(&api.ListChannelMessagesRequest{Cursor: kept}); len(got) > 0 || out.CacheableCursor != kept {
			t.Errorf("nothing new: got %v", out)
		}
		send()
		_, got := list(&api.ListChannelMessagesRequest{Cursor: kept, Limit: wrapperspb.Int32(10)})
		same(t, "what is new", got, want[7:])

		for what, in := range map[string]*api.ListChannelMessagesRequest{
			"limit 0": {Limit: wrapperspb.Int32(0)}, "limit 101": {Limit: wrapperspb.Int32(101)}, "channel": {ChannelId: "lobby"},
			"noise": {Cursor: "noise"}, "other direction": {Cursor: kept, Forward: wrapperspb.Bool(false)},
			"other channel": {Cursor: kept, ChannelId: "2...other"}, "not a member": {ChannelId: groupChannel(a).ChannelID()},
			"another's direct": {ChannelId: directChannel(a, other).ChannelID()},
		} {
			if in.ChannelId == "" {
				in.ChannelId = lobby
			}
			_, err := c.ListChannelMessages(ctx, b, in)
			wantCode(t, what, err, fault.InvalidArgument)
		}
		_, err := c.ListChannelMessages(ctx, b, &api.ListChannelMessagesRequest{ChannelId: directChannel(a, b).ChannelID()})
		wantCode(t, "own direct", err, fault.OK)
	})
}

func TestChannelModule(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, ctx context.Context, c *testCore) {
		a, b := c.user(t, "a"), c.user(t, "b")
		m := c.Module()
		on := c.connect(t, b, "b")
		if _, err := c.JoinChannel(ctx, on.speaker(), &rtapi.ChannelJoin{Target: "lobby"}); err != nil {
			t.Fatal(err)
		}
		for _, tc := range []struct {
			sender, target string
			kind           runtime.ChannelType
			want           string
			err            error
		}{
			{"", "lobby", runtime.Room, "2...lobby", nil},
			{a.String(), "lobby", runtime.Room, "2...lobby", nil},
			{a.String(), b.String(), runtime.DirectMessage, directChannel(a, b).ChannelID(), nil},
			{b.String(), a.String(), runtime.DirectMessage, directChannel(a, b).ChannelID(), nil},
			{"", a.String(), runtime.Group, groupChannel(a).ChannelID(), nil},
			{a.String(), b.String(), runtime.Group, "", runtime.ErrChannelGroupNotFound},
			{"", b.String(), runtime.DirectMessage, "", runtime.ErrInvalidChannelTarget},
			{"", "", runtime.Room, "", runtime.ErrInvalidChannelTarget},
			{"", "lobby", 0, "", runtime.ErrInvalidChannelType},
			{"", "lobby", 4, "", runtime.ErrInvalidChannelType},
		} {
			if got, err := m.ChannelIdBuild(ctx, tc.sender, tc.target, tc.kind); got != tc.want || err != tc.err {
				t.Errorf("build %q %q %d: got %q, %v; want %q, %v", tc.sender, tc.target, tc.kind, got, err, tc.want, tc.err)
			}
		}
		ack, err := m.ChannelMessageSend(ctx, "2...lobby", map[string]any{"a": 1}, "", "server", true)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := m.ChannelMessageUpdate(ctx, "2...lobby", ack.MessageId, nil, "", "server", true); err != nil {
			t.Error(err)
		}
		same(t, "stored", c.history(t, "2...lobby"), []string{`0 server: {}`})
		_, err = m.ChannelMessageRemove(ctx, "2...lobby", ack.MessageId, a.String(), "a", true)
		wantCode(t, "of another", err, fault.NotFound)
		if _, err := m.ChannelMessageRemove(ctx, "2...lobby", ack.MessageId, "", "server", true); err != nil {
			t.Error(err)
		}
		same(t, "told", on.heard(), []string{`0 server: {"a":1}`, `1 server: {}`, `2 server: {}`})
		if _, err := m.ChannelMessageSend(ctx, "lobby", nil, "", "", false); err != runtime.ErrChannelIDInvalid {
			t.Errorf("bad channel: got %v", err)
		}
		_, err = m.ChannelMessageUpdate(ctx, "2...lobby", "", nil, "", "", false)
		wantCode(t, "no message", err, fault.InvalidArgument)
		_, err = m.ChannelMessageSend(ctx, "2...lobby", nil, uuid.Must(uuid.NewV4()).String(), "nobody", true)
		wantCode(t, "unknown sender", err, fault.InvalidArgument)
		if _, _, _, err := m.ChannelMessagesList(ctx, "2...lobby", 10, true, "x"); err != runtime.ErrChannelCursorInvalid {
			t.Errorf("bad cursor: got %v", err)
		}
	})
}
