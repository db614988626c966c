package core

import (
	"context"
	"slices"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/api"
	"github.com/heroiclabs/nakama-common/runtime"

	"kumi/store"
	"kumi/store/fault"
)

// friendCall is a validated call that changes friends.
type friendCall struct {
	doing     string
	self      string // the error for the caller as its own target
	rule      bondRule
	user      uuid.UUID
	username  string // for notifications; empty means the account's
	ids       []uuid.UUID
	usernames []string
	metadata  string // of an invitation, a JSON object
	// needsSomeone rejects a call none of whose names exists.
	needsSomeone bool
	// reset deletes all edges of the user first, except blocks.
	reset bool
}

const (
	selfAdd    = "Cannot add self as friend."
	selfDelete = "Cannot delete self."
	selfBlock  = "Cannot block self."
)

// AddFriends invites users by id or name, or accepts their invitations, in one
// transaction, and notifies them. Unknown ids are skipped, as are users that
// block the caller or are blocked.
//
// Errors: InvalidArgument for a bad id, an empty name, the caller itself,
// metadata that is not a JSON object, or if no name is known.
func (c *Core) AddFriends(ctx context.Context, caller uuid.UUID, in *api.AddFriendsRequest) error {
	metadata := in.GetMetadata()
	if metadata == "" || metadata == "null" {
		metadata = "{}"
	}
	if !isObject(metadata) {
		return invalid("Metadata must be a JSON object.")
	}
	return c.clientBefriends(ctx, friendCall{
		doing: "add friends", self: selfAdd, rule: addFriend, user: caller, usernames: in.GetUsernames(), metadata: metadata, needsSomeone: true,
	}, in.GetIds())
}

// DeleteFriends ends friendships, withdraws or declines invitations, and lifts
// the caller's blocks. Errors are those of AddFriends, but names may be
// unknown.
func (c *Core) DeleteFriends(ctx context.Context, caller uuid.UUID, in *api.DeleteFriendsRequest) error {
	return c.clientBefriends(ctx, friendCall{
		doing: "delete friends", self: selfDelete, rule: deleteFriend, user: caller, usernames: in.GetUsernames(),
	}, in.GetIds())
}

// BlockFriends blocks users, who need not be friends, and closes their direct
// channel with the caller. Errors are those of AddFriends.
func (c *Core) BlockFriends(ctx context.Context, caller uuid.UUID, in *api.BlockFriendsRequest) error {
	return c.clientBefriends(ctx, friendCall{
		doing: "block friends", self: selfBlock, rule: blockFriend, user: caller, usernames: in.GetUsernames(), needsSomeone: true,
	}, in.GetIds())
}

func (c *Core) clientBefriends(ctx context.Context, call friendCall, ids []string) error {
	call.ids = make([]uuid.UUID, len(ids))
	for i, text := range ids {
		id, err := uuid.FromString(text)
		if err != nil || id.IsNil() {
			return invalid("Invalid user ID '%s'.", text)
		}
		call.ids[i] = id
	}
	return c.befriend(ctx, call)
}

// peopleIDs parses user ids from module code, except that of the system user.
func peopleIDs(texts []string) ([]uuid.UUID, error) {
	ids, err := userIDs(texts)
	if err != nil {
		return nil, err
	}
	for _, id := range ids {
		if id.IsNil() {
			return nil, invalid("user id must be that of a user")
		}
	}
	return ids, nil
}

// befriend runs a call in one transaction and sends its notifications.
func (c *Core) befriend(ctx context.Context, call friendCall) error {
	for _, name := range call.usernames {
		if name == "" {
			return invalid("Username must not be empty.")
		}
	}
	if len(call.ids) == 0 && len(call.usernames) == 0 && !call.reset {
		return nil
	}
	var err error
	if call.metadata != "" {
		if call.metadata, err = c.db.Dialect().JSON(call.metadata); err != nil {
			return friendError(call.doing, err)
		}
	}
	var notices []Notification
	var blocked []uuid.UUID
	err = c.db.Tx(ctx, func(ctx context.Context, q store.Querier) error {
		w := &friendWork{c: c, q: q, friendCall: call}
		if err := w.run(ctx); err != nil {
			return err
		}
		notices, blocked = w.notices, w.blocked
		return c.storeNotifications(ctx, q, notices)
	})
	if err != nil {
		return friendError(call.doing, err)
	}
	c.pushNotifications(notices)
	for _, other := range blocked {
		c.tracker.UntrackStream(directChannel(call.user, other), runtime.PresenceReasonLeave)
	}
	return nil
}

func friendError(doing string, err error) error {
	if store.IsInvalidText(err) {
		return fault.Wrap(fault.InvalidArgument, "Metadata has text that cannot be stored.", err)
	}
	return failed(doing, err)
}

// friendWork is one run of a call's transaction.
type friendWork struct {
	friendCall
	c       *Core
	q       store.Querier
	notices []Notification
	blocked []uuid.UUID
}

