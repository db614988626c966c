package core

import (
	"context"

	"github.com/gofrs/uuid/v5"

	"kumi/core/social"
)

// AuthenticateApple implements runtime.NakamaModule; see Core.AuthenticateApple.
func (m *Module) AuthenticateApple(ctx context.Context, token, username string, create bool) (string, string, bool, error) {
	return spread(m.core.AuthenticateApple(ctx, token, username, create))
}

// AuthenticateGoogle implements runtime.NakamaModule; see Core.AuthenticateGoogle.
func (m *Module) AuthenticateGoogle(ctx context.Context, token, username string, create bool) (string, string, bool, error) {
	return spread(m.core.AuthenticateGoogle(ctx, token, username, create))
}

// AuthenticateFacebook implements runtime.NakamaModule; see
// Core.AuthenticateFacebook.
func (m *Module) AuthenticateFacebook(ctx context.Context, token string, sync bool, username string, create bool) (string, string, bool, error) {
	return spread(m.core.AuthenticateFacebook(ctx, token, username, create, sync))
}

// AuthenticateFacebookInstantGame implements runtime.NakamaModule; see
// Core.AuthenticateFacebookInstantGame.
func (m *Module) AuthenticateFacebookInstantGame(ctx context.Context, signed, username string, create bool) (string, string, bool, error) {
	return spread(m.core.AuthenticateFacebookInstantGame(ctx, signed, username, create))
}

// AuthenticateGameCenter implements runtime.NakamaModule; see
// Core.AuthenticateGameCenter.
func (m *Module) AuthenticateGameCenter(ctx context.Context, player, bundle string, timestamp int64, salt, signature, publicKeyURL, username string, create bool) (string, string, bool, error) {
	g := social.GameCenter{PlayerID: player, BundleID: bundle, Timestamp: timestamp, Salt: salt, Signature: signature, PublicKeyURL: publicKeyURL}
	return spread(m.core.AuthenticateGameCenter(ctx, g, username, create))
}

// AuthenticateSteam implements runtime.NakamaModule. It imports no friends, see
// AuthenticateSteamSync.
func (m *Module) AuthenticateSteam(ctx context.Context, ticket, username string, create bool) (string, string, bool, error) {
	return m.AuthenticateSteamSync(ctx, ticket, false, username, create)
}

// AuthenticateSteamSync is Core.AuthenticateSteam for scripts.
func (m *Module) AuthenticateSteamSync(ctx context.Context, ticket string, sync bool, username string, create bool) (string, string, bool, error) {
	return spread(m.core.AuthenticateSteam(ctx, ticket, username, create, sync))
}

// LinkApple implements runtime.NakamaModule.
func (m *Module) LinkApple(ctx context.Context, id, token string) error {
	return m.withUser(id, func(user uuid.UUID) error { return m.core.LinkApple(ctx, user, token) })
}

// LinkGoogle implements runtime.NakamaModule.
func (m *Module) LinkGoogle(ctx context.Context, id, token string) error {
	return m.withUser(id, func(user uuid.UUID) error { return m.core.LinkGoogle(ctx, user, token) })
}

// LinkFacebook implements runtime.NakamaModule.
func (m *Module) LinkFacebook(ctx context.Context, id, username, token string, sync bool) error {
	return m.withUser(id, func(user uuid.UUID) error { return m.core.LinkFacebook(ctx, user, username, token, sync) })
}

// LinkFacebookInstantGame implements runtime.NakamaModule.
func (m *Module) LinkFacebookInstantGame(ctx context.Context, id, signed string) error {
	return m.withUser(id, func(user uuid.UUID) error { return m.core.LinkFacebookInstantGame(ctx, user, signed) })
}

// LinkGameCenter implements runtime.NakamaModule.
func (m *Module) LinkGameCenter(ctx context.Context, id, player, bundle string, timestamp int64, salt, signature, publicKeyURL string) error {
	g := social.GameCenter{PlayerID: player, BundleID: bundle, Timestamp: timestamp, Salt: salt, Signature: signature, PublicKeyURL: publicKeyURL}
	return m.withUser(id, func(user uuid.UUID) error { return m.core.LinkGameCenter(ctx, user, g) })
}

// LinkSteam implements runtime.NakamaModule.
func (m *Module) LinkSteam(ctx context.Context, id, username, ticket string, sync bool) error {
	return m.withUser(id, func(user uuid.UUID) error { return m.core.LinkSteam(ctx, user, username, ticket, sync) })
}

// UnlinkApple implements runtime.NakamaModule.
func (m *Module) UnlinkApple(ctx context.Context, id, token string) error {
	return m.withUser(id, func(user uuid.UUID) error { return m.core.UnlinkApple(ctx, user, token) })
}

// UnlinkGoogle implements runtime.NakamaModule.
func (m *Module) UnlinkGoogle(ctx context.Context, id, token string) error {
	return m.withUser(id, func(user uuid.UUID) error { return m.core.UnlinkGoogle(ctx, user, token) })
}

// UnlinkFacebook implements runtime.NakamaModule.
func (m *Module) UnlinkFacebook(ctx context.Context, id, token string) error {
	return m.withUser(id, func(user uuid.UUID) error { return m.core.UnlinkFacebook(ctx, user, token) })
}

// UnlinkFacebookInstantGame implements runtime.NakamaModule.
func (m *Module) UnlinkFacebookInstantGame(ctx context.Context, id, signed string) error {
	return m.withUser(id, func(user uuid.UUID) error { return m.core.UnlinkFacebookInstantGame(ctx, user, signed) })
}

// UnlinkGameCenter implements runtime.NakamaModule.
func (m *Module) UnlinkGameCenter(ctx context.Context, id, player, bundle string, timestamp int64, salt, signature, publicKeyURL string) error {
	g := social.GameCenter{PlayerID: player, BundleID: bundle, Timestamp: timestamp, Salt: salt, Signature: signature, PublicKeyURL: publicKeyURL}
	return m.withUser(id, func(user uuid.UUID) error { return m.core.UnlinkGameCenter(ctx, user, g) })
}

// UnlinkSteam implements runtime.NakamaModule.
func (m *Module) UnlinkSteam(ctx context.Context, id, ticket string) error {
	return m.withUser(id, func(user uuid.UUID) error { return m.core.UnlinkSteam(ctx, user, ticket) })
}

// withUser parses a user id for do.
func (m *Module) withUser(id string, do func(user uuid.UUID) error) error {
	user, err := userID(id)
	if err != nil {
		return err
	}
	return do(user)
}
