// Package index keeps the fields of storage objects in memory, for lists by a query
// and in an order. It knows nothing of databases: package core puts objects in.
//
// Texts are kept once, with the set of entries that have them; numbers are kept in
// columns with a sorted list of the entries, as are the fields that are sortable. So a
// list reads few entries that it does not return, unless its query only has patterns.
package index

import (
	"bytes"
	"cmp"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/RoaringBitmap/roaring/v2"
	"github.com/gofrs/uuid/v5"
)

// Options describe an index.
type Options struct {
	Collection string
	// Fields are the indexed members of an object's value, at its top level. An object
	// without any of them is not indexed.
	Fields []string
	// Sortable are those of the fields that are kept sorted.
	Sortable []string
	// MaxEntries is the maximum number of entries. Those that were updated first are
	// evicted.
	MaxEntries int
	// Keep makes the index keep the fields as JSON, for Object.Value of a list.
	Keep bool
}

// ID identifies an object within its collection.
type ID struct {
	Key   string
	Owner uuid.UUID
}

// Object is a storage object.
type Object struct {
	ID
	Value            string // JSON object
	Version          string
	Read, Write      int32 // permissions
	Created, Updated time.Time
}

// Index is an index of the objects of a collection. It may be used from any goroutine.
type Index struct {
	options Options
	columns []*column // of the fields

	mu      sync.RWMutex
	entries pages[entry]
	slots   uint32 // used or free
	free    []uint32
	size    int
	evicted bool
	paths   paths
	terms   terms
	byOwner sorted // by owner and key
	byTime  sorted // by time of update, key and owner
}

// entry is one object of the index, in a slot.
type entry struct {
	owner            uuid.UUID
	created, updated int64 // in microseconds
	// data is the key, the version, the values and the JSON of the fields.
	data                       string
	keyEnd, versionEnd, valEnd uint32
	read, write                int8
}

func (e *entry) key() string     { return e.data[:e.keyEnd] }
func (e *entry) version() string { return e.data[e.keyEnd:e.versionEnd] }
func (e *entry) values() string  { return e.data[e.versionEnd:e.valEnd] }
func (e *entry) json() string    { return e.data[e.valEnd:] }

// column is one field.
type column struct {
	path     string // in queries
	id       pathID
	sortable bool
	// numbers are the first number of each slot; NaN: none.
	numbers pages[float64]
	// several are the slots with more than one number.
	several *roaring.Bitmap
	// order has the slots with a number, and with any value if the field is sortable,
	// by the value and then like byTime.
	order sorted
}

// New makes an empty index.
func New(o Options) *Index {
	x := &Index{options: o}
	x.paths.ids = map[string]pathID{}
	x.terms.ids = map[termKey]termID{}
	for _, f := range o.Fields {
		c := &column{path: valuePrefix + f, sortable: slices.Contains(o.Sortable, f), several: roaring.New()}
		c.numbers.fill = math.NaN()
		c.id = x.paths.use(c.path) // never forgotten
		x.columns = append(x.columns, c)
	}
	return x
}

// Len returns the number of entries.
func (x *Index) Len() int {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.size
}

// Evicted reports whether objects were left out because the index was full.
func (x *Index) Evicted() bool {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.evicted
}

// Put indexes an object in place of what the index has of it, with the fields that Parse
// returned for its value. An object that has none of the fields is removed.
func (x *Index) Put(o *Object, f *Fields) {
	x.mu.Lock()
	defer x.mu.Unlock()
	slot, found := x.find(o.ID)
	if found {
		x.unlink(slot)
	}
	if !f.any {
		if found {
			x.release(slot)
		}
		return
	}
	if !found {
		slot = x.take()
	}
	x.link(slot, o, f)
	for x.size > x.options.MaxEntries {
		oldest, _ := x.byTime.at(place{})
		x.unlink(oldest)
		x.release(oldest)
		x.evicted = true
	}
}

// Remove removes an object, if it is there.
func (x *Index) Remove(id ID) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if slot, found := x.find(id); found {
		x.unlink(slot)
		x.release(slot)
	}
}

// find returns the slot of an object.
func (x *Index) find(id ID) (slot uint32, found bool) {
	slot, found = x.byOwner.at(x.ownerPlace(id))
	if e := x.entries.at(slot); !found || e.owner != id.Owner || e.key() != id.Key {
		return 0, false
	}
	return slot, true
}