func (w *friendWork) run(ctx context.Context) error {
	targets := w.ids
	if len(w.usernames) > 0 {
		named, err := userList(ctx, w.q, "SELECT id FROM users WHERE username "+w.c.db.Dialect().AnyOf("$1", "text")+" ORDER BY id", w.usernames)
		if err != nil {
			return err
		}
		targets = slices.Concat(targets, named)
	}
	if len(targets) == 0 && w.needsSomeone {
		return invalid("No valid ID or username was provided.")
	}
	for _, id := range targets {
		if id == w.user {
			return invalid("%s", w.self)
		}
	}
	var old []uuid.UUID
	if w.reset {
		var err error
		if old, err = userList(ctx, w.q, `SELECT destination_id FROM user_edge WHERE source_id = $1 AND state <> 3
			UNION SELECT source_id FROM user_edge WHERE destination_id = $1 AND state <> 3`, w.user); err != nil {
			return err
		}
	}
	exists, err := w.lock(ctx, slices.Concat(targets, old))
	if err != nil {
		return err
	}
	for _, id := range old {
		if err := w.act(ctx, id, resetFriend); err != nil {
			return err
		}
	}
	for _, id := range targets {
		if !exists[id] {
			continue
		}
		if err := w.act(ctx, id, w.rule); err != nil {
			return err
		}
	}
	return nil
}

// userList reads user ids.
func userList(ctx context.Context, q store.Querier, query string, args ...any) ([]uuid.UUID, error) {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var ids []uuid.UUID
	for rows.Next() {
		var id uuid.UUID
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, rows.Err()
}

// lock locks the accounts until the end of the transaction, so that two users
// who change each other do so one after the other. It tells which of the
// targets exist.
func (w *friendWork) lock(ctx context.Context, targets []uuid.UUID) (map[uuid.UUID]bool, error) {
	d := w.c.db.Dialect()
	rows, err := w.q.QueryContext(ctx, "SELECT id, username FROM users WHERE id "+d.AnyOf("$1", "uuid")+" ORDER BY id"+d.ForUpdate(),
		sortedIDs(append(targets[:len(targets):len(targets)], w.user)))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	exists := make(map[uuid.UUID]bool, len(targets))
	for rows.Next() {
		var id uuid.UUID
		var name string
		if err := rows.Scan(&id, &name); err != nil {
			return nil, err
		}
		exists[id] = true
		if id == w.user && w.username == "" {
			w.username = name
		}
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	if !exists[w.user] {
		return nil, errAccountNotFound
	}
	return exists, nil
}

// act applies a rule to one user.
func (w *friendWork) act(ctx context.Context, other uuid.UUID, rule bondRule) error {
	before, err := w.bond(ctx, other)
	if err != nil {
		return err
	}
	after, code := rule(before)
	if after == before {
		return nil
	}
	if err := w.change(ctx, other, before, after); err != nil {
		return err
	}
	if code != 0 {
		w.notices = append(w.notices, friendNotice(other, w.user, w.username, code))
	}
	if after.mine == friendBlocked {
		w.blocked = append(w.blocked, other)
	}
	return nil
}

// bond reads the relation of the caller and another user.
func (w *friendWork) bond(ctx context.Context, other uuid.UUID) (bond, error) {
	b := bond{friendNone, friendNone}
	rows, err := w.q.QueryContext(ctx, `SELECT source_id, state FROM user_edge
		WHERE source_id = $1 AND destination_id = $2 OR source_id = $2 AND destination_id = $1`, w.user, other)
	if err != nil {
		return b, err
	}
	defer rows.Close()
	for rows.Next() {
		var source uuid.UUID
		var state int
		if err := rows.Scan(&source, &state); err != nil {
			return b, err
		}
		if source == w.user {
			b.mine = state
		} else {
			b.theirs = state
		}
	}
	return b, rows.Err()
}

// change writes the edges, which keep their position, and the edge counts.
func (w *friendWork) change(ctx context.Context, other uuid.UUID, before, after bond) error {
	position := w.c.position()
	if err := w.edge(ctx, w.user, other, before.mine, after.mine, position, w.metadata); err != nil {
		return err
	}
	return w.edge(ctx, other, w.user, before.theirs, after.theirs, position, "")
}

func (w *friendWork) edge(ctx context.Context, from, to uuid.UUID, before, after int, position int64, metadata string) error {
	if metadata == "" {
		metadata = "{}"
	}
	var err error
	count := 0
	switch {
	case before == after:
		return nil
	case before == friendNone:
		count = 1
		_, err = w.q.ExecContext(ctx, "INSERT INTO user_edge (source_id, position, destination_id, state, metadata) VALUES ($1, $2, $3, $4, $5)",
			from, position, to, after, metadata)
	case after == friendNone:
		count = -1
		_, err = w.q.ExecContext(ctx, "DELETE FROM user_edge WHERE source_id = $1 AND destination_id = $2", from, to)
	default:
		_, err = w.q.ExecContext(ctx, "UPDATE user_edge SET state = $3, update_time = now(), metadata = "+
			w.c.db.Dialect().JSONConcat("metadata", "$4")+" WHERE source_id = $1 AND destination_id = $2", from, to, after, metadata)
	}
	if err == nil && count != 0 {
		_, err = w.q.ExecContext(ctx, "UPDATE users SET edge_count = edge_count + $2, update_time = now() WHERE id = $1", from, count)
	}
	return err
}

// updateFriendMetadata replaces the metadata of a user's edge to another.
// NotFound if there is no edge.
func (c *Core) updateFriendMetadata(ctx context.Context, user, friend uuid.UUID, metadata string) error {
	stored, err := c.db.Dialect().JSON(metadata)
	if err != nil {
		return friendError("update friend metadata", err)
	}
	res, err := c.db.Exec(ctx, "UPDATE user_edge SET metadata = $3, update_time = now() WHERE source_id = $1 AND destination_id = $2", user, friend, stored)
	if err != nil {
		return friendError("update friend metadata", err)
	}
	if n, err := res.RowsAffected(); err != nil {
		return failed("update friend metadata", err)
	} else if n == 0 {
		return fault.New(fault.NotFound, "friend not found")
	}
	return nil
}
