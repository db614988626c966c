package core

import (
	"context"
	"iter"
	"maps"
	"math"
	"sync/atomic"
	"time"

	"github.com/gofrs/uuid/v5"

	"kumi/store"
)

// Servers on one PostgreSQL database record the indexed objects that they change in a
// table, in the transaction of the change. Each server reads the new rows of the others
// every second, then the objects, and updates its indexes.

// changeLog is this server's side of the table.
type changeLog struct {
	table  *ownTable
	server uuid.UUID   // identifies the server's own rows
	denied atomic.Bool // the table cannot be created

	// Used by RunStorageIndexes only.
	from    int64           // all transactions before this one were read
	seen    map[int64]int64 // ids of later rows that were read, and their transactions
	read    time.Time       // when the log was last read; zero if never
	cleaned time.Time       // when old rows were last deleted
}

const (
	// changesKept is how long rows are kept. A server that has not read them for half as
	// long builds its indexes again.
	changesKept = time.Hour
	// changesRead is the maximum number of rows that are read at once.
	changesRead = 10_000
)

func (l *changeLog) init() {
	l.server = uuid.Must(uuid.NewV4())
	l.seen = map[int64]int64{}
	l.table = newOwnTable("kumi_storage_change",
		`CREATE TABLE IF NOT EXISTS kumi_storage_change (
			id bigserial PRIMARY KEY,
			transaction bigint NOT NULL DEFAULT txid_current(),
			server uuid NOT NULL,
			collection text NOT NULL,
			key text NOT NULL,
			user_id uuid NOT NULL,
			create_time timestamptz NOT NULL DEFAULT now())`,
		"CREATE INDEX IF NOT EXISTS kumi_storage_change_transaction ON kumi_storage_change (transaction, id)",
		"CREATE INDEX IF NOT EXISTS kumi_storage_change_time ON kumi_storage_change (create_time)")
}

// changeTable reports whether changes are to be logged, and creates the table if they
// are. They are not without indexes, on the embedded database, and without the
// privilege to create the table.
func (c *Core) changeTable(ctx context.Context) (logged bool, err error) {
	l := &c.indexes.log
	if len(c.indexes.set.Load().byName) == 0 || c.db.Dialect() != store.Postgres || l.denied.Load() {
		return false, nil
	}
	err = l.table.ensure(ctx, c.db)
	if !store.IsDenied(err) {
		return err == nil, err
	}
	if !l.denied.Swap(true) {
		c.log.Warn().Err(err).Msg("storage indexes do not get the changes of other servers: no privilege to create the table for them")
	}
	return false, nil
}

// logChanges adds rows for changed objects to the table, in the transaction q.
func (c *Core) logChanges(ctx context.Context, q store.Querier, ids iter.Seq[objectID]) error {
	set := c.indexes.set.Load()
	var collections, keys []string
	var owners []uuid.UUID
	for id := range ids {
		if set.relevant(id) {
			collections, keys, owners = append(collections, id.collection), append(keys, id.key), append(owners, id.owner)
		}
	}
	if len(keys) == 0 {
		return nil
	}
	_, err := q.ExecContext(ctx, `INSERT INTO kumi_storage_change (server, collection, key, user_id)
		SELECT $1, * FROM unnest($2::text[], $3::text[], $4::uuid[])`, c.indexes.log.server, collections, keys, owners)
	return err
}

// pollChanges updates the indexes with the changes of other servers.
func (c *Core) pollChanges(ctx context.Context) error {
	l, now := &c.indexes.log, time.Now()
	logged, err := c.changeTable(ctx)
	if err == nil {
		if !logged {
			return nil
		}
		err = c.readLog(ctx)
	}
	if err == nil {
		l.read = now
	}
	if !l.read.IsZero() {
		c.metrics.StorageIndexBehind(time.Since(l.read))
	}
	return err
}

// readLog reads the rows that are new, and then the objects.
func (c *Core) readLog(ctx context.Context) error {
	l := &c.indexes.log
	if l.read.IsZero() || time.Since(l.read) > changesKept/2 {
		if !l.read.IsZero() {
			c.log.Warn().Dur("after", time.Since(l.read)).Msg("the changes of other servers have not been read for too long: building storage indexes again")
		}
		// The builds read what is committed now; rows before that are not needed.
		if err := c.db.Reader().QueryRowContext(ctx, "SELECT txid_snapshot_xmin(txid_current_snapshot())").Scan(&l.from); err != nil {
			return err
		}
		clear(l.seen)
		c.rebuildIndexes()
	}
	// All transactions before next have ended, so the statement below sees all of their
	// rows. Later transactions may add rows; they are read again, except those in seen.
	var next int64
	if err := c.db.Reader().QueryRowContext(ctx, "SELECT txid_snapshot_xmin(txid_current_snapshot())").Scan(&next); err != nil {
		return err
	}
	for after, more := (logRow{transaction: l.from - 1, id: math.MaxInt64}), true; more; {
		rows, err := c.logRows(ctx, after)
		if err != nil {
			return err
		}
		if more = len(rows) == changesRead; len(rows) > 0 {
			after = rows[len(rows)-1]
		}
		var ids []objectID
		for _, r := range rows {
			if _, again := l.seen[r.id]; !again && r.server != l.server {
				ids = append(ids, r.objectID)
			}
		}
		c.indexes.mark(ids)
		if err := c.readChanges(ctx, ids); err != nil {
			c.indexes.later(ids)
			return err
		}
		for _, r := range rows {
			l.seen[r.id] = r.transaction
		}
	}
	l.from = next
	maps.DeleteFunc(l.seen, func(_, transaction int64) bool { return transaction < next })
	return c.cleanLog(ctx)
}

// logRow is a row of the table.
type logRow struct {
	objectID
	id, transaction int64
	server          uuid.UUID
}

func (c *Core) logRows(ctx context.Context, after logRow) (list []logRow, err error) {
	rows, err := c.db.Reader().QueryContext(ctx, `SELECT id, transaction, server, collection, key, user_id FROM kumi_storage_change
		WHERE (transaction, id) > ($1, $2) ORDER BY transaction, id LIMIT $3`, after.transaction, after.id, changesRead)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var r logRow
		if err := rows.Scan(&r.id, &r.transaction, &r.server, &r.collection, &r.key, &r.owner); err != nil {
			return nil, err
		}
		list = append(list, r)
	}
	return list, rows.Err()
}

// cleanLog deletes old rows, at intervals of a quarter of changesKept.
func (c *Core) cleanLog(ctx context.Context) error {
	l := &c.indexes.log
	if time.Since(l.cleaned) < changesKept/4 {
		return nil
	}
	_, err := c.db.Exec(ctx, "DELETE FROM kumi_storage_change WHERE create_time < now() - $1 * interval '1 second'", changesKept.Seconds())
	if err == nil {
		l.cleaned = time.Now()
	}
	return err
}
