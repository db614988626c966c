package core

import (
	"context"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/gofrs/uuid/v5"
	"github.com/hashicorp/cronexpr"

	"kumi/store/fault"
)

// Jobs are work outside of any call: on a schedule, or once after JobEnqueue.
// They are stored in the database, so they survive a restart, and of several
// servers with one database only one runs each.

// Job is a function that a module registered as a job.
type Job struct {
	// Schedule says when it runs by itself; nil means only when enqueued.
	Schedule *Schedule
	// Run does the work. The payload is empty for scheduled runs.
	Run func(ctx context.Context, payload string) error
}

// Schedule is a series of times.
type Schedule struct {
	text  string
	every time.Duration
	cron  *cronexpr.Expression
}

// ParseSchedule parses a cron expression, in UTC, or "@every" and a duration
// of at least a second ("@every 90s"). An empty text returns nil. Errors:
// InvalidArgument.
func ParseSchedule(text string) (*Schedule, error) {
	text = strings.TrimSpace(text)
	if text == "" {
		return nil, nil
	}
	if len(text) > maxJobSchedule {
		return nil, invalid("a schedule has at most %d bytes, not %d", maxJobSchedule, len(text))
	}
	if every, ok := strings.CutPrefix(text, "@every "); ok {
		d, err := time.ParseDuration(strings.TrimSpace(every))
		if err != nil || d < time.Second {
			return nil, invalid("expects @every and a duration of a second or more, such as \"@every 90s\", not %q", text)
		}
		return &Schedule{text: text, every: d}, nil
	}
	cron, err := parseCron(text)
	if err != nil {
		return nil, err
	}
	return &Schedule{text: text, cron: cron}, nil
}

// String returns the text that was parsed.
func (s *Schedule) String() string { return s.text }

// Next returns the first time after t; the zero time if there is none.
func (s *Schedule) Next(t time.Time) time.Time {
	if s.cron != nil {
		return s.cron.Next(t.UTC())
	}
	return t.Add(s.every)
}

// Limits of jobs.
const (
	maxJobName     = 128     // bytes
	maxJobSchedule = 256     // bytes
	maxJobPayload  = 1 << 20 // bytes
	maxJobDelay    = 10 * 365 * 24 * time.Hour
	maxJobTries    = 5
)

// CheckJobName rejects invalid job names. Errors: InvalidArgument.
func CheckJobName(name string) error {
	if name == "" || len(name) > maxJobName {
		return invalid("the name of a job has 1 to %d bytes, not %d", maxJobName, len(name))
	}
	if !utf8.ValidString(name) || strings.ContainsRune(name, 0) {
		return invalid("the name of a job, %q, is not valid UTF-8 or contains a zero byte", name)
	}
	return nil
}

// JobEnqueue enqueues one run of a job with a payload, after a delay, and
// returns the run's id. A run that fails or is interrupted by a stop of the
// server is retried with growing delays, five attempts in all, so jobs must be
// idempotent. A run of a job that no module has registered waits until one
// does.
//
// Errors: InvalidArgument for an empty name, a payload over 1 MiB and a delay
// that is negative or over ten years.
func (m *Module) JobEnqueue(ctx context.Context, name, payload string, delay time.Duration) (string, error) {
	if err := CheckJobName(name); err != nil {
		return "", err
	}
	if len(payload) > maxJobPayload {
		return "", invalid("the payload of a job has at most %d bytes, not %d", maxJobPayload, len(payload))
	}
	if delay < 0 || delay > maxJobDelay {
		return "", invalid("the delay of a job is between nothing and ten years, not %s", delay)
	}
	c := m.core
	id, err := uuid.NewV4()
	if err != nil {
		return "", failed("queue a job", err)
	}
	if err := c.jobs.table.ensure(ctx, c.db); err != nil {
		return "", failed("queue a job", err)
	}
	if _, err = c.db.Exec(ctx, "INSERT INTO kumi_job (id, name, schedule, payload, run_at, tries) VALUES ($1, $2, '', $3, $4, 0)",
		id.String(), name, payload, c.now().Add(delay).UnixMilli()); err != nil {
		return "", failed("queue a job", err)
	}
	if c.jobs.unknown(name) {
		c.log.Warn().Str("job", name).Str("run", id.String()).Msg("job enqueued that no module has registered here, it waits until one does")
	}
	c.jobs.look(false)
	c.give(order{Look: "jobs"})
	return id.String(), nil
}

// JobCancel cancels what JobEnqueue enqueued and reports whether it was still
// there. A run that has begun is not interrupted, but is not retried.
func (m *Module) JobCancel(ctx context.Context, id string) (bool, error) {
	if _, err := uuid.FromString(id); err != nil {
		return false, invalid("the id of a job's run must be one that was returned, not %q", id)
	}
	c := m.core
	if err := c.jobs.table.ensure(ctx, c.db); err != nil {
		return false, failed("cancel a job", err)
	}
	done, err := c.db.Exec(ctx, "DELETE FROM kumi_job WHERE id = $1", id)
	if err != nil {
		return false, failed("cancel a job", err)
	}
	n, err := done.RowsAffected()
	if err != nil {
		return false, fault.Wrap(fault.Internal, fmt.Sprintf("cannot tell whether job %s was cancelled", id), err)
	}
	return n > 0, nil
}
