// Package index keeps fields of storage objects in memory, and lists the objects that
// match a query in a requested order. It does not access the database: package core
// adds and removes the objects.
//
// Each distinct text is stored once, with the set of entries that have it. Each field
// has a column of its numbers and a sorted list of the entries with a number; if it is
// sortable, of all entries with a value. So a list looks at few entries that it does
// not return, unless its query consists of patterns only.
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
	// Fields are the indexed top-level members of an object's value. An object that has
	// none of them is not indexed.
	Fields []string
	// Sortable are the fields that lists can be sorted by without looking at all matches.
	Sortable []string
	// MaxEntries is the maximum number of entries. When it is exceeded, the entries with
	// the oldest updates are evicted.
	MaxEntries int
	// Keep makes the index keep the fields as JSON, and lists return it as Object.Value.
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
// Each entry occupies a slot, which is reused after the entry was removed.
type Index struct {
	options Options
	columns []*column // one per field

	mu      sync.RWMutex
	entries pages[entry]
	slots   uint32 // number of slots, in use or free
	free    []uint32
	size    int  // number of entries
	evicted bool // an entry was evicted
	paths   paths
	terms   terms
	byOwner sorted // by owner and key
	byTime  sorted // by update time, key and owner
}

// entry is an object in the index.
type entry struct {
	owner            uuid.UUID
	created, updated int64 // in microseconds
	// data holds the key, the version, the encoded values, and the fields as JSON, in one
	// allocation.
	data                       string
	keyEnd, versionEnd, valEnd uint32
	read, write                int8
}

func (e *entry) key() string     { return e.data[:e.keyEnd] }
func (e *entry) version() string { return e.data[e.keyEnd:e.versionEnd] }
func (e *entry) values() string  { return e.data[e.versionEnd:e.valEnd] }
func (e *entry) json() string    { return e.data[e.valEnd:] }

// column holds what the index keeps of one field besides the entries.
type column struct {
	path     string // the field's name in queries
	id       pathID
	sortable bool
	// numbers holds the first number of each slot, or NaN if it has none.
	numbers pages[float64]
	// several contains the slots with more than one number.
	several *roaring.Bitmap
	// order lists the slots with a number, or those with any value if the field is
	// sortable, by that value. Equal values are in the order of byTime.
	order sorted
}

// New returns an empty index.
func New(o Options) *Index {
	x := &Index{options: o}
	x.paths.ids = map[string]pathID{}
	x.terms.ids = map[termKey]termID{}
	for _, f := range o.Fields {
		c := &column{path: valuePrefix + f, sortable: slices.Contains(o.Sortable, f), several: roaring.New()}
		c.numbers.fill = math.NaN()
		c.id = x.paths.use(c.path) // never dropped
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

// Evicted reports whether an object was ever evicted because the index was full.
func (x *Index) Evicted() bool {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.evicted
}

// Put adds an object or replaces its entry. f is what Parse returned for its value. If
// the object has none of the fields, its entry is removed.
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

// Remove removes an object, if the index has it.
func (x *Index) Remove(id ID) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if slot, found := x.find(id); found {
		x.unlink(slot)
		x.release(slot)
	}
}

// find returns the slot of an object, if the index has it.
func (x *Index) find(id ID) (slot uint32, found bool) {
	slot, found = x.byOwner.at(x.ownerPlace(id))
	if e := x.entries.at(slot); !found || e.owner != id.Owner || e.key() != id.Key {
		return 0, false
	}
	return slot, true
}

// ownerPlace returns the place of an object in byOwner, or where it would be inserted.
func (x *Index) ownerPlace(id ID) place {
	return x.byOwner.seek(func(s uint32) bool {
		e := x.entries.at(s)
		return cmp.Or(bytes.Compare(e.owner[:], id.Owner[:]), cmp.Compare(e.key(), id.Key)) < 0
	})
}

// take allocates a slot for a new entry.
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

// release frees a slot that was unlinked.
func (x *Index) release(slot uint32) {
	x.size--
	*x.entries.at(slot) = entry{}
	x.free = append(x.free, slot)
}

// link fills a slot with an entry and adds it to all lists.
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
	e.data = strings.Clone(b.String()) // without the builder's spare capacity

	x.byOwner.insert(x.ownerPlace(o.ID), slot)
	x.byTime.insert(x.timePlace(e), slot)
	for _, c := range x.columns {
		if x.ordered(c, slot) {
			c.order.insert(x.columnPlace(c, slot), slot)
		}
	}
}

// unlink removes a slot from all lists. The entry stays in the slot.
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

// byTimes compares entries by update time, key and owner. It also orders entries that
// have equal values.
func byTimes(a, b *entry) int {
	if c := cmp.Compare(a.updated, b.updated); c != 0 {
		return c
	}
	return cmp.Or(strings.Compare(a.key(), b.key()), bytes.Compare(a.owner[:], b.owner[:]))
}

// timePlace returns the place of an entry in byTime, or where it would be inserted.
func (x *Index) timePlace(e *entry) place {
	return x.byTime.seek(func(s uint32) bool { return byTimes(x.entries.at(s), e) < 0 })
}

// columnPlace returns the place of a slot in the order of a column, or where it would
// be inserted.
func (x *Index) columnPlace(c *column, slot uint32) place {
	v, e := x.scalar(c, slot), x.entries.at(slot)
	return c.order.seek(func(s uint32) bool {
		order := compare(x.scalar(c, s), v)
		return order < 0 || order == 0 && byTimes(x.entries.at(s), e) < 0
	})
}

// ordered reports whether a slot belongs to the order of a column.
func (x *Index) ordered(c *column, slot uint32) bool {
	k := x.scalar(c, slot).kind
	return k == number || c.sortable && k != none
}
