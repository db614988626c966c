package core

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/api"
)

// team is a group with a user in every state, by name: boss 0, admin 1, member
// 2, asker 3, banned 4, and stranger without any. two is another superadmin.
type team struct {
	*testCore
	t     *testing.T
	id    uuid.UUID
	users map[string]uuid.UUID
	names map[uuid.UUID]string
}

func (c *testCore) team(t *testing.T, prefix string) *team {
	t.Helper()
	g := &team{testCore: c, t: t, users: map[string]uuid.UUID{}, names: map[uuid.UUID]string{uuid.Nil: "server"}}
	for _, name := range []string{"boss", "two", "admin", "member", "asker", "banned", "stranger"} {
		g.users[name] = c.user(t, prefix+name)
		g.names[g.users[name]] = name
	}
	made, err := c.CreateGroup(t.Context(), g.users["boss"], &api.CreateGroupRequest{Name: prefix + "team", Open: true, MaxCount: 20})
	if err != nil {
		t.Fatal(err)
	}
	g.id = uuid.FromStringOrNil(made.Id)
	m := c.Module()
	must := func(err error) {
		t.Helper()
		c.clock.Add(time.Second)
		if err != nil {
			t.Fatal(err)
		}
	}
	must(m.GroupUsersAdd(t.Context(), "", made.Id, g.ids("two", "admin", "member", "banned")))
	must(m.GroupUsersPromote(t.Context(), "", made.Id, g.ids("two", "admin", "two")))
	must(m.GroupUsersBan(t.Context(), "", made.Id, g.ids("banned")))
	must(m.GroupUpdate(t.Context(), made.Id, "", "", "", "", "", "", false, nil, 0))
	must(c.JoinGroup(t.Context(), g.users["asker"], &api.JoinGroupRequest{GroupId: made.Id}))
	g.want("at first", "boss:0 two:0 admin:1 member:2 asker:3 banned:4")
	return g
}

func (g *team) ids(names ...string) []string {
	ids := make([]string, len(names))
	for i, name := range names {
		ids[i] = g.users[name].String()
	}
	return ids
}

// want checks the states in the group, and that everything else agrees with
// them.
func (g *team) want(what, want string) {
	g.t.Helper()
	ctx := g.t.Context()
	rows, err := g.db.Reader().QueryContext(ctx, `SELECT e.destination_id, e.state, e.position,
		(SELECT o.state FROM group_edge o WHERE o.source_id = e.destination_id AND o.destination_id = e.source_id AND o.position = e.position)
		FROM group_edge e WHERE e.source_id = $1 ORDER BY e.state, e.position`, g.id)
	if err != nil {
		g.t.Fatal(err)
	}
	defer rows.Close()
	var got []string
	members := 0
	for rows.Next() {
		var user uuid.UUID
		var state int
		var position int64
		var back *int
		if err := rows.Scan(&user, &state, &position, &back); err != nil {
			g.t.Fatal(err)
		}
		got = append(got, fmt.Sprintf("%s:%d", g.names[user], state))
		if isMember(state) {
			members++
		}
		switch {
		case state == groupBanned && back != nil:
			g.t.Errorf("%s: the ban of %s has an edge of the user's", what, g.names[user])
		case state != groupBanned && (back == nil || *back != state):
			g.t.Errorf("%s: %s has state %d in the group, the other way %v", what, g.names[user], state, back)
		}
	}
	if text := strings.Join(got, " "); text != want {
		g.t.Errorf("%s:\n got %s\nwant %s", what, text, want)
	}
	found, err := g.Module().GroupsGetId(ctx, []string{g.id.String()})
	if err != nil || len(found) == 1 && int(found[0].EdgeCount) != members || len(found) == 0 && members > 0 {
		g.t.Errorf("%s: %d members, but the group says %v, %v", what, members, found, err)
	}
}

// said lists the messages on the group's channel as code and name.
func (g *team) said() (all []string) {
	g.t.Helper()
	list, _, _, err := g.Module().ChannelMessagesList(g.t.Context(), groupChannel(g.id).ChannelID(), 100, true, "")
	if err != nil {
		g.t.Fatal(err)
	}
	for _, m := range list {
		all = append(all, fmt.Sprintf("%d%s", m.Code.Value, g.names[uuid.FromStringOrNil(m.SenderId)]))
	}
	return all
}

// states are those of all users with an edge, sorted by name.
func (g *team) states() (all []string) {
	g.t.Helper()
	for _, state := range []int{0, 1, 2, 3, 4} {
		users, _, err := g.Module().GroupUsersList(g.t.Context(), g.id.String(), 100, &state, "")
		if err != nil {
			g.t.Fatal(err)
		}
		for _, u := range users {
			all = append(all, fmt.Sprintf("%s:%d", g.names[uuid.FromStringOrNil(u.User.Id)], u.State.Value))
		}
	}
	slices.Sort(all)
	return all
}
