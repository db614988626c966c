package core

import (
	"context"

	"github.com/gofrs/uuid/v5"

	"kumi/core/social"
)

// LinkApple links the player of an ID token of Sign in with Apple to the caller's
// account, in place of an earlier one. Errors of the methods for providers are
// those of LinkDevice and of AuthenticateApple.
func (c *Core) LinkApple(ctx context.Context, caller uuid.UUID, token string) error {
	who, err := c.social.Apple(ctx, token)
	return c.linkPlayer(ctx, apple, caller, who, err)
}

// LinkGoogle is LinkApple for an ID token of Google, or an authorization code of
// Play Games Services.
func (c *Core) LinkGoogle(ctx context.Context, caller uuid.UUID, token string) error {
	who, err := c.social.Google(ctx, token)
	return c.linkPlayer(ctx, google, caller, who, err)
}

// LinkFacebook is LinkApple for an access token of Facebook, or an ID token of
// Limited Login. With sync it imports the player's friends, as
// AuthenticateFacebook does; username, or the account's if it is empty, is what
// they are told.
func (c *Core) LinkFacebook(ctx context.Context, caller uuid.UUID, username, token string, sync bool) error {
	who, limited, err := c.social.Facebook(ctx, token)
	if err := c.linkPlayer(ctx, facebook, caller, who, err); err != nil {
		return err
	}
	if sync && !limited {
		c.syncFriends(caller, c.importFacebookFriends(ctx, caller, username, token, false))
	}
	return nil
}

// LinkFacebookInstantGame is LinkApple for the signed player info of a Facebook
// Instant Game.
func (c *Core) LinkFacebookInstantGame(ctx context.Context, caller uuid.UUID, signed string) error {
	who, err := c.social.FacebookInstant(signed)
	return c.linkPlayer(ctx, facebookInstant, caller, who, err)
}

// LinkGameCenter is LinkApple for a player of Game Center.
func (c *Core) LinkGameCenter(ctx context.Context, caller uuid.UUID, g social.GameCenter) error {
	who, err := c.social.GameCenter(ctx, g)
	return c.linkPlayer(ctx, gameCenter, caller, who, err)
}

// LinkSteam is LinkFacebook for a session ticket of Steam.
func (c *Core) LinkSteam(ctx context.Context, caller uuid.UUID, username, ticket string, sync bool) error {
	who, err := c.social.Steam(ctx, ticket)
	if err := c.linkPlayer(ctx, steam, caller, who, err); err != nil {
		return err
	}
	if sync {
		c.syncFriends(caller, c.importSteamFriends(ctx, caller, username, who.ID, false))
	}
	return nil
}

// linkPlayer links a player to an account, unless the provider returned an error.
func (c *Core) linkPlayer(ctx context.Context, p provider, caller uuid.UUID, who social.Profile, err error) error {
	if err != nil {
		return err
	}
	if err := c.rename(ctx, p, who); err != nil {
		return err
	}
	name, avatar := shownAs(who)
	err = c.linkColumn(ctx, p.id, "UPDATE users SET "+p.column+" = $4, "+setShown+", update_time = now() WHERE id = $1",
		caller, name, avatar, who.ID)
	if err == nil {
		c.adoptEmail(ctx, caller, who.Email)
	}
	return err
}

// UnlinkApple unlinks the caller's Apple id. With a token it must be that player's,
// without one it is unlinked whatever it is. Errors of the methods for providers
// are those of UnlinkDevice, and with a token those of AuthenticateApple.
func (c *Core) UnlinkApple(ctx context.Context, caller uuid.UUID, token string) error {
	return c.unlinkPlayer(ctx, apple, caller, token != "", func() (social.Profile, error) { return c.social.Apple(ctx, token) })
}

// UnlinkGoogle is UnlinkApple for Google.
func (c *Core) UnlinkGoogle(ctx context.Context, caller uuid.UUID, token string) error {
	return c.unlinkPlayer(ctx, google, caller, token != "", func() (social.Profile, error) { return c.social.Google(ctx, token) })
}

// UnlinkFacebook is UnlinkApple for Facebook.
func (c *Core) UnlinkFacebook(ctx context.Context, caller uuid.UUID, token string) error {
	return c.unlinkPlayer(ctx, facebook, caller, token != "", func() (social.Profile, error) {
		who, _, err := c.social.Facebook(ctx, token)
		return who, err
	})
}

// UnlinkFacebookInstantGame is UnlinkApple for a Facebook Instant Game.
func (c *Core) UnlinkFacebookInstantGame(ctx context.Context, caller uuid.UUID, signed string) error {
	return c.unlinkPlayer(ctx, facebookInstant, caller, signed != "", func() (social.Profile, error) { return c.social.FacebookInstant(signed) })
}

// UnlinkGameCenter is UnlinkApple for Game Center. All of g must be set, or nothing.
func (c *Core) UnlinkGameCenter(ctx context.Context, caller uuid.UUID, g social.GameCenter) error {
	return c.unlinkPlayer(ctx, gameCenter, caller, !g.IsZero(), func() (social.Profile, error) { return c.social.GameCenter(ctx, g) })
}

// UnlinkSteam is UnlinkApple for Steam.
func (c *Core) UnlinkSteam(ctx context.Context, caller uuid.UUID, ticket string) error {
	return c.unlinkPlayer(ctx, steam, caller, ticket != "", func() (social.Profile, error) { return c.social.Steam(ctx, ticket) })
}

// unlinkPlayer unlinks the id of a provider; if verify is set, only that of the
// player that ask returns.
func (c *Core) unlinkPlayer(ctx context.Context, p provider, caller uuid.UUID, verify bool, ask func() (social.Profile, error)) error {
	var who social.Profile
	if verify {
		var err error
		if who, err = ask(); err != nil {
			return err
		}
		if err := c.rename(ctx, p, who); err != nil {
			return err
		}
	}
	return c.unlinkColumn(ctx, "Error while trying to unlink "+p.id+".", p.column, p.column+" = NULL", caller, who.ID)
}
