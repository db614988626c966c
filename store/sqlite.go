package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"modernc.org/sqlite"
)

// busyTimeout is how long a write waits for another process that holds the file, or
// for its turn in this process.
const busyTimeout = 5 * time.Second

// defaultTransactionTimeout is how long a transaction or statement of a module may
// keep others from writing.
const defaultTransactionTimeout = 4 * time.Second

// sqliteDriver is a separate instance of the driver, so that the functions registered
// on it do not exist on connections that other code in the process opens.
var sqliteDriver = newSQLiteDriver()

func newSQLiteDriver() *sqlite.Driver {
	d := &sqlite.Driver{}
	registerFunctions(d)
	return d
}

func openSQLite(ctx context.Context, o Options) (*DB, error) {
	dir := o.DataDir
	if dir == "" {
		dir = "."
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("create the data folder: %w", err)
	}
	path, err := filepath.Abs(filepath.Join(dir, "kumi.db"))
	if err != nil {
		return nil, fmt.Errorf("find the database file: %w", err)
	}

	if err := privateFile(path); err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	var lock *folderLock
	if o.Exclusive {
		if lock, err = lockFolder(ctx, filepath.Dir(path)); err != nil {
			return nil, err
		}
	}
	limit := defaultTransactionTimeout
	if o.TransactionTimeout > 0 {
		limit = o.TransactionTimeout
	}
	db := &DB{dialect: SQLite, log: o.Logger, path: path, writeLock: newWriteLock(limit), folder: lock, load: new(load)}
	db.writers = sql.OpenDB(&connector{dsn: sqliteDSN(path, o.FullSync, false), abortOnError: true, load: db.load})
	db.readers = sql.OpenDB(&connector{dsn: sqliteDSN(path, o.FullSync, true), load: db.load})
	custom := &customConnector{
		dsn: sqliteDSN(path, o.FullSync, false) + "&_txlock=immediate", lock: db.writeLock, schema: &schemaCache{}, log: o.Logger, load: db.load,
	}
	db.shared, db.scripts = sql.OpenDB(custom), sql.OpenDB(custom)

	db.writers.SetMaxOpenConns(1)
	n := max(4, 2*runtime.GOMAXPROCS(0))
	for _, pool := range []*sql.DB{db.shared, db.scripts} {
		pool.SetMaxOpenConns(max(8, n))
		pool.SetMaxIdleConns(2)
		pool.SetConnMaxIdleTime(time.Minute)
	}
	if o.MaxOpenConns > 0 {
		n = min(n, o.MaxOpenConns)
	}
	db.readers.SetMaxOpenConns(n)
	db.readers.SetMaxIdleConns(n)
	if o.MaxIdleConns > 0 {
		db.readers.SetMaxIdleConns(min(n, o.MaxIdleConns))
	}

	// The writer connects first: switching a new file to the write-ahead log needs
	// exclusive access.
	if err := db.writers.PingContext(ctx); err != nil {
		_ = errors.Join(db.writers.Close(), db.shared.Close(), db.scripts.Close(), db.readers.Close(), lock.release())
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	db.writer = startWriter(db.writers, db.writeLock, o.Owner, o.Logger)
	if err := db.readers.PingContext(ctx); err != nil {
		db.outage.ended = make(chan struct{})
		_ = db.Close()
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	return db, nil
}

func sqliteDSN(path string, fullSync, readOnly bool) string {
	q := url.Values{}
	// busy_timeout comes first, because the other pragmas may have to wait.
	q.Add("_pragma", fmt.Sprintf("busy_timeout(%d)", busyTimeout.Milliseconds()))
	q.Add("_pragma", "journal_mode(WAL)")
	if fullSync {
		q.Add("_pragma", "synchronous(FULL)")
	} else {
		q.Add("_pragma", "synchronous(NORMAL)")
	}
	q.Add("_pragma", "foreign_keys(1)")
	// As on PostgreSQL: LIKE is case-sensitive, "x" is never a string.
	q.Add("_pragma", "case_sensitive_like(1)")
	q.Add("_dqs", "0")
	if readOnly {
		q.Add("_pragma", "query_only(1)")
	}
	u := url.URL{Scheme: "file", OmitHost: true, Path: filepath.ToSlash(path), RawQuery: q.Encode()}
	return u.String()
}
