package testkit

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// began is when virtual time begins. Tests may rely on it.
var began = time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC)

// Run runs a test file and writes its Events to out. It ends the process: with code 0 if it
// could tell how every test ended, be it passed or failed.
func Run(job Job, out io.Writer) {
	emit := emitter(out)
	w := &watchdog{timeout: job.Timeout}
	// One goroutine at a time, so that they take turns in the same order each time.
	runtime.GOMAXPROCS(1)
	testing.Init()
	os.Args = os.Args[:1] // testing.Main reads its flags there
	run := testing.InternalTest{Name: "kumi", F: func(t *testing.T) {
		synctest.Test(t, func(*testing.T) {
			time.Sleep(time.Until(began))
			if err := runFile(job, w, emit); err != nil {
				emit(Event{Kind: "error", Failure: failureOf(job.Folder, err)})
			}
			emit(Event{Kind: "done"})
			// What is left in the bubble, such as a VM that hangs, must not keep the process.
			os.Exit(0)
		})
	}}
	go w.watch(emit)
	go keepTime()
	testing.Main(func(string, string) (bool, error) { return true, nil }, []testing.InternalTest{run}, nil, nil)
}

// emitter returns a function that writes events, from any goroutine.
func emitter(out io.Writer) func(Event) {
	var mu sync.Mutex
	enc := json.NewEncoder(out)
	return func(e Event) {
		mu.Lock()
		defer mu.Unlock()
		if err := enc.Encode(e); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}

// watchdog stops tests that take too much real time. It runs outside of the bubble, where
// time passes.
type watchdog struct {
	timeout time.Duration
	halt    atomic.Pointer[func()] // stops the scripts that run
	test    atomic.Pointer[watched]
	fired   atomic.Bool // for the running test
}

// watched is the running test. The time is real.
type watched struct {
	name string
	left int // looks until it is stopped
}

// lookEvery is how often the watchdog looks.
const lookEvery = 100 * time.Millisecond

// grace is how long a test that was stopped has to end. Then the process ends.
const grace = 3 * time.Second

// startTimeout is the real time that the server may take to start, and the test file to
// declare its tests.
const startTimeout = 2 * time.Minute

// begin and end are called in the bubble, around what may take as long as a test.
func (w *watchdog) begin(name string) { w.within(name, w.timeout) }

// within is begin with another limit.
func (w *watchdog) within(name string, limit time.Duration) {
	w.fired.Store(false)
	w.test.Store(&watched{name: name, left: int(limit / lookEvery)})
}

func (w *watchdog) end() { w.test.Store(nil) }

func (w *watchdog) watch(emit func(Event)) {
	var running *watched
	looks := 0
	for range time.Tick(lookEvery) {
		now := w.test.Load()
		if now != running {
			running, looks = now, 0
		}
		if running == nil {
			continue
		}
		switch looks++; {
		case looks == running.left:
			w.fired.Store(true)
			if halt := w.halt.Load(); halt != nil {
				(*halt)()
			}
		case looks > running.left && looks < running.left+int(grace/lookEvery):
			if halt := w.halt.Load(); halt != nil {
				(*halt)() // whatever began since then
			}
		case looks >= running.left+int(grace/lookEvery):
			emit(Event{Kind: "end", Test: running.name, Status: Failed, Took: (time.Duration(looks) * lookEvery).Seconds(), Failure: &Failure{
				Message: fmt.Sprintf("the test did not end within %v, and could not be stopped: it is in no script", w.timeout), Stack: goroutines(),
			}})
			os.Exit(1)
		}
	}
}
