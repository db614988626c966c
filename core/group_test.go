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

// The table of the protocol: who in which state comes to which, n for none.
func TestGroupRules(t *testing.T) {
	t.Parallel()
	const states = "n32104"
	number := func(s byte) int {
		if s == 'n' {
			return groupNone
		}
		return int(s - '0')
	}
	for _, c := range []struct {
		name              string
		rule              memberRule
		rank, superadmins int
		want              string
	}{
		{"add by a superadmin", addRule, 0, 2, "222104"},
		{"add by an admin", addRule, 1, 2, "222104"},
		{"kick by a superadmin", kickRule, 0, 2, "nnnnnn"},
		{"kick with the last superadmin", kickRule, 0, 1, "nnnn0n"},
		{"kick by an admin", kickRule, 1, 2, "nnn10n"},
		{"ban by a superadmin", banRule, 0, 2, "n44444"},
		{"ban with the last superadmin", banRule, 0, 1, "n44404"},
		{"ban by an admin", banRule, 1, 2, "n44104"},
		{"promote by a superadmin", promoteRule, 0, 2, "n31004"},
		{"promote by an admin", promoteRule, 1, 2, "n31104"},
		{"demote by a superadmin", demoteRule, 0, 2, "n32214"},
		{"demote with the last superadmin", demoteRule, 0, 1, "n32204"},
		{"demote by an admin", demoteRule, 1, 2, "n32204"},
	} {
		for i := range states {
			if got, want := c.rule(c.rank, c.superadmins, number(states[i])), number(c.want[i]); got != want {
				t.Errorf("%s: state %c becomes %d, want %d", c.name, states[i], got, want)
			}
		}
	}
}

