package match

import (
	"context"
	"errors"
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
