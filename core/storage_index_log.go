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

// Servers that share a PostgreSQL database tell one another which indexed objects they
// changed by rows of a table, written in the transaction of the change. Each server
// reads them every second, and then the objects.

// changeLog is this server's side of the table.
type changeLog struct {
	table  *ownTable
	server uuid.UUID // leaves out the server's own rows
	denied atomic.Bool

	// Used by RunStorageIndexes only.
	from    int64           // transactions before this one were read
	seen    map[int64]int64 // rows of later ones that were read, with the transaction
	read    time.Time       // last; zero: never
	cleaned time.Time
}

const (
	// changesKept is how long rows are kept. A server that has not read them for
	// longer builds its indexes again.
	changesKept = time.Hour
	// changesRead is how many rows are read at once.
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

// changeTable creates the table, if other servers may have to know of changes, and
// reports whether that is so. Without the privilege to create it there is none.
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
		c.log.Warn().Err(err).Msg("other servers do not learn of changes for their storage indexes, nor this one of theirs")
	}
	return false, nil
}

// logChanges tells other servers of changes in the transaction.
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

// pollChanges brings the indexes up to date with other servers.
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

func (c *Core) readLog(ctx context.Context) error {
	l := &c.indexes.log
	if l.read.IsZero() || time.Since(l.read) > changesKept/2 {
		if !l.read.IsZero() {
			c.log.Warn().Dur("after", time.Since(l.read)).Msg("changes of other servers were not read for too long: storage indexes are built again")
		}
		// Builds see everything that is committed now.
		if err := c.db.Reader().QueryRowContext(ctx, "SELECT txid_snapshot_xmin(txid_current_snapshot())").Scan(&l.from); err != nil {
			return err
		}
		clear(l.seen)
		c.rebuildIndexes()
	}
	// All transactions before next have ended, so the second statement sees their
	// rows. Those of later ones are read again.
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

// cleanLog deletes old rows now and then.
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
