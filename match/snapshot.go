package match

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gofrs/uuid/v5"

	"kumi/presence"
	"kumi/store/fault"
)

// Snapshotter is a Handler whose state can be written and made again after a restart. A
// match whose handler is no Snapshotter ends with the server.
type Snapshotter interface {
	Handler
	// Snapshot returns the state as bytes, which the match does not change afterwards. It
	// is called between two calls of the other methods. An error costs only this snapshot.
	Snapshot(ctx context.Context, tick int64) (state []byte, err error)
	// Restore is called instead of Init, with what Snapshot returned: maybe that of an
	// earlier version of the code. tick is the one that comes next. members were in the
	// match, and may come back. The dispatcher may be used. With alive false, or on an
	// error, the match is not restored.
	Restore(ctx context.Context, tick int64, state []byte, members []*presence.Presence) (alive bool, err error)
}

// Snapshot is what a match is made again from.
type Snapshot struct {
	ID      uuid.UUID
	Home    string // the node in the match's id
	Node    string // the one that runs the match or, once it has stopped, may restore it
	Epoch   uint64 // how often Node has changed
	Handler string
	Version string // of the module that wrote State; empty if it has none
	Tick    int64  // the next one
	Rate    int
	Label   string
	Members []*presence.Presence
	// Away are the sessions of members that have not come back yet, or whose node has handed
	// the match over and is about to close their sockets.
	Away  []uuid.UUID
	Input []*Data // messages for the next tick; Presence is one of Members
	State []byte
}

// SnapshotStore keeps snapshots, one for each match. It may be used from any goroutine.
type SnapshotStore interface {
	// WriteSnapshots saves and deletes snapshots of a node: all or none. It deletes none that
	// another node owns, and saves none over one: that is ErrSnapshotTaken.
	WriteSnapshots(ctx context.Context, node string, save []*Snapshot, remove []uuid.UUID) error
	// PassSnapshot makes another node, or the same, the owner of a snapshot and returns it,
	// with the next epoch. It fails with ErrSnapshotTaken unless the owner is from, and the
	// epoch is the given one or that is AnyEpoch.
	PassSnapshot(ctx context.Context, id uuid.UUID, from string, epoch int64, to string) (*Snapshot, error)
	// ReadSnapshots passes the snapshots of a node to each, in any order. Those that cannot
	// be read it passes as an error that says which match it is.
	ReadSnapshots(ctx context.Context, node string, each func(*Snapshot, error)) error
}

// AnyEpoch stands for the epoch of a snapshot, whatever it is.
const AnyEpoch = -1

// ErrSnapshotTaken says that another node owns a snapshot, or that there is none.
var ErrSnapshotTaken = fault.New(fault.FailedPrecondition, "another node runs the match by now, or it has ended")

// MaxSnapshot is the maximum size of the state in a snapshot, in bytes.
const MaxSnapshot = 16 << 20

// snapshot returns a snapshot of the match, whose goroutine calls it between two calls of
// the handler.
func (m *Match) snapshot() (*Snapshot, error) {
	state, err := m.snapshotHandler()
	if err != nil {
		return nil, err
	}
	if len(state) > MaxSnapshot {
		return nil, fault.Newf(fault.ResourceExhausted, "its state of %d bytes is larger than %d", len(state), MaxSnapshot)
	}
	s := &Snapshot{
		ID: m.id, Home: m.stream.Label, Node: m.reg.o.Node, Epoch: m.epoch, Handler: m.name, Tick: m.tick, Rate: m.TickRate(),
		Label: storable(m.Label()), Members: slices.Clone(m.list), State: state,
	}
	if v, ok := m.handler.(interface{ ModuleVersion() string }); ok {
		s.Version = v.ModuleVersion()
	}
	m.box.mu.Lock()
	s.Input = slices.Concat(m.due, m.box.input)
	m.box.written = len(m.box.input)
	for i, p := range s.Members {
		mem := m.box.members[p.Session]
		if mem == nil { // its leave waits
			continue
		}
		if mem.admission != p.Admission {
			own := *p
			own.Admission = mem.admission
			s.Members[i] = &own
		}
		if mem.awaited || mem.resumable {
			s.Away = append(s.Away, p.Session)
		}
	}
	m.box.mu.Unlock()
	return s, nil
}

