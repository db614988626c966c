package core

import (
	"context"
	"errors"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/api"

	"kumi/store/fault"
)

// GetAccount returns the caller's account, without its ban time. NotFound if
// the account does not exist any more.
func (c *Core) GetAccount(ctx context.Context, caller uuid.UUID) (*api.Account, error) {
	account, err := c.account(ctx, caller)
	if errors.Is(err, errAccountNotFound) {
		return nil, fault.Wrap(fault.NotFound, "Account not found.", err)
	}
	if err != nil {
		return nil, err
	}
	account.DisableTime = nil
	return account, nil
}

func (c *Core) account(ctx context.Context, user uuid.UUID) (*api.Account, error) {
	found, err := c.readAccounts(c.db.Brief(ctx), c.db.Reader(),
		"SELECT "+accountColumns+accountTables+"WHERE u.id = $1 ORDER BY d.id", user)
	if err != nil {
		return nil, failed("read the user account", err)
	}
	if len(found) == 0 {
		return nil, errAccountNotFound
	}
	return found[0], nil
}

// accounts returns the accounts with one of the given user ids or device ids,
// in order of their ids; unknown ids are skipped.
func (c *Core) accounts(ctx context.Context, users []uuid.UUID, devices []string) ([]*api.Account, error) {
	d := c.db.Dialect()
	var where string
	var args []any
	switch {
	case len(users) > 0 && len(devices) > 0:
		where = "u.id " + d.AnyOf("$1", "uuid") + " OR u.id IN (SELECT user_id FROM user_device WHERE id " + d.AnyOf("$2", "text") + ")"
		args = []any{users, devices}
	case len(users) > 0:
		where, args = "u.id "+d.AnyOf("$1", "uuid"), []any{users}
	case len(devices) > 0:
		where, args = "u.id IN (SELECT user_id FROM user_device WHERE id "+d.AnyOf("$1", "text")+")", []any{devices}
	default:
		return nil, nil
	}
	found, err := c.readAccounts(ctx, c.db.Reader(),
		"SELECT "+accountColumns+accountTables+"WHERE "+where+" ORDER BY u.id, d.id", args...)
	if err != nil {
		return nil, failed("read user accounts", err)
	}
	return found, nil
}
