package core

import (
	"context"
	"database/sql"
	"errors"
	"maps"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/api"
)

// StartSession issues a session token and a refresh token after
// authentication. With session.single_session it revokes the user's earlier
// tokens, which is stored.
func (c *Core) StartSession(ctx context.Context, id Identity, vars map[string]string) (*api.Session, *Claims, error) {
	if err := CheckVars(vars); err != nil {
		return nil, nil, err
	}
	tokenID, err := uuid.NewV4()
	if err != nil {
		return nil, nil, failed("make a token id", err)
	}
	single := c.config.GetSession().GetSingleSession()
	session, refresh, claims, revoked, err := c.tokens.begin(Claims{
		TokenID: tokenID.String(), UserID: id.UserID, Username: id.Username,
		Vars: ownVars(vars), IssuedAt: c.now().Unix(),
	}, single)
	if err != nil {
		return nil, nil, err
	}
	if revoked {
		e := c.tokens.bad.everything(id.UserID)
		e.adds = !single
		c.storeRevocations(ctx, e)
	}
	return &api.Session{Created: id.Created, Token: session, RefreshToken: refresh}, claims, nil
}

// RefreshSession issues a new pair of tokens for a refresh token, with the
// user's current name. The pair keeps the token id and the time of issue; vars
// replace the old ones unless they are empty. The old tokens stay valid.
//
// Errors: InvalidArgument without a token, Unauthenticated for a bad one,
// NotFound if the account does not exist any more, PermissionDenied if it is
// banned.
func (c *Core) RefreshSession(ctx context.Context, token string, vars map[string]string) (*api.Session, *Claims, error) {
	old, err := c.tokens.VerifyRefresh(token)
	if err != nil {
		return nil, nil, err
	}
	if err := CheckVars(vars); err != nil {
		return nil, nil, err
	}
	var username string
	var disabled time.Time
	err = c.db.Reader().QueryRowContext(ctx,
		"SELECT username, disable_time FROM users WHERE id = $1", old.UserID).Scan(&username, &disabled)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil, nil, errAccountNotFound
	case err != nil:
		return nil, nil, failed("find the user account", err)
	case isSet(disabled):
		if err := c.stillBanned(ctx, old.UserID, disabled); err != nil {
			return nil, nil, err
		}
	}
	if vars = ownVars(vars); vars == nil {
		vars = old.Vars
	}
	session, refresh, claims, err := c.tokens.pair(Claims{
		TokenID: old.TokenID, UserID: old.UserID, Username: username, Vars: vars, IssuedAt: old.IssuedAt,
	})
	if err != nil {
		return nil, nil, err
	}
	return &api.Session{Token: session, RefreshToken: refresh}, claims, nil
}

// Logout revokes the given tokens of the caller, or all of them if both are
// empty, until they expire, also after a restart of the server. Sockets stay
// open. InvalidArgument for a token that does not verify or belongs to another
// user.
func (c *Core) Logout(ctx context.Context, caller uuid.UUID, token, refresh string) error {
	revoked, err := c.tokens.revoke(caller, token, refresh)
	c.storeRevocations(ctx, revoked...)
	return err
}

// maxVars is how many bytes the keys and values of session vars may have together.
// They are part of every token, and requests with tokens much longer than this
// are refused for the size of their headers anyway.
const maxVars = 8 << 10

// CheckVars refuses session vars over 8 KiB with InvalidArgument.
func CheckVars(vars map[string]string) error {
	n := 0
	for key, value := range vars {
		n += len(key) + len(value)
	}
	if n > maxVars {
		return invalid("Session vars invalid, must be at most %d bytes in all, not %d.", maxVars, n)
	}
	return nil
}

// ownVars copies vars, because claims are shared and hooks may change a
// message's vars. It returns nil for empty vars.
func ownVars(vars map[string]string) map[string]string {
	if len(vars) == 0 {
		return nil
	}
	return maps.Clone(vars)
}

// isSet reports whether a time is not the epoch, which means "never" in the
// database.
func isSet(t time.Time) bool { return t.Unix() != 0 }