func TestGroupMembers(t *testing.T) {
	t.Parallel()
	everyone := []string{"boss", "two", "admin", "member", "asker", "banned", "stranger"}
	each(t, func(t *testing.T, ctx context.Context, c *testCore) {
		call := map[string]func(g *team, caller string, users ...string) error{
			"add": func(g *team, caller string, users ...string) error {
				return c.AddGroupUsers(ctx, g.users[caller], &api.AddGroupUsersRequest{GroupId: g.id.String(), UserIds: g.ids(users...)})
			},
			"kick": func(g *team, caller string, users ...string) error {
				return c.KickGroupUsers(ctx, g.users[caller], &api.KickGroupUsersRequest{GroupId: g.id.String(), UserIds: g.ids(users...)})
			},
			"ban": func(g *team, caller string, users ...string) error {
				return c.BanGroupUsers(ctx, g.users[caller], &api.BanGroupUsersRequest{GroupId: g.id.String(), UserIds: g.ids(users...)})
			},
			"promote": func(g *team, caller string, users ...string) error {
				return c.PromoteGroupUsers(ctx, g.users[caller], &api.PromoteGroupUsersRequest{GroupId: g.id.String(), UserIds: g.ids(users...)})
			},
			"demote": func(g *team, caller string, users ...string) error {
				return c.DemoteGroupUsers(ctx, g.users[caller], &api.DemoteGroupUsersRequest{GroupId: g.id.String(), UserIds: g.ids(users...)})
			},
		}
		for i, tc := range []struct {
			do, caller string
			want       string // the states after all users were treated
			said       string // messages on the channel
		}{
			{"add", "boss", "boss:0 two:0 admin:1 member:2 asker:2 stranger:2 banned:4", "4asker 4stranger"},
			{"add", "admin", "boss:0 two:0 admin:1 member:2 asker:2 stranger:2 banned:4", "4asker 4stranger"},
			{"kick", "boss", "boss:0", "6two 6admin 6member"},
			{"kick", "admin", "boss:0 two:0 admin:1", "6member"},
			{"ban", "boss", "boss:0 two:4 admin:4 member:4 asker:4 banned:4", "8two 8admin 8member"},
			{"ban", "admin", "boss:0 two:0 admin:1 member:4 asker:4 banned:4", "8member"},
			{"promote", "boss", "boss:0 two:0 admin:0 member:1 asker:3 banned:4", "7admin 7member"},
			{"promote", "admin", "boss:0 two:0 admin:1 member:1 asker:3 banned:4", "7member"},
			{"demote", "boss", "boss:0 two:1 admin:2 member:2 asker:3 banned:4", "9two 9admin"},
			{"demote", "admin", "boss:0 two:0 admin:1 member:2 asker:3 banned:4", ""},
		} {
			what := tc.do + " by " + tc.caller
			g := c.team(t, fmt.Sprint(i))
			before := len(g.said())
			if err := call[tc.do](g, tc.caller, append(everyone, everyone...)[:7]...); err != nil {
				t.Errorf("%s: %v", what, err)
			}
			if tc.do == "ban" { // positions are kept, so the order among the banned is that of joining
				got, want := g.states(), strings.Fields(tc.want)
				slices.Sort(want)
				same(t, what, got, want)
			} else {
				g.want(what, tc.want)
			}
			same(t, what+", said", g.said()[before:], strings.Fields(tc.said))
		}

		g := c.team(t, "refused")
		for name, do := range call {
			for _, caller := range []string{"member", "asker", "banned", "stranger"} {
				wantCode(t, name+" by "+caller, do(g, caller, "member"), fault.NotFound)
			}
			if name != "demote" {
				wantCode(t, name+" nobody", do(g, "boss"), fault.OK)
			}
		}
		wantCode(t, "demote nobody", call["demote"](g, "boss"), fault.InvalidArgument)
		for what, in := range map[string]*api.KickGroupUsersRequest{
			"no group": {UserIds: g.ids("member")}, "bad group": {GroupId: "x", UserIds: g.ids("member")},
			"bad user": {GroupId: g.id.String(), UserIds: []string{"x"}}, "nil user": {GroupId: g.id.String(), UserIds: []string{uuid.Nil.String()}},
		} {
			wantCode(t, what, c.KickGroupUsers(ctx, g.users["boss"], in), fault.InvalidArgument)
		}
		unknown := uuid.Must(uuid.NewV4()).String()
		wantCode(t, "unknown group", c.KickGroupUsers(ctx, g.users["boss"], &api.KickGroupUsersRequest{GroupId: unknown, UserIds: g.ids("member")}), fault.NotFound)
		wantCode(t, "kick an unknown user", c.KickGroupUsers(ctx, g.users["boss"], &api.KickGroupUsersRequest{GroupId: g.id.String(), UserIds: []string{unknown}}), fault.OK)
		wantCode(t, "add an unknown user", c.AddGroupUsers(ctx, g.users["boss"], &api.AddGroupUsersRequest{GroupId: g.id.String(), UserIds: append(g.ids("stranger"), unknown)}), fault.InvalidArgument)
		g.want("after refusals", "boss:0 two:0 admin:1 member:2 asker:3 banned:4")

		m := c.Module()
		if err := m.GroupUsersPromote(ctx, g.users["member"].String(), g.id.String(), g.ids("admin")); err != runtime.ErrGroupPermissionDenied {
			t.Errorf("module as a member: got %v", err)
		}
		if err := m.GroupUsersKick(ctx, "", unknown, g.ids("admin")); err != runtime.ErrGroupNotFound {
			t.Errorf("module, unknown group: got %v", err)
		}
		// As the server everyone can be touched but the last superadmin.
		if err := m.GroupUsersDemote(ctx, "", g.id.String(), g.ids("two", "boss", "two")); err != nil {
			t.Error(err)
		}
		g.want("demoted by the server", "boss:0 admin:1 two:2 member:2 asker:3 banned:4")
	})
}

