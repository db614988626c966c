package command

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"kumi/server/testkit"
)

// fileResult is what the process of a test file reported.
type fileResult struct {
	file  string
	tests []testkit.Event // those that ended
	err   *testkit.Failure
	lines testkit.Lines
	took  time.Duration
}

func (r *fileResult) failed() bool {
	return r.err != nil || r.count(testkit.Failed) > 0
}

func (r *fileResult) count(status testkit.Status) (n int) {
	for _, t := range r.tests {
		if t.Status == status {
			n++
		}
	}
	return n
}

// testProcess is the hidden command that runs one file, and testProcessEnv is an
// environment variable that it has, for programs with a main function of their own.
const (
	testProcess    = "test-file"
	testProcessEnv = "KUMI_TEST_FILE"
)

// maxEvent is the maximum size of one event, in bytes.
const maxEvent = 64 << 20

// run runs the file and waits for it to end.
func (r *fileResult) run(ctx context.Context, job testkit.Job) {
	began := time.Now()
	defer func() { r.took = time.Since(began) }()
	if err := r.process(ctx, job); err != nil && r.err == nil {
		r.err = &testkit.Failure{Message: err.Error()}
	}
}

// process starts the process of the file, and reads its events.
func (r *fileResult) process(ctx context.Context, job testkit.Job) error {
	program, err := os.Executable()
	if err != nil {
		return err
	}
	input, err := json.Marshal(job)
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, program, testProcess)
	cmd.Env = append(os.Environ(), testProcessEnv+"=1")
	cmd.Stdin = bytes.NewReader(input)
	return r.follow(ctx, cmd)
}

// follow runs a command that writes events. A command that ends with another exit code than
// 0 failed, also if all of its tests passed: the race detector reports what it found so.
func (r *fileResult) follow(ctx context.Context, cmd *exec.Cmd) error {
	var output bytes.Buffer
	cmd.Stderr = &output
	events, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	done, running := false, ""
	in := bufio.NewScanner(events)
	in.Buffer(nil, maxEvent)
	for in.Scan() {
		var e testkit.Event
		if json.Unmarshal(in.Bytes(), &e) != nil {
			continue // the testing package prints, too
		}
		switch e.Kind {
		case "begin":
			running = e.Test
		case "end":
			running = ""
			r.tests = append(r.tests, e)
		case "error":
			r.err = e.Failure
		case "coverage":
			r.lines = e.Lines
		case "done":
			done = true
		}
	}
	switch err = cmd.Wait(); {
	case ctx.Err() != nil:
		return ctx.Err()
	case err == nil && done:
		return nil
	case running != "":
		r.tests = append(r.tests, testkit.Event{Test: running, Status: testkit.Failed, Failure: &testkit.Failure{
			Message: "the process ended during this test: " + exitOf(err), Stack: lastWords(output.String()),
		}})
		return nil
	case !done && r.count(testkit.Failed) > 0: // the watchdog ended it after the last of them
		return nil
	}
	return fmt.Errorf("the process of the test file failed: %s\n%s", exitOf(err), lastWords(output.String()))
}

func exitOf(err error) string {
	if err == nil {
		return "it ended before all tests had run"
	}
	return err.Error()
}

// maxLastWords is how many lines of the output of a failed process are shown.
const maxLastWords = 40

// lastWords returns the part of an output that says why a process failed: the beginning of a
// report of Go's runtime, or else the last lines.
func lastWords(output string) string {
	for _, report := range []string{"panic: ", "fatal error: ", "WARNING: DATA RACE"} {
		if i := strings.Index(output, report); i >= 0 {
			lines := strings.Split(strings.TrimSpace(output[i:]), "\n")
			return strings.Join(lines[:min(len(lines), maxLastWords)], "\n")
		}
	}
	lines := strings.Split(strings.TrimSpace(output), "\n")
	return strings.Join(lines[max(0, len(lines)-maxLastWords):], "\n")
}
