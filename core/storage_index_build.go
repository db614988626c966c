package core

import (
	"cmp"
	"context"
	"time"

	"kumi/core/index"
	"kumi/store"
)

// indexPoll is the interval at which RunStorageIndexes reads the changes of other
// servers, and retries what failed. Without indexes it is indexIdle.
const (
	indexPoll = time.Second
	indexIdle = time.Minute
)

// RunStorageIndexes builds storage indexes, and updates them with the changes of other
// servers, until ctx ends. Filters are called with ctx. It must be called once, on a
// goroutine of its own.
func (c *Core) RunStorageIndexes(ctx context.Context) {
	timer := time.NewTimer(indexPoll)
	defer timer.Stop()
	for {
		wait := indexPoll
		err := c.workIndexes(ctx)
		if c.db.Dialect() == store.SQLite && err == nil && c.indexes.none() {
			wait = indexIdle
		}
		timer.Reset(wait)
		if err != nil && ctx.Err() == nil && !c.DatabaseUnreachable(err) {
			c.log.Warn().Err(err).Msg("could not update storage indexes; trying again")
		}
		select {
		case <-ctx.Done():
			return
		case <-c.indexes.wake:
		case <-timer.C:
		}
	}
}

// workIndexes does the work that is pending.
func (c *Core) workIndexes(ctx context.Context) error {
	if err := c.pollChanges(ctx); err != nil {
		return err
	}
	if err := c.retryChanges(ctx); err != nil {
		return err
	}
	c.countEntries()
	for x := c.unbuilt(); x != nil; x = c.unbuilt() {
		if err := c.buildIndex(ctx, x); err != nil {
			return err
		}
	}
	return nil
}

// countEntries updates the metric of the number of entries.
func (c *Core) countEntries() {
	s := &c.indexes
	s.mu.Lock() // so that no index is removed from the metrics meanwhile
	defer s.mu.Unlock()
	for name, x := range s.set.Load().byName {
		c.metrics.StorageIndexEntries(name, x.live.Load().Len())
	}
}

// unbuilt returns an index that is to be built, or nil.
func (c *Core) unbuilt() *storageIndex {
	s := &c.indexes
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, x := range s.set.Load().byName {
		if x.wanted {
			return x
		}
	}
	return nil
}

// rebuildIndexes has all indexes built again. The present ones answer until then.
func (c *Core) rebuildIndexes() {
	s := &c.indexes
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, x := range s.set.Load().byName {
		x.wanted = true
		x.target()
	}
}

// buildPart is the number of objects that a build reads at once.
const buildPart = 256

// buildIndex reads all objects of an index, in parts, while they may be written. It
// returns when the index is complete, has to be built anew, or is no longer registered.
func (c *Core) buildIndex(ctx context.Context, x *storageIndex) error {
	s, began, read := &c.indexes, time.Now(), 0
	s.mu.Lock()
	into := x.target()
	s.mu.Unlock()
	var after *objectID
	for polled := began; s.set.Load().byName[x.Name] == x; {
		if time.Since(polled) > indexPoll {
			polled = time.Now()
			if err := c.pollChanges(ctx); err != nil {
				return err
			}
			if s.replaced(x, into) {
				return nil
			}
			c.countEntries()
		}
		rows, err := c.buildPart(ctx, x, into, after)
		if err != nil {
			return err
		}
		read += len(rows)
		if len(rows) < buildPart {
			c.completeIndex(x, into, read, time.Since(began))
			return nil
		}
		after = &rows[len(rows)-1].objectID
	}
	return nil
}

// target returns the empty index for a build: next, or live if there is no next. If that
// has entries, for example those of a build that failed, some may be of objects that
// were deleted meanwhile; so it returns a new next instead. The caller holds the mutex.
func (x *storageIndex) target() *index.Index {
	into := cmp.Or(x.next, x.live.Load())
	if into.Len() > 0 {
		x.next = x.empty()
		into = x.next
	}
	return into
}

// replaced reports whether the build that fills into is obsolete.
func (s *storageIndexes) replaced(x *storageIndex, into *index.Index) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return x.next != into && (x.next != nil || x.live.Load() != into)
}

// buildPart adds the next objects after one to an index and returns them. It leaves out
// objects that are marked meanwhile, because their writers update the index.
func (c *Core) buildPart(ctx context.Context, x *storageIndex, into *index.Index, after *objectID) ([]indexedRow, error) {
	s := &c.indexes
	s.mu.Lock()
	s.scanned = map[objectID]struct{}{}
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		s.scanned = nil
		s.mu.Unlock()
	}()
	statement := objectColumns + "collection = $1"
	args := []any{x.Collection, buildPart}
	switch {
	case x.Key != "" && after != nil:
		statement, args = statement+" AND key = $3 AND user_id > $4", append(args, x.Key, after.owner)
	case x.Key != "":
		statement, args = statement+" AND key = $3", append(args, x.Key)
	case after != nil:
		statement, args = statement+" AND (key, user_id) > ($3, $4)", append(args, after.key, after.owner)
	}
	rows, err := c.readIndexed(ctx, statement+" ORDER BY key, user_id LIMIT $2", args)
	if err != nil {
		return nil, err
	}
	for i := range rows {
		r := &rows[i]
		v, fields := c.examine(ctx, x, r.objectID, &r.Object)
		if v != wanted {
			continue
		}
		s.mu.Lock()
		if _, changed := s.scanned[r.objectID]; !changed {
			into.Put(&r.Object, fields)
		}
		s.mu.Unlock()
	}
	return rows, ctx.Err()
}

// completeIndex makes lists use the index that a build has completed.
func (c *Core) completeIndex(x *storageIndex, into *index.Index, read int, took time.Duration) {
	s := &c.indexes
	s.mu.Lock()
	defer s.mu.Unlock()
	if x.next != nil && x.next != into {
		return // it has to be built anew
	}
	x.live.Store(into)
	x.next, x.built, x.wanted = nil, true, false
	c.metrics.StorageIndex(x.Name, into.Len(), true)
	c.log.Info().Str("index", x.Name).Int("entries", into.Len()).Int("objects", read).Bool("full", into.Evicted()).
		Int64("took_ms", took.Milliseconds()).Msg("storage index complete")
}