// snapshotHandler asks the handler for its state.
func (m *Match) snapshotHandler() (state []byte, err error) {
	m.recordSnapshot()
	if h, ok := m.handler.(Snapshotter); ok {
		state, err = guard(m, func() ([]byte, error) { return h.Snapshot(m.ctx, m.tick) })
	} else {
		err = fault.New(fault.Unimplemented, "its handler does not implement snapshots")
	}
	if m.tape != nil {
		m.tape.done(true, err)
	}
	m.sendDeferred()
	return state, err
}

// storable returns a label as databases can store it: valid UTF-8 without NUL.
func storable(label string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(label, "\uFFFD"), "\x00", "")
}

// takeSnapshot is called after each tick, and takes a snapshot if one is due and the one
// before has been written. It is written in the background.
func (m *Match) takeSnapshot(now time.Time) {
	w, every := m.reg.snapshots, int64(m.reg.o.SnapshotTicks)
	if w == nil || every == 0 || !m.durable || m.tick != 1 && m.tick%every != 0 || m.writing.Load() {
		return
	}
	s, err := m.snapshot()
	if err != nil {
		if now.Sub(m.snapshotWarned) > time.Minute {
			m.snapshotWarned = now
			m.log.Warn().Err(err).Int64("tick", m.tick).Msg("no snapshot of the match could be taken")
		}
		return
	}
	m.stored = true
	m.writing.Store(true)
	w.put(m.id, write{save: s, done: func(err error) {
		m.writing.Store(false)
		if errors.Is(err, ErrSnapshotTaken) { // by a newer process, or the node that runs it now
			m.box.mu.Lock()
			m.post(item{kind: doYield})
		}
	}})
}

// suspend ends a match that is to go on after the restart of the server. If no snapshot
// can be written its handler's Terminate is called, as without snapshots.
func (m *Match) suspend(grace int) {
	if m.durable {
		s, err := m.snapshot()
		if err == nil {
			err = m.save(s)
		}
		if err == nil {
			m.log.Info().Int64("tick", m.tick).Msg("match suspended until the server starts again")
			m.suspended = true
			m.stop()
			return
		}
		m.log.Error().Err(err).Int64("tick", m.tick).Msg(noSnapshot)
	}
	if grace > 0 {
		m.terminate(grace)
	}
}

// noSnapshot is logged of a match that cannot be kept.
const noSnapshot = "match ends with the server: no snapshot of it could be written"

// save writes a snapshot and waits for it.
func (m *Match) save(s *Snapshot) error {
	written := make(chan error, 1)
	m.stored = true // perhaps also if the write says that it failed
	m.reg.snapshots.put(m.id, write{save: s, done: func(err error) { written <- err }})
	return <-written
}

// forgetSnapshot deletes the snapshot of a match that has ended.
func (m *Match) forgetSnapshot() {
	if m.stored && !m.suspended {
		m.reg.snapshots.put(m.id, write{})
	}
}

