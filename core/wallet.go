package core

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"math"
	"slices"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/runtime"

	"kumi/store"
	"kumi/store/fault"
)

// walletChange is a validated change of a wallet.
type walletChange struct {
	user      uuid.UUID
	changeset map[string]int64
	metadata  string // JSON for the ledger
}

func (c *Core) newWalletChange(u *runtime.WalletUpdate) (walletChange, error) {
	user, err := userID(u.UserID)
	if err != nil {
		return walletChange{}, err
	}
	metadata, err := c.metadataText(u.Metadata)
	return walletChange{user, u.Changeset, metadata}, err
}

// metadataText returns a module's map as JSON for the database; nil is {}.
func (c *Core) metadataText(metadata map[string]any) (string, error) {
	if metadata == nil {
		return "{}", nil
	}
	text, err := json.Marshal(metadata)
	if err != nil {
		return "", fault.Wrap(fault.InvalidArgument, "metadata must be json: "+err.Error(), err)
	}
	stored, err := c.db.Dialect().JSON(string(text))
	if err != nil {
		return "", fault.Wrap(fault.InvalidArgument, "metadata must be json: "+err.Error(), err)
	}
	return stored, nil
}

// changeWallets applies the changes as part of a transaction, all or none, and
// with ledger writes one ledger row for each. Unknown users are skipped. If a
// wallet would become negative, which is a *runtime.WalletNegativeError, the
// results have only the previous wallets.
func (c *Core) changeWallets(ctx context.Context, q store.Querier, changes []walletChange, ledger bool) ([]*runtime.WalletUpdateResult, error) {
	if len(changes) == 0 {
		return nil, nil
	}
	wallets, users, err := lockWallets(ctx, q, c.db.Dialect(), changes)
	if err != nil {
		return nil, err
	}
	results := make([]*runtime.WalletUpdateResult, 0, len(changes))
	undo := func(err error) ([]*runtime.WalletUpdateResult, error) {
		for _, r := range results {
			r.Updated = map[string]int64{}
		}
		return results, err
	}
	for _, ch := range changes {
		wallet, known := wallets[ch.user]
		if !known {
			continue
		}
		r := &runtime.WalletUpdateResult{UserID: ch.user.String(), Previous: wallet}
		results = append(results, r)
		if r.Updated, err = applyChange(r.UserID, wallet, ch.changeset); err != nil {
			return undo(err)
		}
		wallets[ch.user] = r.Updated
	}
	for _, user := range users {
		text, err := json.Marshal(wallets[user])
		if err != nil {
			return undo(err)
		}
		stored, err := c.db.Dialect().JSON(string(text))
		if err != nil {
			return undo(err)
		}
		if _, err := q.ExecContext(ctx, "UPDATE users SET wallet = $2, update_time = now() WHERE id = $1", user, stored); err != nil {
			return undo(err)
		}
	}
	if !ledger {
		return results, nil
	}
	for _, ch := range changes {
		if _, known := wallets[ch.user]; !known {
			continue
		}
		if err := c.writeLedger(ctx, q, ch); err != nil {
			return undo(err)
		}
	}
	return results, nil
}

// lockWallets reads and locks the wallets of all users concerned, in the order
// of their ids, so that transactions cannot deadlock.
func lockWallets(ctx context.Context, q store.Querier, d store.Dialect, changes []walletChange) (map[uuid.UUID]map[string]int64, []uuid.UUID, error) {
	ids := make([]uuid.UUID, 0, len(changes))
	for _, ch := range changes {
		ids = append(ids, ch.user)
	}
	slices.SortFunc(ids, func(a, b uuid.UUID) int { return bytes.Compare(a[:], b[:]) })
	ids = slices.Compact(ids)
	rows, err := q.QueryContext(ctx, "SELECT id, wallet FROM users WHERE id "+d.AnyOf("$1", "uuid")+" ORDER BY id"+d.ForUpdate(), ids)
	if err != nil {
		return nil, nil, err
	}
	defer rows.Close()
	wallets := make(map[uuid.UUID]map[string]int64, len(ids))
	var users []uuid.UUID
	for rows.Next() {
		var user uuid.UUID
		var text string
		if err := rows.Scan(&user, &text); err != nil {
			return nil, nil, err
		}
		wallet := map[string]int64{}
		if err := json.Unmarshal([]byte(text), &wallet); err != nil {
			return nil, nil, fault.Wrap(fault.Internal, "the wallet of user "+user.String()+" holds something else than whole numbers", err)
		}
		wallets[user] = wallet
		users = append(users, user)
	}
	return wallets, users, rows.Err()
}

// applyChange returns the changed wallet without modifying the given one. A
// missing key counts as zero; one that becomes zero stays.
func applyChange(user string, wallet, changeset map[string]int64) (map[string]int64, error) {
	updated := make(map[string]int64, len(wallet)+len(changeset))
	for key, amount := range wallet {
		updated[key] = amount
	}
	for key, amount := range changeset {
		current := updated[key]
		if amount > 0 && current > math.MaxInt64-amount {
			return nil, invalid("wallet update rejected: %q would not fit into 64 bits", key)
		}
		if amount < 0 && current+amount < 0 {
			return nil, &runtime.WalletNegativeError{UserID: user, Path: key, Current: current, Amount: amount}
		}
		updated[key] = current + amount
	}
	return updated, nil
}

// walletError returns the errors that Go modules check for unwrapped.
func walletError(err error) error {
	var negative *runtime.WalletNegativeError
	if errors.As(err, &negative) {
		return negative
	}
	return failed("update user wallets", err)
}
