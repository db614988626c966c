package core

import (
	"context"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/runtime"

	"kumi/core/index"
)

// readChanges reads objects that were marked, and updates the indexes.
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
		// The set is loaded after the mark: the build of an index that is registered
		// later reads the object itself.
		set := s.set.Load()
		found := make(map[objectID]*index.Object, len(rows))
		for i := range rows {
			found[rows[i].objectID] = &rows[i].Object
		}
		for _, id := range ids[:n] {
			o := found[id]
			for x := range set.of(id) {
				v, fields := c.examine(ctx, x, id, o)
				c.applyChange(x, id, o, clock, v, fields)
			}
			s.settle(id, clock)
		}
		ids = ids[n:]
	}
	return nil
}

// settle records that a read was applied to all indexes, and forgets the change if the
// object was not marked again since.
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

// verdict says what becomes of an object in an index.
type verdict uint8

const (
	wanted verdict = iota
	unwanted
	undecided // the filter failed: the index keeps what it has
)

// examine asks the filter of an index about an object, and parses it if it is wanted. o
// is nil for an object that does not exist. The caller must not hold the mutex: a filter
// may wait for a VM or the database, and a value may be large.
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

// applyChange updates an index with what examine returned for an object, unless a later
// read was applied. clock is that before the read.
func (c *Core) applyChange(x *storageIndex, id objectID, o *index.Object, clock uint64, v verdict, fields *index.Fields) {
	s := &c.indexes
	s.mu.Lock()
	defer s.mu.Unlock()
	ch := s.changed[id]
	if ch == nil || clock < ch.applied {
		return
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

// refill has an index built again if it once evicted objects and more than a tenth of
// its entries are gone, so that there is room for some of the evicted. The caller holds
// the mutex.
func (s *storageIndexes) refill(x *storageIndex) {
	if live := x.live.Load(); x.built && x.next == nil && live.Evicted() && live.Len() < x.MaxEntries-x.MaxEntries/10 {
		x.next, x.wanted = x.empty(), true
		s.signal()
	}
}

// indexedRow is an object for an index, with its id.
type indexedRow struct {
	objectID
	index.Object
}

// readIndexed reads objects with a query for objectColumns.
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
