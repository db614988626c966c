package core

import (
	"context"
	"errors"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/api"

	"kumi/core/social"
	"kumi/store/fault"
)

// ImportFacebookFriends makes friends of the caller and those of the caller's
// Facebook friends who have an account, and notifies them. Users that block the
// caller or are blocked are skipped. With reset, the caller's friends and
// invitations are deleted before; blocks remain.
//
// Errors are those of AuthenticateFacebook.
func (c *Core) ImportFacebookFriends(ctx context.Context, caller uuid.UUID, in *api.ImportFacebookFriendsRequest) error {
	return c.importFacebookFriends(ctx, caller, "", in.GetAccount().GetToken(), in.GetReset_().GetValue())
}

// ImportSteamFriends is ImportFacebookFriends for Steam. Without reset, a player who
// hides the friends has none; with reset that is FailedPrecondition, and nothing
// is deleted.
func (c *Core) ImportSteamFriends(ctx context.Context, caller uuid.UUID, in *api.ImportSteamFriendsRequest) error {
	if err := c.social.SteamConfigured(); err != nil {
		return err
	}
	ticket := in.GetAccount().GetToken()
	if ticket == "" {
		return invalid("Steam token is required.")
	}
	who, err := c.social.Steam(ctx, ticket)
	if err != nil {
		return err
	}
	return c.importSteamFriends(ctx, caller, "", who.ID, in.GetReset_().GetValue())
}

func (c *Core) importFacebookFriends(ctx context.Context, user uuid.UUID, username, token string, reset bool) error {
	ids, err := c.social.FacebookFriends(ctx, token)
	if err != nil {
		return err
	}
	return c.importFriends(ctx, facebook, user, username, ids, reset)
}

func (c *Core) importSteamFriends(ctx context.Context, user uuid.UUID, username, steamID string, reset bool) error {
	ids, err := c.social.SteamFriends(ctx, steamID)
	switch {
	case errors.Is(err, social.ErrSteamPrivate) && reset:
		return fault.New(fault.FailedPrecondition, "The friends of the Steam profile are private, so they cannot replace others.")
	case errors.Is(err, social.ErrSteamPrivate):
		return nil
	case err != nil:
		return err
	}
	return c.importFriends(ctx, steam, user, username, ids, reset)
}

// syncFriends logs the error of an import that was part of another call, which does
// not fail because of it.
func (c *Core) syncFriends(user uuid.UUID, err error) {
	if err != nil {
		c.log.Warn().Err(err).Stringer("user_id", user).Msg("friends were not imported")
	}
}

// importFriends makes friends of a user and the accounts with some ids of a provider.
// If all of them are friends already, which is usual when a player signs in, it only
// reads.
func (c *Core) importFriends(ctx context.Context, p provider, user uuid.UUID, username string, players []string, reset bool) error {
	query := "SELECT id FROM users WHERE " + p.column + " " + c.db.Dialect().AnyOf("$1", "text") + " AND id <> $2"
	if !reset {
		query += " AND NOT EXISTS (SELECT 1 FROM user_edge WHERE source_id = $2 AND destination_id = users.id AND state IN (0, 3))"
	}
	var ids []uuid.UUID
	if len(players) > 0 {
		var err error
		if ids, err = userList(ctx, c.db.Reader(), query+" ORDER BY id", players, user); err != nil {
			return failed("import friends", err)
		}
	}
	return c.befriend(ctx, friendCall{doing: "import friends", rule: importFriend, user: user, username: username, ids: ids, reset: reset})
}
