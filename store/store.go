package store

import (
	"context"
	"database/sql"
	"errors"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/rs/zerolog"
)

// ErrClosed is returned by calls on a closed [DB].
var ErrClosed = errors.New("database is closed")

// Options says which database to open and how large its pools may grow.
// The zero value of every field but DataDir has a working default.
type Options struct {
	// Address is empty for SQLite, otherwise that of PostgreSQL:
	// user:pass@host:port/db, with or without postgres:// in front. The default
	// user is root, the default database nakama, the default sslmode prefer; other
	// query options are passed on.
	Address string
	// DataDir is the folder of the SQLite file kumi.db; created if missing.
	DataDir string
	// MaxOpenConns limits PostgreSQL connections (default 100). On SQLite it
	// limits the read pool when it is below that pool's own size.
	MaxOpenConns int
	// MaxIdleConns limits idle SQLite readers; PostgreSQL's pool keeps
	// connections until they have been idle for half an hour.
	MaxIdleConns int
	// ConnMaxLifetime closes PostgreSQL connections older than this (default
	// one hour).
	ConnMaxLifetime time.Duration
	// TransactionTimeout limits how long a transaction or statement of a module
	// may keep others from writing to SQLite (default 4 s). It counts from the
	// beginning of the transaction, which is only ended if others wait.
	TransactionTimeout time.Duration
	// Owner returns the user whose call a context belongs to, or an empty string
	// for the server's own writes. Writes to SQLite are served in turn by user, and
	// at most 4096 of one user may wait. If nil, all writes are the server's own.
	Owner func(ctx context.Context) string
	// Exclusive makes Open fail if another database opened with Exclusive, in this
	// process or another, uses the same folder. Two servers must not share one,
	// because presences and caches are in memory.
	Exclusive bool
	// FullSync makes SQLite wait for the disk on every commit.
	FullSync bool
	// Logger receives warnings: retried transactions, panics in transactions.
	Logger zerolog.Logger
}

// Querier is the common part of [database/sql.DB], Conn and Tx. A Querier passed to a
// transaction function is valid only until that function returns, and only on the
// goroutine that called it.
type Querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

// DB is an open database. Its methods may be called from any goroutine.
type DB struct {
	closing  sync.Once
	closeErr error

	dialect Dialect
	log     zerolog.Logger
	shared  *sql.DB // the handle of Go modules
	scripts *sql.DB // runs the SQL of scripts; on PostgreSQL the same handle
	readers *sql.DB

	// SQLite only.
	path      string
	writers   *sql.DB
	writer    *writer
	writeLock *writeLock
	folder    *folderLock

	// PostgreSQL only.
	pool      *pgxpool.Pool
	port      string
	closeWait time.Duration

	outage outage
	load   *load
}

// Open connects to the database that o names and checks that it responds. It does not
// change tables; see [Migrate] and [DB.CheckMigrations].
func Open(ctx context.Context, o Options) (*DB, error) {
	open := openPostgres
	if o.Address == "" {
		open = openSQLite
	}
	db, err := open(ctx, o)
	if err != nil {
		return nil, err
	}
	db.outage.ended = make(chan struct{})
	return db, nil
}

// Close waits for the accepted writes and closes all connections. Later calls return
// [ErrClosed] or a closed-connection error. On PostgreSQL it waits only a few seconds
// for connections in use: one that a module does not return stays open until the
// process ends. Close may be called more than once; all calls return the error of the
// first.
func (db *DB) Close() error {
	db.closing.Do(func() { db.closeErr = db.close() })
	return db.closeErr
}

func (db *DB) close() error {
	close(db.outage.ended)
	db.outage.probes.Wait()
	if db.dialect == Postgres {
		err := db.shared.Close()
		closed := make(chan struct{})
		go func() {
			db.pool.Close()
			close(closed)
		}()
		select {
		case <-closed:
		case <-time.After(db.closeWait):
			db.log.Warn().Int32("connections", db.pool.Stat().AcquiredConns()).
				Msg("closing the database while modules hold connections: a transaction or rows were not closed")
		}
		return err
	}
	db.writer.close()
	return errors.Join(db.shared.Close(), db.scripts.Close(), db.readers.Close(), db.writers.Close(), db.folder.release())
}

// Dialect returns which database this is.
func (db *DB) Dialect() Dialect { return db.dialect }

// SQL returns the handle for Go modules. On PostgreSQL it is the server's pool. On
// SQLite it has its own pool, whose transactions are immediate and take turns with the
// writer, and accepts SQL written for PostgreSQL (see package translate); a write
// through it inside a [DB.Tx] function cannot get its turn and fails as busy.
func (db *DB) SQL() *sql.DB { return db.shared }

// Reader returns the handle for reads. On SQLite its connections refuse to write and
// see the last committed state, also inside a [DB.Tx] function.
func (db *DB) Reader() Querier { return db.readers }

// Path returns the path of the SQLite file; empty on PostgreSQL.
func (db *DB) Path() string { return db.path }

// Brief returns a context for statements that find a few rows by an index. On SQLite
// they are not interrupted when ctx ends: watching for that takes two goroutines per
// statement, which cost more than such a statement. On PostgreSQL, where a statement
// may wait for a lock or for the network, it is ctx. It keeps the values of ctx, and
// with them its transaction.
func (db *DB) Brief(ctx context.Context) context.Context {
	if db.dialect == SQLite {
		return context.WithoutCancel(ctx)
	}
	return ctx
}
