package core

import (
	"context"
	"fmt"
	"hash/fnv"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/api"

	"kumi/core/index"
	"kumi/store/fault"
	"kumi/store/query"
)

// maxIndexList is the maximum number of objects in a page.
const maxIndexList = 10_000

// indexCursor is the cursor of a list of a storage index.
type indexCursor struct {
	List     uint64          `json:"l"` // listHash of the index, query and order
	Position *index.Position `json:"p"`
}

// StorageIndexList implements runtime.NakamaModule. It returns a page of the objects of
// an index that match a query, and the cursor of the next page, if there is one. order
// are names of fields, each with an optional minus for descending; without any the best
// matches come first, and of equal ones the oldest updates. With a caller it returns
// only objects that this user may read.
//
// Errors: NotFound for an unknown index; InvalidArgument for a malformed query or one
// that is too expensive, a field in the order that the index does not have, a limit
// outside of 1 to 10,000, and a cursor of another list.
func (m *Module) StorageIndexList(ctx context.Context, callerID, indexName, text string, limit int, order []string, cursor string) (*api.StorageObjects, string, error) {
	caller, err := ownerID(callerID)
	if err != nil {
		return nil, "", err
	}
	return m.core.listIndex(ctx, caller, indexName, text, limit, order, cursor)
}

func (c *Core) listIndex(ctx context.Context, caller uuid.UUID, name, text string, limit int, order []string, cursor string) (*api.StorageObjects, string, error) {
	x := c.indexes.set.Load().byName[name]
	if x == nil {
		return nil, "", fault.Newf(fault.NotFound, "index %q not found", name)
	}
	if limit < 1 || limit > maxIndexList {
		return nil, "", invalid("limit must be 1-%d, not %d", maxIndexList, limit)
	}
	q, err := query.Parse(text)
	if err != nil {
		return nil, "", err
	}
	r := index.Request{Query: q, Order: order, Limit: limit, Caller: caller}
	list := listHash(name, text, order)
	if cursor != "" {
		var at indexCursor
		err := decodeCursor(indexListCursor, cursor, &at)
		if err == nil && (at.List != list || at.Position == nil) {
			err = errCursor
		}
		if err != nil {
			return nil, "", fault.Wrap(fault.InvalidArgument, "invalid cursor: it belongs to a list with another index, query or order", err)
		}
		r.After = at.Position
	}
	found, next, err := x.live.Load().List(r)
	if err != nil {
		return nil, "", err
	}
	objects, err := c.indexedObjects(ctx, x, caller, found)
	if err != nil {
		return nil, "", err
	}
	if next != nil {
		if cursor, err = encodeCursor(indexListCursor, indexCursor{list, next}); err != nil {
			return nil, "", failedWith(listingObjects, err)
		}
		return objects, cursor, nil
	}
	return objects, "", nil
}

// indexedObjects returns the objects of a page: the fields from memory if the index is
// IndexOnly, otherwise the objects as they are in the database now.
func (c *Core) indexedObjects(ctx context.Context, x *storageIndex, caller uuid.UUID, found []index.Object) (*api.StorageObjects, error) {
	if !x.IndexOnly {
		ids := make([]objectID, len(found))
		for i := range found {
			ids[i] = objectID{x.Collection, found[i].Key, found[i].Owner}
		}
		objects, err := c.readStorage(ctx, ids, func(owner uuid.UUID, read int32) bool {
			return caller.IsNil() || read >= readPublic || read == readOwner && owner == caller
		})
		return &api.StorageObjects{Objects: objects}, err
	}
	reserve := reserveOf(ctx)
	objects := make([]*api.StorageObject, len(found))
	for i := range found {
		o := &found[i]
		if reserve != nil {
			if err := reserve(len(o.Value)); err != nil {
				return nil, err
			}
		}
		objects[i] = &api.StorageObject{
			Collection: x.Collection, Key: o.Key, UserId: o.Owner.String(), Value: o.Value, Version: o.Version,
			PermissionRead: o.Read, PermissionWrite: o.Write, CreateTime: seconds(o.Created), UpdateTime: seconds(o.Updated),
		}
	}
	return &api.StorageObjects{Objects: objects}, nil
}

// listHash identifies the lists that a cursor is valid for. It is the same on all
// servers.
func listHash(name, text string, order []string) uint64 {
	h := fnv.New64a()
	fmt.Fprintf(h, "%q", append([]string{name, text}, order...)) // quoted, so that the parts cannot run together
	return h.Sum64()
}
