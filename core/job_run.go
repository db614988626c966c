package core

import (
	"context"
	"database/sql"
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
	// PostgreSQL may fail where two servers do this at once; one of them has done it.
	err := makeJobTable(ctx, db)
	if err != nil {
		err = makeJobTable(ctx, db)
	}
	j.there = err == nil
	return err
}

func makeJobTable(ctx context.Context, db *store.DB) error {
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
	jobReview  = time.Minute      // between looks at whether every schedule has its row
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
// context it is. longest is how long a run may be under way without a sign of
// life of this server, until another one may try it. registered gives the jobs
// there are; tell JobsChanged when that changes. To be called once.
func (c *Core) RunJobs(ctx context.Context, longest time.Duration, registered func() map[string]Job) {
	r := &jobRunner{Core: c, longest: longest, busy: map[string]bool{}}
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
	longest  time.Duration
	reviewed time.Time
	work     sync.WaitGroup

	mu   sync.Mutex
	busy map[string]bool // ids of rows that run here; true for those of schedules
}

// turn begins what is due, as far as there are workers, and says when to look
// again; the end of a run is a reason to look, too.
func (r *jobRunner) turn(ctx context.Context, all map[string]Job) (time.Duration, error) {
	if err := r.jobs.table(ctx, r.db); err != nil {
		return jobRetry, err
	}
	r.jobs.mu.Lock()
	review := r.jobs.changed || r.now().Sub(r.reviewed).Abs() >= min(jobReview, r.longest/2)
	r.jobs.changed = false
	r.jobs.mu.Unlock()
	if review {
		r.reviewed = r.now()
		r.schedule(ctx, all)
		r.extend(ctx)
	}
	free := jobWorkers - r.begun()
	if free <= 0 {
		return jobPoll, nil
	}
	names := make([]string, 0, len(all))
	for name := range all {
		names = append(names, name)
	}
	due, err := r.due(ctx, names, free)
	if err != nil {
		return jobRetry, err
	}
	for i := range due {
		if err := r.begin(ctx, &due[i], all[due[i].name]); err != nil {
			return jobRetry, err
		}
	}
	if len(due) == free {
		return time.Millisecond, nil // there may be more, and not all of these may have begun
	}
	return r.next(ctx, names)
}

// begun is how many runs go on here.
func (r *jobRunner) begun() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.busy)
}

