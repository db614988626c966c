package store

import (
	"database/sql"
	"time"
)

// Stats is the state of the connection pools, for metrics. On SQLite the numbers are
// the sums of the read pool, the writer and the Go modules' handle.
type Stats struct {
	MaxOpen, Open, InUse, Idle int
	WaitCount                  int64
	WaitTime                   time.Duration
	MaxIdleClosed              int64
	MaxIdleTimeClosed          int64
	MaxLifetimeClosed          int64
	// WriteQueue is how many transactions wait for the SQLite writer.
	WriteQueue int
}

// Stats returns the current state. It is cheap and may be called at any time from any
// goroutine.
func (db *DB) Stats() Stats {
	if db.dialect == Postgres {
		s := db.pool.Stat()
		return Stats{
			MaxOpen: int(s.MaxConns()), Open: int(s.TotalConns()), InUse: int(s.AcquiredConns()), Idle: int(s.IdleConns()),
			WaitCount: s.EmptyAcquireCount(), WaitTime: s.EmptyAcquireWaitTime(),
			MaxIdleTimeClosed: s.MaxIdleDestroyCount(), MaxLifetimeClosed: s.MaxLifetimeDestroyCount(),
		}
	}
	var out Stats
	for _, pool := range []*sql.DB{db.readers, db.writers, db.shared, db.scripts} {
		s := pool.Stats()
		out.MaxOpen += s.MaxOpenConnections
		out.Open += s.OpenConnections
		out.InUse += s.InUse
		out.Idle += s.Idle
		out.WaitCount += s.WaitCount
		out.WaitTime += s.WaitDuration
		out.MaxIdleClosed += s.MaxIdleClosed
		out.MaxIdleTimeClosed += s.MaxIdleTimeClosed
		out.MaxLifetimeClosed += s.MaxLifetimeClosed
	}
	out.WriteQueue = db.writer.queue.waiting()
	return out
}
