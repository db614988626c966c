package match

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/gofrs/uuid/v5"

	"kumi/presence"
)

// Watch shows a match to somebody who looks at it. While there is one, the match records
// its ticks; otherwise it only looks whether there is one, once a tick and per broadcast.
// The methods belong to one goroutine.
type Watch struct {
	reg    *Registry
	stream presence.Stream
	match  *Match // nil: a relayed match
	rec    *recording
	next   uint64
	shown  *State
	closed bool
}

// Watch begins to watch a match; Close must be called. The errors are ErrIDInvalid,
// ErrNotFound and ErrElsewhere for an authoritative match of another node.
func (r *Registry) Watch(id string) (*Watch, error) {
	matchID, node, err := ParseID(id)
	if err != nil {
		return nil, err
	}
	w := &Watch{reg: r, stream: presence.RelayedMatch(matchID)}
	r.watching.Lock()
	defer r.watching.Unlock()
	if node == "" {
		if r.tracker.Count(w.stream) == 0 {
			return nil, ErrNotFound
		}
		w.rec = r.relay(matchID)
		if w.rec == nil {
			w.rec = &recording{}
			r.changeRelays(func(all map[uuid.UUID]*recording) { all[matchID] = w.rec })
		}
	} else {
		if w.match = r.find(matchID, node); w.match == nil {
			if at := r.Owner(presence.AuthoritativeMatch(matchID, node)); at != r.o.Node && r.o.Elsewhere != nil && r.o.Elsewhere.Known(at) {
				return nil, ErrElsewhere
			}
			return nil, ErrNotFound
		}
		w.stream = w.match.stream
		if w.rec = w.match.rec.Load(); w.rec == nil {
			w.rec = &recording{}
			w.match.rec.Store(w.rec)
		}
		w.rec.wanted.Store(true)
	}
	w.rec.watchers++
	return w, nil
}

// Close ends the watch. A match that nobody watches any more forgets its ticks; one that is
// paused stays so. It may be called more than once.
func (w *Watch) Close() {
	r := w.reg
	r.watching.Lock()
	defer r.watching.Unlock()
	if w.closed {
		return
	}
	w.closed = true
	if w.rec.watchers--; w.rec.watchers > 0 {
		return
	}
	if w.match == nil {
		r.changeRelays(func(all map[uuid.UUID]*recording) { delete(all, w.stream.Subject) })
		return
	}
	w.match.rec.Store(nil)
}

// relay returns the recording of a relayed match, nil if nobody watches it.
func (r *Registry) relay(id uuid.UUID) *recording {
	all := r.relays.Load()
	if all == nil {
		return nil
	}
	return (*all)[id]
}

// changeRelays replaces the map of recordings, which is not modified. watching is held.
func (r *Registry) changeRelays(change func(all map[uuid.UUID]*recording)) {
	all := map[uuid.UUID]*recording{}
	if old := r.relays.Load(); old != nil {
		maps.Copy(all, *old)
	}
	if change(all); len(all) == 0 {
		r.relays.Store(nil)
		return
	}
	r.relays.Store(&all)
}

// relayed records a message of a relayed match. Any goroutine may call it.
func (r *recording) relayed(sender *presence.Presence, opCode int64, data []byte, receivers int) {
	t := Tick{AllInputs: 1}
	t.Inputs = t.keep(nil, Passed{Sender: sender, OpCode: opCode, Receivers: receivers}, data)
	r.mu.Lock()
	defer r.mu.Unlock()
	t.Number, t.At = int64(r.end), time.Now() // in the order of the ring
	r.addLocked(&t)
}

// Next returns the ticks that the watcher has not seen, at most max, and how many it has
// missed because it came too late.
func (w *Watch) Next(max int) (ticks []Tick, missed uint64) {
	ticks, w.next, missed = w.rec.since(w.next, max)
	return ticks, missed
}

// State returns the state of the match, if there is one that the watcher has not seen, and
// asks for another one.
func (w *Watch) State() *State {
	w.rec.mu.Lock()
	s := w.rec.state
	w.rec.mu.Unlock()
	if s == nil || s == w.shown {
		return nil
	}
	w.shown = s
	w.rec.wanted.Store(true)
	return s
}

// Description is what a match is, apart from its ticks.
type Description struct {
	ID, Label        string
	Handler, Runtime string // of an authoritative match
	TickRate         int
	Presences        []*presence.Presence
	Paused, Ended    bool
}

