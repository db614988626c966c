package core

import (
	"context"

	"github.com/gofrs/uuid/v5"

	"kumi/core/social"
	"kumi/store"
	"kumi/store/fault"
)

// AuthenticateApple is AuthenticateDevice for an ID token of Sign in with Apple.
//
// Errors of the methods for providers, in addition to those of
// AuthenticateDevice: InvalidArgument without a token, FailedPrecondition if the
// provider is not configured, Unauthenticated if it does not confirm the player,
// Unavailable if it cannot be asked. New accounts take over the player's e-mail
// address, name and avatar if the provider has them.
func (c *Core) AuthenticateApple(ctx context.Context, token, username string, create bool) (Identity, error) {
	return c.authenticatePlayer(ctx, apple, username, create, func() (social.Profile, error) { return c.social.Apple(ctx, token) })
}

// AuthenticateGoogle is AuthenticateApple for an ID token of Google, or an
// authorization code of Play Games Services.
func (c *Core) AuthenticateGoogle(ctx context.Context, token, username string, create bool) (Identity, error) {
	return c.authenticatePlayer(ctx, google, username, create, func() (social.Profile, error) { return c.social.Google(ctx, token) })
}

// AuthenticateFacebook is AuthenticateApple for an access token of Facebook, or an
// ID token of Limited Login. With sync it imports the player's friends, which
// Limited Login does not offer; if that fails the authentication does not.
func (c *Core) AuthenticateFacebook(ctx context.Context, token, username string, create, sync bool) (Identity, error) {
	var limited bool
	id, err := c.authenticatePlayer(ctx, facebook, username, create, func() (who social.Profile, err error) {
		who, limited, err = c.social.Facebook(ctx, token)
		return who, err
	})
	if err == nil && sync && !limited {
		c.syncFriends(id.UserID, c.importFacebookFriends(ctx, id.UserID, id.Username, token, false))
	}
	return id, err
}

// AuthenticateFacebookInstantGame is AuthenticateApple for the signed player info
// of a Facebook Instant Game. A bad signature is DataLoss.
func (c *Core) AuthenticateFacebookInstantGame(ctx context.Context, signed, username string, create bool) (Identity, error) {
	return c.authenticatePlayer(ctx, facebookInstant, username, create, func() (social.Profile, error) {
		who, err := c.social.FacebookInstant(signed)
		if fault.CodeOf(err) == fault.Unauthenticated {
			err = &fault.Error{
				Code: fault.DataLoss, Mistake: true, Cause: err,
				Message: "Error extracting the Facebook Instant Game player ID or validating the signature",
			}
		}
		return who, err
	})
}

// AuthenticateGameCenter is AuthenticateApple for a player of Game Center.
func (c *Core) AuthenticateGameCenter(ctx context.Context, g social.GameCenter, username string, create bool) (Identity, error) {
	return c.authenticatePlayer(ctx, gameCenter, username, create, func() (social.Profile, error) { return c.social.GameCenter(ctx, g) })
}

// AuthenticateSteam is AuthenticateApple for a session ticket of Steam. With sync
// it imports the player's friends; if that fails the authentication does not.
func (c *Core) AuthenticateSteam(ctx context.Context, ticket, username string, create, sync bool) (Identity, error) {
	var steamID string
	id, err := c.authenticatePlayer(ctx, steam, username, create, func() (social.Profile, error) {
		who, err := c.social.Steam(ctx, ticket)
		steamID = who.ID
		return who, err
	})
	if err == nil && sync {
		c.syncFriends(id.UserID, c.importSteamFriends(ctx, id.UserID, id.Username, steamID, false))
	}
	return id, err
}

// authenticatePlayer returns the account of the player that ask returns, or creates
// one. It checks the username first: some tokens can be used only once.
func (c *Core) authenticatePlayer(ctx context.Context, p provider, username string, create bool, ask func() (social.Profile, error)) (Identity, error) {
	if err := checkUsername(username); err != nil {
		return Identity{}, err
	}
	who, err := ask()
	if err != nil {
		return Identity{}, err
	}
	if err := c.rename(ctx, p, who); err != nil {
		return Identity{}, err
	}
	id, err := c.authenticate(ctx, p.login(), who.ID, username, create, func(ctx context.Context, q store.Querier, user uuid.UUID, username string) error {
		name, avatar := shownAs(who)
		_, err := q.ExecContext(ctx, "INSERT INTO users (id, username, "+p.column+", display_name, avatar_url) VALUES ($1, $2, $3, NULLIF($4, ''), NULLIF($5, ''))",
			user, username, who.ID, name, avatar)
		return err
	})
	switch {
	case err != nil:
		return Identity{}, err
	case id.Created:
		c.adoptEmail(ctx, id.UserID, who.Email)
	default:
		c.fillProfile(ctx, id.UserID, who)
	}
	return id, nil
}
