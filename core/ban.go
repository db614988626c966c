package core

import (
	"context"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/api"

	"kumi/presence"
	"kumi/store"
)

const codeBanned = -8

// ban disables accounts until unban, revokes their tokens and closes their sockets, after
// a notification. The other servers on the database follow, see RunBans. Unknown users are
// skipped.
func (c *Core) ban(ctx context.Context, users []uuid.UUID) error {
	bans := make([]*ban, len(users))
	for i, user := range users {
		bans[i] = &ban{user: user}
	}
	return c.banAll(ctx, bans)
}

// banAll is ban with reasons and ends. It sets the times of the bans.
func (c *Core) banAll(ctx context.Context, bans []*ban) error {
	if len(bans) == 0 {
		return nil
	}
	at := time.Unix(c.now().Unix(), 0).UTC()
	users := make([]uuid.UUID, len(bans))
	for i, b := range bans {
		b.at, users[i] = at, b.user
	}
	err := c.bans.ensure(ctx, c.db)
	if err == nil {
		err = c.db.Tx(ctx, func(ctx context.Context, q store.Querier) error {
			if _, err := q.ExecContext(ctx, "UPDATE users SET disable_time = $2 WHERE id "+c.db.Dialect().AnyOf("$1", "uuid"), users, at); err != nil {
				return err
			}
			for _, b := range bans {
				ends := int64(0)
				if !b.end.IsZero() {
					ends = b.end.Unix()
				}
				if _, err := q.ExecContext(ctx, `INSERT INTO kumi_ban (user_id, banned_at, ends_at, reason, operator) VALUES ($1, $2, $3, $4, $5)
					ON CONFLICT (user_id) DO UPDATE SET banned_at = excluded.banned_at, ends_at = excluded.ends_at, reason = excluded.reason,
					operator = excluded.operator`, b.user.String(), at.Unix(), ends, b.reason, b.operator); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err != nil {
		return failed("ban user accounts", err)
	}
	revoked := make([]revocation, len(bans))
	for i, user := range users {
		revoked[i] = c.tokens.revokeAll(user)
	}
	c.storeRevocations(ctx, revoked...)
	for _, b := range bans {
		m, err := c.banned(b)
		if err != nil {
			return err
		}
		c.disconnect(b.user, presence.Banned, m)
	}
	return nil
}

// disconnectBanned tells a banned player why, and closes the sockets of this node.
func (c *Core) disconnectBanned(b *ban) error {
	m, err := c.banned(b)
	if err == nil {
		c.closeUser(b.user, presence.Banned, m)
	}
	return err
}

// banned is the notification to a player who is banned.
func (c *Core) banned(b *ban) (*presence.Message, error) {
	id, err := uuid.NewV4()
	if err != nil {
		return nil, failed("make a notification id", err)
	}
	return notificationsMessage([]*api.Notification{{
		Id: id.String(), Subject: "banned", Content: b.content(), Code: codeBanned, CreateTime: seconds(c.now()),
	}}), nil
}

// unban enables accounts again. Tokens issued before the ban stay revoked.
func (c *Core) unban(ctx context.Context, users []uuid.UUID) error {
	if len(users) == 0 {
		return nil
	}
	known, err := c.bans.exists(ctx, c.db)
	if err == nil {
		err = c.db.Tx(ctx, func(ctx context.Context, q store.Querier) error {
			if _, err := q.ExecContext(ctx, "UPDATE users SET disable_time = $2 WHERE id "+c.db.Dialect().AnyOf("$1", "uuid"), users, store.Epoch); err != nil || !known {
				return err
			}
			for _, user := range users {
				if _, err := q.ExecContext(ctx, "DELETE FROM kumi_ban WHERE user_id = $1", user.String()); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err != nil {
		return failed("unban user accounts", err)
	}
	return nil
}

// disconnect closes all sockets of a user, on all nodes; final is sent first.
func (c *Core) disconnect(user uuid.UUID, reason presence.CloseReason, final ...*presence.Message) {
	c.closeUser(user, reason, final...)
	o := order{Close: user, Reason: reason}
	if len(final) > 0 {
		var err error
		if o.Final, err = final[0].Bytes(presence.Protobuf); err != nil {
			c.log.Error().Err(err).Msg("could not write the last message to a user's sockets")
		}
	}
	c.give(o)
}

// closeUser is disconnect for the sockets of this node.
func (c *Core) closeUser(user uuid.UUID, reason presence.CloseReason, final ...*presence.Message) {
	if c.sessions == nil {
		return
	}
	for _, s := range c.sessions.OfUser(user) {
		s.Close(reason, final...)
	}
}

// closeAll closes all sockets of this node.
func (c *Core) closeAll() {
	c.sessions.Each(func(s presence.Session) bool {
		s.Close(presence.Disconnected)
		return true
	})
}
