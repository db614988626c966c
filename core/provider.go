package core

import (
	"context"
	"errors"
	"strings"

	"github.com/gofrs/uuid/v5"

	"kumi/core/social"
	"kumi/store"
)

// provider is a sign-in provider as accounts know it.
type provider struct {
	id     string // what the protocol's texts call the player's id
	column string // of users
}

var (
	apple           = provider{"Apple ID", "apple_id"}
	facebook        = provider{"Facebook ID", "facebook_id"}
	facebookInstant = provider{"Facebook Instant Game ID", "facebook_instant_game_id"}
	gameCenter      = provider{"GameCenter ID", "gamecenter_id"}
	google          = provider{"Google ID", "google_id"}
	steam           = provider{"Steam ID", "steam_id"}
)

// login is the query for the account of a player.
func (p provider) login() string {
	return "SELECT id, username, password, disable_time FROM users WHERE " + p.column + " = $1"
}

// Names and addresses of pictures that are longer are not taken over, in bytes.
const (
	maxDisplayName = 255
	maxAvatarURL   = 512
)

// shownAs returns the display name and avatar of a profile, empty if they are
// unknown or cannot be stored.
func shownAs(who social.Profile) (name, avatar string) {
	storable := func(text string, maxBytes int) string {
		if len(text) > maxBytes || strings.ContainsRune(text, 0) {
			return ""
		}
		return text
	}
	return storable(who.DisplayName, maxDisplayName), storable(who.AvatarURL, maxAvatarURL)
}

// rename moves the account of a player to the player's new id at the provider, if
// there is no account with the new one.
func (c *Core) rename(ctx context.Context, p provider, who social.Profile) error {
	if who.FormerID == "" {
		return nil
	}
	_, err := c.findLogin(ctx, p.login(), who.ID)
	if !errors.Is(err, errAccountNotFound) {
		return nil // there is one, or its caller will see the error
	}
	_, err = c.db.Exec(ctx, "UPDATE users SET "+p.column+" = $1 WHERE "+p.column+" = $2", who.ID, who.FormerID)
	if _, taken := store.IsUnique(err); err == nil || taken { // by another call
		return nil
	}
	return failed("find the user account", err)
}

// adoptEmail sets the e-mail address of an account that has none. It does nothing
// if the address belongs to another account. Without a password nobody can log in
// with it.
func (c *Core) adoptEmail(ctx context.Context, user uuid.UUID, email string) {
	if email == "" || checkEmail(email) != nil {
		return
	}
	_, err := c.db.Exec(ctx, "UPDATE users SET email = $2 WHERE id = $1 AND email IS NULL", user, strings.ToLower(email))
	if _, taken := store.IsUnique(err); err != nil && !taken {
		c.log.Warn().Err(err).Stringer("user_id", user).Msg("the e-mail address of a sign-in provider was not stored")
	}
}

// fillProfile sets the display name and avatar of an account that has none.
func (c *Core) fillProfile(ctx context.Context, user uuid.UUID, who social.Profile) {
	name, avatar := shownAs(who)
	if name == "" && avatar == "" {
		return
	}
	var hasName, hasAvatar bool
	err := c.db.Reader().QueryRowContext(ctx, "SELECT COALESCE(display_name, '') <> '', COALESCE(avatar_url, '') <> '' FROM users WHERE id = $1", user).
		Scan(&hasName, &hasAvatar)
	if err == nil && (name != "" && !hasName || avatar != "" && !hasAvatar) {
		_, err = c.db.Exec(ctx, "UPDATE users SET "+setShown+", update_time = now() WHERE id = $1", user, name, avatar)
	}
	if err != nil {
		c.log.Warn().Err(err).Stringer("user_id", user).Msg("the profile of a sign-in provider was not stored")
	}
}

// setShown fills an empty display name and avatar with $2 and $3.
const setShown = "display_name = COALESCE(NULLIF(display_name, ''), NULLIF($2, '')), avatar_url = COALESCE(NULLIF(avatar_url, ''), NULLIF($3, ''))"
