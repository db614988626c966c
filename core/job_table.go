package core

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// jobRow is one row of the table.
type jobRow struct {
	id, name, schedule, payload string
	runAt                       int64
	tries                       int
}

func newJobTable() *ownTable {
	return newOwnTable("kumi_job",
		// run_at is in Unix milliseconds. During a run it is the time at which another
		// server may retry it, so moving it claims the run.
		`CREATE TABLE IF NOT EXISTS kumi_job (
			id       VARCHAR(160) PRIMARY KEY,
			name     VARCHAR(128) NOT NULL,
			schedule VARCHAR(256) NOT NULL,
			payload  TEXT NOT NULL,
			run_at   BIGINT NOT NULL,
			tries    INT NOT NULL
		)`,
		"CREATE INDEX IF NOT EXISTS kumi_job_run_at ON kumi_job (run_at)",
	)
}

// due returns the due rows of the named jobs: scheduled ones first, then the
// others, earliest first.
func (r *jobRunner) due(ctx context.Context, names []string, max int) ([]jobRow, error) {
	rows, err := r.db.Reader().QueryContext(ctx, "SELECT id, name, schedule, payload, run_at, tries FROM kumi_job WHERE run_at <= $1 AND name "+
		r.db.Dialect().AnyOf("$2", "text")+" ORDER BY schedule = '', run_at LIMIT $3", r.now().UnixMilli(), names, max)
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

// next returns the time until one of the named jobs is due.
func (r *jobRunner) next(ctx context.Context, names []string) (time.Duration, error) {
	var at sql.NullInt64
	if err := r.db.Reader().QueryRowContext(ctx, "SELECT min(run_at) FROM kumi_job WHERE name "+
		r.db.Dialect().AnyOf("$1", "text"), names).Scan(&at); err != nil {
		return jobRetry, fmt.Errorf("read when the next job is due: %w", err)
	}
	if !at.Valid {
		return r.pollOthers(), nil
	}
	return r.untilDue(time.UnixMilli(at.Int64)), nil
}

// schedule inserts the next run of every job with a schedule, unless it has a
// row already: runs missed while no server was running are made up for once. A
// time later than the schedule's next was computed with a wrong clock, and is
// corrected.
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
			r.log.Warn().Str("job", name).Stringer("schedule", job.Schedule).Msg("job schedule has no future run")
			_, err = r.db.Exec(ctx, "DELETE FROM kumi_job WHERE id = $1 AND run_at > $2", id, now.UnixMilli())
		default:
			_, err = r.db.Exec(ctx, `INSERT INTO kumi_job (id, name, schedule, payload, run_at, tries) VALUES ($1, $2, $3, '', $4, 0)
				ON CONFLICT (id) DO UPDATE SET schedule = excluded.schedule, run_at = excluded.run_at
				WHERE kumi_job.schedule <> excluded.schedule OR kumi_job.run_at > excluded.run_at + 60000`,
				id, name, job.Schedule.String(), next.UnixMilli())
		}
		if err != nil && ctx.Err() == nil {
			r.log.Error().Err(err).Str("job", name).Msg("could not store the next run of a job, retrying within a minute")
		}
	}
}

// extend extends the claims of runs in progress here.
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
		r.log.Warn().Err(err).Msg("could not extend the claims of running jobs")
	}
}

// settle records how a run ended: done, to be retried, or abandoned. A run
// interrupted by a stop of the server does not count as an attempt.
func (r *jobRunner) settle(ctx context.Context, row *jobRow, failure error, cut bool) error {
	if cut {
		_, err := r.db.Exec(ctx, "UPDATE kumi_job SET run_at = $1, tries = tries - 1 WHERE id = $2 AND tries = $3", r.now().UnixMilli(), row.id, row.tries)
		return err
	}
	if failure != nil && row.tries < maxJobTries {
		wait := jobRetry << (2 * (row.tries - 1))
		r.log.Warn().Err(failure).Str("job", row.name).Str("run", row.id).Int("try", row.tries).Dur("again_in_ms", wait).Msg("job failed, will be retried")
		_, err := r.db.Exec(ctx, "UPDATE kumi_job SET run_at = $1 WHERE id = $2 AND tries = $3", r.now().Add(wait).UnixMilli(), row.id, row.tries)
		return err
	}
	if failure != nil {
		r.log.Error().Err(failure).Str("job", row.name).Str("run", row.id).Int("tries", row.tries).Msgf("job abandoned after %d attempts", row.tries)
	}
	_, err := r.db.Exec(ctx, "DELETE FROM kumi_job WHERE id = $1 AND tries = $2", row.id, row.tries)
	return err
}
