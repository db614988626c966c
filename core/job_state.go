package core

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// jobRuns are runs of a job since they were last added to the table.
type jobRuns struct {
	runs, failures int64
	start          time.Time // of the last one
	took           time.Duration
	failed         time.Time // when the last failure began; zero: there was none
	failure        string
}

// jobStates count the runs of jobs for operators. The table has those of all servers on
// the database. It may be used from any goroutine.
type jobStates struct {
	table *ownTable

	mu      sync.Mutex
	pending map[string]*jobRuns
	written map[string]time.Time
}

// jobStateEvery is the least time between two statements for one job.
const jobStateEvery = time.Second

// maxJobFailure is how much is kept of the error of a run, in characters.
const maxJobFailure = 1000

func newJobStates() jobStates {
	return jobStates{
		pending: map[string]*jobRuns{}, written: map[string]time.Time{},
		// Times are Unix milliseconds; failed_at is 0 if no run has failed.
		table: newOwnTable("kumi_job_state", `CREATE TABLE IF NOT EXISTS kumi_job_state (
			name       VARCHAR(128) NOT NULL PRIMARY KEY,
			runs       BIGINT NOT NULL,
			failures   BIGINT NOT NULL,
			started_at BIGINT NOT NULL,
			took_ms    BIGINT NOT NULL,
			failed_at  BIGINT NOT NULL,
			failure    TEXT NOT NULL,
			node       TEXT NOT NULL
		)`),
	}
}

// ran counts a run.
func (s *jobStates) ran(name string, start time.Time, took time.Duration, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.pending[name]
	if p == nil {
		p = &jobRuns{}
		s.pending[name] = p
	}
	p.runs++
	p.start, p.took = start, took
	if err != nil {
		p.failures++
		// The error may quote anything; the database takes neither invalid UTF-8 nor zero bytes.
		p.failed, p.failure = start, clip(strings.ReplaceAll(valid(err.Error()), "\x00", "\ufffd"), maxJobFailure)
	}
}

// due takes the runs that may be written now; with all, all of them.
func (s *jobStates) due(now time.Time, all bool) map[string]*jobRuns {
	s.mu.Lock()
	defer s.mu.Unlock()
	due := map[string]*jobRuns{}
	for name, p := range s.pending {
		if all || now.Sub(s.written[name]).Abs() >= jobStateEvery {
			due[name] = p
			s.written[name] = now
			delete(s.pending, name)
		}
	}
	return due
}

// putBack returns runs that due took and that could not be written.
func (s *jobStates) putBack(due map[string]*jobRuns) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, old := range due {
		p := s.pending[name]
		if p == nil {
			s.pending[name] = old
			continue
		}
		p.runs += old.runs
		p.failures += old.failures
		if p.failed.IsZero() {
			p.failed, p.failure = old.failed, old.failure
		}
	}
}

// writeStates adds runs to the table. What cannot be written is kept for the next call.
func (r *jobRunner) writeStates(ctx context.Context, all bool) error {
	due := r.jobs.states.due(r.now(), all)
	if len(due) == 0 {
		return nil
	}
	defer func() { r.jobs.states.putBack(due) }()
	if err := r.jobs.states.table.ensure(ctx, r.db); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(due)) {
		p := due[name]
		failed := int64(0)
		if !p.failed.IsZero() {
			failed = p.failed.UnixMilli()
		}
		if _, err := r.db.Exec(ctx, `INSERT INTO kumi_job_state (name, runs, failures, started_at, took_ms, failed_at, failure, node)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (name) DO UPDATE SET
			runs = kumi_job_state.runs + excluded.runs, failures = kumi_job_state.failures + excluded.failures,
			started_at = excluded.started_at, took_ms = excluded.took_ms, node = excluded.node,
			failed_at = CASE WHEN excluded.failed_at > 0 THEN excluded.failed_at ELSE kumi_job_state.failed_at END,
			failure = CASE WHEN excluded.failed_at > 0 THEN excluded.failure ELSE kumi_job_state.failure END`,
			name, p.runs, p.failures, p.start.UnixMilli(), p.took.Milliseconds(), failed, p.failure, r.tracker.Node()); err != nil {
			return fmt.Errorf("write what job %q has done: %w", name, err)
		}
		delete(due, name)
	}
	return nil
}

// jobState is what is known of a job.
type jobState struct {
	name             string
	registered       bool // by a module, on this server
	schedule         string
	next             time.Time // of the schedule; zero: there is none
	queued, retrying int64     // runs that were enqueued; those of them that have failed before
	runs, failures   int64
	start, failed    time.Time // zero: never
	took             time.Duration
	failure, node    string
}

// jobList returns all jobs that this server or the database knows, by name.
func (c *Core) jobList(ctx context.Context) ([]*jobState, error) {
	all := map[string]*jobState{}
	of := func(name string) *jobState {
		if all[name] == nil {
			all[name] = &jobState{name: name}
		}
		return all[name]
	}
	for name, job := range c.jobs.registered() {
		if of(name).registered = true; job.Schedule != nil {
			of(name).schedule = job.Schedule.String()
		}
	}
	if err := c.readQueue(ctx, of); err != nil {
		return nil, err
	}
	exists, err := c.jobs.states.table.exists(ctx, c.db)
	if err == nil && exists {
		_, err = scanAll(ctx, c.db.Reader(), func(rows *sql.Rows) (*jobState, error) {
			var r jobState
			var start, took, failed int64
			if err := rows.Scan(&r.name, &r.runs, &r.failures, &start, &took, &failed, &r.failure, &r.node); err != nil {
				return nil, err
			}
			s := of(r.name)
			s.runs, s.failures, s.failure, s.node = r.runs, r.failures, r.failure, r.node
			s.start, s.took = time.UnixMilli(start), time.Duration(took)*time.Millisecond
			if failed > 0 {
				s.failed = time.UnixMilli(failed)
			}
			return s, nil
		}, "SELECT name, runs, failures, started_at, took_ms, failed_at, failure, node FROM kumi_job_state")
	}
	if err != nil {
		return nil, err
	}
	list := make([]*jobState, 0, len(all))
	for _, name := range slices.Sorted(maps.Keys(all)) {
		list = append(list, all[name])
	}
	return list, nil
}

// readQueue adds what is in the queue.
func (c *Core) readQueue(ctx context.Context, of func(string) *jobState) error {
	if exists, err := c.jobs.table.exists(ctx, c.db); err != nil || !exists {
		return err
	}
	_, err := scanAll(ctx, c.db.Reader(), func(rows *sql.Rows) (*jobState, error) {
		var name string
		var next sql.NullInt64
		var queued, retrying int64
		if err := rows.Scan(&name, &next, &queued, &retrying); err != nil {
			return nil, err
		}
		s := of(name)
		if s.queued, s.retrying = queued, retrying; next.Valid {
			s.next = time.UnixMilli(next.Int64)
		}
		return s, nil
	}, `SELECT name, min(CASE WHEN schedule <> '' THEN run_at END), sum(CASE WHEN schedule = '' THEN 1 ELSE 0 END),
		sum(CASE WHEN schedule = '' AND tries > 0 THEN 1 ELSE 0 END) FROM kumi_job GROUP BY name`)
	return err
}