func TestGroupJoinLeave(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, ctx context.Context, c *testCore) {
		g := c.team(t, "")
		m := c.Module()
		join := func(name string) error {
			return c.JoinGroup(ctx, g.users[name], &api.JoinGroupRequest{GroupId: g.id.String()})
		}
		leave := func(name string) error {
			return c.LeaveGroup(ctx, g.users[name], &api.LeaveGroupRequest{GroupId: g.id.String()})
		}
		boss, admin, member := c.connect(t, g.users["boss"], "boss"), c.connect(t, g.users["admin"], "admin"), c.connect(t, g.users["member"], "member")
		on := c.connect(t, g.users["member"], "member")
		if _, err := c.JoinChannel(ctx, on.speaker(), &rtapi.ChannelJoin{Target: g.id.String(), Type: 3}); err != nil {
			t.Fatal(err)
		}
		// Closed: a request, and the admins hear of it.
		if err := join("stranger"); err != nil {
			t.Fatal(err)
		}
		asked := []string{`-5 stranger: User stranger wants to join your group {"username":"stranger"}`}
		same(t, "boss", boss.notified(g.names), asked)
		same(t, "admin", admin.notified(g.names), asked)
		same(t, "member", member.notified(g.names), nil)
		for _, name := range []string{"boss", "member", "stranger", "banned"} {
			wantCode(t, "join again as "+name, join(name), fault.OK)
		}
		g.want("after joins", "boss:0 two:0 admin:1 member:2 asker:3 stranger:3 banned:4")
		wantCode(t, "take a request back", leave("stranger"), fault.OK)
		wantCode(t, "leave as nobody", leave("stranger"), fault.OK)
		wantCode(t, "leave as banned", leave("banned"), fault.OK)
		same(t, "told", on.heard(), []string{"5 stranger: {}"})

		if err := m.GroupUpdate(ctx, g.id.String(), "", "", "", "", "", "", true, nil, 0); err != nil {
			t.Fatal(err)
		}
		wantCode(t, "join the open group", join("stranger"), fault.OK)
		wantCode(t, "join the open group as asker", join("asker"), fault.OK)
		g.want("after it opened", "boss:0 two:0 admin:1 member:2 stranger:2 asker:3 banned:4")
		same(t, "told", on.heard(), []string{"3 stranger: {}"})

		// Full: said before anything else is looked at.
		most := 5
		if err := m.GroupChange(ctx, g.id.String(), "", GroupChange{MaxCount: &most}); err != nil {
			t.Fatal(err)
		}
		wantCode(t, "join a full group", join("asker"), fault.InvalidArgument)
		wantCode(t, "join a full group again", join("member"), fault.InvalidArgument)
		wantCode(t, "add to a full group", c.AddGroupUsers(ctx, g.users["boss"], &api.AddGroupUsersRequest{GroupId: g.id.String(), UserIds: g.ids("asker")}), fault.InvalidArgument)
		most = 4
		wantCode(t, "fewer than members", m.GroupChange(ctx, g.id.String(), "", GroupChange{MaxCount: &most}), fault.InvalidArgument)

		// Those who leave are off the channel.
		if err := leave("member"); err != nil {
			t.Fatal(err)
		}
		same(t, "told", on.heard(), []string{"5 member: {}"})
		if c.tracker.Get(on.id, groupChannel(g.id)) != nil {
			t.Error("who left is still on the channel")
		}
		wantCode(t, "one superadmin of two", leave("two"), fault.OK)
		wantCode(t, "the last superadmin", leave("boss"), fault.InvalidArgument)
		if err := m.GroupUserLeave(ctx, g.id.String(), g.users["boss"].String(), "boss"); err != runtime.ErrGroupLastSuperadmin {
			t.Errorf("the last superadmin by a module: %v", err)
		}
		wantCode(t, "admin", leave("admin"), fault.OK)
		wantCode(t, "stranger", leave("stranger"), fault.OK)
		g.want("at the end", "boss:0 asker:3 banned:4")
		wantCode(t, "the last member", leave("boss"), fault.OK)
		g.want("without members", "")
		wantCode(t, "leave what is gone", leave("boss"), fault.OK)
		wantCode(t, "join what is gone", join("boss"), fault.NotFound)
		wantCode(t, "bad id", c.JoinGroup(ctx, g.users["boss"], &api.JoinGroupRequest{GroupId: "x"}), fault.InvalidArgument)

		// An added user is told, by whom or by the server.
		g = c.team(t, "other")
		stranger, asker := c.connect(t, g.users["stranger"], "stranger"), c.connect(t, g.users["asker"], "asker")
		if err := c.AddGroupUsers(ctx, g.users["admin"], &api.AddGroupUsersRequest{GroupId: g.id.String(), UserIds: g.ids("stranger")}); err != nil {
			t.Fatal(err)
		}
		if err := m.GroupUsersAdd(ctx, "", g.id.String(), g.ids("asker")); err != nil {
			t.Fatal(err)
		}
		same(t, "added by an admin", stranger.notified(g.names), []string{`-4 admin: You've been added to group otherteam {"name":"otherteam"}`})
		same(t, "added by the server", asker.notified(g.names), []string{`-4 server: You've been added to group otherteam {"name":"otherteam"}`})
	})
}

