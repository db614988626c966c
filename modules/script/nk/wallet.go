package nk

import (
	"cmp"
	"encoding/json"

	"github.com/heroiclabs/nakama-common/runtime"

	"kumi/core"
	"kumi/vm"
)

var walletTable = []vm.Func[*core.Module]{
	{Name: vm.N("wallet_update"), Body: walletUpdate},
	{Name: vm.N("wallets_update"), Body: walletsUpdate},
	{Name: vm.N("wallet_ledger_list"), Body: walletLedgerList},
	{Name: vm.N("wallet_ledger_update"), Body: walletLedgerUpdate},
}

var updateTable = []vm.Func[*core.Module]{
	{Name: vm.N("multi_update"), Body: multiUpdate},
}

var walletResult = vm.NewShape(
	vm.Str("user_id", func(r *runtime.WalletUpdateResult) string { return r.UserID }),
	vm.Value("updated", func(r *runtime.WalletUpdateResult) any { return amounts(r.Updated) }),
	vm.Value("previous", func(r *runtime.WalletUpdateResult) any { return amounts(r.Previous) }),
)

var ledgerItem = vm.NewShape(
	vm.Str("id", runtime.WalletLedgerItem.GetID),
	vm.Str("user_id", runtime.WalletLedgerItem.GetUserID),
	vm.Int("create_time", runtime.WalletLedgerItem.GetCreateTime),
	vm.Int("update_time", runtime.WalletLedgerItem.GetUpdateTime),
	vm.Value("changeset", func(i runtime.WalletLedgerItem) any { return amounts(i.GetChangeset()) }),
	vm.JSON("metadata", func(i runtime.WalletLedgerItem) string { return jsonText(i.GetMetadata()) }),
)

func amounts(m map[string]int64) map[string]any {
	out := make(map[string]any, len(m))
	for k, v := range m {
		out[k] = v
	}
	return out
}

// changeset converts an object to amounts. It calls bad with the key of a value that
// is not an integer.
func changeset(m map[string]any, bad func(key string)) map[string]int64 {
	out := make(map[string]int64, len(m))
	for k, v := range m {
		switch n := v.(type) {
		case int64:
			out[k] = n
		case float64:
			if n != float64(int64(n)) {
				bad(k)
			}
			out[k] = int64(n)
		default:
			bad(k)
		}
	}
	return out
}

func readWalletUpdate(o vm.Obj) *runtime.WalletUpdate {
	return &runtime.WalletUpdate{
		UserID: o.UUID(&nUserID),
		Changeset: changeset(o.OptMap(&nChangeset), func(key string) {
			o.Invalid(&nChangeset, "expected whole numbers as values, not what is under "+key)
		}),
		Metadata: o.OptMap(&nMetadata),
	}
}

func walletUpdate(nk *core.Module, c *vm.Call) error {
	user := c.UUID("user_id")
	change := changeset(c.Map("changeset"), func(key string) { c.Invalid("changeset", "expected whole numbers as values, not what is under "+key) })
	metadata := c.OptMap("metadata")
	ledger := c.OptBool("update_ledger", false)
	if err := c.Err(); err != nil {
		return err
	}
	updated, previous, err := nk.WalletUpdate(c.Ctx, user, change, metadata, ledger)
	if err != nil {
		return err
	}
	err = cmp.Or(c.ReturnAny("updated", amounts(updated), nil), c.ReturnAny("previous", amounts(previous), nil))
	if err == nil && c.E.Lang() == vm.JS {
		err = c.ReturnStr("user_id", user, nil)
	}
	return err
}

func walletsUpdate(nk *core.Module, c *vm.Call) error {
	updates := vm.ListOf(c, "updates", readWalletUpdate)
	ledger := c.OptBool("update_ledger", false)
	if err := c.Err(); err != nil {
		return err
	}
	if len(updates) == 0 {
		return vm.ReturnList(c, "results", walletResult, nil, nil)
	}
	results, err := nk.WalletsUpdate(c.Ctx, updates, ledger)
	return vm.ReturnList(c, "results", walletResult, results, err)
}

func walletLedgerList(nk *core.Module, c *vm.Call) error {
	user := c.UUID("user_id")
	limit := optInRange(c, "limit", 100, 0, 100)
	cursor := c.OptStr("cursor", "")
	if err := c.Err(); err != nil {
		return err
	}
	items, cursor, err := nk.WalletLedgerList(c.Ctx, user, limit, cursor)
	if err != nil {
		return err
	}
	if err := vm.ReturnList(c, "items", ledgerItem, items, nil); err != nil {
		return err
	}
	if c.E.Lang() == vm.Lua {
		return c.ReturnStr("cursor", cursor, nil) // "" at the end
	}
	return c.ReturnStrOrNil("cursor", cursor, nil)
}

func walletLedgerUpdate(nk *core.Module, c *vm.Call) error {
	item := c.UUID("item_id")
	metadata := c.Map("metadata")
	if err := c.Err(); err != nil {
		return err
	}
	updated, err := nk.WalletLedgerUpdate(c.Ctx, item, metadata)
	return vm.Return(c, "item", ledgerItem, updated, err)
}

func readAccountUpdate(o vm.Obj) *runtime.AccountUpdate {
	return &runtime.AccountUpdate{
		UserID:      o.UUID(&nUserID),
		Username:    o.OptStr(&nUsername, ""),
		Metadata:    o.OptMap(&nMetadata),
		DisplayName: o.OptStr(&nDisplayName, ""),
		Timezone:    o.OptStr(&nTimezone, ""),
		Location:    o.OptStr(&nLocation, ""),
		LangTag:     o.OptStr(&nLangTag, ""),
		AvatarUrl:   o.OptStr(&nAvatarURL, ""),
	}
}

func multiUpdate(nk *core.Module, c *vm.Call) error {
	accounts := vm.OptListOf(c, "account_updates", readAccountUpdate)
	writes := vm.OptListOf(c, "storage_writes", readStorageWrite)
	deletes := vm.OptListOf(c, "storage_deletes", readStorageDelete)
	wallets := vm.OptListOf(c, "wallet_updates", readWalletUpdate)
	ledger := c.OptBool("update_ledger", false)
	if err := c.Err(); err != nil {
		return err
	}
	acks, results, err := nk.MultiUpdate(c.Ctx, accounts, writes, deletes, wallets, ledger)
	return cmp.Or(
		vm.ReturnList(c, "storage_write_acks", storageAck, acks, err),
		vm.ReturnList(c, "wallet_update_acks", walletResult, results, err))
}

// jsonText returns a Go value as JSON text, for properties that hold JSON.
func jsonText(v any) string {
	text, err := json.Marshal(v)
	if err != nil || string(text) == "null" {
		return "{}"
	}
	return string(text)
}