// Restore makes the matches again that this node has snapshots of. It is called once, when
// the handlers are set and before clients can connect. A match that cannot be restored does
// not concern the others: the log says why, and its snapshot stays for the next start.
func (r *Registry) Restore(ctx context.Context) error {
	w := r.snapshots
	if w == nil {
		return nil
	}
	defer func() {
		r.restored.Store(true)
		r.refuseAll()
	}()
	began, restored, failed := time.Now(), 0, 0
	lost := func(err error) {
		failed++
		r.log.Error().Err(err).Msg("a match cannot be restored")
	}
	var all []*Snapshot
	if err := w.store.ReadSnapshots(ctx, r.o.Node, func(s *Snapshot, err error) {
		if err != nil {
			lost(err)
			return
		}
		all = append(all, s)
	}); err != nil {
		return fmt.Errorf("restore matches: %w", err)
	}
	for _, s := range all {
		if r.o.Elsewhere != nil {
			// Another node may be about to take it over, as this one has asked before it ended.
			claimed, err := r.pass(s.ID, r.o.Node, int64(s.Epoch), r.o.Node)
			if errors.Is(err, ErrSnapshotTaken) {
				continue
			}
			if err != nil {
				lost(err)
				continue
			}
			s.Epoch = claimed.Epoch
		}
		ended, err := r.restore(ctx, s, nil)
		switch {
		case err != nil:
			lost(fmt.Errorf("match %s of handler %q at tick %d, written by version %q: %w", s.ID, s.Handler, s.Tick, s.Version, err))
			continue
		case !ended:
			restored++
		}
		if ended {
			w.put(s.ID, write{})
		}
	}
	if restored+failed > 0 {
		r.log.Info().Int("matches", restored).Int("failed", failed).Dur("took", time.Since(began)).Msg("matches restored")
	}
	return nil
}

// restore makes a match from a snapshot: of before this node's start, or of another node
// that hands it over. ended says that its handler did not want that.
func (r *Registry) restore(ctx context.Context, s *Snapshot, from *presence.NodeID) (ended bool, err error) {
	factory, ok := r.factory(ctx, s.Handler)
	switch {
	case !ok:
		return false, fault.Newf(fault.NotFound, "no match handler is named %q", s.Handler)
	case s.Rate < 1 || s.Rate > 60:
		return false, fault.Newf(fault.InvalidArgument, "its tick rate is %d", s.Rate)
	}
	m := r.newMatch(s.ID, s.Home, s.Handler)
	m.epoch, m.stored = s.Epoch, r.o.SnapshotTicks > 0
	m.adopt(s, from)
	m.box.running = true // what is posted now waits until the match is complete
	// A state that would take most of the recording's memory is not kept beside what follows:
	// the recording begins after the call.
	if rec := r.o.Recorder; rec != nil && rec.o.Mode != RecordOff && len(s.State) <= rec.o.MaxMatch/4 {
		m.tape = m.newTape(rec.o.Mode == RecordAlways)
	}
	limit := r.o.RestoreTime
	if from != nil { // which waits
		limit = min(limit, takeOverRestore)
	}
	alive, abandoned, err := m.reviveWithin(limit, factory, s)
	if abandoned {
		return false, err
	}
	if err != nil || !alive {
		if err != nil && m.tape != nil {
			m.tape.fail(err, "match restore")
		}
		m.endRecord()
		if m.handler != nil {
			m.close()
		}
		m.cancel()
		return err == nil, err
	}
	m.sendDeferred()
	m.prepare()
	if err := r.open(m); err != nil {
		return false, err
	}
	if r.o.SnapshotTicks == 0 { // a crash must not go back to the last stop; before the match can end
		r.snapshots.put(s.ID, write{})
	}
	if from != nil || s.Home != r.o.Node {
		r.arrive(m)
	}
	m.box.mu.Lock()
	m.box.running = false
	if len(m.box.queue) > 0 || m.box.tickDue {
		m.wakeLocked()
	} else {
		m.box.mu.Unlock()
	}
	m.log.Info().Int64("tick", s.Tick).Int("members", len(s.Members)).Int("state_bytes", len(s.State)).Msg("match restored")
	return false, nil
}

// adopt takes over what the server knows of a match that is restored.
func (m *Match) adopt(s *Snapshot, from *presence.NodeID) {
	m.tick = s.Tick
	m.rate.Store(int32(s.Rate))
	m.label.Store(&s.Label)
	m.await(s, from)
}

