package core

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"kumi/store/fault"
)

func TestParseSchedule(t *testing.T) {
	t.Parallel()
	from := time.Date(2024, 2, 28, 23, 30, 0, 0, time.UTC)
	for text, want := range map[string]string{
		"":             "",
		"@every 90s":   "2024-02-28T23:31:30Z",
		" @every 24h ": "2024-02-29T23:30:00Z",
		"0 4 * * *":    "2024-02-29T04:00:00Z",
		"@hourly":      "2024-02-29T00:00:00Z",
		"0 0 1 1 *":    "2025-01-01T00:00:00Z",
	} {
		s, err := ParseSchedule(text)
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if got := ""; s != nil {
			got = s.Next(from).Format(time.RFC3339)
			if got != want {
				t.Errorf("%q after %s is %s, want %s", text, from, got, want)
			}
		} else if want != "" {
			t.Errorf("%q is no schedule", text)
		}
	}
	for _, text := range []string{"@every", "@every 5", "@every 10ms", "@every -5s", "now and then", "61 * * * *", "0 0 " + strings.Repeat("1,", 200) + "1 * *"} {
		if _, err := ParseSchedule(text); fault.CodeOf(err) != fault.InvalidArgument {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// runs drives the jobs of a core by its clock.
type runs struct {
	*testCore
	done chan string // payloads of runs that ended
	end  func()
}

// start runs jobs until the test ends, or end is called.
func (c *testCore) start(t *testing.T, done chan string, jobs map[string]Job) *runs {
	t.Helper()
	r := &runs{testCore: c, done: done}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		c.RunJobs(ctx, time.Minute, func() map[string]Job { return jobs })
	}()
	r.end = func() { cancel(); <-ended }
	t.Cleanup(r.end)
	return r
}

// later moves the clock and has the runner look.
func (r *runs) later(d time.Duration) {
	r.clock.Add(d)
	r.jobs.look(false)
}

func (r *runs) await(t *testing.T, want string) {
	t.Helper()
	select {
	case got := <-r.done:
		if got != want {
			t.Fatalf("the job ran for %q, want %q", got, want)
		}
	case <-time.After(30 * time.Second):
		t.Fatalf("the job did not run for %q", want)
	}
}

// left waits until so many rows are in the table.
func (r *runs) left(t *testing.T, want int) {
	t.Helper()
	for late := time.Now().Add(30 * time.Second); ; {
		var n int
		err := r.db.Reader().QueryRowContext(t.Context(), "SELECT count(*) FROM kumi_job").Scan(&n)
		if err == nil && n == want {
			return
		}
		if time.Now().After(late) {
			t.Fatalf("%d jobs are left, want %d: %v", n, want, err) // the table comes with the first job
		}
	}
}

func TestJobQueue(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, ctx context.Context, c *testCore) {
		m := c.Module()
		enqueue := func(payload string, delay time.Duration) string {
			t.Helper()
			id, err := m.JobEnqueue(ctx, "mail", payload, delay)
			if err != nil {
				t.Fatal(err)
			}
			return id
		}
		// What is asked for before anything runs jobs is not lost.
		enqueue("early", 0)
		var fail atomic.Int32
		done := make(chan string, 100)
		r := c.start(t, done, map[string]Job{"mail": {Run: func(_ context.Context, payload string) error {
			done <- payload
			if payload == "bad" && fail.Add(1) <= 5 {
				return errors.New("no")
			}
			return nil
		}}})
		r.await(t, "early")

		later := enqueue("later", time.Hour)
		gone := enqueue("gone", time.Hour)
		enqueue("now", 0)
		r.await(t, "now")
		if ok, err := m.JobCancel(ctx, gone); !ok || err != nil {
			t.Errorf("cancel: %t, %v", ok, err)
		}
		if ok, err := m.JobCancel(ctx, gone); ok || err != nil {
			t.Errorf("cancel again: %t, %v", ok, err)
		}
		r.left(t, 1) // the end of "now" is noted
		r.later(time.Hour)
		r.await(t, "later")
		r.left(t, 0)
		if ok, _ := m.JobCancel(ctx, later); ok {
			t.Error("a run that is over was cancelled")
		}

		// Five tries, each later than the one before; then it is abandoned.
		enqueue("bad", 0)
		r.await(t, "bad")
		for wait := jobRetry; wait < jobRetry<<8; wait *= 4 {
			r.left(t, 1)
			r.settled(t)
			r.later(wait)
			r.await(t, "bad")
		}
		r.left(t, 0)

		_, err := m.JobEnqueue(ctx, "", "", 0)
		wantCode(t, "no name", err, fault.InvalidArgument)
		_, err = m.JobEnqueue(ctx, "ma\x00il", "", 0)
		wantCode(t, "a zero byte in the name", err, fault.InvalidArgument)
		_, err = m.JobEnqueue(ctx, "mail", strings.Repeat("x", maxJobPayload+1), 0)
		wantCode(t, "a large payload", err, fault.InvalidArgument)
		_, err = m.JobEnqueue(ctx, "mail", "", -time.Second)
		wantCode(t, "a negative delay", err, fault.InvalidArgument)
		_, err = m.JobCancel(ctx, "x")
		wantCode(t, "a bad id", err, fault.InvalidArgument)
	})
}

