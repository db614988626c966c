package core

import (
	"context"
	"iter"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/runtime"

	"kumi/core/index"
	"kumi/store"
)

// An index is fed only with what was read from the database after a change was
// committed, never with what someone is about to write: so it does not matter in which
// order concurrent writers of an object reach it, in this server or another one. A
// writer first marks the object as changed, then reads it, runs the filters, and puts
// it into the indexes, unless a later read has done that already.

// storageIndexes are the storage indexes and the changes that they do not have yet.
type storageIndexes struct {
	set  atomic.Pointer[indexSet]
	wake chan struct{} // one slot, for RunStorageIndexes
	log  changeLog

	mu sync.Mutex
	// clock counts marks.
	clock   uint64
	changed map[objectID]*change
	failed  map[objectID]struct{} // changes that could not be read
	// scanned are the objects that were marked while a part of a collection is being
	// read; nil: none is.
	scanned map[objectID]struct{}
}

// change is an object that was marked, and not read since.
type change struct {
	marked  uint64 // the last mark
	applied uint64 // the mark before the read that was applied last
}

func (s *storageIndexes) init() {
	s.set.Store(&indexSet{})
	s.wake = make(chan struct{}, 1)
	s.changed, s.failed = map[objectID]*change{}, map[objectID]struct{}{}
	s.log.init()
}

// signal wakes RunStorageIndexes.
func (s *storageIndexes) signal() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// storageTx runs a transaction that may change objects, and updates the indexes when it
// is committed. ids yields the objects, at most twice, after fn has returned.
func (c *Core) storageTx(ctx context.Context, ids iter.Seq[objectID], fn func(ctx context.Context, q store.Querier) error) error {
	logged, err := c.changeTable(ctx)
	if err != nil {
		return err
	}
	err = c.db.Tx(ctx, func(ctx context.Context, q store.Querier) error {
		if err := fn(ctx, q); err != nil || !logged {
			return err
		}
		return c.logChanges(ctx, q, ids)
	})
	// Also after an error: the transaction may be committed nevertheless.
	c.objectsChanged(ctx, ids)
	return err
}

// objectIDs yields the objects of several lists.
func objectIDs(lists ...iter.Seq[objectID]) iter.Seq[objectID] {
	return func(yield func(objectID) bool) {
		for _, list := range lists {
			for id := range list {
				if !yield(id) {
					return
				}
			}
		}
	}
}

// objectsChanged updates the indexes after a commit. If the objects cannot be read now,
// that is done later.
func (c *Core) objectsChanged(ctx context.Context, ids iter.Seq[objectID]) {
	set := c.indexes.set.Load()
	if len(set.byName) == 0 {
		return
	}
	var changed []objectID
	for id := range ids {
		if set.relevant(id) {
			changed = append(changed, id)
		}
	}
	if len(changed) == 0 {
		return
	}
	if c.db.AfterTx(ctx, func() { c.updateIndexes(ctx, changed) }) {
		return
	}
	c.updateIndexes(ctx, changed)
}

// updateIndexes marks objects and brings the indexes up to date with them.
func (c *Core) updateIndexes(ctx context.Context, ids []objectID) {
	c.indexes.mark(ids)
	if err := c.readChanges(ctx, ids); err != nil {
		c.indexes.later(ids)
		if ctx.Err() == nil && !c.DatabaseUnreachable(err) {
			c.log.Warn().Err(err).Msg("could not read changed objects for storage indexes; trying again")
		}
	}
}

func (s *storageIndexes) mark(ids []objectID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clock++
	for _, id := range ids {
		ch := s.changed[id]
		if ch == nil {
			ch = &change{}
			s.changed[id] = ch
		}
		ch.marked = s.clock
		if s.scanned != nil {
			s.scanned[id] = struct{}{}
		}
	}
}

// later leaves changes to RunStorageIndexes.
func (s *storageIndexes) later(ids []objectID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range ids {
		if s.changed[id] != nil {
			s.failed[id] = struct{}{}
		}
	}
	s.signal()
}

// retryChanges reads the changes that could not be read.
func (c *Core) retryChanges(ctx context.Context) error {
	s := &c.indexes
	s.mu.Lock()
	ids := make([]objectID, 0, len(s.failed))
	for id := range s.failed {
		ids = append(ids, id)
	}
	s.mu.Unlock()
	if len(ids) == 0 {
		return nil
	}
	if err := c.readChanges(ctx, ids); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range ids {
		if s.changed[id] == nil {
			delete(s.failed, id)
		}
	}
	return nil
}

