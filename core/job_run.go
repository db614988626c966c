package core

import (
	"context"
	"database/sql"
	"fmt"
	"runtime/debug"
	"sync"
	"time"
)

// jobs is the state of a Core's jobs outside of the database.
type jobs struct {
	table  *ownTable
	states jobStates

	mu      sync.Mutex
	changed bool                  // registrations changed since the last check
	known   func() map[string]Job // nil before RunJobs
	wake    chan struct{}
}

// look makes RunJobs check the database now, and the registrations too if
// changed is set.
func (j *jobs) look(changed bool) {
	j.mu.Lock()
	j.changed = j.changed || changed
	j.mu.Unlock()
	select {
	case j.wake <- struct{}{}:
	default:
	}
}

// registered returns the jobs that modules registered, once RunJobs runs here.
func (j *jobs) registered() map[string]Job {
	j.mu.Lock()
	known := j.known
	j.mu.Unlock()
	if known == nil {
		return nil
	}
	return known()
}

// unknown reports whether RunJobs runs here and no job has that name.
func (j *jobs) unknown(name string) bool {
	all := j.registered()
	if all == nil {
		return false
	}
	_, there := all[name]
	return !there
}

// JobsChanged is called when the registered jobs have changed.
func (c *Core) JobsChanged() { c.jobs.look(true) }

const (
	jobReview  = time.Minute     // between checks that every schedule has its row
	jobRetry   = 5 * time.Second // before the second attempt; four times as long before each further one
	jobWorkers = 8               // concurrent runs
)

// RunJobs runs jobs until ctx ends, which is also the context of runs, and
// waits for those that have begun. Another server may retry a run if this one
// has not extended its claim for longest. registered returns the registered
// jobs; call JobsChanged when they change. RunJobs may be called once.
func (c *Core) RunJobs(ctx context.Context, longest time.Duration, registered func() map[string]Job) {
	r := &jobRunner{Core: c, longest: longest, busy: map[string]bool{}}
	defer func() {
		r.work.Wait()
		if err := r.writeStates(context.WithoutCancel(ctx), true); err != nil && !c.DatabaseUnreachable(err) {
			c.log.Warn().Err(err).Msg("the last runs of jobs are not counted")
		}
	}()
	c.jobs.mu.Lock()
	c.jobs.known = registered
	c.jobs.mu.Unlock()
	c.jobs.look(true)
	timer := time.NewTimer(c.pollOthers())
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
			continue // until a job is registered
		}
		wait, err := r.turn(ctx, all)
		if err != nil && ctx.Err() == nil && !c.DatabaseUnreachable(err) {
			c.log.Error().Err(err).Msg("could not read due jobs")
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
	busy map[string]bool // ids of rows running here; true for scheduled ones
}

// turn begins due runs, as far as there are workers, and returns when to check
// again. It is also called when a run ends.
func (r *jobRunner) turn(ctx context.Context, all map[string]Job) (time.Duration, error) {
	if err := r.jobs.table.ensure(ctx, r.db); err != nil {
		return jobRetry, err
	}
	if err := r.writeStates(ctx, false); err != nil && ctx.Err() == nil && !r.DatabaseUnreachable(err) {
		r.log.Error().Err(err).Msg("could not count the runs of jobs, trying again later")
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
		return r.pollOthers(), nil
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

// begun returns the number of runs in progress here.
func (r *jobRunner) begun() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.busy)
}

// begin claims a row and runs it on its own goroutine, unless another server
// was faster. A row that is still running here stays claimed; a schedule
// misses that time.
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
			r.log.Warn().Str("job", row.name).Msg("job still running when its next run is due, skipping that run")
		}
		_, err := r.db.Exec(ctx, "UPDATE kumi_job SET run_at = $1 WHERE id = $2 AND run_at = $3", later(until, now, r.longest).UnixMilli(), row.id, row.runAt)
		return err
	}
	var claimed sql.Result
	var err error
	if until.IsZero() || spent { // last attempt
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
			r.log.Error().Str("job", row.name).Str("run", row.id).Int("tries", row.tries).Msgf("job abandoned after %d attempts that did not end", row.tries)
		}
		if err != nil {
			err = fmt.Errorf("claim a run of job %q: %w", row.name, err)
		}
		return err
	}
	row.tries++
	r.work.Go(func() {
		start := r.now()
		err := r.run(ctx, row, job)
		r.metrics.JobRun(row.name, err == nil)
		r.jobs.states.ran(row.name, start, r.now().Sub(start), err)
		// The row stays claimed until its next time is written. From then on a turn may
		// find it due, and must not take it for one that still runs.
		r.leave(row.id)
		if scheduled {
			return // the next time is in the table
		}
		cut := err != nil && ctx.Err() != nil
		if err := r.settle(context.WithoutCancel(ctx), row, err, cut); err != nil {
			r.log.Error().Err(err).Str("job", row.name).Str("run", row.id).Msg("could not record the end of a job run, it may run again")
		}
		r.jobs.look(false)
	})
	return nil
}

// later returns t, or now + longest if t is zero.
func later(t, now time.Time, longest time.Duration) time.Time {
	if t.IsZero() {
		return now.Add(longest)
	}
	return t
}

// enter records that a row's run begins here. It returns false if one is in
// progress.
func (r *jobRunner) enter(id string, scheduled bool) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, there := r.busy[id]; there {
		return false
	}
	r.busy[id] = scheduled
	return true
}

// leave records that a run has ended.
func (r *jobRunner) leave(id string) {
	r.mu.Lock()
	delete(r.busy, id)
	r.mu.Unlock()
	r.jobs.look(false)
}

// run calls the function and turns a panic into an error.
func (r *jobRunner) run(ctx context.Context, row *jobRow, job Job) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
			r.log.Error().Str("job", row.name).Interface("panic", p).Bytes("stack", debug.Stack()).Msg("job panicked")
		}
	}()
	return job.Run(ctx, row.payload)
}
