package match

import (
	"bytes"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"kumi/presence"
)

// What a recording keeps.
const (
	keptTicks = 1000
	keptBytes = 4 << 20 // of all ticks together
	// keptItems is how many inputs, broadcasts and events of one tick are kept; the
	// others are only counted. keptData is how many bytes of each are.
	keptItems = 64
	keptData  = 512
)

// A state is taken at most every stateInterval, and so seldom that taking it needs no more
// than one part in stateShare of the time.
const (
	stateInterval = 100 * time.Millisecond
	stateShare    = 25
)

// Tick is what happened in a match between the end of one tick and the end of the next.
type Tick struct {
	// Number is that of the tick. In a relayed match, which has none, ticks are single
	// messages, counted from 0.
	Number int64
	At     time.Time // its beginning
	// Took is the time of the handler's loop.
	Took time.Duration
	// Queued is how many joins, leaves and calls were handled before it, and Skipped how
	// many ticks were skipped.
	Queued, Skipped int
	// The first of each, and how many there were.
	Inputs, Broadcasts       []Passed
	Events                   []Event
	AllInputs, AllBroadcasts int
	Error, Stack             string // of the handler, which ended the match

	data  []byte // of inputs, broadcasts and events
	bytes int    // what the tick takes of keptBytes
}

// Passed is a message of a client, or one to clients.
type Passed struct {
	// Sender is the presence that sent it; nil: the match.
	Sender *presence.Presence
	OpCode int64
	// Size is that of its data, of which Data is the beginning.
	Size int
	Data []byte
	// Receivers is how many clients a message is for; -1: all of a relayed match.
	Receivers int

	from, to int // place of Data in Tick.data
}

// Event is something else that a match handled.
type Event struct {
	Kind string // "join", "leave", "join attempt", "return", "signal" or "error"
	// Presence is whom it is about; nil for others than joins and leaves.
	Presence *presence.Presence
	Text     string // why an attempt was refused, what was signalled, what went wrong
}

// reset empties a tick and keeps its memory.
func (t *Tick) reset() {
	clear(t.Inputs)
	clear(t.Broadcasts)
	clear(t.Events)
	*t = Tick{Inputs: t.Inputs[:0], Broadcasts: t.Broadcasts[:0], Events: t.Events[:0], data: t.data[:0]}
}

// clone copies a tick, so that the recording can use its memory again.
func (t *Tick) clone() Tick {
	c := *t
	c.data = bytes.Clone(t.data)
	c.Inputs, c.Broadcasts, c.Events = slices.Clone(t.Inputs), slices.Clone(t.Broadcasts), slices.Clone(t.Events)
	for _, list := range [][]Passed{c.Inputs, c.Broadcasts} {
		for i := range list {
			list[i].Data = c.data[list[i].from:list[i].to:list[i].to]
		}
	}
	return c
}

// keep appends a message and the beginning of its data.
func (t *Tick) keep(list []Passed, p Passed, data []byte) []Passed {
	if len(list) >= keptItems {
		return list
	}
	p.Size, p.from = len(data), len(t.data)
	t.data = append(t.data, data[:min(len(data), keptData)]...)
	p.to = len(t.data)
	return append(list, p)
}

func (t *Tick) event(e Event) {
	if len(t.Events) < keptItems {
		e.Text = cut(e.Text, keptData)
		t.Events = append(t.Events, e)
	}
}

func cut(text string, max int) string {
	if len(text) > max {
		return text[:max] + "…"
	}
	return text
}

// State is the state of a match after a tick, as its handler describes it.
type State struct {
	Tick int64
	Text string // JSON if possible
	Took time.Duration
	Err  error // the handler cannot describe it
}

// recording has the last ticks of a match that somebody watches.
type recording struct {
	// Of the match's own goroutine:
	now       Tick
	nextState time.Time

	// wanted says that a watcher has read the last state and takes another one. With
	// atOnce the next state is taken even if nobody does, or if it is early: of a match that
	// is paused there may be no later one.
	wanted, atOnce atomic.Bool

	mu       sync.Mutex
	ring     [keptTicks]Tick
	first    uint64 // number of the oldest tick in ring, in order of recording
	end      uint64
	bytes    int
	state    *State
	watchers int // guarded by Registry.watching
}

// add puts a tick into the ring, and takes the memory of the one that it replaces.
func (r *recording) add(t *Tick) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.addLocked(t)
}

func (r *recording) addLocked(t *Tick) {
	const each = 64 // bytes of a Passed or an Event, about
	t.bytes = len(t.data) + each*(len(t.Inputs)+len(t.Broadcasts)+len(t.Events))
	if r.end-r.first == keptTicks {
		r.bytes -= r.ring[r.first%keptTicks].bytes
		r.first++
	}
	for r.bytes+t.bytes > keptBytes && r.first < r.end {
		oldest := &r.ring[r.first%keptTicks]
		r.bytes -= oldest.bytes
		*oldest = Tick{}
		r.first++
	}
	r.bytes += t.bytes
	place := &r.ring[r.end%keptTicks]
	*place, *t = *t, *place
	r.end++
}

// since returns copies of the ticks from a number on.
func (r *recording) since(from uint64, max int) (ticks []Tick, next, missed uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if from < r.first {
		from, missed = r.first, r.first-from
	}
	for next = from; next < r.end && len(ticks) < max; next++ {
		ticks = append(ticks, r.ring[next%keptTicks].clone())
	}
	return ticks, next, missed
}

// begin records what a tick gets, on the match's goroutine.
func (r *recording) begin(number int64, at time.Time, input []*Data, queued, skipped int) {
	t := &r.now
	t.Number, t.At, t.Queued, t.Skipped, t.AllInputs = number, at, queued, skipped, len(input)
	for _, d := range input {
		t.Inputs = t.keep(t.Inputs, Passed{Sender: d.Presence, OpCode: d.OpCode}, d.Data)
	}
}

// finish records that a tick is over.
func (r *recording) finish() {
	r.add(&r.now)
	r.now.reset()
}

func (r *recording) broadcast(opCode int64, data []byte, receivers int) {
	t := &r.now
	t.AllBroadcasts++
	t.Broadcasts = t.keep(t.Broadcasts, Passed{OpCode: opCode, Receivers: receivers}, data)
}

// fail records the error that ends the match.
func (r *recording) fail(err error, where string) {
	r.now.Error = cut(where+": "+err.Error(), 4*keptData)
	var traced interface{ Trace() string }
	if errors.As(err, &traced) {
		r.now.Stack = cut(traced.Trace(), 16*keptData)
	}
}

// finishMatch records that the match is over, with what happened since its last tick.
func (r *recording) finishMatch(tick int64) {
	r.now.Number = tick
	if r.now.At.IsZero() {
		r.now.At = time.Now()
	}
	r.add(&r.now)
}

// takeState takes the state of a match after a tick, if somebody waits for it and taking
// it does not need too much of the time.
func (m *Match) takeState(r *recording, now time.Time) {
	if r.atOnce.Load() {
		r.atOnce.Store(false)
	} else if !r.wanted.Load() || now.Before(r.nextState) {
		return
	}
	r.wanted.Store(false)
	text, err := guard(m, func() (string, error) { return m.handler.State(m.ctx) })
	ended := time.Now()
	took := ended.Sub(now)
	r.nextState = ended.Add(max(stateInterval, stateShare*took))
	r.mu.Lock()
	defer r.mu.Unlock()
	r.state = &State{Tick: m.tick, Text: text, Took: took, Err: err}
}
