package store

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	sqlite3 "modernc.org/sqlite/lib"
)

// outage counts the calls that fail while the database cannot be reached, so that the
// log has one line at the start and one at the end of an outage instead of one per
// call.
type outage struct {
	mu     sync.Mutex
	since  time.Time // zero if there is no outage
	failed int
	ended  chan struct{} // closed with the database
	probes sync.WaitGroup
}

// Unreachable reports whether err means that the database cannot be reached or cannot
// be written at all, which is not a fault of the call. The first such error is logged,
// the others are counted until the database responds again, so callers need not log
// the error. It may be called from any goroutine.
func (db *DB) Unreachable(err error) bool {
	if !db.isUnreachable(err) {
		return false
	}
	o := &db.outage
	o.mu.Lock()
	defer o.mu.Unlock()
	o.failed++
	if !o.since.IsZero() {
		return true
	}
	o.since = time.Now()
	db.log.Error().Err(err).Msg("database cannot be reached; calls fail until it answers again")
	select {
	case <-o.ended:
	default:
		o.probes.Go(db.probe)
	}
	return true
}

// probe waits until the database responds again.
func (db *DB) probe() {
	o := &db.outage
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for {
		select {
		case <-o.ended:
			return
		case <-ticker.C:
		}
		if !db.answers() {
			continue
		}
		o.mu.Lock()
		db.log.Info().Int("failed_calls", o.failed).Dur("outage", time.Since(o.since)).Msg("database answers again")
		o.since, o.failed = time.Time{}, 0
		o.mu.Unlock()
		return
	}
}

func (db *DB) answers() bool {
	ctx, cancel := context.WithTimeout(context.Background(), busyTimeout)
	defer cancel()
	if db.dialect == Postgres {
		return db.pool.Ping(ctx) == nil
	}
	return db.Tx(ctx, func(ctx context.Context, q Querier) error {
		_, err := q.ExecContext(ctx, "UPDATE migration_info SET id = id WHERE id = ''")
		return err
	}) == nil
}

func (db *DB) isUnreachable(err error) bool {
	if db.dialect == SQLite {
		switch code, _ := asSQLite(err); code & 0xff {
		case sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
			return true
		}
		return false
	}
	var connect *pgconn.ConnectError
	if errors.As(err, &connect) {
		return true
	}
	if pg, ok := asPostgres(err); ok {
		return strings.HasPrefix(pg.Code, "08") || strings.HasPrefix(pg.Code, "57P0")
	}
	var op *net.OpError
	if errors.As(err, &op) && op.Addr != nil {
		_, port, _ := net.SplitHostPort(op.Addr.String())
		return port == db.port
	}
	return err != nil && (strings.HasSuffix(err.Error(), "conn closed") ||
		errors.Is(err, io.ErrUnexpectedEOF) && strings.Contains(err.Error(), "failed to receive message"))
}
