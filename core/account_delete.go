package core

import (
	"context"
	"errors"
	"slices"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/runtime"

	"kumi/presence"
	"kumi/store"
)

// DeleteAccount deletes the caller's account and everything that belongs to
// it, revokes its tokens and closes its sockets. An account that is already
// deleted is no error.
func (c *Core) DeleteAccount(ctx context.Context, caller uuid.UUID) error {
	return c.deleteAccount(ctx, caller, false)
}

// deleteAccount also leaves a tombstone if recorded is set.
func (c *Core) deleteAccount(ctx context.Context, user uuid.UUID, recorded bool) error {
	if user.IsNil() {
		return errSystemUser
	}
	var records bool
	err := c.db.Reader().QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM leaderboard_record WHERE owner_id = $1)", user).Scan(&records)
	if err == nil && records {
		err = c.boardTables(ctx)
	}
	banned, existsErr := c.bans.exists(ctx, c.db)
	if err := errors.Join(err, existsErr); err != nil {
		return failed("delete the user account", err)
	}
	// Players of many seasons have many records: other writers have their turn in between.
	for more := records; more; {
		if err := c.db.Tx(ctx, func(ctx context.Context, q store.Querier) (err error) {
			more, err = c.deleteRecordsOf(ctx, q, user)
			return err
		}); err != nil {
			return failed("delete the user account", err)
		}
	}
	var ended []uuid.UUID // groups
	var objects []objectID
	err = c.storageTx(ctx, func(yield func(objectID) bool) { slices.Values(objects)(yield) }, func(ctx context.Context, q store.Querier) (err error) {
		if objects, err = objectsOf(ctx, q, c.db.Dialect(), user); err != nil {
			return err
		}
		if ended, err = leaveAllGroups(ctx, q, user); err != nil {
			return err
		}
		for _, statement := range []string{
			// Foreign keys delete the edges, but do not update the friends'
			// edge_count.
			`UPDATE users SET edge_count = edge_count - 1, update_time = now()
			WHERE edge_count > 0 AND id IN (SELECT source_id FROM user_edge WHERE destination_id = $1)`,
		} {
			if _, err := q.ExecContext(ctx, statement, user); err != nil {
				return err
			}
		}
		for more := true; more; {
			if more, err = c.deleteRecordsOf(ctx, q, user); err != nil {
				return err
			}
		}
		if err := c.forgetBans(ctx, q, banned, &user); err != nil {
			return err
		}
		res, err := q.ExecContext(ctx, "DELETE FROM users WHERE id = $1", user)
		if err != nil || !recorded {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return err
		}
		_, err = q.ExecContext(ctx, "INSERT INTO user_tombstone (user_id) VALUES ($1) ON CONFLICT (user_id) DO NOTHING", user)
		return err
	})
	if err != nil {
		return failed("delete the user account", err)
	}
	c.storeRevocations(ctx, c.tokens.revokeAll(user))
	c.disconnect(user, presence.Disconnected)
	for _, group := range ended {
		c.tracker.UntrackStream(groupChannel(group), runtime.PresenceReasonLeave)
	}
	return nil
}

// objectsOf returns the storage objects of a user, who gets no others until the
// transaction ends.
func objectsOf(ctx context.Context, q store.Querier, d store.Dialect, user uuid.UUID) (ids []objectID, err error) {
	if d == store.Postgres { // SQLite runs one transaction at a time
		if _, err := q.ExecContext(ctx, "SELECT 1 FROM users WHERE id = $1 FOR UPDATE", user); err != nil {
			return nil, err
		}
	}
	rows, err := q.QueryContext(ctx, "SELECT collection, key FROM storage WHERE user_id = $1", user)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		id := objectID{owner: user}
		if err := rows.Scan(&id.collection, &id.key); err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, rows.Err()
}

// leaveAllGroups takes a user out of every group. It deletes the groups of
// which the user is the only superadmin, and returns them.
func leaveAllGroups(ctx context.Context, q store.Querier, user uuid.UUID) (led []uuid.UUID, err error) {
	rows, err := q.QueryContext(ctx, `SELECT e.destination_id FROM group_edge e
		WHERE e.source_id = $1 AND e.state = 0 AND NOT EXISTS (
			SELECT 1 FROM group_edge o WHERE o.source_id = e.destination_id AND o.state = 0 AND o.destination_id <> $1)`, user)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var group uuid.UUID
		if err := rows.Scan(&group); err != nil {
			return nil, err
		}
		led = append(led, group)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	rows.Close()
	for _, group := range led {
		for _, statement := range []string{
			"DELETE FROM groups WHERE id = $1",
			// Find the members' side of each edge through the group's side.
			`DELETE FROM group_edge WHERE destination_id = $1
			AND source_id IN (SELECT destination_id FROM group_edge WHERE source_id = $1)`,
			"DELETE FROM group_edge WHERE source_id = $1",
		} {
			if _, err := q.ExecContext(ctx, statement, group); err != nil {
				return nil, err
			}
		}
	}
	for _, statement := range []string{
		`UPDATE groups SET edge_count = edge_count - 1, update_time = now()
		WHERE id IN (SELECT destination_id FROM group_edge WHERE source_id = $1 AND state BETWEEN 0 AND 2)`,
		`DELETE FROM group_edge WHERE destination_id = $1
		AND source_id IN (SELECT destination_id FROM group_edge WHERE source_id = $1)`,
		"DELETE FROM group_edge WHERE source_id = $1",
	} {
		if _, err := q.ExecContext(ctx, statement, user); err != nil {
			return nil, err
		}
	}
	return led, nil
}
