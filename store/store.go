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
	// Address is empty for SQLite, else where PostgreSQL listens:
	// user:pass@host:port/db, with or without postgres:// before it. A missing
	// user is root, a missing database nakama, a missing sslmode prefer; other
	// query options are kept.
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
	// TransactionTimeout bounds how long a transaction or statement of a module
	// may keep others from writing to SQLite (default 4 s). It counts from its
	// begin and ends it only when others wait.
	TransactionTimeout time.Duration
	// Owner names the user whose call a context belongs to, empty for the
	// server's own. Writes to SQLite are served in turn by user, and one user may
	// have at most 4096 waiting. Nil: all are the server's.
	Owner func(ctx context.Context) string
	// Exclusive refuses to open a SQLite database that another Exclusive one
	// has open, in this process or another: a server's presences and caches are
	// in its memory, so two must not share a folder.
	Exclusive bool
	// FullSync makes SQLite wait for the disk on every commit.
	FullSync bool
	// Logger receives warnings: retried transactions, panics in transactions.
	Logger zerolog.Logger
}

// Querier is what [database/sql.DB], Conn and Tx have in common. A Querier
// given to a transaction function is valid only until that function returns,
// and only on the goroutine that called it.
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
	shared  *sql.DB // what Go modules receive
	scripts *sql.DB // what runs the SQL of scripts; on PostgreSQL the same
	readers *sql.DB

	// SQLite only.
	path      string
	writers   *sql.DB
	writer    *writer
	writeLock *writeLock
	claim     *claim

	// PostgreSQL only.
	pool      *pgxpool.Pool
	port      string
	closeWait time.Duration

	outage outage
}

// Open connects to the database that o names and checks that it answers. It
// changes no tables; see [Migrate] and [DB.CheckMigrations].
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

// Close waits for the writes that are already accepted and closes all
// connections. Later calls return [ErrClosed] or a closed-connection error. On
// PostgreSQL it waits for connections in use for a few seconds only: one that a
// module never gave back is left to the end of the process. Only the first call
// closes anything; all return its error.
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
				Msg("closing although modules still hold database connections: a transaction or rows were not closed")
		}
		return err
	}
	db.writer.close()
	return errors.Join(db.shared.Close(), db.scripts.Close(), db.readers.Close(), db.writers.Close(), db.claim.release())
}

// Dialect says which database this is.
func (db *DB) Dialect() Dialect { return db.dialect }

// SQL returns the handle that Go modules receive. It reads and writes on
// connections of its own pool: on SQLite with immediate transactions, taking
// turns with the writer; on PostgreSQL it is the one pool. On SQLite it takes
// SQL made for PostgreSQL (see package translate), and a write through it from
// inside a [DB.Tx] function cannot get its turn and fails as busy.
func (db *DB) SQL() *sql.DB { return db.shared }

// Reader returns the read side. On SQLite its connections refuse to write and
// see the last committed state, also from inside a [DB.Tx] function.
func (db *DB) Reader() Querier { return db.readers }

// Path is the SQLite file, empty on PostgreSQL.
func (db *DB) Path() string { return db.path }
