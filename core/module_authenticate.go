package core

import (
	"context"

	"github.com/gofrs/uuid/v5"
)

// AuthenticateDevice implements runtime.NakamaModule.
func (m *Module) AuthenticateDevice(ctx context.Context, id, username string, create bool) (string, string, bool, error) {
	return spread(m.core.AuthenticateDevice(ctx, id, username, create))
}

// AuthenticateCustom implements runtime.NakamaModule.
func (m *Module) AuthenticateCustom(ctx context.Context, id, username string, create bool) (string, string, bool, error) {
	return spread(m.core.AuthenticateCustom(ctx, id, username, create))
}

// AuthenticateEmail implements runtime.NakamaModule; without an address it
// logs in by name and password.
func (m *Module) AuthenticateEmail(ctx context.Context, email, password, username string, create bool) (string, string, bool, error) {
	return spread(m.core.AuthenticateEmail(ctx, email, password, username, create))
}

func spread(id Identity, err error) (string, string, bool, error) {
	if err != nil {
		return "", "", false, err
	}
	return id.UserID.String(), id.Username, id.Created, nil
}

// AuthenticateTokenGenerate implements runtime.NakamaModule: it issues a
// session token without accessing the database. exp is in Unix seconds; 0
// means the configured lifetime from now.
func (m *Module) AuthenticateTokenGenerate(id, username string, exp int64, vars map[string]string) (string, int64, error) {
	user, err := userID(id)
	if err != nil {
		return "", 0, err
	}
	if user.IsNil() {
		return "", 0, invalid("user id must be that of a user")
	}
	if username, err = usernameOrNew(username); err != nil {
		return "", 0, err
	}
	if err := CheckVars(vars); err != nil {
		return "", 0, err
	}
	tokenID, err := uuid.NewV4()
	if err != nil {
		return "", 0, failed("make a token id", err)
	}
	now := m.core.now().Unix()
	if exp == 0 {
		exp = now + m.core.config.GetSession().GetTokenExpirySec()
	}
	if m.core.tokens.bad.spare(user, tokenID.String(), now) {
		e := m.core.tokens.bad.everything(user)
		e.adds = true
		m.core.storeRevocationsLater(e)
	}
	if longest := m.core.tokens.lives(exp - now); longest > 0 {
		m.core.storeLongest(longest)
	}
	token, err := m.core.tokens.issue(&Claims{
		TokenID: tokenID.String(), UserID: user, Username: username, Vars: ownVars(vars), ExpiresAt: exp, IssuedAt: now,
	})
	if err != nil {
		return "", 0, err
	}
	return token, exp, nil
}

// Logout is SessionLogout with a context; see Core.Logout.
func (m *Module) Logout(ctx context.Context, id, token, refresh string) error {
	user, err := userID(id)
	if err != nil {
		return err
	}
	return m.core.Logout(ctx, user, token, refresh)
}

// SessionLogout implements runtime.NakamaModule; see Core.Logout. As it has no
// context it does not wait for the database, which could wait for a transaction
// of the caller.
func (m *Module) SessionLogout(id, token, refresh string) error {
	user, err := userID(id)
	if err != nil {
		return err
	}
	revoked, err := m.core.tokens.revoke(user, token, refresh)
	if err != nil {
		return err
	}
	m.core.storeRevocationsLater(revoked...)
	return nil
}

// LinkDevice implements runtime.NakamaModule.
func (m *Module) LinkDevice(ctx context.Context, id, device string) error {
	user, err := userID(id)
	if err != nil {
		return err
	}
	return m.core.LinkDevice(ctx, user, device)
}

// LinkCustom implements runtime.NakamaModule.
func (m *Module) LinkCustom(ctx context.Context, id, custom string) error {
	user, err := userID(id)
	if err != nil {
		return err
	}
	return m.core.LinkCustom(ctx, user, custom)
}

// LinkEmail implements runtime.NakamaModule.
func (m *Module) LinkEmail(ctx context.Context, id, email, password string) error {
	user, err := userID(id)
	if err != nil {
		return err
	}
	return m.core.LinkEmail(ctx, user, email, password)
}

// UnlinkDevice implements runtime.NakamaModule.
func (m *Module) UnlinkDevice(ctx context.Context, id, device string) error {
	user, err := userID(id)
	if err != nil {
		return err
	}
	return m.core.UnlinkDevice(ctx, user, device)
}

// UnlinkCustom implements runtime.NakamaModule.
func (m *Module) UnlinkCustom(ctx context.Context, id, custom string) error {
	user, err := userID(id)
	if err != nil {
		return err
	}
	return m.core.UnlinkCustom(ctx, user, custom)
}

// UnlinkEmail implements runtime.NakamaModule.
func (m *Module) UnlinkEmail(ctx context.Context, id, email string) error {
	user, err := userID(id)
	if err != nil {
		return err
	}
	return m.core.UnlinkEmail(ctx, user, email)
}