// ownerPlace is the place of an object in byOwner.
func (x *Index) ownerPlace(id ID) place {
	return x.byOwner.seek(func(s uint32) bool {
		e := x.entries.at(s)
		return cmp.Or(bytes.Compare(e.owner[:], id.Owner[:]), cmp.Compare(e.key(), id.Key)) < 0
	})
}

// take returns an unused slot.
func (x *Index) take() uint32 {
	x.size++
	if n := len(x.free); n > 0 {
		slot := x.free[n-1]
		x.free = x.free[:n-1]
		return slot
	}
	x.slots++
	return x.slots - 1
}

// release makes an unlinked slot unused.
func (x *Index) release(slot uint32) {
	x.size--
	*x.entries.at(slot) = entry{}
	x.free = append(x.free, slot)
}

// link fills a slot and adds it to all lists.
func (x *Index) link(slot uint32, o *Object, f *Fields) {
	e := x.entries.grow(slot)
	*e = entry{owner: o.Owner, created: o.Created.UnixMicro(), updated: o.Updated.UnixMicro(), read: int8(o.Read), write: int8(o.Write)}
	var b strings.Builder
	b.WriteString(o.Key)
	e.keyEnd = uint32(b.Len())
	b.WriteString(o.Version)
	e.versionEnd = uint32(b.Len())
	b.Write(x.encode(slot, f.values))
	e.valEnd = uint32(b.Len())
	b.Write(f.json)
	e.data = strings.Clone(b.String()) // without spare room

	x.byOwner.insert(x.ownerPlace(o.ID), slot)
	x.byTime.insert(x.timePlace(e), slot)
	for _, c := range x.columns {
		if x.ordered(c, slot) {
			c.order.insert(x.columnPlace(c, slot), slot)
		}
	}
}

// unlink undoes link; the slot keeps its entry.
func (x *Index) unlink(slot uint32) {
	e := x.entries.at(slot)
	for _, c := range x.columns {
		if x.ordered(c, slot) {
			c.order.remove(x.columnPlace(c, slot))
		}
	}
	x.byTime.remove(x.timePlace(e))
	x.byOwner.remove(x.ownerPlace(ID{e.key(), e.owner}))
	for v := range e.each {
		if v.kind == text {
			x.terms.remove(v.term, slot)
		}
		x.paths.drop(v.path)
	}
	for _, c := range x.columns {
		c.several.Remove(slot)
		if n := c.numbers.at(slot); n != nil {
			*n = math.NaN()
		}
	}
}

// byTimes compares entries by time of update, key and owner, which is also the order
// of entries with equal values.
func byTimes(a, b *entry) int {
	if c := cmp.Compare(a.updated, b.updated); c != 0 {
		return c
	}
	return cmp.Or(strings.Compare(a.key(), b.key()), bytes.Compare(a.owner[:], b.owner[:]))
}

// timePlace is the place of an entry in byTime.
func (x *Index) timePlace(e *entry) place {
	return x.byTime.seek(func(s uint32) bool { return byTimes(x.entries.at(s), e) < 0 })
}

// columnPlace is the place of a slot in the order of a column.
func (x *Index) columnPlace(c *column, slot uint32) place {
	v, e := x.scalar(c, slot), x.entries.at(slot)
	return c.order.seek(func(s uint32) bool {
		order := compare(x.scalar(c, s), v)
		return order < 0 || order == 0 && byTimes(x.entries.at(s), e) < 0
	})
}

// ordered reports whether a slot belongs in the order of a column.
func (x *Index) ordered(c *column, slot uint32) bool {
	k := x.scalar(c, slot).kind
	return k == number || c.sortable && k != none
}

// pages is a slice that grows without being copied.
type pages[T any] struct {
	list [][]T
	fill T // of new elements
}

const pageSize = 1024

// at returns an element, or nil if the slice never grew as far.
func (p *pages[T]) at(slot uint32) *T {
	if int(slot/pageSize) >= len(p.list) || p.list[slot/pageSize] == nil {
		return nil
	}
	return &p.list[slot/pageSize][slot%pageSize]
}

// grow returns an element, which it makes if needed.
func (p *pages[T]) grow(slot uint32) *T {
	for int(slot/pageSize) >= len(p.list) {
		p.list = append(p.list, nil)
	}
	page := &p.list[slot/pageSize]
	if *page == nil {
		*page = slices.Repeat([]T{p.fill}, pageSize)
	}
	return &(*page)[slot%pageSize]
}
