package match

import (
	"context"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gofrs/uuid/v5"

	"kumi/presence"
)

// Move says which node runs a match that does not, or did not always, run on the node in
// its id.
type Move struct {
	Match uuid.UUID
	Home  string // the node in the match's id
	Node  string // the one that runs it
	// Epoch grows with each change of the node: of two moves of a match the higher holds.
	Epoch uint64
	// Ended says that the match is over.
	Ended bool
}

// moves knows where the matches run that have moved, and keeps what this node's clients
// send to those that are moving. While it is empty, as it is unless a node was drained, it
// costs one atomic load. Its lock is never taken with that of a mailbox held.
type moves struct {
	some atomic.Bool
	mu   sync.RWMutex
	of   map[uuid.UUID]*moved
}

// moved is the place of one match.
type moved struct {
	Move       // with Ended, one that is over: kept for a while, as older news may arrive late
	hold *hold // it is moving; nil: it runs on Node
}

// hold keeps messages for a match that is moving.
type hold struct {
	inputs []heldInput
	over   chan struct{} // closed when the match runs again
}

type heldInput struct {
	session uuid.UUID
	data    *DataSend
}

// node returns the node that runs a match, as far as this one knows. home is the one in
// its id.
func (l *moves) node(id uuid.UUID, home string) string {
	if !l.some.Load() {
		return home
	}
	l.mu.RLock()
	defer l.mu.RUnlock()
	if m := l.of[id]; m != nil && m.Home == home && !m.Ended {
		return m.Node
	}
	return home
}

// get returns what is known of a match.
func (l *moves) get(id uuid.UUID) (m Move, ok bool) {
	if !l.some.Load() {
		return Move{}, false
	}
	l.mu.RLock()
	defer l.mu.RUnlock()
	if x := l.of[id]; x != nil && !x.Ended {
		return x.Move, true
	}
	return Move{}, false
}

// settled waits until a match is not moving, and returns its node.
func (l *moves) settled(ctx context.Context, id uuid.UUID, home string) (node string, err error) {
	if !l.some.Load() {
		return home, nil
	}
	for {
		l.mu.RLock()
		m := l.of[id]
		if m == nil || m.Home != home || m.Ended {
			l.mu.RUnlock()
			return home, nil
		}
		node, h := m.Node, m.hold
		l.mu.RUnlock()
		if h == nil {
			return node, nil
		}
		select {
		case <-h.over:
		case <-ctx.Done():
			return "", ctx.Err()
		}
	}
}

// hold keeps what is sent to a match from now on, until set says where it runs.
func (l *moves) hold(m Move) {
	l.mu.Lock()
	defer l.mu.Unlock()
	is := l.of[m.Match]
	if is != nil && (is.Epoch > m.Epoch || is.Ended) {
		return
	}
	is = l.put(m)
	if is.hold == nil {
		is.hold = &hold{over: make(chan struct{})}
	}
}

// set notes where a match runs, unless something later is known, and reports whether it
// did. arrive gets what was held for it, with the lock held.
func (l *moves) set(m Move, arrive func(held []heldInput)) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	is := l.of[m.Match]
	if is != nil && (is.Epoch > m.Epoch || is.Ended && is.Epoch == m.Epoch) {
		return false
	}
	is = l.put(m)
	if m.Ended {
		time.AfterFunc(keepEnded, func() {
			l.mu.Lock()
			defer l.mu.Unlock()
			if l.of[m.Match] == is && is.Ended {
				l.remove(m.Match)
			}
		})
	}
	if h := is.hold; h != nil {
		is.hold = nil
		arrive(h.inputs)
		close(h.over)
	} else {
		arrive(nil)
	}
	return true
}

// put notes a move, and keeps what is held for the match. Callers hold the lock.
func (l *moves) put(m Move) *moved {
	is := l.of[m.Match]
	if is == nil {
		is = &moved{}
		if l.of == nil {
			l.of = map[uuid.UUID]*moved{}
		}
		l.of[m.Match] = is
		l.some.Store(true)
	}
	is.Move = m
	return is
}

// keepEnded is longer than news about a match can take to arrive.
const keepEnded = time.Minute

// remove forgets a match, and what is held for it. Callers hold the lock.
func (l *moves) remove(id uuid.UUID) {
	m := l.of[id]
	if m == nil {
		return
	}
	if m.hold != nil {
		close(m.hold.over)
	}
	delete(l.of, id)
	l.some.Store(len(l.of) > 0)
}

