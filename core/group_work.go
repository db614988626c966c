package core

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/runtime"

	"kumi/store"
)

// groupWork is work on one group in one transaction. The group's row is
// locked, so no other call changes its members. Messages and notifications are
// stored in the transaction and sent after the commit.
type groupWork struct {
	c    *Core
	q    store.Querier
	id   uuid.UUID
	name string
	open bool
	// members is the current number of members.
	members, max int

	messages []message
	notices  []Notification
	left     []uuid.UUID // not members any more
	deleted  bool
}

// inGroup runs do on an existing group, possibly more than once. The error is
// errGroupNotFound, that of do, or that of the database.
func (c *Core) inGroup(ctx context.Context, group uuid.UUID, do func(ctx context.Context, g *groupWork) error) error {
	var g *groupWork
	err := c.db.Tx(ctx, func(ctx context.Context, q store.Querier) error {
		g = &groupWork{c: c, q: q, id: group}
		var state int
		err := q.QueryRowContext(ctx, "SELECT g.name, g.state, g.edge_count, g.max_count FROM groups g WHERE g.id = $1 AND "+liveGroup+c.db.Dialect().ForUpdate(),
			group).Scan(&g.name, &state, &g.members, &g.max)
		if errors.Is(err, sql.ErrNoRows) {
			return errGroupNotFound
		} else if err != nil {
			return err
		}
		g.open = state == 0
		before := g.members
		if err := do(ctx, g); err != nil || g.deleted {
			return err
		}
		if g.members != before {
			if _, err := q.ExecContext(ctx, "UPDATE groups SET edge_count = $2, update_time = now() WHERE id = $1", group, g.members); err != nil {
				return err
			}
		}
		g.orderMessages()
		for i := range g.messages {
			if err := c.storeMessage(ctx, q, groupChannel(group), &g.messages[i]); err != nil {
				return err
			}
		}
		return c.storeNotifications(ctx, q, g.notices)
	})
	if err != nil {
		return err
	}
	stream := groupChannel(group)
	for i := range g.messages {
		c.broadcast(stream, &g.messages[i])
	}
	c.pushNotifications(g.notices)
	for _, user := range g.left {
		c.tracker.UntrackUser(user, stream, runtime.PresenceReasonLeave)
	}
	if g.deleted {
		c.tracker.UntrackStream(stream, runtime.PresenceReasonLeave)
	}
	return nil
}

// states reads the states of users in the group; users without an edge are
// left out.
func (g *groupWork) states(ctx context.Context, users []uuid.UUID) (map[uuid.UUID]int, error) {
	rows, err := g.q.QueryContext(ctx, "SELECT destination_id, state FROM group_edge WHERE source_id = $1 AND destination_id "+
		g.c.db.Dialect().AnyOf("$2", "uuid"), g.id, users)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	states := make(map[uuid.UUID]int, len(users))
	for rows.Next() {
		var user uuid.UUID
		var state int
		if err := rows.Scan(&user, &state); err != nil {
			return nil, err
		}
		states[user] = state
	}
	return states, rows.Err()
}

// state returns the state of one user, groupNone without an edge.
func (g *groupWork) state(ctx context.Context, user uuid.UUID) (int, error) {
	states, err := g.states(ctx, []uuid.UUID{user})
	if state, ok := states[user]; ok {
		return state, err
	}
	return groupNone, err
}

func (g *groupWork) superadmins(ctx context.Context) (n int, err error) {
	err = g.q.QueryRowContext(ctx, "SELECT count(*) FROM group_edge WHERE source_id = $1 AND state = $2", g.id, groupSuperadmin).Scan(&n)
	return n, err
}

// manager returns the rank of the caller for managing members. The nil caller
// is the server, with the rank of a superadmin; it fails for callers that are
// not admins.
func (g *groupWork) manager(ctx context.Context, caller uuid.UUID) (rank int, err error) {
	if caller.IsNil() {
		return groupSuperadmin, nil
	}
	rank, err = g.state(ctx, caller)
	if err == nil && rank > groupAdmin {
		err = errGroupPermission
	}
	return rank, err
}

// move changes the state of a user.
func (g *groupWork) move(ctx context.Context, user uuid.UUID, from, to int) error {
	if isMember(from) {
		g.members--
	}
	if isMember(to) {
		g.members++
		if !isMember(from) && g.members > g.max {
			return errGroupFull
		}
	}
	const bothEdges = "(source_id = $1 AND destination_id = $2 OR source_id = $2 AND destination_id = $1)"
	var err error
	switch {
	case from == groupNone:
		err = g.connect(ctx, user, to)
	case to == groupNone:
		_, err = g.q.ExecContext(ctx, "DELETE FROM group_edge WHERE "+bothEdges, g.id, user)
	default:
		if to == groupBanned { // delete the user's own edge
			if _, err := g.q.ExecContext(ctx, "DELETE FROM group_edge WHERE source_id = $2 AND destination_id = $1", g.id, user); err != nil {
				return err
			}
		}
		_, err = g.q.ExecContext(ctx, "UPDATE group_edge SET state = $3, update_time = now() WHERE "+bothEdges, g.id, user, to)
	}
	if isMember(from) && !isMember(to) {
		g.left = append(g.left, user)
	}
	return err
}

// connect creates the edges of a user that has none.
func (g *groupWork) connect(ctx context.Context, user uuid.UUID, state int) error {
	_, err := g.q.ExecContext(ctx, `INSERT INTO group_edge (source_id, position, destination_id, state) VALUES ($1, $2, $3, $4), ($3, $2, $1, $4)`,
		g.id, g.c.position(), user, state)
	return err
}

// delete removes the group with all its edges.
func (g *groupWork) delete(ctx context.Context) error {
	g.deleted = true
	for _, statement := range []string{
		"DELETE FROM groups WHERE id = $1",
		// Find the users' side of each edge through the group's side.
		"DELETE FROM group_edge WHERE destination_id = $1 AND source_id IN (SELECT destination_id FROM group_edge WHERE source_id = $1)",
		"DELETE FROM group_edge WHERE source_id = $1",
	} {
		if _, err := g.q.ExecContext(ctx, statement, g.id); err != nil {
			return err
		}
	}
	return nil
}

// say stores a message of the server in the group's channel, in the name of
// the user concerned.
func (g *groupWork) say(user uuid.UUID, username string, code int32) error {
	m := message{sender: user, username: username, content: "{}", code: code, persistent: true}
	if err := g.c.newMessage(&m); err != nil {
		return err
	}
	// Whole seconds, as in Nakama, so they sort before what users write in the same
	// second.
	m.created = m.created.Truncate(time.Second)
	m.updated = m.created
	g.messages = append(g.messages, m)
	return nil
}

// orderMessages assigns the ids of the messages in ascending order, since
// messages of the same second are sorted by id.
func (g *groupWork) orderMessages() {
	ids := make([]uuid.UUID, len(g.messages))
	for i := range g.messages {
		ids[i] = g.messages[i].id
	}
	for i, id := range sortedIDs(ids) {
		g.messages[i].id = id
	}
}

// usernames returns the names of users; unknown users are left out.
func usernames(ctx context.Context, d store.Dialect, q store.Querier, users []uuid.UUID) (map[uuid.UUID]string, error) {
	rows, err := q.QueryContext(ctx, "SELECT id, username FROM users WHERE id "+d.AnyOf("$1", "uuid"), users)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	names := make(map[uuid.UUID]string, len(users))
	for rows.Next() {
		var user uuid.UUID
		var name string
		if err := rows.Scan(&user, &name); err != nil {
			return nil, err
		}
		names[user] = name
	}
	return names, rows.Err()
}