// Equal says whether two descriptions are the same. A presence never changes, so the same
// pointers are the same players.
func (d *Description) Equal(other *Description) bool {
	return d.ID == other.ID && d.Label == other.Label && d.Handler == other.Handler && d.Runtime == other.Runtime && d.TickRate == other.TickRate &&
		d.Paused == other.Paused && d.Ended == other.Ended && slices.Equal(d.Presences, other.Presences)
}

// Ended says whether the match is over.
func (w *Watch) Ended() bool {
	m := w.match
	if m == nil {
		return w.reg.tracker.Count(w.stream) == 0
	}
	m.box.mu.Lock()
	defer m.box.mu.Unlock()
	return m.box.stopped
}

// Describe returns what the match is now.
func (w *Watch) Describe() Description {
	d := Description{ID: w.stream.MatchID(), Presences: w.reg.tracker.List(w.stream, true, true)}
	if m := w.match; m != nil {
		d.Label, d.Handler, d.Runtime, d.TickRate = m.Label(), m.name, m.runtime, m.TickRate()
		m.box.mu.Lock()
		d.Paused, d.Ended = m.box.paused, m.box.stopped
		m.box.mu.Unlock()
	} else {
		d.Ended = len(d.Presences) == 0
	}
	return d
}

// Pause stops the ticks of a match, or lets them go on. Joins, leaves and signals are
// handled in the meantime. The errors are those of End.
func (r *Registry) Pause(ctx context.Context, id string, paused bool) error {
	op := OpResume
	if paused {
		op = OpPause
	}
	return r.control(ctx, id, &Call{Op: op}, func(m *Match) error { m.pause(paused); return nil })
}

func (m *Match) pause(paused bool) {
	m.setPaused(paused)
	m.box.mu.Lock()
	m.post(item{kind: doShow})
}

// Step runs one tick of a match that is paused. The errors are those of End, and
// ErrNotPaused.
func (r *Registry) Step(ctx context.Context, id string) error {
	return r.control(ctx, id, &Call{Op: OpStep}, (*Match).step)
}

func (m *Match) step() error {
	b := &m.box
	b.mu.Lock()
	if b.stopped || !b.paused {
		b.mu.Unlock()
		return ErrNotPaused
	}
	if r := m.rec.Load(); r != nil {
		r.atOnce.Store(true)
	}
	b.tickDue = true
	m.wakeLocked()
	return nil
}

// show takes the state of a match between two ticks, if somebody watches.
func (m *Match) show() {
	if r := m.rec.Load(); r != nil {
		r.atOnce.Store(true)
		m.takeState(r, time.Now())
	}
}

func (m *Match) setPaused(paused bool) {
	m.box.mu.Lock()
	defer m.box.mu.Unlock()
	m.box.paused = paused
}

// PatchState applies a JSON merge patch (RFC 7386) to the state of a match, between two
// ticks, and waits for it. Beside the errors of Signal there are ErrStateFixed, and
// InvalidArgument for a patch that is not JSON or cannot be applied.
func (r *Registry) PatchState(ctx context.Context, id, patch string) error {
	return r.control(ctx, id, &Call{Op: OpPatch, Text: patch}, func(m *Match) error {
		_, err := m.request(ctx, doPatchState, patch)
		return err
	})
}

// control does something with an authoritative match: here, or by a call to its node.
func (r *Registry) control(ctx context.Context, id string, c *Call, here func(*Match) error) error {
	matchID, node, err := ParseID(id)
	if err != nil {
		return err
	}
	if m := r.find(matchID, node); m != nil {
		if err := here(m); err != errMoved {
			return err
		}
	}
	c.Match = matchID
	_, err = r.call(ctx, node, c)
	return err
}

// Editable is a Handler whose state can be changed from outside.
type Editable interface {
	Handler
	// PatchState applies a JSON merge patch to the state; what it does not name stays as it
	// is. On an error, InvalidArgument for a patch that is not JSON or cannot be applied,
	// nothing has changed. It is called like the other methods.
	PatchState(ctx context.Context, patch string) error
}

// patchState answers a request to change the state.
func (m *Match) patchState(c *call) {
	if !c.state.CompareAndSwap(callPending, callRunning) {
		return
	}
	err := error(ErrStateFixed)
	if h, ok := m.handler.(Editable); ok {
		m.recordText(recPatch, c.data)
		_, err = guard(m, func() (struct{}, error) { return struct{}{}, h.PatchState(m.ctx, c.data) })
		if m.tape != nil {
			m.tape.done(true, err)
		}
	}
	if err == nil {
		m.show()
	}
	if c.state.CompareAndSwap(callRunning, callAnswered) {
		c.answer <- reply{err: err}
	}
}