// settled waits until no run is under way: the next try of each is within the
// longest wait, not the time a run may take.
func (r *runs) settled(t *testing.T) {
	t.Helper()
	for late := time.Now().Add(30 * time.Second); ; {
		var tries int
		var runAt int64
		if err := r.db.Reader().QueryRowContext(t.Context(), "SELECT tries, run_at FROM kumi_job").Scan(&tries, &runAt); err != nil {
			t.Fatal(err)
		}
		if runAt == r.now().Add(jobRetry<<(2*(tries-1))).UnixMilli() {
			return
		}
		if time.Now().After(late) {
			t.Fatal("the failed run is not put off")
		}
	}
}

// A schedule repeats its job, misses nothing that fell into the time when no
// server ran, and makes up for that once. A run that was cut off by the end of
// the server is done again.
func TestJobSchedule(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, ctx context.Context, c *testCore) {
		every, err := ParseSchedule("@every 10m")
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan string, 100)
		jobs := map[string]Job{
			"clean": {Schedule: every, Run: func(context.Context, string) error { done <- "clean"; return nil }},
			"slow": {Run: func(ctx context.Context, _ string) error {
				done <- "slow begins"
				<-ctx.Done()
				return ctx.Err()
			}},
		}
		r := c.start(t, done, jobs)
		r.left(t, 1)
		for range 3 {
			r.later(10 * time.Minute)
			r.await(t, "clean")
		}
		if _, err := c.Module().JobEnqueue(ctx, "slow", "", 0); err != nil {
			t.Fatal(err)
		}
		r.await(t, "slow begins")
		r.end()

		r.clock.Add(time.Hour)
		c.start(t, done, jobs)
		got := map[string]bool{}
		for range 2 {
			select {
			case x := <-done:
				got[x] = true
			case <-time.After(30 * time.Second):
				t.Fatalf("only %v ran after the pause", got)
			}
		}
		if !got["clean"] || !got["slow begins"] {
			t.Errorf("%v ran after the pause", got)
		}
	})
}

// A schedule that has come to its end runs a last time, and is gone.
func TestJobScheduleEnds(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, ctx context.Context, c *testCore) {
		year := c.clock.Now().UTC().Year()
		last, err := ParseSchedule(fmt.Sprintf("0 0 1 1 * %d", year+1))
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan string, 100)
		r := c.start(t, done, map[string]Job{"party": {Schedule: last, Run: func(context.Context, string) error { done <- "party"; return nil }}})
		r.left(t, 1)
		r.later(366 * 24 * time.Hour)
		r.await(t, "party")
		r.left(t, 0)
		r.later(time.Hour)
		if _, err := c.Module().JobEnqueue(ctx, "party", "", 0); err != nil {
			t.Fatal(err)
		}
		r.await(t, "party")
		r.left(t, 0)
		select {
		case <-done:
			t.Error("the schedule goes on after its end")
		default:
		}
	})
}

