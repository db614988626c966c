package match

import (
	"math"
	"slices"

	"github.com/gofrs/uuid/v5"

	"kumi/presence"
)

// Owner returns the name of the node that runs an authoritative match: the one in its id,
// unless it has moved.
func (r *Registry) Owner(s presence.Stream) string { return r.moves.node(s.Subject, s.Label) }

// input passes a client's message on to an authoritative match, wherever it runs, or keeps it
// while the match is moving. home is the node in its id. Messages of one session arrive in
// the order of the calls: what was passed on to another node under the lock is ahead of the
// answer that this node keeps what follows. A match of this node needs no lock for that, as its
// mailbox says when it has moved.
func (r *Registry) input(home string, id, session uuid.UUID, d *DataSend) {
	l := &r.moves
	if home == r.o.Node && !l.some.Load() && r.inputAt(home, home, id, session, d) {
		return
	}
	l.mu.RLock()
	node, h := l.at(id, home)
	if h == nil {
		r.inputAt(node, home, id, session, d)
	}
	l.mu.RUnlock()
	if h != nil {
		r.holdInput(home, id, session, d)
	}
}

// inputAt passes a message on to a match that a node runs. It reports false if that is this
// one and the match has moved.
func (r *Registry) inputAt(node, home string, id, session uuid.UUID, d *DataSend) bool {
	if node == r.o.Node {
		m := r.homed(id, home)
		return m == nil || m.data(session, d.OpCode, d.Data, d.Reliable)
	}
	if r.o.Elsewhere != nil {
		r.o.Elsewhere.Input(node, id, session, d)
	}
	return true
}

// holdInput keeps a message for a match that is moving.
func (r *Registry) holdInput(home string, id, session uuid.UUID, d *DataSend) {
	l := &r.moves
	l.mu.Lock()
	_, h := l.at(id, home)
	full := h != nil && len(h.inputs) >= r.o.InputQueue
	if h != nil && !full {
		h.inputs = append(h.inputs, heldInput{session, d})
	}
	l.mu.Unlock()
	switch {
	case h == nil: // it has just arrived
		r.input(home, id, session, d)
	case full:
		r.metrics.MatchDropped("", "input")
	}
}

// Held keeps what this node's clients send to a match that begins to move, until Moved
// says where it is. The cluster calls it, in the order in which the match's node sends.
func (r *Registry) Held(m Move) { r.moves.hold(m) }

// Moved notes where matches run that have moved. own says that it is the word of the node
// that runs them, in the order in which that sends it and asks to hold. The cluster calls it.
// It does not block.
func (r *Registry) Moved(own bool, all ...Move) {
	var lost []string
	for _, m := range all {
		r.moves.set(m, own, func(held []heldInput) {
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
		if !m.Ended && m.Node != r.o.Node && !slices.Contains(lost, m.Node) && !r.o.Elsewhere.Known(m.Node) {
			lost = append(lost, m.Node)
		}
	}
	for _, node := range lost { // NodeLost may have come too early to see these matches
		r.NodeLost(node)
	}
}

// Doubt is called when another node begins to name all moved matches that it runs, which it
// does after it took this one for lost and told it nothing. Doubted is called when it has
// named them, as Moved was: the rest has ended, and this node's sessions leave it. Neither
// blocks.
func (r *Registry) Doubt(node string) { r.moves.doubt(node) }

// Doubted ends what Doubt has begun.
func (r *Registry) Doubted(node string) {
	if ended := r.moves.drop(node, true); len(ended) > 0 {
		r.leave(func(s presence.Stream) bool { return ended[s.Subject] })
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