func TestGroupKickLeavesChannel(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, ctx context.Context, c *testCore) {
		g := c.team(t, "")
		for do, user := range map[string]string{"kick": "member", "ban": "admin", "delete": "boss"} {
			s := c.connect(t, g.users[user], user)
			if _, err := c.JoinChannel(ctx, s.speaker(), &rtapi.ChannelJoin{Target: g.id.String(), Type: 3}); err != nil {
				t.Fatal(err)
			}
			switch do {
			case "kick":
				wantCode(t, do, c.Module().GroupUsersKick(ctx, "", g.id.String(), g.ids(user)), fault.OK)
			case "ban":
				wantCode(t, do, c.Module().GroupUsersBan(ctx, "", g.id.String(), g.ids(user)), fault.OK)
			case "delete":
				continue
			}
			if c.tracker.Get(s.id, groupChannel(g.id)) != nil {
				t.Errorf("after %s the user is still on the channel", do)
			}
			if _, err := c.JoinChannel(ctx, s.speaker(), &rtapi.ChannelJoin{Target: g.id.String(), Type: 3}); fault.CodeOf(err) != fault.InvalidArgument {
				t.Errorf("after %s the user comes back: %v", do, err)
			}
		}
		for name, code := range map[string]fault.Code{"member": fault.InvalidArgument, "stranger": fault.InvalidArgument} {
			wantCode(t, "delete by "+name, c.DeleteGroup(ctx, g.users[name], &api.DeleteGroupRequest{GroupId: g.id.String()}), code)
		}
		wantCode(t, "delete", c.DeleteGroup(ctx, g.users["boss"], &api.DeleteGroupRequest{GroupId: g.id.String()}), fault.OK)
		g.want("deleted", "")
		if n := c.tracker.Count(groupChannel(g.id)); n != 0 {
			t.Errorf("%d are still on the channel of a deleted group", n)
		}
		wantCode(t, "delete again", c.DeleteGroup(ctx, g.users["boss"], &api.DeleteGroupRequest{GroupId: g.id.String()}), fault.InvalidArgument)
		if err := c.Module().GroupDelete(ctx, g.id.String()); err != runtime.ErrGroupNotFound {
			t.Errorf("delete by a module again: %v", err)
		}
	})
}

func TestGroupCreateUpdate(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, ctx context.Context, c *testCore) {
		a, b := c.user(t, "a"), c.user(t, "b")
		m := c.Module()
		made, err := c.CreateGroup(ctx, a, &api.CreateGroupRequest{Name: "first"})
		if err != nil {
			t.Fatal(err)
		}
		if made.Open == nil || made.Open.Value || made.EdgeCount != 1 || made.MaxCount != 100 || made.LangTag != "en" || made.CreatorId != a.String() || made.Metadata != "{}" || made.CreateTime == nil {
			t.Errorf("made %v", made)
		}
		for what, in := range map[string]*api.CreateGroupRequest{"no name": {}, "size": {Name: "x", MaxCount: -1}} {
			_, err := c.CreateGroup(ctx, a, in)
			wantCode(t, what, err, fault.InvalidArgument)
		}
		_, err = c.CreateGroup(ctx, a, &api.CreateGroupRequest{Name: "first"})
		wantCode(t, "name taken", err, fault.AlreadyExists)
		_, err = c.CreateGroup(ctx, a, &api.CreateGroupRequest{Name: strings.Repeat("x", 256)})
		wantCode(t, "long name", err, fault.InvalidArgument)
		if _, err := m.GroupCreate(ctx, a.String(), "first", "", "", "", "", true, nil, 0); err != runtime.ErrGroupNameInUse {
			t.Errorf("name taken, module: %v", err)
		}
		second, err := m.GroupCreate(ctx, b.String(), "second", a.String(), "de", "what", "http://a", true, map[string]any{"k": 1}, 7)
		if err != nil {
			t.Fatal(err)
		}
		if !second.Open.Value || second.MaxCount != 7 || second.LangTag != "de" || second.CreatorId != a.String() || second.Metadata != `{"k": 1}` || second.Description != "what" || second.AvatarUrl != "http://a" {
			t.Errorf("made %v", second)
		}
		_, err = m.GroupCreate(ctx, uuid.Must(uuid.NewV4()).String(), "third", "", "", "", "", true, nil, 0)
		if err != runtime.ErrGroupCreatorInvalid {
			t.Errorf("unknown user: %v", err)
		}

		get := func() *api.Group {
			t.Helper()
			found, err := m.GroupsGetId(ctx, []string{made.Id})
			if err != nil || len(found) != 1 {
				t.Fatalf("got %v, %v", found, err)
			}
			return found[0]
		}
		str := wrapperspb.String
		update := func(user uuid.UUID, in *api.UpdateGroupRequest) error {
			if in.GroupId == "" {
				in.GroupId = made.Id
			}
			return c.UpdateGroup(ctx, user, in)
		}
		if err := update(a, &api.UpdateGroupRequest{Name: str("renamed"), Description: str("d"), AvatarUrl: str("u"), LangTag: str("fr"), Open: wrapperspb.Bool(true)}); err != nil {
			t.Fatal(err)
		}
		if g := get(); g.Name != "renamed" || g.Description != "d" || g.AvatarUrl != "u" || g.LangTag != "fr" || !g.Open.Value {
			t.Errorf("after an update: %v", g)
		}
		if err := update(a, &api.UpdateGroupRequest{Description: str(""), AvatarUrl: str("")}); err != nil {
			t.Fatal(err)
		}
		if g := get(); g.Description != "" || g.AvatarUrl != "" || g.Name != "renamed" {
			t.Errorf("after clearing: %v", g)
		}
		for what, in := range map[string]*api.UpdateGroupRequest{
			"nothing": {}, "name": {Name: str("")}, "language": {LangTag: str("")}, "bad id": {GroupId: "x", Name: str("x")}, "taken": {Name: str("second")},
		} {
			wantCode(t, what, update(a, in), fault.InvalidArgument)
		}
		wantCode(t, "not an admin", update(b, &api.UpdateGroupRequest{Name: str("x")}), fault.NotFound)
		wantCode(t, "unknown group", update(a, &api.UpdateGroupRequest{GroupId: uuid.Must(uuid.NewV4()).String(), Name: str("x")}), fault.NotFound)

		if err := m.GroupUpdate(ctx, made.Id, "", "", b.String(), "", "", "", false, map[string]any{"m": true}, 50); err != nil {
			t.Fatal(err)
		}
		if g := get(); g.Open.Value || g.CreatorId != b.String() || g.Metadata != `{"m": true}` || g.MaxCount != 50 || g.Name != "renamed" {
			t.Errorf("after a module's update: %v", g)
		}
		if err := m.GroupUpdate(ctx, made.Id, b.String(), "x", "", "", "", "", false, nil, 0); err != runtime.ErrGroupPermissionDenied {
			t.Errorf("module as no admin: %v", err)
		}
		if err := m.GroupChange(ctx, made.Id, "", GroupChange{}); err != runtime.ErrGroupNoUpdateOps {
			t.Errorf("module, nothing: %v", err)
		}
	})
}

