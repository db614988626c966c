package core

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/heroiclabs/nakama-common/runtime"

	"kumi/core/consolepb"
	"kumi/store"
	"kumi/store/fault"
)

// UpdateWallet changes the amounts in a wallet by those of a changeset, with an item in
// the ledger whose metadata says which operator it was.
//
// Errors: InvalidArgument for an amount that would become negative, for an empty changeset
// and for metadata that is no JSON object; NotFound.
func (k *Console) UpdateWallet(ctx context.Context, op *Operator, in *consolepb.UpdateWalletRequest) (*consolepb.UpdateWalletResponse, error) {
	user, err := k.existing(ctx, in.AccountId)
	if err != nil {
		return nil, err
	}
	if len(in.Changeset) == 0 {
		return nil, invalid("The changeset is empty.")
	}
	metadata := map[string]json.RawMessage{}
	if in.Metadata != "" {
		if err := json.Unmarshal([]byte(in.Metadata), &metadata); err != nil || metadata == nil {
			return nil, invalid("Metadata must be a JSON object.")
		}
	}
	if metadata["console"], err = json.Marshal(map[string]string{"operator": op.Username, "operator_id": op.ID.String()}); err != nil {
		return nil, failed("update the wallet", err)
	}
	text, err := json.Marshal(metadata)
	if err != nil {
		return nil, failed("update the wallet", err)
	}
	stored, err := k.db.Dialect().JSON(string(text))
	if err != nil {
		return nil, fault.Wrap(fault.InvalidArgument, "The metadata cannot be stored: "+err.Error(), err)
	}
	var results []*runtime.WalletUpdateResult
	err = k.db.Tx(ctx, func(ctx context.Context, q store.Querier) (err error) {
		results, err = k.changeWallets(ctx, q, []walletChange{{user, in.Changeset, stored}}, true)
		return err
	})
	var negative *runtime.WalletNegativeError
	if errors.As(err, &negative) {
		return nil, fault.Wrap(fault.InvalidArgument, "The wallet would become negative: "+negative.Error(), err)
	}
	if err != nil {
		return nil, failed("update the wallet", err)
	}
	if len(results) == 0 {
		return nil, errAccountNotFound // deleted just now
	}
	return &consolepb.UpdateWalletResponse{Updated: results[0].Updated, Previous: results[0].Previous}, nil
}
