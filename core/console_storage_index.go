package core

import (
	"context"
	"maps"
	"slices"

	"github.com/gofrs/uuid/v5"

	"kumi/core/consolepb"
)

// ListStorageIndexes lists the storage indexes that modules registered, by name.
func (k *Console) ListStorageIndexes(context.Context) (*consolepb.StorageIndexList, error) {
	out := &consolepb.StorageIndexList{}
	indexes := k.indexes.set.Load().byName
	for _, name := range slices.Sorted(maps.Keys(indexes)) {
		x := indexes[name]
		out.Indexes = append(out.Indexes, &consolepb.StorageIndex{
			Collection: x.Collection, Index: x.Name, Key: x.Key, Fields: x.Fields, SortableFields: x.Sortable,
			MaxEntries: int32(x.MaxEntries), IndexOnly: x.IndexOnly, Entries: int32(x.live.Load().Len()),
		})
	}
	return out, nil
}

// QueryStorageIndex lists the objects of a storage index that match a query, 1 to 100 a
// page, by default 100. Errors as in Module.StorageIndexList.
func (k *Console) QueryStorageIndex(ctx context.Context, in *consolepb.QueryStorageIndexRequest) (*consolepb.QueryStorageIndexResponse, error) {
	limit, err := pageSize(in.Limit, storagePage)
	if err != nil {
		return nil, err
	}
	found, next, err := k.listIndex(ctx, uuid.Nil, in.Name, in.Query, limit, in.Order, in.Cursor)
	if err != nil {
		return nil, err
	}
	return &consolepb.QueryStorageIndexResponse{Objects: found.Objects, NextCursor: next}, nil
}
