package core

import (
	"context"
	"iter"
	"slices"
	"sync/atomic"

	"github.com/heroiclabs/nakama-common/runtime"

	"kumi/core/index"
	"kumi/store/fault"
)

// StorageIndex defines a storage index: which objects it has, and by which of their
// fields they can be found.
type StorageIndex struct {
	Name       string
	Collection string
	Key        string // empty for all keys
	// Fields are the indexed top-level members of the value. Sortable are those that
	// lists can be sorted by without looking at all matches.
	Fields, Sortable []string
	MaxEntries       int
	// IndexOnly makes lists return only the fields, from memory, instead of reading the
	// objects from the database.
	IndexOnly bool
	// Filter reports whether an object is to be indexed; nil means that all are. It may
	// be called from several goroutines and several times for an object. If it fails,
	// the index keeps what it had of the object.
	Filter func(ctx context.Context, write *runtime.StorageWrite) (bool, error)
}

// Check returns an error with the code InvalidArgument if the definition is incomplete.
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

// normalize adds the sortable fields to the fields, and removes duplicates.
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

// same reports whether two definitions are equal, apart from the filters.
func (d *StorageIndex) same(o *StorageIndex) bool {
	return d.Collection == o.Collection && d.Key == o.Key && slices.Equal(d.Fields, o.Fields) &&
		slices.Equal(d.Sortable, o.Sortable) && d.MaxEntries == o.MaxEntries && d.IndexOnly == o.IndexOnly
}

// storageIndex is a registered index. The mutex of storageIndexes guards all fields but
// live.
type storageIndex struct {
	StorageIndex
	// live answers lists. Until built is true it may lack objects.
	live  atomic.Pointer[index.Index]
	built bool
	// next is an index that is being built to replace live, or nil. Changes of objects
	// go to both.
	next *index.Index
	// wanted reports that the index has to be built.
	wanted bool
}

// empty returns an index with the definition's options.
func (x *storageIndex) empty() *index.Index {
	return index.New(index.Options{Collection: x.Collection, Fields: x.Fields, Sortable: x.Sortable, MaxEntries: x.MaxEntries, Keep: x.IndexOnly})
}

// has reports whether an object belongs to the index, unless the filter refuses it.
func (x *storageIndex) has(id objectID) bool {
	return x.Collection == id.collection && (x.Key == "" || x.Key == id.key)
}

// indexSet is the set of registered indexes. It does not change.
type indexSet struct {
	byName       map[string]*storageIndex
	byCollection map[string][]*storageIndex
}

// of yields the indexes that an object belongs to.
func (s *indexSet) of(id objectID) iter.Seq[*storageIndex] {
	return func(yield func(*storageIndex) bool) {
		for _, x := range s.byCollection[id.collection] {
			if x.has(id) && !yield(x) {
				return
			}
		}
	}
}

// relevant reports whether an object belongs to any index.
func (s *indexSet) relevant(id objectID) bool {
	return slices.ContainsFunc(s.byCollection[id.collection], func(x *storageIndex) bool { return x.has(id) })
}

// SetStorageIndexes replaces the registered indexes. It may be called from any
// goroutine, after Check. An index whose definition stays the same keeps its entries.
// RunStorageIndexes builds new indexes, and those with a filter, since the filter may
// decide differently now. Meanwhile the latter answer with their old entries, new ones
// with those that they have so far.
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
