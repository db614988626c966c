package core

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/gofrs/uuid/v5"

	"kumi/store"
	"kumi/store/fault"
)

// newBanTable makes the table of bans, with reasons and ends. An account is banned if its
// disable_time says so; the row belongs to the ban with that time. Bans that Nakama made
// have none.
func newBanTable() *ownTable {
	return newOwnTable("kumi_ban", `CREATE TABLE IF NOT EXISTS kumi_ban (
		user_id   VARCHAR(36) NOT NULL PRIMARY KEY,
		banned_at BIGINT NOT NULL,
		ends_at   BIGINT NOT NULL,
		reason    TEXT NOT NULL,
		operator  TEXT NOT NULL
	)`, "CREATE INDEX IF NOT EXISTS kumi_ban_ends_at ON kumi_ban (ends_at)",
		"CREATE INDEX IF NOT EXISTS kumi_ban_banned_at ON kumi_ban (banned_at)")
}

// ban is a ban of an account. Times have whole seconds.
type ban struct {
	user     uuid.UUID
	at       time.Time
	end      time.Time // zero: never
	reason   string    // may be empty
	operator string    // who banned the account; empty for module code
}

// over reports whether the ban has ended.
func (b *ban) over(now time.Time) bool { return !b.end.IsZero() && !b.end.After(now) }

// content is the content of the notification that a banned player gets.
func (b *ban) content() string {
	content := map[string]string{}
	if b.reason != "" {
		content["reason"] = b.reason
	}
	if !b.end.IsZero() {
		content["end_time"] = b.end.Format(time.RFC3339)
	}
	text, _ := json.Marshal(content) // strings cannot fail
	return string(text)
}

// err is what the player is told at a sign-in.
func (b *ban) err() error {
	text := errAccountBanned.Message
	if b.reason != "" {
		text += " Reason: " + b.reason
		if last := b.reason[len(b.reason)-1]; last != '.' && last != '!' && last != '?' {
			text += "."
		}
	}
	if !b.end.IsZero() {
		text += " It ends at " + b.end.Format(time.RFC3339) + "."
	}
	return fault.Wrap(fault.PermissionDenied, text, errAccountBanned)
}

// findBan returns the ban of an account that was banned at a time. Without a row it has
// neither a reason nor an end.
func (c *Core) findBan(ctx context.Context, user uuid.UUID, at time.Time) (*ban, error) {
	b := &ban{user: user, at: at}
	if exists, err := c.bans.exists(ctx, c.db); err != nil || !exists {
		return b, err
	}
	var ends int64
	err := c.db.Reader().QueryRowContext(ctx, "SELECT ends_at, reason, operator FROM kumi_ban WHERE user_id = $1 AND banned_at = $2", user.String(), at.Unix()).
		Scan(&ends, &b.reason, &b.operator)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return nil, fmt.Errorf("read a ban: %w", err)
	}
	if ends != 0 {
		b.end = time.Unix(ends, 0).UTC()
	}
	return b, nil
}

// stillBanned returns the error for an account that was banned at a time, or nil if that
// ban has ended, which it then lifts.
func (c *Core) stillBanned(ctx context.Context, user uuid.UUID, at time.Time) error {
	b, err := c.findBan(ctx, user, at)
	if err != nil {
		return failed("find the user account", err)
	}
	if !b.over(c.now()) {
		return b.err()
	}
	if err := c.lift(ctx, b); err != nil {
		return failed("find the user account", err)
	}
	return nil
}

// lift ends a ban that is over, unless the account was banned again.
func (c *Core) lift(ctx context.Context, b *ban) error {
	return c.db.Tx(ctx, func(ctx context.Context, q store.Querier) error {
		if _, err := q.ExecContext(ctx, "UPDATE users SET disable_time = $3 WHERE id = $1 AND disable_time = $2", b.user, b.at, store.Epoch); err != nil {
			return err
		}
		_, err := q.ExecContext(ctx, "DELETE FROM kumi_ban WHERE user_id = $1 AND banned_at = $2", b.user.String(), b.at.Unix())
		return err
	})
}

