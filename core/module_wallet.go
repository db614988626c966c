package core

import (
	"context"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/api"
	"github.com/heroiclabs/nakama-common/runtime"

	"kumi/store"
	"kumi/store/fault"
)

// WalletUpdate implements runtime.NakamaModule. A negative wallet is a
// *runtime.WalletNegativeError, an unknown user NotFound.
func (m *Module) WalletUpdate(ctx context.Context, id string, changeset map[string]int64, metadata map[string]any, updateLedger bool) (updated, previous map[string]int64, err error) {
	results, err := m.WalletsUpdate(ctx, []*runtime.WalletUpdate{{UserID: id, Changeset: changeset, Metadata: metadata}}, updateLedger)
	if len(results) > 0 {
		return results[0].Updated, results[0].Previous, err
	}
	if err == nil {
		err = fault.New(fault.NotFound, "user not found")
	}
	return nil, nil, err
}

// WalletsUpdate implements runtime.NakamaModule: all or none; unknown users
// are skipped. If it fails for a negative wallet, the results have the
// previous wallets and no updated ones.
func (m *Module) WalletsUpdate(ctx context.Context, updates []*runtime.WalletUpdate, updateLedger bool) ([]*runtime.WalletUpdateResult, error) {
	changes, err := m.walletChanges(updates)
	if err != nil || len(changes) == 0 {
		return nil, err
	}
	var results []*runtime.WalletUpdateResult
	err = m.core.db.Tx(ctx, func(ctx context.Context, q store.Querier) (err error) {
		results, err = m.core.changeWallets(ctx, q, changes, updateLedger)
		return err
	})
	if err != nil {
		return results, walletError(err)
	}
	return results, nil
}

func (m *Module) walletChanges(updates []*runtime.WalletUpdate) ([]walletChange, error) {
	changes := make([]walletChange, len(updates))
	for i, u := range updates {
		var err error
		if changes[i], err = m.core.newWalletChange(u); err != nil {
			return nil, err
		}
	}
	return changes, nil
}

// WalletLedgerUpdate implements runtime.NakamaModule: it merges metadata into
// that of a ledger item. NotFound if there is no such item.
func (m *Module) WalletLedgerUpdate(ctx context.Context, itemID string, metadata map[string]any) (runtime.WalletLedgerItem, error) {
	item, err := uuid.FromString(itemID)
	if err != nil {
		return nil, invalid("expects a valid item id, not %q", itemID)
	}
	text, err := m.core.metadataText(metadata)
	if err != nil {
		return nil, err
	}
	found, err := m.core.annotateLedger(ctx, item, text)
	if err != nil {
		return nil, err // a nil *ledgerItem must not become a non-nil interface
	}
	return found, nil
}

// WalletLedgerList implements runtime.NakamaModule; limit is 0 to 100, newest
// items first. A bad cursor is runtime.ErrWalletLedgerInvalidCursor.
func (m *Module) WalletLedgerList(ctx context.Context, id string, limit int, cursor string) ([]runtime.WalletLedgerItem, string, error) {
	user, err := userID(id)
	if err != nil {
		return nil, "", err
	}
	if limit < 0 || limit > 100 {
		return nil, "", invalid("limit must be between 0 and 100")
	}
	if limit == 0 {
		return []runtime.WalletLedgerItem{}, "", nil
	}
	found, next, err := m.core.listLedger(ctx, user, limit, cursor)
	if err != nil {
		return nil, "", err
	}
	items := make([]runtime.WalletLedgerItem, len(found))
	for i, item := range found {
		items[i] = item
	}
	return items, next, nil
}

// MultiUpdate implements runtime.NakamaModule: everything in one transaction.
// Errors are those of the single functions.
func (m *Module) MultiUpdate(ctx context.Context, accounts []*runtime.AccountUpdate, writes []*runtime.StorageWrite, deletes []*runtime.StorageDelete, wallets []*runtime.WalletUpdate, updateLedger bool) ([]*api.StorageObjectAck, []*runtime.WalletUpdateResult, error) {
	changes := make([]AccountUpdate, len(accounts))
	for i, a := range accounts {
		changes[i] = changesOf(a)
	}
	return m.UpdateMany(ctx, changes, writes, deletes, wallets, updateLedger)
}

// UpdateMany is MultiUpdate for callers that can tell an empty text, which
// clears a field of an account, from none.
func (m *Module) UpdateMany(ctx context.Context, accounts []AccountUpdate, writes []*runtime.StorageWrite, deletes []*runtime.StorageDelete, wallets []*runtime.WalletUpdate, updateLedger bool) ([]*api.StorageObjectAck, []*runtime.WalletUpdateResult, error) {
	c := m.core
	changes := make([]accountChange, len(accounts))
	for i := range accounts {
		user, err := userID(accounts[i].UserID)
		if err != nil {
			return nil, nil, err
		}
		if changes[i], err = c.accountChange(user, &accounts[i]); err != nil {
			return nil, nil, err
		}
	}
	objects, err := m.objectWrites(writes)
	if err != nil {
		return nil, nil, err
	}
	removals, err := objectDeletes(deletes)
	if err != nil {
		return nil, nil, err
	}
	money, err := m.walletChanges(wallets)
	if err != nil {
		return nil, nil, err
	}
	if len(changes)+len(objects)+len(removals)+len(money) == 0 {
		return nil, nil, nil
	}

	var acks []*api.StorageObjectAck
	var results []*runtime.WalletUpdateResult
	// named converts an error to that of the step in which it happened.
	var named func(error) error
	err = c.storageTx(ctx, objectIDs(written(objects), deleted(removals)), func(ctx context.Context, q store.Querier) (err error) {
		acks, results = nil, nil
		named = accountChangeError
		for _, change := range changes {
			if err := change.run(ctx, q); err != nil {
				return err
			}
		}
		named = func(err error) error { return c.storageError(err, writingObjects, false) }
		if acks, err = c.writeObjects(ctx, q, objects, false); err != nil {
			return err
		}
		named = func(err error) error { return c.storageError(err, deletingObjects, false) }
		if err = c.deleteObjects(ctx, q, removals, false); err != nil {
			return err
		}
		named = walletError
		results, err = c.changeWallets(ctx, q, money, updateLedger)
		return err
	})
	if err != nil {
		if named == nil { // the transaction did not begin
			named = func(err error) error { return failed("update accounts, storage and wallets", err) }
		}
		return nil, results, named(err)
	}
	return acks, results, nil
}
