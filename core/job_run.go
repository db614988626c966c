package core

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"kumi/store"
)

// jobs is what a Core knows of jobs beside the database.
type jobs struct {
	mu    sync.Mutex
	there bool // the table

	changed bool // what is registered, since somebody looked
	wake    chan struct{}
}

// table makes the table of jobs, which no migration has, as it is none of the
// protocol's: a server whose modules have no jobs never makes it.
func (j *jobs) table(ctx context.Context, db *store.DB) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.there {
		return nil
	}
	for _, query := range []string{
		// run_at is in Unix milliseconds. While a run goes on it is the time at which
		// another server may try, so whoever moves it has the run.
		`CREATE TABLE IF NOT EXISTS kumi_job (
			id       VARCHAR(160) PRIMARY KEY,
			name     VARCHAR(128) NOT NULL,
			schedule VARCHAR(256) NOT NULL,
			payload  TEXT NOT NULL,
			run_at   BIGINT NOT NULL,
			tries    INT NOT NULL
		)`,
		"CREATE INDEX IF NOT EXISTS kumi_job_run_at ON kumi_job (run_at)",
	} {
		if _, err := db.Exec(ctx, query); err != nil {
			return fmt.Errorf("make the table of jobs: %w", err)
		}
	}
	j.there = true
	return nil
}

// look makes whoever runs jobs look at the database now; at what is registered
// too, if that has changed.
func (j *jobs) look(changed bool) {
	j.mu.Lock()
	j.changed = j.changed || changed
	j.mu.Unlock()
	select {
	case j.wake <- struct{}{}:
	default:
	}
}

// JobsChanged tells that other jobs are registered than before.
func (c *Core) JobsChanged() { c.jobs.look(true) }

const (
	jobPoll    = 15 * time.Second // other servers may have queued something
	jobRetry   = 5 * time.Second  // before the second try; four times as long before each further one
	jobWorkers = 8                // runs at once
)

// jobRow is one row of the table.
type jobRow struct {
	id, name, schedule, payload string
	runAt                       int64
	tries                       int
}

// RunJobs runs jobs until ctx ends, and waits for those that have begun, whose
// context it is. longest is how long a run may take; after that another server
// may try it. registered gives the jobs there are; tell JobsChanged when that
// changes. To be called once.
func (c *Core) RunJobs(ctx context.Context, longest time.Duration, registered func() map[string]Job) {
	r := &jobRunner{Core: c, longest: longest, free: make(chan struct{}, jobWorkers), running: map[string]bool{}}
	defer r.work.Wait()
	c.jobs.look(true)
	timer := time.NewTimer(jobPoll)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-c.jobs.wake:
		case <-timer.C:
		}
		all := registered()
		if len(all) == 0 {
			timer.Stop()
			continue // until something is registered
		}
		wait, err := r.turn(ctx, all)
		if err != nil && ctx.Err() == nil {
			c.log.Error().Err(err).Msg("could not look for jobs that are due")
		}
		timer.Reset(wait)
	}
}

type jobRunner struct {
	*Core
	longest time.Duration
	free    chan struct{} // a place is taken for each run
	work    sync.WaitGroup

	mu      sync.Mutex
	running map[string]bool // by schedules, here
}

// turn begins what is due and says when to look again.
func (r *jobRunner) turn(ctx context.Context, all map[string]Job) (time.Duration, error) {
	if err := r.jobs.table(ctx, r.db); err != nil {
		return jobPoll, err
	}
	r.jobs.mu.Lock()
	changed := r.jobs.changed
	r.jobs.changed = false
	r.jobs.mu.Unlock()
	if changed {
		if err := r.schedule(ctx, all); err != nil {
			r.jobs.mu.Lock()
			r.jobs.changed = true
			r.jobs.mu.Unlock()
			return jobRetry, err
		}
	}
	names := make([]string, 0, len(all))
	for name := range all {
		names = append(names, name)
	}
	for {
		due, err := r.due(ctx, names)
		if err != nil {
			return jobRetry, err
		}
		now := r.now()
		for i := range due {
			row := &due[i]
			if at := time.UnixMilli(row.runAt); at.After(now) {
				return min(max(at.Sub(now), time.Millisecond), jobPoll), nil
			}
			select {
			case r.free <- struct{}{}:
			case <-ctx.Done():
				return jobPoll, nil
			}
			if err := r.begin(ctx, row, all[row.name]); err != nil {
				<-r.free
				return jobRetry, err
			}
		}
		if len(due) == 0 {
			return jobPoll, nil
		}
	} // what has begun has another time in the table now
}

const jobsAtOnce = 32

// due are the next runs of the named jobs, the earliest first, whether their
// time has come or not.
func (r *jobRunner) due(ctx context.Context, names []string) ([]jobRow, error) {
	rows, err := r.db.Reader().QueryContext(ctx, "SELECT id, name, schedule, payload, run_at, tries FROM kumi_job WHERE name "+
		r.db.Dialect().AnyOf("$1", "text")+" ORDER BY run_at LIMIT $2", names, jobsAtOnce)
	if err != nil {
		return nil, fmt.Errorf("read jobs: %w", err)
	}
	defer rows.Close()
	var due []jobRow
	for rows.Next() {
		var row jobRow
		if err := rows.Scan(&row.id, &row.name, &row.schedule, &row.payload, &row.runAt, &row.tries); err != nil {
			return nil, fmt.Errorf("read jobs: %w", err)
		}
		due = append(due, row)
	}
	return due, rows.Err()
}

