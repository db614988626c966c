package core

import (
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"slices"
	"sync/atomic"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/api"
	"github.com/heroiclabs/nakama-common/runtime"

	"kumi/core/index"
	"kumi/store/fault"
	"kumi/store/query"
)

// StorageIndex describes a storage index: which objects it has, and which of their
// fields can be searched.
type StorageIndex struct {
	Name       string
	Collection string
	Key        string // empty: all keys
	// Fields are members of the value, at its top level; Sortable those that lists can
	// sort by quickly.
	Fields, Sortable []string
	MaxEntries       int
	// IndexOnly makes lists return the fields from memory, and not the whole objects
	// from the database.
	IndexOnly bool
	// Filter decides whether an object is indexed; nil: all are.
	Filter func(ctx context.Context, write *runtime.StorageWrite) (bool, error)
}

// Check returns an error with the code InvalidArgument if the index cannot be made.
func (d *StorageIndex) Check() error {
	switch {
	case d.Name == "":
		return fault.New(fault.InvalidArgument, "a storage index needs a name")
	case d.Collection == "":
		return fault.Newf(fault.InvalidArgument, "storage index %q: a collection is required", d.Name)
	case d.MaxEntries < 1:
		return fault.Newf(fault.InvalidArgument, "storage index %q: the maximum number of entries must be at least 1, not %d", d.Name, d.MaxEntries)
	case len(d.Fields) == 0:
		return fault.Newf(fault.InvalidArgument, "storage index %q: at least one field is required", d.Name)
	}
	return nil
}

// normalize makes sortable fields ordinary fields, too, and removes what is there twice.
func (d *StorageIndex) normalize() {
	unique := func(fields []string) (list []string) {
		for _, f := range fields {
			if !slices.Contains(list, f) {
				list = append(list, f)
			}
		}
		return list
	}
	d.Fields, d.Sortable = unique(slices.Concat(d.Fields, d.Sortable)), unique(d.Sortable)
}

// same reports whether two indexes would have the same entries, apart from filters.
func (d *StorageIndex) same(o *StorageIndex) bool {
	return d.Collection == o.Collection && d.Key == o.Key && slices.Equal(d.Fields, o.Fields) &&
		slices.Equal(d.Sortable, o.Sortable) && d.MaxEntries == o.MaxEntries && d.IndexOnly == o.IndexOnly
}

// storageIndex is a registered index. It is fed by storageIndexes, whose mutex guards
// next and built.
type storageIndex struct {
	StorageIndex
	// live answers lists. Until built it may lack objects.
	live  atomic.Pointer[index.Index]
	built bool
	// next is made beside a live index that cannot be kept, and then takes its place;
	// nil: there is none.
	next *index.Index
	// wanted reports that the index has to be built.
	wanted bool
}

func (x *storageIndex) empty() *index.Index {
	return index.New(index.Options{Collection: x.Collection, Fields: x.Fields, Sortable: x.Sortable, MaxEntries: x.MaxEntries, Keep: x.IndexOnly})
}

// has reports whether an object is one that the index may have.
func (x *storageIndex) has(id objectID) bool {
	return x.Collection == id.collection && (x.Key == "" || x.Key == id.key)
}

// indexSet are the registered indexes.
type indexSet struct {
	byName       map[string]*storageIndex
	byCollection map[string][]*storageIndex
}

// of returns the indexes that may have an object.
func (s *indexSet) of(id objectID, yield func(*storageIndex) bool) {
	for _, x := range s.byCollection[id.collection] {
		if x.has(id) && !yield(x) {
			return
		}
	}
}

// relevant reports whether an index may have an object.
func (s *indexSet) relevant(id objectID) bool {
	return slices.ContainsFunc(s.byCollection[id.collection], func(x *storageIndex) bool { return x.has(id) })
}

// SetStorageIndexes replaces the storage indexes: those with the same definition keep
// their entries. New ones, and those with a filter, which may decide differently now,
// are built by RunStorageIndexes; meanwhile lists get what the index had before, or
// what it has so far.
func (c *Core) SetStorageIndexes(list []StorageIndex) {
	s := &c.indexes
	s.mu.Lock()
	defer s.mu.Unlock()
	was, set := s.set.Load(), &indexSet{byName: map[string]*storageIndex{}, byCollection: map[string][]*storageIndex{}}
	for _, d := range list {
		d.normalize()
		if c.noIndexOnly {
			d.IndexOnly = false
		}
		x := &storageIndex{StorageIndex: d, wanted: true}
		switch old := was.byName[d.Name]; {
		case old == nil || !old.same(&d):
			x.live.Store(x.empty())
		case old.Filter == nil && d.Filter == nil:
			x = old
		default:
			x.live.Store(old.live.Load())
			x.next, x.built = x.empty(), old.built
		}
		set.byName[d.Name] = x
		set.byCollection[d.Collection] = append(set.byCollection[d.Collection], x)
		c.metrics.StorageIndex(d.Name, x.live.Load().Len(), x.built)
	}
	for name := range was.byName {
		if set.byName[name] == nil {
			c.metrics.StorageIndexGone(name)
		}
	}
	s.set.Store(set)
	s.signal()
}

// maxIndexList is the maximum number of objects of a page of a storage index.
const maxIndexList = 10_000

// indexCursor is the end of a page. It is bound to the index, the query and the order.
type indexCursor struct {
	List     uint64          `json:"l"`
	Position *index.Position `json:"p"`
}

// StorageIndexList implements runtime.NakamaModule: it lists the objects of an index
// that match a query, in an order of fields with an optional minus in front. Without
// an order the best matches come first, and of those the ones that were updated first.
// With a caller it lists only what that client could read.
//
// Errors: NotFound for an unknown index; InvalidArgument for a query with a mistake or
// one that is too expensive, a field in the order that the index does not have, a
// limit that is not from 1 to 10000, and a cursor of another list.
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

// indexedObjects returns the objects of a page: from memory, or as they are in the
// database now.
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

// listHash identifies a list for its cursors, on all servers.
func listHash(name, text string, order []string) uint64 {
	h := fnv.New64a()
	parts, err := json.Marshal([]any{name, text, append([]string{}, order...)})
	if err != nil {
		panic(fmt.Sprint("texts are always JSON: ", err))
	}
	_, _ = h.Write(parts)
	return h.Sum64()
}
