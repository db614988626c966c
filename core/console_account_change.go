package core

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/gofrs/uuid/v5"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"kumi/core/consolepb"
	"kumi/core/social"
	"kumi/store"
	"kumi/store/fault"
)

// EditAccount changes what is given of an account, all or nothing. Blank metadata and a
// blank wallet are left out; a blank custom id, e-mail address or device id is unlinked;
// the wallet is replaced without an item in the ledger.
//
// Errors: InvalidArgument for a bad value, for a name in use, for a password without an
// e-mail address and for the last identity; AlreadyExists for an identity of another
// account; NotFound.
func (k *Console) EditAccount(ctx context.Context, in *consolepb.UpdateAccountRequest) error {
	user, err := k.existing(ctx, in.Id)
	if err != nil {
		return err
	}
	change, err := k.accountChange(user, &AccountUpdate{
		Username: given(in.Username), DisplayName: given(in.DisplayName), Timezone: given(in.Timezone),
		Location: given(in.Location), LangTag: given(in.LangTag), AvatarURL: given(in.AvatarUrl),
	})
	if err != nil {
		return err
	}
	columns, err := k.editedColumns(ctx, in)
	if err != nil {
		return err
	}
	err = k.db.Tx(ctx, func(ctx context.Context, q store.Querier) error {
		if err := change.run(ctx, q); err != nil {
			return err
		}
		// The password comes after the address that it belongs to.
		for _, column := range []string{"metadata", "wallet", "custom_id", "email", "password"} {
			value, ok := columns[column]
			if !ok {
				continue
			}
			condition := ""
			if column == "password" {
				condition = " AND email IS NOT NULL"
			}
			result, err := q.ExecContext(ctx, "UPDATE users SET "+column+" = $2, update_time = now() WHERE id = $1"+condition, user, value)
			if err != nil {
				return err
			}
			if n, err := result.RowsAffected(); err == nil && n == 0 {
				return invalid("A password needs an e-mail address.")
			}
		}
		return k.editIdentities(ctx, q, user, in)
	})
	if constraint, taken := store.IsUnique(err); taken && constraint != "users_username_key" {
		return fault.Wrap(fault.AlreadyExists, "An identity belongs to another account.", err)
	}
	if errors.Is(err, errLastIdentity) {
		return fault.Wrap(fault.InvalidArgument, errLastIdentity.Message, err)
	}
	return accountChangeError(err)
}

// editedColumns validates the values that replace those of the account as they are.
func (k *Console) editedColumns(ctx context.Context, in *consolepb.UpdateAccountRequest) (map[string]any, error) {
	columns := map[string]any{}
	if text := in.Metadata.GetValue(); text != "" {
		var object map[string]json.RawMessage
		if err := json.Unmarshal([]byte(text), &object); err != nil || object == nil {
			return nil, invalid("Metadata must be a JSON object.")
		}
		columns["metadata"] = text
	}
	if text := in.Wallet.GetValue(); text != "" {
		var wallet map[string]int64
		if err := json.Unmarshal([]byte(text), &wallet); err != nil || wallet == nil {
			return nil, invalid("Wallet must be a JSON object of whole numbers.")
		}
		for name, amount := range wallet {
			if amount < 0 {
				return nil, invalid("Wallet amounts must not be negative: %q is %d.", name, amount)
			}
		}
		columns["wallet"] = text
	}
	for _, column := range []string{"metadata", "wallet"} {
		if text, ok := columns[column].(string); ok {
			stored, err := k.db.Dialect().JSON(text)
			if err != nil {
				return nil, fault.Wrap(fault.InvalidArgument, "The "+column+" cannot be stored: "+err.Error(), err)
			}
			columns[column] = stored
		}
	}
	if id := in.CustomId.GetValue(); id != "" {
		if err := checkCustomID(id); err != nil {
			return nil, err
		}
		columns["custom_id"] = id
	}
	if email := strings.ToLower(in.Email.GetValue()); email != "" { // as a log-in looks for it
		if err := checkEmail(email); err != nil {
			return nil, err
		}
		columns["email"] = email
	}
	if in.Password != nil {
		if err := checkPassword(in.Password.Value); err != nil {
			return nil, err
		}
		hash, err := k.passwords.hash(ctx, in.Password.Value)
		if err != nil {
			return nil, err
		}
		columns["password"] = hash
	}
	return columns, nil
}

// editIdentities unlinks what is blank, and renames devices.
func (k *Console) editIdentities(ctx context.Context, q store.Querier, user uuid.UUID, in *consolepb.UpdateAccountRequest) error {
	blank := func(v *wrapperspb.StringValue) bool { return v != nil && v.Value == "" }
	if blank(in.CustomId) {
		if err := k.UnlinkCustom(ctx, user, ""); err != nil {
			return err
		}
	}
	if blank(in.Email) {
		if err := k.UnlinkEmail(ctx, user, ""); err != nil {
			return err
		}
	}
	for _, old := range slices.Sorted(maps.Keys(in.DeviceIds)) {
		id := in.DeviceIds[old]
		if id == "" {
			if err := k.UnlinkDevice(ctx, user, old); err != nil {
				return err
			}
			continue
		}
		if err := checkDeviceID(id); err != nil {
			return err
		}
		result, err := q.ExecContext(ctx, "UPDATE user_device SET id = $3 WHERE user_id = $1 AND id = $2", user, old, id)
		if err != nil {
			return err
		}
		if n, err := result.RowsAffected(); err == nil && n == 0 {
			return invalid("The account has no device ID %q.", old)
		}
	}
	return nil
}

// Unlink removes an identity of an account, whatever it is. PermissionDenied if the
// account has no other one; one that is not linked is no error.
func (k *Console) Unlink(ctx context.Context, identity string, in *consolepb.AccountId) error {
	user, err := k.existing(ctx, in.Id)
	if err != nil {
		return err
	}
	switch identity {
	case "apple":
		return k.UnlinkApple(ctx, user, "")
	case "custom":
		return k.UnlinkCustom(ctx, user, "")
	case "email":
		return k.UnlinkEmail(ctx, user, "")
	case "facebook":
		return k.UnlinkFacebook(ctx, user, "")
	case "facebookinstantgame":
		return k.UnlinkFacebookInstantGame(ctx, user, "")
	case "gamecenter":
		return k.UnlinkGameCenter(ctx, user, social.GameCenter{})
	case "google":
		return k.UnlinkGoogle(ctx, user, "")
	case "steam":
		return k.UnlinkSteam(ctx, user, "")
	}
	return invalid("There is no identity %q.", identity)
}

// UnlinkOneDevice removes a device of an account; see Unlink.
func (k *Console) UnlinkOneDevice(ctx context.Context, in *consolepb.UnlinkDeviceRequest) error {
	user, err := k.existing(ctx, in.Id)
	if err != nil {
		return err
	}
	if in.DeviceId == "" {
		return invalid("A device ID must be supplied.")
	}
	return k.UnlinkDevice(ctx, user, in.DeviceId)
}

// DeleteLedgerItem deletes an item of a user's ledger; the wallet stays as it is.
func (k *Console) DeleteLedgerItem(ctx context.Context, in *consolepb.DeleteWalletLedgerRequest) error {
	user, err := consoleID("user", in.Id)
	if err != nil {
		return err
	}
	item, err := consoleID("wallet ledger item", in.WalletId)
	if err != nil {
		return err
	}
	if _, err := k.db.Exec(ctx, "DELETE FROM wallet_ledger WHERE id = $1 AND user_id = $2", item, user); err != nil {
		return failed("delete the wallet ledger item", err)
	}
	return nil
}