// schedule puts the next time of every job with a schedule into the table,
// where it is not there already: a time that passed while no server ran is made
// up for once.
func (r *jobRunner) schedule(ctx context.Context, all map[string]Job) error {
	for name, job := range all {
		id := "schedule:" + name
		if job.Schedule == nil {
			if _, err := r.db.Exec(ctx, "DELETE FROM kumi_job WHERE id = $1", id); err != nil {
				return fmt.Errorf("forget the schedule of job %q: %w", name, err)
			}
			continue
		}
		next := job.Schedule.Next(r.now())
		if next.IsZero() {
			r.log.Warn().Str("job", name).Stringer("schedule", job.Schedule).Msg("the schedule of a job has no time left")
			continue
		}
		if _, err := r.db.Exec(ctx, `INSERT INTO kumi_job (id, name, schedule, payload, run_at, tries) VALUES ($1, $2, $3, '', $4, 0)
			ON CONFLICT (id) DO UPDATE SET schedule = excluded.schedule, run_at = excluded.run_at WHERE kumi_job.schedule <> excluded.schedule`,
			id, name, job.Schedule.String(), next.UnixMilli()); err != nil {
			return fmt.Errorf("schedule job %q: %w", name, err)
		}
	}
	return nil
}

// begin runs a row on a goroutine of its own, unless another server was faster.
// The place taken in free is given back. A schedule whose last run still goes on
// here misses one.
func (r *jobRunner) begin(ctx context.Context, row *jobRow, job Job) error {
	until := r.now().Add(r.longest)
	scheduled := row.schedule != ""
	if scheduled && job.Schedule != nil {
		until = job.Schedule.Next(r.now())
	}
	claimed, err := r.db.Exec(ctx, "UPDATE kumi_job SET run_at = $1, tries = tries + 1 WHERE id = $2 AND run_at = $3", until.UnixMilli(), row.id, row.runAt)
	if err != nil {
		return fmt.Errorf("claim a run of job %q: %w", row.name, err)
	}
	if n, err := claimed.RowsAffected(); err != nil || n == 0 {
		<-r.free
		return err
	}
	if scheduled && !r.alone(row.name, true) {
		<-r.free
		r.log.Warn().Str("job", row.name).Msg("a job is still running at its next time, which it misses")
		return nil
	}
	row.runAt, row.tries = until.UnixMilli(), row.tries+1
	r.work.Go(func() {
		defer func() { <-r.free }()
		err := r.run(ctx, row, job)
		r.metrics.JobRun(row.name, err == nil)
		if scheduled {
			r.alone(row.name, false)
			return // the next time is in the table
		}
		cut := err != nil && ctx.Err() != nil
		if err := r.settle(context.WithoutCancel(ctx), row, err, cut); err != nil {
			r.log.Error().Err(err).Str("job", row.name).Str("run", row.id).Msg("could not note the end of a job, it may run again")
		}
	})
	return nil
}

// alone notes that a schedule's run begins or ends, and says no when one goes on
// already.
func (r *jobRunner) alone(name string, begins bool) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if begins && r.running[name] {
		return false
	}
	r.running[name] = begins
	return true
}

// run calls the function. What it does wrong is its error.
func (r *jobRunner) run(ctx context.Context, row *jobRow, job Job) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
			r.log.Error().Str("job", row.name).Interface("panic", p).Bytes("stack", debug.Stack()).Msg("a job panicked")
		}
	}()
	return job.Run(ctx, row.payload)
}

// settle notes how a run ended: done, to be tried again, or given up. One that
// the end of the server cut off does not count as a try.
func (r *jobRunner) settle(ctx context.Context, row *jobRow, failure error, cut bool) error {
	if cut {
		_, err := r.db.Exec(ctx, "UPDATE kumi_job SET run_at = $1, tries = tries - 1 WHERE id = $2 AND run_at = $3", r.now().UnixMilli(), row.id, row.runAt)
		return err
	}
	if failure != nil && row.tries < maxJobTries {
		wait := jobRetry << (2 * (row.tries - 1))
		r.log.Warn().Err(failure).Str("job", row.name).Str("run", row.id).Int("try", row.tries).Dur("again_in_ms", wait).Msg("a job failed and is tried again")
		_, err := r.db.Exec(ctx, "UPDATE kumi_job SET run_at = $1 WHERE id = $2 AND run_at = $3", r.now().Add(wait).UnixMilli(), row.id, row.runAt)
		return err
	}
	if failure != nil {
		r.log.Error().Err(failure).Str("job", row.name).Str("run", row.id).Int("tries", row.tries).Msg("a job failed and is given up")
	}
	_, err := r.db.Exec(ctx, "DELETE FROM kumi_job WHERE id = $1 AND run_at = $2", row.id, row.runAt)
	return err
}
