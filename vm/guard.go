package vm

import (
	"runtime/metrics"
	"sync"
	"sync/atomic"
	"time"
)

// GuardOptions are the limits of a Guard, in bytes; 0 for none.
type GuardOptions struct {
	// Call is how much the heap may grow during a call.
	Call uint64
	// Heap is the size of the live heap at which the VMs of all pools are
	// replaced.
	Heap uint64
	// OnlyHalt watches VMs only to stop their calls by Halt, without looking at the heap.
	OnlyHalt bool
	// Report is called after that, on its own goroutine; may be nil.
	Report func(HeapReport)
}

// Guard watches the memory that scripts use. There is one for all engines of a
// server; it may be used from any goroutine, and a nil Guard does nothing.
//
// Go cannot attribute memory to its users, so the Guard checks the whole heap
// every few milliseconds while scripts run. It stops every call during which
// the heap grew by more than a limit, since one of them has probably caused it
// (guard_calls.go). And if the live heap passes a limit, it replaces all VMs
// of all pools, which frees what scripts keep from call to call
// (guard_heap.go).
type Guard struct {
	o GuardOptions

	mu      sync.Mutex
	watched map[*Watched]struct{}
	pools   map[*Pool]struct{}
	timer   *time.Timer
	last    memory // at the last check
	calls   callGrowth
	heap    heapWatch
	closed  bool
	resting atomic.Bool

	stops     [languages][reasons]atomic.Uint64
	abandoned [languages]atomic.Uint64
	renewals  atomic.Uint64
}

// Reason is why a call into a script was stopped.
type Reason uint8

// The reasons for which calls are stopped.
const (
	StoppedDeadline Reason = iota
	StoppedCaller          // the caller has disconnected
	StoppedMemory
	StoppedStack
	StoppedResult // it returned too much
	StoppedHalt   // see Guard.Halt
	reasons
)

const languages = 2 // JS and Lua

// String returns the reason's name in metrics.
func (r Reason) String() string {
	return [...]string{"deadline", "caller_gone", "memory", "stack", "result_size", "halted"}[r]
}

// lookEvery is how often the heap is checked while scripts run.
const lookEvery = 20 * time.Millisecond

// NewGuard makes a Guard.
func NewGuard(o GuardOptions) *Guard {
	g := &Guard{o: o, watched: map[*Watched]struct{}{}, pools: map[*Pool]struct{}{}}
	g.calls.stopped = map[*Watched]uint64{}
	g.heap.threshold, g.heap.seen = o.Heap, map[*Usage]*Used{}
	g.resting.Store(true)
	return g
}

// Stopped counts a call that was stopped.
func (g *Guard) Stopped(l Lang, r Reason) {
	if g != nil {
		g.stops[side(l)][r].Add(1)
	}
}

// Abandoned counts a VM whose call did not end when it was stopped.
func (g *Guard) Abandoned(l Lang) {
	if g != nil {
		g.abandoned[side(l)].Add(1)
	}
}

func side(l Lang) int {
	if l == Lua {
		return 1
	}
	return 0
}

// Stops calls visit with the number of stopped calls, for every language and
// reason.
func (g *Guard) Stops(visit func(l Lang, r Reason, n uint64)) {
	if g == nil {
		return
	}
	for _, l := range []Lang{JS, Lua} {
		for r := range reasons {
			visit(l, r, g.stops[side(l)][r].Load())
		}
	}
}

// GuardStats are counts since the Guard was made.
type GuardStats struct {
	Renewals                  uint64 // times all VMs were replaced, see GuardOptions.Heap
	AbandonedJS, AbandonedLua uint64 // VMs whose call did not end when it was stopped
}

// Stats returns the current counts.
func (g *Guard) Stats() (s GuardStats) {
	if g != nil {
		s.Renewals = g.renewals.Load()
		s.AbandonedJS, s.AbandonedLua = g.abandoned[side(JS)].Load(), g.abandoned[side(Lua)].Load()
	}
	return s
}

// CallLimit returns how much the heap may grow during a call, in bytes; 0 is
// no limit.
func (g *Guard) CallLimit() uint64 {
	if g == nil {
		return 0
	}
	return g.o.Call
}

// Watched is one VM under a Guard. Its methods are for the goroutine that owns
// the VM; a nil Watched does nothing.
type Watched struct {
	g    *Guard
	stop func(still func() bool)
	halt func()        // see Halts; may be nil
	call atomic.Uint64 // odd while a call runs

	runs   atomic.Pointer[Usage] // what the call is of
	waits  atomic.Bool           // the call waits, see Waiting
	others atomic.Uint64         // growth of the heap while it waited

	// Owned by the guard: the last call it saw, and the heap when that began.
	seen  uint64
	fresh bool // the last check was the first that saw it
	from  memory
}

// Guarded is a VM that a Guard watches.
type Guarded interface {
	// Watched returns the guard's view of the VM, nil without a guard.
	Watched() *Watched
}