// An account takes the groups with it that it alone led, and ends their
// channels.
func TestGroupEndsWithItsLeader(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, ctx context.Context, c *testCore) {
		g := c.team(t, "")
		s := c.connect(t, g.users["member"], "member")
		if _, err := c.JoinChannel(ctx, s.speaker(), &rtapi.ChannelJoin{Target: g.id.String(), Type: 3}); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"two", "boss"} {
			if c.tracker.Get(s.id, groupChannel(g.id)) == nil {
				t.Errorf("before %s goes the member is off the channel", name)
			}
			if err := c.DeleteAccount(ctx, g.users[name]); err != nil {
				t.Fatal(err)
			}
		}
		if c.tracker.Get(s.id, groupChannel(g.id)) != nil {
			t.Error("the member is still on the channel")
		}
		g.want("at the end", "")
	})
}

// Many join at once, and no more come in than fit.
func TestGroupJoinAtOnce(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, ctx context.Context, c *testCore) {
		made, err := c.CreateGroup(ctx, c.user(t, "boss"), &api.CreateGroupRequest{Name: "small", Open: true, MaxCount: 4})
		if err != nil {
			t.Fatal(err)
		}
		var wait sync.WaitGroup
		for i := range 10 {
			user := c.user(t, fmt.Sprint("user", i))
			wait.Go(func() {
				err := c.JoinGroup(ctx, user, &api.JoinGroupRequest{GroupId: made.Id})
				if code := fault.CodeOf(err); code != fault.OK && code != fault.InvalidArgument {
					t.Error(err)
				}
			})
		}
		wait.Wait()
		users, _, err := c.Module().GroupUsersList(ctx, made.Id, 100, nil, "")
		if err != nil || len(users) != 4 {
			t.Errorf("%d are in, %v; want 4", len(users), err)
		}
		if found, err := c.Module().GroupsGetId(ctx, []string{made.Id}); err != nil || found[0].EdgeCount != 4 {
			t.Errorf("the group says %v, %v; want 4", found, err)
		}
	})
}
