package testkit

import (
	"encoding/json"
	"fmt"
	"io"
	"time"
)

// Job is one test file to run.
type Job struct {
	Folder   string        // the modules folder
	File     string        // path of the test file in it, with slashes
	Args     []string      // settings of the server, as on the command line
	Env      []string      // the same, as environment variables
	Database string        // a migrated SQLite file to copy
	Filter   string        // regular expression: run only tests whose full name matches; empty: all
	Timeout  time.Duration // real time that one test may take
	Seed     uint64        // of random numbers and ids
	Coverage bool          // report how often lines of scripts ran
}

// ReadJob reads a Job as JSON.
func ReadJob(in io.Reader) (job Job, err error) {
	if err := json.NewDecoder(in).Decode(&job); err != nil {
		return job, fmt.Errorf("read what to test: %w", err)
	}
	return job, nil
}

// Status is how a test ended.
type Status string

// The statuses of a test.
const (
	Passed  Status = "passed"
	Failed  Status = "failed"
	Skipped Status = "skipped"
)

// Event is what the process of a test file reports, as a line of JSON.
type Event struct {
	Kind   string  // "begin" and "end" of a test, "error" of the file, "coverage", "done"
	Test   string  `json:",omitempty"` // full name: "describe > test"
	Status Status  `json:",omitempty"`
	Took   float64 `json:",omitempty"` // real seconds
	*Failure
	Log   []string `json:",omitempty"` // of a failed test, ready to print
	Lines Lines    `json:",omitempty"` // of coverage
}

// Lines is how often lines with statements ran, by the path of the file in the modules
// folder. Lines count from 1.
type Lines map[string]map[int]uint64

// Failure says why a test failed, and where.
type Failure struct {
	Message string
	File    string `json:",omitempty"` // path in the modules folder
	Line    int    `json:",omitempty"`
	Column  int    `json:",omitempty"`
	Frame   string `json:",omitempty"` // the source line, with a mark
	Stack   string `json:",omitempty"`
}