// reviveWithin is revive for at most that long. Code in Go cannot be stopped: a match whose
// handler does not return is abandoned, so that it does not keep the server from starting. It
// belongs to the goroutine of that call then.
func (m *Match) reviveWithin(max time.Duration, factory Factory, s *Snapshot) (alive, abandoned bool, err error) {
	type result struct {
		alive bool
		err   error
	}
	returned := make(chan result, 1)
	go func() {
		alive, err := m.revive(factory, s)
		returned <- result{alive, err}
	}()
	timer := time.NewTimer(max)
	defer timer.Stop()
	select {
	case got := <-returned:
		return got.alive, false, got.err
	case <-timer.C:
	}
	m.cancel()
	m.box.mu.Lock()
	clear(m.box.members) // what it still sends is for nobody
	m.box.mu.Unlock()
	go func() {
		<-returned
		m.log.Warn().Msg("the handler of a match that was not restored has returned")
		m.endRecord()
		if m.handler != nil {
			m.close()
		}
	}()
	return false, true, fault.Newf(fault.DeadlineExceeded, "its handler has not returned after %s", max)
}

// revive makes the handler of a match and calls its Restore.
func (m *Match) revive(factory Factory, s *Snapshot) (alive bool, err error) {
	m.recordRestore(s)
	alive, err = guard(m, func() (bool, error) {
		handler, err := factory(m.ctx, m)
		if err != nil {
			return false, err
		}
		m.handler = handler
		m.identify()
		h, ok := handler.(Snapshotter)
		if !ok {
			return false, fault.New(fault.Unimplemented, "its handler does not implement snapshots any more")
		}
		return h.Restore(m.ctx, m.tick, s.State, slices.Clone(m.list))
	})
	m.recordedRestore(alive, err)
	return alive, err
}

// await puts the members of a snapshot and their messages into the match. They have
// Options.ResumeTime to come back, except those whose session was kept over the restart:
// they are on the stream. Of a match that another node hands over, these are only the members
// of that node whose sockets are closed.
func (m *Match) await(s *Snapshot, from *presence.NodeID) {
	deadline := time.Now().Add(m.reg.o.ResumeTime)
	for _, p := range s.Members {
		own := *p
		own.Stream = m.stream
		mem := &member{presence: &own, awaited: true, deadline: deadline}
		if from != nil {
			mem = m.memberOf(p, presence.OnNode(p.Session, *from) || slices.Contains(s.Away, p.Session))
		} else if on := m.reg.tracker.Get(p.Session, m.stream); on != nil {
			mem = &member{presence: on, session: m.reg.router.Session(p.Session), arrived: true}
		}
		m.list = append(m.list, mem.presence)
		m.box.members[p.Session] = mem
	}
	m.size.Store(int32(len(m.list)))
	for _, d := range s.Input {
		if mem := m.box.members[d.Session]; mem != nil {
			own := *d
			own.Presence = mem.presence
			m.box.input = append(m.box.input, &own)
		}
	}
}

// awaited returns the member of a restored match that a joining session is: it itself, or
// another one of its user that has not come back; nil if there is none.
func (m *Match) awaited(j *Joiner) *presence.Presence {
	b := &m.box
	b.mu.Lock()
	defer b.mu.Unlock()
	if mem := b.members[j.Session]; mem != nil {
		if mem.awaited {
			return mem.presence
		}
		return nil
	}
	for _, p := range m.list {
		if mem := b.members[p.Session]; p.UserID == j.UserID && mem != nil && mem.awaited {
			return mem.presence
		}
	}
	return nil
}

// replace puts the presence p in the place of a member of a restored match that was away. If it
// is of the same session, it was never gone for the handler; otherwise the handler's Join
// follows, which appends it to the list. The lock of the mailbox must be held.
func (m *Match) replace(away, p *presence.Presence) (same bool) {
	same = away.Session == p.Session
	i := slices.IndexFunc(m.list, func(q *presence.Presence) bool { return q.Session == away.Session })
	switch {
	case i < 0: // kicked meanwhile
		return false
	case same:
		m.list[i] = p
	default:
		m.list = slices.Delete(m.list, i, i+1)
	}
	delete(m.box.members, away.Session)
	return same
}

// present returns the members, without those of a restored match that have not come back.
func (m *Match) present() []*presence.Presence {
	b := &m.box
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(m.list), func(p *presence.Presence) bool {
		mem := b.members[p.Session]
		return mem != nil && mem.awaited
	})
}