// due are the named jobs whose time has come: those of schedules, then the
// others, the earliest first.
func (r *jobRunner) due(ctx context.Context, names []string, most int) ([]jobRow, error) {
	rows, err := r.db.Reader().QueryContext(ctx, "SELECT id, name, schedule, payload, run_at, tries FROM kumi_job WHERE run_at <= $1 AND name "+
		r.db.Dialect().AnyOf("$2", "text")+" ORDER BY schedule = '', run_at LIMIT $3", r.now().UnixMilli(), names, most)
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

// next says how long it is until one of the named jobs is due.
func (r *jobRunner) next(ctx context.Context, names []string) (time.Duration, error) {
	var at sql.NullInt64
	if err := r.db.Reader().QueryRowContext(ctx, "SELECT min(run_at) FROM kumi_job WHERE name "+
		r.db.Dialect().AnyOf("$1", "text"), names).Scan(&at); err != nil {
		return jobRetry, fmt.Errorf("read when the next job is due: %w", err)
	}
	if !at.Valid {
		return jobPoll, nil
	}
	return min(max(time.UnixMilli(at.Int64).Sub(r.now()), time.Millisecond), jobPoll), nil
}

// schedule puts the next time of every job with a schedule into the table,
// where it is not there already: a time that passed while no server ran is made
// up for once. A time that is later than the schedule's next comes from a clock
// that was wrong.
func (r *jobRunner) schedule(ctx context.Context, all map[string]Job) {
	for name, job := range all {
		id, now := "schedule:"+name, r.now()
		next := time.Time{}
		if job.Schedule != nil {
			next = job.Schedule.Next(now)
		}
		var err error
		switch {
		case job.Schedule == nil:
			_, err = r.db.Exec(ctx, "DELETE FROM kumi_job WHERE id = $1", id)
		case next.IsZero():
			r.log.Warn().Str("job", name).Stringer("schedule", job.Schedule).Msg("the schedule of a job has no time left")
			_, err = r.db.Exec(ctx, "DELETE FROM kumi_job WHERE id = $1 AND run_at > $2", id, now.UnixMilli())
		default:
			_, err = r.db.Exec(ctx, `INSERT INTO kumi_job (id, name, schedule, payload, run_at, tries) VALUES ($1, $2, $3, '', $4, 0)
				ON CONFLICT (id) DO UPDATE SET schedule = excluded.schedule, run_at = excluded.run_at
				WHERE kumi_job.schedule <> excluded.schedule OR kumi_job.run_at > excluded.run_at + 60000`,
				id, name, job.Schedule.String(), next.UnixMilli())
		}
		if err != nil && ctx.Err() == nil {
			r.log.Error().Err(err).Str("job", name).Msg("could not note the next time of a job, it is tried again in a minute")
		}
	}
}

// extend keeps what runs here from being tried by another server.
func (r *jobRunner) extend(ctx context.Context) {
	var ids []string
	r.mu.Lock()
	for id, scheduled := range r.busy {
		if !scheduled {
			ids = append(ids, id)
		}
	}
	r.mu.Unlock()
	if len(ids) == 0 {
		return
	}
	if _, err := r.db.Exec(ctx, "UPDATE kumi_job SET run_at = $1 WHERE id "+r.db.Dialect().AnyOf("$2", "text"),
		r.now().Add(r.longest).UnixMilli(), ids); err != nil && ctx.Err() == nil {
		r.log.Warn().Err(err).Msg("could not note that jobs are still running")
	}
}

// begin claims a row and runs it on a goroutine of its own, unless another
// server was faster. One that still runs here stays claimed; a schedule misses
// that time.
func (r *jobRunner) begin(ctx context.Context, row *jobRow, job Job) error {
	now := r.now()
	until := now.Add(r.longest)
	scheduled := row.schedule != ""
	if scheduled && job.Schedule != nil {
		until = job.Schedule.Next(now)
	}
	spent := !scheduled && row.tries >= maxJobTries
	if !r.enter(row.id, scheduled) {
		if scheduled {
			r.log.Warn().Str("job", row.name).Msg("a job is still running at its next time, which it misses")
		}
		_, err := r.db.Exec(ctx, "UPDATE kumi_job SET run_at = $1 WHERE id = $2 AND run_at = $3", later(until, now, r.longest).UnixMilli(), row.id, row.runAt)
		return err
	}
	var claimed sql.Result
	var err error
	if until.IsZero() || spent { // the last time
		claimed, err = r.db.Exec(ctx, "DELETE FROM kumi_job WHERE id = $1 AND run_at = $2", row.id, row.runAt)
	} else {
		claimed, err = r.db.Exec(ctx, "UPDATE kumi_job SET run_at = $1, tries = tries + 1 WHERE id = $2 AND run_at = $3", until.UnixMilli(), row.id, row.runAt)
	}
	var mine int64
	if err == nil {
		mine, err = claimed.RowsAffected()
	}
	if err != nil || mine == 0 || spent {
		r.leave(row.id)
		if mine > 0 {
			r.log.Error().Str("job", row.name).Str("run", row.id).Int("tries", row.tries).Msg("a job did not come to an end as often as it was tried, and is given up")
		}
		if err != nil {
			err = fmt.Errorf("claim a run of job %q: %w", row.name, err)
		}
		return err
	}
	row.tries++
	r.work.Go(func() {
		defer r.leave(row.id)
		err := r.run(ctx, row, job)
		r.metrics.JobRun(row.name, err == nil)
		if scheduled {
			return // the next time is in the table
		}
		cut := err != nil && ctx.Err() != nil
		if err := r.settle(context.WithoutCancel(ctx), row, err, cut); err != nil {
			r.log.Error().Err(err).Str("job", row.name).Str("run", row.id).Msg("could not note the end of a job, it may run again")
		}
	})
	return nil
}

// later is t, or after longest where t is no time.
func later(t, now time.Time, longest time.Duration) time.Time {
	if t.IsZero() {
		return now.Add(longest)
	}
	return t
}

// enter notes that a row's run begins here, and says no when one goes on
// already.
func (r *jobRunner) enter(id string, scheduled bool) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, there := r.busy[id]; there {
		return false
	}
	r.busy[id] = scheduled
	return true
}

// leave notes that a run is over: there is a worker for the next.
func (r *jobRunner) leave(id string) {
	r.mu.Lock()
	delete(r.busy, id)
	r.mu.Unlock()
	r.jobs.look(false)
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
		_, err := r.db.Exec(ctx, "UPDATE kumi_job SET run_at = $1, tries = tries - 1 WHERE id = $2 AND tries = $3", r.now().UnixMilli(), row.id, row.tries)
		return err
	}
	if failure != nil && row.tries < maxJobTries {
		wait := jobRetry << (2 * (row.tries - 1))
		r.log.Warn().Err(failure).Str("job", row.name).Str("run", row.id).Int("try", row.tries).Dur("again_in_ms", wait).Msg("a job failed and is tried again")
		_, err := r.db.Exec(ctx, "UPDATE kumi_job SET run_at = $1 WHERE id = $2 AND tries = $3", r.now().Add(wait).UnixMilli(), row.id, row.tries)
		return err
	}
	if failure != nil {
		r.log.Error().Err(failure).Str("job", row.name).Str("run", row.id).Int("tries", row.tries).Msg("a job failed and is given up")
	}
	_, err := r.db.Exec(ctx, "DELETE FROM kumi_job WHERE id = $1 AND tries = $2", row.id, row.tries)
	return err
}
