package core

import (
	"context"
	"iter"
	"sync"
	"sync/atomic"

	"kumi/store"
)

// Indexes are updated only with objects that were read from the database after a change
// was committed, never with the values of a write. So concurrent writers of an object,
// on this server or another one, may update the indexes in any order. A writer marks the
// object as changed, reads it, asks the filters, and updates the indexes, unless they
// already have a later read.

// storageIndexes are the registered indexes, and the changes that they do not have yet.
type storageIndexes struct {
	set  atomic.Pointer[indexSet]
	wake chan struct{} // wakes RunStorageIndexes; has a buffer of one
	log  changeLog

	mu sync.Mutex
	// clock is incremented by each call of mark.
	clock   uint64
	changed map[objectID]*change
	failed  map[objectID]struct{} // changed objects that could not be read
	// scanned are the objects that were marked since buildPart began to read the part of
	// a collection that it is reading; nil if it is not reading any.
	scanned map[objectID]struct{}
}

// change is an object that was marked as changed, and that the indexes may not have yet.
type change struct {
	marked  uint64 // clock of the last mark
	applied uint64 // clock before the latest read that was applied
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

// storageTx runs a transaction that may change objects, and updates the indexes after
// the commit. ids yields the changed objects; it is used after fn has returned, at most
// twice.
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
	// Even after an error: the transaction may have been committed.
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

// objectsChanged updates the indexes after a commit, which in a transaction of a module
// is yet to come. Objects that cannot be read now are read later.
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

// updateIndexes marks objects as changed, and updates the indexes.
func (c *Core) updateIndexes(ctx context.Context, ids []objectID) {
	c.indexes.mark(ids)
	if err := c.readChanges(ctx, ids); err != nil {
		c.indexes.later(ids)
		if ctx.Err() == nil && !c.DatabaseUnreachable(err) {
			c.log.Warn().Err(err).Msg("could not read changed objects for storage indexes; trying again")
		}
	}
}

// mark marks objects as changed.
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

// later leaves changed objects to RunStorageIndexes.
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

// none tells whether there are no indexes, and nothing for retryChanges.
func (s *storageIndexes) none() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.failed) == 0 && len(s.set.Load().byName) == 0
}

// retryChanges reads the changed objects that could not be read before.
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