// A long queue does not keep schedules and new code from being looked at.
func TestJobBacklog(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, ctx context.Context, c *testCore) {
		every, err := ParseSchedule("@every 10m")
		if err != nil {
			t.Fatal(err)
		}
		done, gate := make(chan string, 1000), make(chan struct{})
		slow := Job{Run: func(context.Context, string) error { <-gate; done <- "old"; return nil }}
		var jobs atomic.Pointer[map[string]Job]
		jobs.Store(&map[string]Job{"work": slow})
		for range 3 * jobWorkers {
			if _, err := c.Module().JobEnqueue(ctx, "work", "", 0); err != nil {
				t.Fatal(err)
			}
		}
		run, cancel := context.WithCancel(ctx)
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			c.RunJobs(run, time.Hour, func() map[string]Job { return *jobs.Load() })
		}()
		defer func() { cancel(); <-ended }()
		gate <- struct{}{} // it has begun
		jobs.Store(&map[string]Job{
			"work": {Run: func(context.Context, string) error { done <- "new"; return nil }},
			"beat": {Schedule: every, Run: func(context.Context, string) error { done <- "beat"; return nil }},
		})
		c.JobsChanged()
		r := &runs{testCore: c, done: done}
		r.scheduled(t, "beat")
		c.clock.Add(10 * time.Minute)
		close(gate)
		got := map[string]int{}
		for range 3*jobWorkers + 1 {
			select {
			case x := <-done:
				got[x]++
			case <-time.After(30 * time.Second):
				t.Fatalf("ran %v", got)
			}
		}
		if got["beat"] != 1 || got["new"] == 0 || got["old"]+got["new"] != 3*jobWorkers {
			t.Errorf("ran %v", got)
		}
	})
}

// scheduled waits until a schedule's next time is in the table.
func (r *runs) scheduled(t *testing.T, name string) {
	t.Helper()
	for late := time.Now().Add(30 * time.Second); ; {
		var n int
		if err := r.db.Reader().QueryRowContext(t.Context(), "SELECT count(*) FROM kumi_job WHERE id = $1", "schedule:"+name).Scan(&n); err == nil && n == 1 {
			return
		}
		if time.Now().After(late) {
			t.Fatalf("%s is not scheduled", name)
		}
	}
}

// A run that never came to its end, say because it took the server down, is not
// tried for ever.
func TestJobThatEndsTheServer(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, ctx context.Context, c *testCore) {
		id, err := c.Module().JobEnqueue(ctx, "bad", "", 0)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.db.Exec(ctx, "UPDATE kumi_job SET tries = $1 WHERE id = $2", maxJobTries, id); err != nil {
			t.Fatal(err)
		}
		done := make(chan string, 100)
		r := c.start(t, done, map[string]Job{"bad": {Run: func(context.Context, string) error { done <- "bad"; return nil }}})
		r.left(t, 0)
		select {
		case <-done:
			t.Error("it was tried a sixth time")
		default:
		}
	})
}

// Jobs run also while their runs cannot be counted, and these are counted afterwards.
func TestJobsRunUncounted(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, ctx context.Context, c *testCore) {
		done := make(chan string, 100)
		r := c.start(t, done, map[string]Job{"mail": {Run: func(_ context.Context, payload string) error {
			defer func() { done <- payload }()
			if payload == "bad" {
				return errors.New("no \x00such \xff")
			}
			return nil
		}}})
		run := func(payload string) {
			t.Helper()
			if _, err := c.Module().JobEnqueue(ctx, "mail", payload, 0); err != nil {
				t.Fatal(err)
			}
			r.await(t, payload)
		}
		counted := func(runs int64) *jobState {
			t.Helper()
			for late := time.Now().Add(30 * time.Second); time.Now().Before(late); {
				r.later(0)
				if all, err := c.jobList(ctx); err == nil && len(all) == 1 && all[0].runs == runs {
					return all[0]
				}
			}
			t.Fatalf("%d runs were not counted", runs)
			return nil
		}
		run("one")
		counted(1)
		if _, err := c.db.Exec(ctx, "DROP TABLE kumi_job_state"); err != nil {
			t.Fatal(err)
		}
		for _, payload := range []string{"bad", "two", "three"} {
			r.clock.Add(jobStateEvery)
			run(payload)
		}
		for _, statement := range c.jobs.states.table.create {
			if _, err := c.db.Exec(ctx, statement); err != nil {
				t.Fatal(err)
			}
		}
		r.clock.Add(jobStateEvery)
		if s := counted(3); s.failures != 1 || s.failure != "no \ufffdsuch \ufffd" {
			t.Errorf("%d failures, the last with %q", s.failures, s.failure)
		}
	})
}
