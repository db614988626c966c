package core

import (
	"context"
	"slices"

	"kumi/core/consolepb"
	"kumi/store"
	"kumi/store/fault"
)

// CreateAccount makes the account of an export, with its devices, identities, storage
// objects, notifications and wallet ledger, under the given id or that of the export. It
// has no password. Friends, groups, messages and leaderboard records are left out, because
// they belong to others too.
//
// Errors: InvalidArgument for data that is not an export, AlreadyExists if there is such an
// account or if a name or an identity is another account's.
func (k *Console) CreateAccount(ctx context.Context, in *consolepb.AccountImport) (*consolepb.Account, error) {
	data, err := consoleImport(in.Data)
	if err != nil {
		return nil, err
	}
	id := in.Id
	if id == "" {
		id = data.Account.GetUser().GetId()
	}
	user, err := playerID(id)
	if err != nil {
		return nil, err
	}
	username, err := usernameOrNew(data.Account.GetUser().GetUsername())
	if err != nil {
		return nil, err
	}
	err = k.storageTx(ctx, data.objectIDs(user), func(ctx context.Context, q store.Querier) error {
		var there bool
		if err := q.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM users WHERE id = $1)", user).Scan(&there); err != nil {
			return err
		}
		if there {
			return fault.New(fault.AlreadyExists, "There is an account with this id.")
		}
		return k.importAccount(ctx, q, user, username, data)
	})
	if _, taken := store.IsUnique(err); taken {
		return nil, fault.Wrap(fault.AlreadyExists, "The username or an identity belongs to another account.", err)
	}
	if err != nil {
		return nil, failed("import the user account", err)
	}
	return k.GetAccount(ctx, &consolepb.AccountId{Id: user.String()})
}

// OverwriteAccount replaces the metadata, the wallet and all storage objects of an account
// by those of an export, and nothing else. Errors as in CreateAccount; NotFound if there
// is no such account.
func (k *Console) OverwriteAccount(ctx context.Context, in *consolepb.AccountImport) error {
	data, err := consoleImport(in.Data)
	if err != nil {
		return err
	}
	user, err := k.existing(ctx, in.Id)
	if err != nil {
		return err
	}
	metadata, err := k.importJSON(data.Account.GetUser().GetMetadata())
	if err != nil {
		return err
	}
	wallet, err := k.importJSON(data.Account.GetWallet())
	if err != nil {
		return err
	}
	var removed []objectID
	changed := objectIDs(func(yield func(objectID) bool) { slices.Values(removed)(yield) }, data.objectIDs(user))
	err = k.storageTx(ctx, changed, func(ctx context.Context, q store.Querier) (err error) {
		if removed, err = objectsOf(ctx, q, k.db.Dialect(), user); err != nil {
			return err
		}
		if _, err := q.ExecContext(ctx, "UPDATE users SET metadata = $2, wallet = $3, update_time = now() WHERE id = $1", user, metadata, wallet); err != nil {
			return err
		}
		if _, err := q.ExecContext(ctx, "DELETE FROM storage WHERE user_id = $1", user); err != nil {
			return err
		}
		return k.importObjects(ctx, q, user, data.Objects)
	})
	if err != nil {
		return failed("import the user account", err)
	}
	return nil
}

// consoleImport is the part of an export that is imported. InvalidArgument without an
// account.
func consoleImport(in *consolepb.AccountExport) (*accountImport, error) {
	if in.GetAccount() == nil {
		return nil, invalid("The data must be an export of an account.")
	}
	return &accountImport{in.Account, in.Objects, in.Notifications, in.WalletLedgers}, nil
}
