package core

import (
	"context"

	"github.com/heroiclabs/nakama-common/api"
	"github.com/heroiclabs/nakama-common/runtime"
)

// AccountGetId implements runtime.NakamaModule.
func (m *Module) AccountGetId(ctx context.Context, id string) (*api.Account, error) {
	user, err := userID(id)
	if err != nil {
		return nil, err
	}
	return m.core.account(ctx, user)
}

// AccountsGetId implements runtime.NakamaModule. Unknown ids are left out.
func (m *Module) AccountsGetId(ctx context.Context, ids, devices []string) ([]*api.Account, error) {
	users, err := userIDs(ids)
	if err != nil {
		return nil, err
	}
	return listed(m.core.accounts(ctx, users, devices))
}

// AccountUpdateId implements runtime.NakamaModule: an empty text or nil map
// leaves its field unchanged.
func (m *Module) AccountUpdateId(ctx context.Context, id, username string, metadata map[string]any, displayName, timezone, location, langTag, avatarURL string) error {
	return m.AccountUpdate(ctx, changesOf(&runtime.AccountUpdate{
		UserID: id, Username: username, Metadata: metadata, DisplayName: displayName,
		Timezone: timezone, Location: location, LangTag: langTag, AvatarUrl: avatarURL,
	}))
}

// AccountUpdate is AccountUpdateId for callers that can tell an empty text,
// which clears a field, from none. Metadata must be nil or a whole new object.
func (m *Module) AccountUpdate(ctx context.Context, u AccountUpdate) error {
	user, err := userID(u.UserID)
	if err != nil {
		return err
	}
	return m.core.updateAccount(ctx, user, &u)
}

// changesOf treats empty texts as absent, as Go modules mean them.
func changesOf(u *runtime.AccountUpdate) AccountUpdate {
	text := func(s string) *string {
		if s == "" {
			return nil
		}
		return &s
	}
	return AccountUpdate{
		UserID: u.UserID, Username: text(u.Username), DisplayName: text(u.DisplayName), Timezone: text(u.Timezone),
		Location: text(u.Location), LangTag: text(u.LangTag), AvatarURL: text(u.AvatarUrl), Metadata: u.Metadata,
	}
}

// AccountDeleteId implements runtime.NakamaModule.
func (m *Module) AccountDeleteId(ctx context.Context, id string, recorded bool) error {
	user, err := userID(id)
	if err != nil {
		return err
	}
	return m.core.deleteAccount(ctx, user, recorded)
}

// UsersGetId implements runtime.NakamaModule.
func (m *Module) UsersGetId(ctx context.Context, ids, facebookIDs []string) ([]*api.User, error) {
	users, err := userIDs(ids)
	if err != nil {
		return nil, err
	}
	return listed(m.core.users(ctx, users, nil, facebookIDs))
}

// UsersGetUsername implements runtime.NakamaModule.
func (m *Module) UsersGetUsername(ctx context.Context, names []string) ([]*api.User, error) {
	return listed(m.core.users(ctx, nil, names, nil))
}

// UsersGetRandom implements runtime.NakamaModule; count is 0 to 1000.
func (m *Module) UsersGetRandom(ctx context.Context, count int) ([]*api.User, error) {
	return listed(m.core.randomUsers(ctx, count))
}

// UsersBanId implements runtime.NakamaModule.
func (m *Module) UsersBanId(ctx context.Context, ids []string) error {
	users, err := userIDs(ids)
	if err != nil {
		return err
	}
	return m.core.ban(ctx, users)
}

// UsersUnbanId implements runtime.NakamaModule.
func (m *Module) UsersUnbanId(ctx context.Context, ids []string) error {
	users, err := userIDs(ids)
	if err != nil {
		return err
	}
	return m.core.unban(ctx, users)
}
