package vm

import (
	"runtime"
	"runtime/metrics"
	"sync"
	"sync/atomic"
	"time"
)

// Guard watches what scripts do to the process. There is one for all engines of
// a server; it may be used from any goroutine, and a nil one watches nothing.
//
// Go does not say whose memory is whose. So the Guard looks at the whole heap,
// every few milliseconds while a script runs, and when it has grown by more
// than the limit since a call began, that call is stopped: every call that went
// on through such growth is, as one of them has most likely caused it. Short
// calls are not touched, nor is what grew while a call waited counted against
// it. What a VM keeps from call to call is weighed; see scale.
type Guard struct {
	limit uint64 // bytes a call may make the heap grow by; 0: not watched
	scale

	mu      sync.Mutex
	watched map[*Watched]struct{}
	timer   *time.Timer
	last    memory // at the last look
	low     uint64 // the smallest heap since the VMs were last looked through
	looks   int    // and how many looks ago that was
	forced  time.Time
	stale   map[*Watched]uint64 // calls that were stopped: what they held is in the figures until it is collected
	closed  bool
	resting atomic.Bool

	stops [2][reasons]atomic.Uint64
}

// Reason is why a call into a script was stopped.
type Reason uint8

// The reasons for which calls are stopped.
const (
	StoppedDeadline Reason = iota
	StoppedCaller          // the caller has gone
	StoppedMemory
	StoppedStack
	StoppedResult // it gave back too much
	reasons
)

// String is the reason's name in metrics.
func (r Reason) String() string {
	return [...]string{"deadline", "caller_gone", "memory", "stack", "result_size"}[r]
}

// look is how often the heap is looked at.
const look = 20 * time.Millisecond

// The VMs are looked through, for calls that run, when the heap has grown by a
// part of the limit, and now and then to see whether the guard may rest.
const (
	growthParts = 8
	mostLooks   = 16
)

// NewGuard makes a Guard. perCall is how many bytes a call may make the heap grow
// by, perVM how many a VM may keep beyond what a new one has; 0 for no limit.
func NewGuard(perCall, perVM uint64) *Guard {
	g := &Guard{limit: perCall, watched: map[*Watched]struct{}{}, stale: map[*Watched]uint64{}}
	g.scale.limit, g.scale.began = perVM, time.Now()
	g.resting.Store(true)
	return g
}

// Stopped counts a call that was stopped.
func (g *Guard) Stopped(l Lang, r Reason) {
	if g != nil {
		g.stops[side(l)][r].Add(1)
	}
}

func side(l Lang) int {
	if l == Lua {
		return 1
	}
	return 0
}

// Stops calls visit with the number of calls stopped, for every language and
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

// Limit is how much a call may make the heap grow by, in bytes; 0 is no limit.
func (g *Guard) Limit() uint64 {
	if g == nil {
		return 0
	}
	return g.limit
}

// Watched is one VM under a Guard. Begin and End are for the VM's goroutine.
type Watched struct {
	g    *Guard
	stop func(still func() bool)
	call atomic.Uint64 // odd while a call runs

	waits  atomic.Bool   // the call waits for something outside, see Waiting
	others atomic.Uint64 // how much the heap grew while it did

	weighed uint32 // the round in which it was weighed last; of its owner

	// Of the guard: the call it saw last, and the heap when that began.
	seen uint64
	from memory
}

// Watch puts a VM under the guard. stop is called from another goroutine when
// the running call must end; it must do nothing unless still says, under the
// lock that the VM also begins and ends its calls with, that the call is the
// same. A Watched is kept until it is closed; nil is one that is not watched.
func (g *Guard) Watch(stop func(still func() bool)) *Watched {
	if g == nil || g.limit == 0 && g.scale.limit == 0 {
		return nil
	}
	w := &Watched{g: g, stop: stop, weighed: g.round.Load()}
	g.mu.Lock()
	g.watched[w] = struct{}{}
	g.mu.Unlock()
	return w
}

// Begin says that an outermost call begins.
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

// End says that it has ended.
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
		w.g.mu.Unlock()
	}
}

// Close ends the guard's work. It may be called twice.
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
}

func (g *Guard) wake() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed || !g.resting.Load() {
		return
	}
	g.last = measure()
	g.low, g.looks = g.last.heap, 0
	g.resting.Store(false)
	if g.timer == nil {
		g.timer = time.AfterFunc(look, g.tick)
		return
	}
	g.timer.Reset(look)
}

// memory is what the runtime says of the heap, in bytes.
type memory struct {
	heap      uint64 // in use, or not collected yet
	live      uint64 // what the last collection found in use
	goal      uint64 // how large it may get before the next one
	allocated uint64 // since the process began
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

func (g *Guard) tick() {
	for _, stop := range g.examine() {
		stop() // without the lock, as it takes that of a VM, which may be waking the guard
	}
}

// settle collects what stopped calls have left, once they have ended: others
// would be measured from a heap that was never theirs.
func (g *Guard) settle(m memory) memory {
	if len(g.stale) == 0 {
		return m
	}
	for w, call := range g.stale {
		if w.call.Load() == call {
			return m
		}
	}
	clear(g.stale)
	runtime.GC()
	g.forced = time.Now()
	m = measure()
	g.last.live, g.last.heap, g.last.goal = min(g.last.live, m.live), min(g.last.heap, m.heap), min(g.last.goal, m.goal)
	for w := range g.watched {
		w.from.live, w.from.goal = min(w.from.live, m.live), min(w.from.goal, m.goal)
	}
	return m
}

// examine finds the calls to stop.
func (g *Guard) examine() (stops []func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return nil
	}
	m := g.settle(measure())
	g.grow(m.live)
	g.low = min(g.low, m.heap)
	if g.looks++; g.looks < mostLooks && (g.limit == 0 || m.heap-g.low < g.limit/growthParts) {
		g.last = m
		g.timer.Reset(look)
		return nil
	}
	low := g.low
	g.low, g.looks = m.heap, 0
	var grown []*Watched
	busy, certain := false, false
	for w := range g.watched {
		call := w.call.Load()
		if call%2 == 0 {
			continue
		}
		busy = true
		if call != w.seen {
			w.seen, w.from = call, g.last
			w.from.heap = min(w.from.heap, m.heap)
		} else {
			w.from.heap = min(w.from.heap, low)
		}
		others := w.others.Load()
		if g.limit > 0 && m.heap-w.from.heap > g.limit+others && !w.waits.Load() {
			grown = append(grown, w)
			// Garbage is collected when the heap reaches its goal, or soon after.
			certain = certain || m.heap > max(w.from.goal, w.from.heap)+others+g.limit+64<<20
		}
	}
	if len(grown) > 0 {
		g.looks = mostLooks // soon again
	}
	if len(grown) > 0 && !certain && time.Since(g.forced) > time.Second {
		// A collection tells garbage from growth, but for what was made while it ran.
		runtime.GC()
		g.forced = time.Now()
		after := measure()
		young := after.allocated - m.allocated
		m, certain = after, true
		kept := grown[:0]
		for _, w := range grown {
			if m.live > w.from.live+young+g.limit+w.others.Load() {
				kept = append(kept, w)
			} else {
				w.from.heap = min(w.from.heap, m.heap)
			}
		}
		grown = kept
	}
	if certain {
		for _, w := range grown {
			call := w.seen
			g.stale[w] = call
			stops = append(stops, func() { w.stop(func() bool { return w.call.Load() == call }) })
		}
	}
	g.last = m
	if !busy {
		g.resting.Store(true)
		return stops
	}
	g.timer.Reset(look)
	return stops
}
