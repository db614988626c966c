package nk

import (
	"cmp"

	"github.com/heroiclabs/nakama-common/api"
	"github.com/heroiclabs/nakama-common/runtime"

	"kumi/core"
	"kumi/vm"
)

var storageTable = []vm.Func[*core.Module]{
	{Name: vm.N("storage_list"), Body: storageList},
	{Name: vm.N("storage_read"), Body: storageRead},
	{Name: vm.N("storage_write"), Body: storageWrite},
	{Name: vm.N("storage_write_retry"), Body: storageWriteRetry},
	{Name: vm.N("storage_delete"), Body: storageDelete},
	{Name: vm.N("storage_index_list"), Body: storageIndexList},
}

var storageObject = vm.NewShape(
	vm.Str("collection", (*api.StorageObject).GetCollection),
	vm.Str("key", (*api.StorageObject).GetKey),
	vm.StrOpt("user_id", (*api.StorageObject).GetUserId),
	vm.JSON("value", (*api.StorageObject).GetValue),
	vm.Str("version", (*api.StorageObject).GetVersion),
	vm.Int("permission_read", (*api.StorageObject).GetPermissionRead),
	vm.Int("permission_write", (*api.StorageObject).GetPermissionWrite),
	vm.Time("create_time", (*api.StorageObject).GetCreateTime),
	vm.Time("update_time", (*api.StorageObject).GetUpdateTime),
)

var storageAck = vm.NewShape(
	vm.Str("key", (*api.StorageObjectAck).GetKey),
	vm.Str("collection", (*api.StorageObjectAck).GetCollection),
	vm.StrOpt("user_id", (*api.StorageObjectAck).GetUserId),
	vm.Str("version", (*api.StorageObjectAck).GetVersion),
)

func readStorageID(o vm.Obj) *runtime.StorageRead {
	return &runtime.StorageRead{Collection: o.Str(&nCollection), Key: o.Str(&nKey), UserID: o.OptUUID(&nUserID, "")}
}

// readStorageWrite reads an object to write. Without permissions its owner may
// read and write it, unlike what Go modules get.
func readStorageWrite(o vm.Obj) *runtime.StorageWrite {
	w := &runtime.StorageWrite{
		Collection:      o.Str(&nCollection),
		Key:             o.Str(&nKey),
		UserID:          o.OptUUID(&nUserID, ""),
		Value:           o.JSON(&nValue),
		PermissionRead:  readPermission(o, &nPermissionRead, 2),
		PermissionWrite: readPermission(o, &nPermissionWrite, 1),
	}
	if v := o.OptStrPtr(&nVersion); v != nil {
		if w.Version = *v; *v == "" {
			o.Invalid(&nVersion, "expected a non-empty string")
		}
	}
	return w
}

func readPermission(o vm.Obj, n *vm.Name, max int64) int {
	p := o.OptInt(n, 1)
	if p < 0 || p > max {
		o.Invalid(n, "expected a permission that exists: 0 to "+string('0'+rune(max)))
	}
	return int(p)
}

func readStorageDelete(o vm.Obj) *runtime.StorageDelete {
	d := &runtime.StorageDelete{Collection: o.Str(&nCollection), Key: o.Str(&nKey), UserID: o.OptUUID(&nUserID, "")}
	if v := o.OptStrPtr(&nVersion); v != nil {
		if d.Version = *v; *v == "" {
			o.Invalid(&nVersion, "expected a non-empty string")
		}
	}
	return d
}

func storageList(nk *core.Module, c *vm.Call) error {
	user := c.OptUUID("user_id", "")
	collection := c.OptStr("collection", "")
	limit := c.OptInt("limit", 100)
	if limit < 0 {
		c.Invalid("limit", "expected a number of 0 or more")
	}
	cursor := c.OptStr("cursor", "")
	caller := c.OptUUID("caller_id", "")
	if err := c.Err(); err != nil {
		return err
	}
	objs, cursor, err := nk.StorageList(c.Ctx, caller, user, collection, int(limit), cursor)
	return cmp.Or(vm.ReturnList(c, "objects", storageObject, objs, err), c.ReturnStrOrNil("cursor", cursor, err))
}

func storageRead(nk *core.Module, c *vm.Call) error {
	ids := vm.ListOf(c, "object_ids", readStorageID)
	if err := c.Err(); err != nil {
		return err
	}
	if len(ids) == 0 {
		return vm.ReturnList(c, "objects", storageObject, nil, nil)
	}
	objs, err := nk.StorageRead(c.Ctx, ids)
	return vm.ReturnList(c, "objects", storageObject, objs, err)
}

func storageWrite(nk *core.Module, c *vm.Call) error {
	writes := vm.ListOf(c, "object_writes", readStorageWrite)
	if err := c.Err(); err != nil {
		return err
	}
	if len(writes) == 0 {
		return vm.ReturnList(c, "acks", storageAck, nil, nil)
	}
	acks, err := nk.StorageWrite(c.Ctx, writes)
	return vm.ReturnList(c, "acks", storageAck, acks, err)
}

func storageWriteRetry(nk *core.Module, c *vm.Call) error {
	reads := vm.ListOf(c, "object_ids", readStorageID)
	fn := c.Func("update")
	retries := optInRange(c, "max_retries", 0, 0, 10)
	if err := c.Err(); err != nil {
		return err
	}
	update := func(objs []*api.StorageObject) ([]*runtime.StorageWrite, error) {
		v, err := c.E.Call(fn, storageObject.ListOf(c.E, objs))
		if err != nil {
			return nil, err
		}
		var answer vm.Call
		answer.Begin(c.Ctx, c.E, []vm.Ref{v})
		writes := vm.OptListOf(&answer, "update", readStorageWrite)
		return writes, answer.Err()
	}
	acks, err := nk.StorageWriteRetry(c.Ctx, reads, update, retries)
	return vm.ReturnList(c, "acks", storageAck, acks, err)
}

func storageDelete(nk *core.Module, c *vm.Call) error {
	deletes := vm.ListOf(c, "object_ids", readStorageDelete)
	if err := c.Err(); err != nil || len(deletes) == 0 {
		return err
	}
	return nk.StorageDelete(c.Ctx, deletes)
}

func storageIndexList(nk *core.Module, c *vm.Call) error {
	name, query := c.StrNonEmpty("index_name"), c.OptStr("query", "")
	limit, order := optInRange(c, "limit", 100, 1, 10_000), c.OptStrs("order")
	caller, cursor := c.OptUUID("caller_id", ""), c.OptStr("cursor", "")
	if err := c.Err(); err != nil {
		return err
	}
	list, cursor, err := nk.StorageIndexList(c.Ctx, caller, name, query, limit, order, cursor)
	return cmp.Or(vm.ReturnList(c, "objects", storageObject, list.GetObjects(), err), c.ReturnStrOrNil("cursor", cursor, err))
}