// readChanges reads marked objects and puts them into the indexes.
func (c *Core) readChanges(ctx context.Context, ids []objectID) error {
	s := &c.indexes
	for len(ids) > 0 {
		n := min(len(ids), maxReadBatch)
		s.mu.Lock()
		clock := s.clock
		s.mu.Unlock()
		statement, args := selectObjects(c.db.Dialect(), ids[:n])
		rows, err := c.readIndexed(ctx, statement, args)
		if err != nil {
			return err
		}
		// Indexes registered after the mark read the object themselves; so it matters
		// that the set is read after it.
		set := s.set.Load()
		found := make(map[objectID]*index.Object, len(rows))
		for i := range rows {
			found[rows[i].objectID] = &rows[i].Object
		}
		for _, id := range ids[:n] {
			o := found[id]
			for x := range eachIndex(set, id) {
				v, fields := c.examine(ctx, x, id, o)
				c.applyChange(x, id, o, clock, v, fields)
			}
			s.settle(id, clock)
		}
		ids = ids[n:]
	}
	return nil
}

func eachIndex(set *indexSet, id objectID) iter.Seq[*storageIndex] {
	return func(yield func(*storageIndex) bool) { set.of(id, yield) }
}

// settle forgets a change if nothing was changed since it was read.
func (s *storageIndexes) settle(id objectID, clock uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	ch := s.changed[id]
	if ch == nil || clock < ch.applied {
		return
	}
	if ch.applied = clock; ch.marked <= clock {
		delete(s.changed, id)
	}
}

// verdict is what becomes of an object in an index.
type verdict uint8

const (
	wanted verdict = iota
	unwanted
	undecided // the filter failed
)

// examine asks the filter of an index, and parses an object that is wanted. The caller
// must not hold the mutex: a filter may wait, for a VM or for the database, and a value
// may be large.
func (c *Core) examine(ctx context.Context, x *storageIndex, id objectID, o *index.Object) (verdict, *index.Fields) {
	if o == nil {
		return unwanted, nil
	}
	if x.Filter != nil {
		keep, err := x.Filter(ctx, &runtime.StorageWrite{
			Collection: id.collection, Key: id.key, UserID: id.owner.String(), Value: o.Value, Version: o.Version,
			PermissionRead: int(o.Read), PermissionWrite: int(o.Write),
		})
		if err != nil {
			c.log.Debug().Err(err).Str("index", x.Name).Str("key", id.key).Stringer("user_id", id.owner).
				Msg("the filter of a storage index failed: the index keeps what it had of the object")
			return undecided, nil
		}
		if !keep {
			return unwanted, nil
		}
	}
	fields, err := x.live.Load().Parse(o.Value)
	if err != nil {
		c.log.Warn().Err(err).Str("index", x.Name).Str("key", id.key).Stringer("user_id", id.owner).
			Msg("an object whose value is not a JSON object is not indexed")
		return unwanted, nil
	}
	return wanted, fields
}

// applyChange updates an index with an object that was read at a time of the clock.
func (c *Core) applyChange(x *storageIndex, id objectID, o *index.Object, clock uint64, v verdict, fields *index.Fields) {
	s := &c.indexes
	s.mu.Lock()
	defer s.mu.Unlock()
	ch := s.changed[id]
	if ch == nil || clock < ch.applied {
		return // a later read was applied
	}
	if ch.applied = clock; v == undecided {
		return
	}
	for _, into := range []*index.Index{x.live.Load(), x.next} {
		switch {
		case into == nil:
		case v == wanted:
			into.Put(o, fields)
		default:
			into.Remove(index.ID{Key: id.key, Owner: id.owner})
		}
	}
	s.refill(x)
}

// refill has an index built again that evicted objects, if more than a tenth of its
// entries were deleted since: there is room for some of them. The caller holds the
// mutex.
func (s *storageIndexes) refill(x *storageIndex) {
	if live := x.live.Load(); x.built && x.next == nil && live.Evicted() && live.Len() < x.MaxEntries-x.MaxEntries/10 {
		x.next, x.wanted = x.empty(), true
		s.signal()
	}
}

// indexedRow is an object as indexes want it.
type indexedRow struct {
	objectID
	index.Object
}

// readIndexed reads rows of objectColumns.
func (c *Core) readIndexed(ctx context.Context, query string, args []any) ([]indexedRow, error) {
	rows, err := c.db.Reader().QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []indexedRow
	for rows.Next() {
		var r indexedRow
		var owner uuid.UUID
		var created, updated time.Time
		err := rows.Scan(&r.collection, &r.objectID.key, &owner, &r.Value, &r.Version, &r.Read, &r.Write, &created, &updated)
		if err != nil {
			return nil, err
		}
		r.objectID.owner = owner
		r.Object.ID = index.ID{Key: r.objectID.key, Owner: owner}
		r.Created, r.Updated = created, updated
		list = append(list, r)
	}
	return list, rows.Err()
}
