package core

import (
	"context"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/api"
	"github.com/heroiclabs/nakama-common/rtapi"

	"kumi/presence"
	"kumi/store"
)

const codeBanned = -8

// ban disables accounts, revokes their tokens and closes their sockets, after
// a notification with the reason. Unknown users are skipped.
func (c *Core) ban(ctx context.Context, users []uuid.UUID) error {
	if len(users) == 0 {
		return nil
	}
	_, err := c.db.Exec(ctx, "UPDATE users SET disable_time = now() WHERE id "+c.db.Dialect().AnyOf("$1", "uuid"), users)
	if err != nil {
		return failed("ban user accounts", err)
	}
	revoked := make([]revocation, len(users))
	for i, user := range users {
		revoked[i] = c.tokens.revokeAll(user)
	}
	c.storeRevocations(ctx, revoked...)
	for _, user := range users {
		id, err := uuid.NewV4()
		if err != nil {
			return failed("make a notification id", err)
		}
		c.disconnect(user, presence.NewMessage(&rtapi.Envelope{Message: &rtapi.Envelope_Notifications{
			Notifications: &rtapi.Notifications{Notifications: []*api.Notification{{
				Id: id.String(), Subject: "banned", Content: "{}", Code: codeBanned,
				CreateTime: seconds(c.now()),
			}}},
		}}))
	}
	return nil
}

// unban enables accounts again. Tokens issued before the ban stay revoked.
func (c *Core) unban(ctx context.Context, users []uuid.UUID) error {
	if len(users) == 0 {
		return nil
	}
	_, err := c.db.Exec(ctx, "UPDATE users SET disable_time = $2 WHERE id "+c.db.Dialect().AnyOf("$1", "uuid"),
		users, store.Epoch)
	if err != nil {
		return failed("unban user accounts", err)
	}
	return nil
}

// disconnect closes all sockets of a user; banned is sent first.
func (c *Core) disconnect(user uuid.UUID, banned *presence.Message) {
	if c.sessions == nil {
		return
	}
	for _, s := range c.sessions.OfUser(user) {
		if banned != nil {
			s.Close(presence.Banned, banned)
		} else {
			s.Close(presence.Disconnected)
		}
	}
}