// lost forgets the matches of a node, and returns them.
func (l *moves) lost(node string) (ids map[uuid.UUID]bool) {
	if !l.some.Load() {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	ids = map[uuid.UUID]bool{}
	for id, m := range l.of {
		if m.Node == node {
			ids[id] = true
			l.remove(id)
		}
	}
	return ids
}

// on returns the moved matches that a node runs.
func (l *moves) on(node string) (list []Move) {
	if !l.some.Load() {
		return nil
	}
	l.mu.RLock()
	defer l.mu.RUnlock()
	for _, m := range l.of {
		if m.Node == node && m.hold == nil && !m.Ended {
			list = append(list, m.Move)
		}
	}
	return list
}

// Owner returns the name of the node that runs an authoritative match: the one in its id,
// unless it has moved.
func (r *Registry) Owner(s presence.Stream) string { return r.moves.node(s.Subject, s.Label) }

// inputElsewhere sends a client's message to the node of a match, or keeps it while the
// match is moving. Messages of one session arrive in the order of the calls.
func (r *Registry) inputElsewhere(home string, id, session uuid.UUID, d *DataSend) {
	if r.o.Elsewhere == nil {
		return
	}
	l := &r.moves
	if !l.some.Load() {
		if home != r.o.Node {
			r.o.Elsewhere.Input(home, id, session, d)
		}
		return
	}
	l.mu.RLock()
	m := l.of[id]
	switch {
	case m == nil || m.Home != home || m.Ended:
		if home != r.o.Node {
			r.o.Elsewhere.Input(home, id, session, d)
		}
		l.mu.RUnlock()
	case m.hold == nil:
		if m.Node != r.o.Node {
			r.o.Elsewhere.Input(m.Node, id, session, d)
		}
		l.mu.RUnlock()
	default:
		l.mu.RUnlock()
		r.holdInput(home, id, session, d)
	}
}

// holdInput keeps a message for a match that is moving.
func (r *Registry) holdInput(home string, id, session uuid.UUID, d *DataSend) {
	l := &r.moves
	l.mu.Lock()
	m := l.of[id]
	if m == nil || m.hold == nil { // it has just arrived
		l.mu.Unlock()
		r.input(home, id, session, d)
		return
	}
	full := len(m.hold.inputs) >= r.o.InputQueue
	if !full {
		m.hold.inputs = append(m.hold.inputs, heldInput{session, d})
	}
	l.mu.Unlock()
	if full {
		r.metrics.MatchDropped("", "input")
	}
}

// Held keeps what this node's clients send to a match that begins to move, until Moved
// says where it is. The cluster calls it, in the order in which the match's node sends.
func (r *Registry) Held(m Move) { r.moves.hold(m) }

// Moved notes where matches run that have moved. The cluster calls it. It does not block.
func (r *Registry) Moved(all ...Move) {
	for _, m := range all {
		r.moves.set(m, func(held []heldInput) {
			if m.Ended {
				return
			}
			here := r.here(m.Match)
			if m.Node != r.o.Node && here != nil {
				here.yield(m.Node)
			}
			for _, in := range held {
				if m.Node != r.o.Node {
					r.o.Elsewhere.Input(m.Node, m.Match, in.session, in.data)
				} else if here != nil {
					here.dataUpTo(math.MaxInt, in.session, in.data.OpCode, in.data.Data, in.data.Reliable)
				}
			}
		})
	}
}

// yield makes a match of this node stop that another one runs now. What has arrived for it
// since its last snapshot is sent there.
func (m *Match) yield(node string) {
	b := &m.box
	b.mu.Lock()
	if b.stopped || b.moved {
		b.mu.Unlock()
		return
	}
	b.moved = true
	if b.moving {
		for _, d := range b.input[b.written:] {
			m.reg.o.Elsewhere.Input(node, m.id, d.Session, &DataSend{OpCode: d.OpCode, Data: d.Data, Reliable: d.Reliable})
		}
	}
	m.post(item{kind: doYield})
}

// MovedHere returns the matches that this node runs and others have had before, for a node
// that is new in the cluster.
func (r *Registry) MovedHere() []Move {
	return slices.DeleteFunc(r.moves.on(r.o.Node), func(m Move) bool { return r.here(m.Match) == nil })
}