// Watch puts a VM under the guard. stop is called from another goroutine when
// the running call must end. It must check still, under the lock with which
// the VM begins and ends its calls, and do nothing if it returns false: the
// call has changed. The Watched is kept until it is closed; nil means that the
// VM is not watched.
func (g *Guard) Watch(stop func(still func() bool)) *Watched {
	if g == nil || g.o.Call == 0 && g.o.Heap == 0 && !g.o.OnlyHalt {
		return nil
	}
	w := &Watched{g: g, stop: stop}
	g.mu.Lock()
	g.watched[w] = struct{}{}
	g.mu.Unlock()
	return w
}

// Halts sets the function that stops the running call for Guard.Halt. Any goroutine may
// call it, also with no call running.
func (w *Watched) Halts(halt func()) {
	if w != nil {
		w.g.mu.Lock()
		w.halt = halt
		w.g.mu.Unlock()
	}
}

// Halt stops every call that runs, because whoever waits for it has given up. VMs whose
// calls were halted must not be used again. Unlike the guard's other checks it touches no
// timer, so that it can be called from outside of a bubble of testing/synctest, in which
// time may stand still.
func (g *Guard) Halt() {
	if g == nil {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	for w := range g.watched {
		if w.halt != nil && w.call.Load()%2 == 1 {
			w.halt()
		}
	}
}

// Runs sets what the calls are of that begin from now on, for the log.
func (w *Watched) Runs(u *Usage) {
	if w == nil {
		return
	}
	if w.runs.Load() != u {
		w.runs.Store(u)
	}
	if !u.known.Load() {
		w.g.know(u)
	}
}

// Begin is called when an outermost call begins.
func (w *Watched) Begin() {
	if w == nil {
		return
	}
	w.others.Store(0)
	w.call.Add(1)
	if w.g.resting.Load() {
		w.g.wake()
	}
}

// End is called when it has ended.
func (w *Watched) End() {
	if w != nil {
		w.call.Add(1)
	}
}

// Close ends the watch.
func (w *Watched) Close() {
	if w != nil {
		w.g.mu.Lock()
		delete(w.g.watched, w)
		if u := w.runs.Load(); u != nil && u.Match != "" {
			delete(w.g.heap.seen, u)
		}
		w.g.mu.Unlock()
	}
}

// wait tells the guard that the VM's call waits. The returned function ends
// that.
func (w *Watched) wait() (over func()) {
	if w == nil {
		return func() {}
	}
	began := measure().heap
	w.waits.Store(true)
	return func() {
		if now := measure().heap; now > began {
			w.others.Add(now - began)
		}
		w.waits.Store(false)
	}
}

// Close stops the guard. It may be called twice.
func (g *Guard) Close() {
	if g == nil {
		return
	}
	g.mu.Lock()
	g.closed = true
	if g.timer != nil {
		g.timer.Stop()
	}
	g.mu.Unlock()
	g.calls.collections.Wait()
}

func (g *Guard) wake() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed || !g.resting.Load() || g.o.OnlyHalt {
		return
	}
	g.last = measure()
	g.calls.low, g.calls.looks = g.last.heap, 0
	g.heap.allocated, g.heap.looked = g.last.allocated, time.Now()
	g.resting.Store(false)
	if g.timer == nil {
		g.timer = time.AfterFunc(lookEvery, g.look)
		return
	}
	g.timer.Reset(lookEvery)
}

// look is called by the timer.
func (g *Guard) look() {
	for _, stop := range g.examine() {
		stop() // without holding the guard's lock: stop locks the VM, which may be calling the guard
	}
}

// examine checks the heap once and returns functions that stop the calls to be
// stopped.
func (g *Guard) examine() (stops []func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return nil
	}
	m := g.collectStopped(measure())
	g.attribute(m)
	if !g.worthLooking(m) {
		g.last = m
		g.timer.Reset(lookEvery)
		return nil
	}
	running := g.runningCalls(m)
	g.checkHeap(m)
	stops = g.growing(running, m)
	g.last = m
	if len(running) == 0 {
		g.resting.Store(true)
		return stops
	}
	g.timer.Reset(lookEvery)
	return stops
}

// memory is what the runtime reports about the heap, in bytes.
type memory struct {
	heap      uint64 // in use, or garbage not collected yet
	live      uint64 // found in use by the last collection
	goal      uint64 // size at which the next one begins
	allocated uint64 // since the process started
}

var samples = sync.Pool{New: func() any {
	return &[]metrics.Sample{
		{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/gc/heap/live:bytes"}, {Name: "/gc/heap/goal:bytes"}, {Name: "/gc/heap/allocs:bytes"},
	}
}}

func measure() memory {
	p := samples.Get().(*[]metrics.Sample)
	defer samples.Put(p)
	s := *p
	metrics.Read(s)
	return memory{s[0].Value.Uint64(), s[1].Value.Uint64(), s[2].Value.Uint64(), s[3].Value.Uint64()}
}
