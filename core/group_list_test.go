package core

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/api"
	"github.com/heroiclabs/nakama-common/runtime"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"kumi/store/fault"
)

// pages reads a list to its end by pages of a size.
func pages(t testing.TB, what string, limit int, page func(cursor string) (some []string, next string)) (all []string) {
	t.Helper()
	cursor := ""
	for n := 0; ; n++ {
		some, next := page(cursor)
		if len(some) > limit || n > 100 {
			t.Fatalf("%s by %d: %d on page %d", what, limit, len(some), n)
		}
		all = append(all, some...)
		if cursor = next; cursor == "" {
			return all
		}
	}
}

func TestGroupList(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, ctx context.Context, c *testCore) {
		m := c.Module()
		boss := c.user(t, "boss")
		others := make([]string, 4)
		for i := range others {
			others[i] = c.user(t, fmt.Sprint("user", i)).String()
		}
		type one struct {
			lang    string
			open    bool
			members int
		}
		groups := map[string]one{
			"alpha": {"en", true, 3}, "beta": {"en", false, 1}, "gamma": {"de", true, 2}, "delta": {"de", false, 3},
			"alpine": {"de", true, 1}, "alps": {"en", true, 2}, "100%": {"fr", false, 4},
		}
		names := make([]string, 0, len(groups))
		for name := range groups {
			names = append(names, name)
		}
		slices.Sort(names)
		all := map[string]*api.Group{}
		for _, name := range names {
			g := groups[name]
			made, err := m.GroupCreate(ctx, boss.String(), name, "", g.lang, "", "", g.open, nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			if err := m.GroupUsersAdd(ctx, "", made.Id, others[:g.members-1]); err != nil {
				t.Fatal(err)
			}
			all[name] = made
		}
		yes, no, two := wrapperspb.Bool(true), wrapperspb.Bool(false), wrapperspb.Int32(2)
		// Equal numbers of members are ordered by ids, which are random.
		byMembers := func(descending bool, names ...string) string {
			slices.SortFunc(names, func(a, b string) int {
				d := groups[a].members - groups[b].members
				if d == 0 {
					d = strings.Compare(all[a].Id, all[b].Id)
				}
				if descending {
					d = -d
				}
				return d
			})
			return strings.Join(names, " ")
		}
		for what, tc := range map[string]struct {
			in   *api.ListGroupsRequest
			want string
		}{
			"all":               {&api.ListGroupsRequest{}, "100% alpha alpine alps beta delta gamma"}, // as they were made
			"open":              {&api.ListGroupsRequest{Open: yes}, "alpha alpine alps gamma"},
			"closed":            {&api.ListGroupsRequest{Open: no}, "100% beta delta"},
			"name":              {&api.ListGroupsRequest{Name: "ALP%"}, "alpha alpine alps"},
			"name exactly":      {&api.ListGroupsRequest{Name: "alps"}, "alps"},
			"name anywhere":     {&api.ListGroupsRequest{Name: "%% ta"}, ""},
			"name of one wild":  {&api.ListGroupsRequest{Name: "alp_"}, "alps"},
			"name with escape":  {&api.ListGroupsRequest{Name: `100\%`}, "100%"},
			"name, bad escape":  {&api.ListGroupsRequest{Name: `100\`}, ""},
			"language":          {&api.ListGroupsRequest{LangTag: "de"}, byMembers(false, "alpine", "gamma", "delta")},
			"members":           {&api.ListGroupsRequest{Members: two}, "gamma alps beta alpine"}, // then by time, newest first
			"language, open":    {&api.ListGroupsRequest{LangTag: "en", Open: yes}, byMembers(true, "alpha", "alps")},
			"language, members": {&api.ListGroupsRequest{LangTag: "de", Members: two}, byMembers(true, "alpine", "gamma")},
			"open, members":     {&api.ListGroupsRequest{Open: yes, Members: two}, byMembers(true, "alpine", "alps", "gamma")},
			"all three":         {&api.ListGroupsRequest{LangTag: "de", Open: yes, Members: two}, byMembers(true, "alpine", "gamma")},
		} {
			for _, limit := range []int{1, 2, 100} {
				got := pages(t, what, limit, func(cursor string) (some []string, next string) {
					tc.in.Limit, tc.in.Cursor = wrapperspb.Int32(int32(limit)), cursor
					out, err := c.ListGroups(ctx, boss, tc.in)
					if err != nil {
						t.Fatalf("%s: %v", what, err)
					}
					for _, g := range out.Groups {
						some = append(some, g.Name)
					}
					return some, out.Cursor
				})
				if text := strings.Join(got, " "); text != tc.want {
					t.Errorf("%s by %d:\n got %s\nwant %s", what, limit, text, tc.want)
				}
			}
		}
		if out, err := c.ListGroups(ctx, boss, &api.ListGroupsRequest{}); err != nil || len(out.Groups) != 1 || out.Cursor == "" {
			t.Errorf("without a limit: got %v, %v; want one", out, err)
		}
		for what, in := range map[string]*api.ListGroupsRequest{
			"limit 0": {Limit: wrapperspb.Int32(0)}, "limit 101": {Limit: wrapperspb.Int32(101)},
			"name and language": {Name: "x", LangTag: "en"}, "name and open": {Name: "x", Open: no}, "name and members": {Name: "x", Members: two},
		} {
			_, err := c.ListGroups(ctx, boss, in)
			wantCode(t, what, err, fault.InvalidArgument)
		}
		_, err := c.ListGroups(ctx, boss, &api.ListGroupsRequest{Cursor: "noise"})
		wantCode(t, "bad cursor", err, fault.InvalidArgument)

		if some, err := m.GroupsGetRandom(ctx, 5); err != nil || len(some) != 5 {
			t.Errorf("5 random groups: got %d, %v", len(some), err)
		}
		if some, err := m.GroupsGetRandom(ctx, 1000); err != nil || len(some) != len(groups) {
			t.Errorf("all in random order: got %d, %v", len(some), err)
		}
		_, err = m.GroupsGetRandom(ctx, 1001)
		wantCode(t, "too many", err, fault.InvalidArgument)
	})
}

func TestGroupEdges(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, ctx context.Context, c *testCore) {
		g := c.team(t, "")
		boss := g.users["boss"]
		m := c.Module()
		for what, tc := range map[string]struct {
			state *wrapperspb.Int32Value
			want  string
		}{
			"all":     {nil, "boss:0 two:0 admin:1 member:2 asker:3"},
			"superes": {wrapperspb.Int32(0), "boss:0 two:0"},
			"banned":  {wrapperspb.Int32(4), "banned:4"},
		} {
			for _, limit := range []int{1, 2, 100} {
				got := pages(t, what, limit, func(cursor string) (some []string, next string) {
					out, err := c.ListGroupUsers(ctx, boss, &api.ListGroupUsersRequest{GroupId: g.id.String(), State: tc.state, Limit: wrapperspb.Int32(int32(limit)), Cursor: cursor})
					if err != nil {
						t.Fatal(err)
					}
					for _, u := range out.GroupUsers {
						some = append(some, fmt.Sprintf("%s:%d", g.names[uuid.FromStringOrNil(u.User.Id)], u.State.Value))
					}
					return some, out.Cursor
				})
				if text := strings.Join(got, " "); text != tc.want {
					t.Errorf("%s by %d:\n got %s\nwant %s", what, limit, text, tc.want)
				}
			}
		}
		first, err := c.ListGroupUsers(ctx, boss, &api.ListGroupUsersRequest{GroupId: g.id.String(), Limit: wrapperspb.Int32(2)})
		if err != nil {
			t.Fatal(err)
		}
		for what, in := range map[string]*api.ListGroupUsersRequest{
			"group": {GroupId: "x"}, "limit 0": {Limit: wrapperspb.Int32(0)}, "limit 101": {Limit: wrapperspb.Int32(101)},
			"state 5": {State: wrapperspb.Int32(5)}, "state -1": {State: wrapperspb.Int32(-1)}, "noise": {Cursor: "noise"},
			"cursor of other states": {State: wrapperspb.Int32(2), Cursor: first.Cursor},
		} {
			if in.GroupId == "" {
				in.GroupId = g.id.String()
			}
			_, err := c.ListGroupUsers(ctx, boss, in)
			wantCode(t, what, err, fault.InvalidArgument)
		}
		if _, _, err := m.GroupUsersList(ctx, g.id.String(), 1, nil, "noise"); err != runtime.ErrGroupUserInvalidCursor {
			t.Errorf("module, bad cursor: %v", err)
		}

		// What a user is in: its ban does not show.
		if _, err := c.CreateGroup(ctx, g.users["member"], &api.CreateGroupRequest{Name: "own"}); err != nil {
			t.Fatal(err)
		}
		for name, want := range map[string]string{"member": "own:0 team:2", "asker": "team:3", "banned": "", "stranger": ""} {
			got := pages(t, name, 1, func(cursor string) (some []string, next string) {
				out, err := c.ListUserGroups(ctx, boss, &api.ListUserGroupsRequest{UserId: g.users[name].String(), Limit: wrapperspb.Int32(1), Cursor: cursor})
				if err != nil {
					t.Fatal(err)
				}
				for _, u := range out.UserGroups {
					some = append(some, fmt.Sprintf("%s:%d", u.Group.Name, u.State.Value))
				}
				return some, out.Cursor
			})
			if text := strings.Join(got, " "); text != want {
				t.Errorf("groups of %s: got %s, want %s", name, text, want)
			}
		}
		two := 2
		if list, _, err := m.UserGroupsList(ctx, g.users["member"].String(), 10, &two, ""); err != nil || len(list) != 1 {
			t.Errorf("groups of member in state 2: %v, %v", list, err)
		}
		_, err = c.ListUserGroups(ctx, boss, &api.ListUserGroupsRequest{UserId: "x"})
		wantCode(t, "bad user", err, fault.InvalidArgument)
		if _, _, err := m.UserGroupsList(ctx, boss.String(), 1, nil, first.Cursor); err != runtime.ErrUserGroupInvalidCursor {
			t.Errorf("cursor of another list: %v", err)
		}
	})
}