// forgetBans deletes what is known of the bans of an account that is deleted, or with nil
// of all. q is a transaction.
func (c *Core) forgetBans(ctx context.Context, q store.Querier, known bool, user *uuid.UUID) error {
	if !known {
		return nil
	}
	if user == nil {
		_, err := q.ExecContext(ctx, "DELETE FROM kumi_ban")
		return err
	}
	_, err := q.ExecContext(ctx, "DELETE FROM kumi_ban WHERE user_id = $1", user.String())
	return err
}

const (
	// banPoll is the time between checks for bans that are over. A sign-in does not wait
	// for one, but until then the account is shown as banned.
	banPoll = 30 * time.Second
	// banFollow is the time between looks at the bans of other servers on the database.
	banFollow = 2 * time.Second
	// banOverlap is how far a look goes back beyond the one before: clocks differ, and a
	// ban may be committed a while after its time.
	banOverlap = time.Minute
)

// RunBans lifts bans that are over, and applies those of other servers to the sessions of
// this one, until ctx ends.
func (c *Core) RunBans(ctx context.Context) {
	over := time.NewTicker(banPoll)
	defer over.Stop()
	var follow <-chan time.Time // SQLite: no other server uses the database
	if c.db.Dialect() == store.Postgres {
		tick := time.NewTicker(banFollow)
		defer tick.Stop()
		follow = tick.C
	}
	logged := func(err error, text string) {
		if err != nil && ctx.Err() == nil && !c.DatabaseUnreachable(err) {
			c.log.Error().Err(err).Msg(text)
		}
	}
	looked := c.now()
	logged(c.liftBans(ctx), "could not lift bans that are over")
	for {
		select {
		case <-ctx.Done():
			return
		case <-over.C:
			logged(c.liftBans(ctx), "could not lift bans that are over")
		case <-follow:
			now := c.now()
			err := c.followBans(ctx, looked.Add(-banOverlap))
			if err == nil {
				looked = now
			}
			logged(err, "could not apply the bans of other servers")
		}
	}
}

// followBans revokes the tokens and closes the sockets of accounts that any server banned
// since a time and that are still banned. To do so twice is harmless: a banned account
// gets no new tokens. It is for PostgreSQL.
func (c *Core) followBans(ctx context.Context, since time.Time) error {
	if exists, err := c.bans.exists(ctx, c.db); err != nil || !exists {
		return err
	}
	bans, err := scanAll(ctx, c.db.Reader(), func(rows *sql.Rows) (*ban, error) {
		var b ban
		var at, ends int64
		err := rows.Scan(&b.user, &at, &ends, &b.reason)
		if b.at = time.Unix(at, 0).UTC(); ends != 0 {
			b.end = time.Unix(ends, 0).UTC()
		}
		return &b, err
	}, `SELECT b.user_id, b.banned_at, b.ends_at, b.reason FROM kumi_ban b JOIN users u ON u.id = b.user_id::uuid
		WHERE b.banned_at >= $1 AND u.disable_time = to_timestamp(b.banned_at)`, since.Unix())
	if err != nil {
		return err
	}
	for _, b := range bans {
		if b.over(c.now()) {
			continue
		}
		c.tokens.revokeAll(b.user) // the server that banned the account has stored it
		if err := c.disconnectBanned(b); err != nil {
			return err
		}
	}
	return nil
}

func (c *Core) liftBans(ctx context.Context) error {
	if exists, err := c.bans.exists(ctx, c.db); err != nil || !exists {
		return err
	}
	over, err := scanAll(ctx, c.db.Reader(), func(rows *sql.Rows) (*ban, error) {
		var b ban
		var at int64
		err := rows.Scan(&b.user, &at)
		b.at = time.Unix(at, 0).UTC()
		return &b, err
	}, "SELECT user_id, banned_at FROM kumi_ban WHERE ends_at <> 0 AND ends_at <= $1 LIMIT 1000", c.now().Unix())
	for i := 0; i < len(over) && err == nil; i++ {
		err = c.lift(ctx, over[i])
	}
	return err
}
