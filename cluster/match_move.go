package cluster

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"kumi/cluster/wire"
	"kumi/match"
	"kumi/presence"
)

const (
	// holdTimeout is how long a match that is handed over waits for a node that does not say
	// that it keeps what its clients send.
	holdTimeout = time.Second
	// confirmTimeout is how long a node is waited for that is told where matches have moved.
	confirmTimeout = 2 * time.Second
)

// holds are the questions of Hold that wait for their answers.
type holds struct {
	mu     sync.Mutex
	number uint64
	open   map[uint64]*openHold
	// silent are nodes that have not answered in time. They are asked, but not waited for: a
	// node hands over once, and would wait for each match.
	silent map[presence.NodeID]bool
}

type openHold struct {
	left map[presence.NodeID]bool // have not answered
	done chan struct{}            // closed when all have
}

// Hold implements match.Elsewhere. Both the question and the answer are items, so what was
// sent before them has arrived.
func (m *Matches) Hold(at match.Move) {
	h := &openHold{left: map[presence.NodeID]bool{}, done: make(chan struct{})}
	l := &m.holds
	l.mu.Lock()
	l.number++
	number := l.number
	in := &wire.MatchHold{At: writeMove(at), Number: number}
	for _, p := range m.n.Peers() {
		if p.State.Alive() {
			h.left[p.ID] = !l.silent[p.ID]
			m.n.Send(p.ID, wire.Kind_KIND_MATCH_HOLD, in, true)
		}
	}
	maps.DeleteFunc(h.left, func(_ presence.NodeID, wait bool) bool { return !wait })
	if len(h.left) == 0 {
		l.mu.Unlock()
		return
	}
	if l.open == nil {
		l.open, l.silent = map[uint64]*openHold{}, map[presence.NodeID]bool{}
	}
	l.open[number] = h
	l.mu.Unlock()
	timer := time.NewTimer(holdTimeout)
	defer timer.Stop()
	select {
	case <-h.done:
	case <-timer.C:
	}
	l.mu.Lock()
	delete(l.open, number)
	for id := range h.left {
		l.silent[id] = true
	}
	l.mu.Unlock()
}

// answered takes a node off a question, or off all if number is 0.
func (l *holds) answered(from presence.NodeID, number uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for n, h := range l.open {
		if (number == 0 || n == number) && h.left[from] {
			if delete(h.left, from); len(h.left) == 0 {
				close(h.done)
			}
		}
	}
}

// Heirs implements match.Elsewhere: nodes with the same modules first, then those with the
// fewest matches, counting how often this node has named them first: as many matches are
// handed over at a time, they would all go to one node otherwise.
func (m *Matches) Heirs(except []string) (ready []string, coming bool) {
	m.heirs.Lock()
	defer m.heirs.Unlock()
	digest := m.o.Digest()
	var all []Peer
	for _, p := range m.n.Peers() {
		switch {
		case slices.Contains(except, p.Name):
		case p.State == Joining || p.State == Ready && p.Starting:
			coming = true
		case p.State == Ready:
			all = append(all, p)
		}
	}
	slices.SortFunc(all, func(a, b Peer) int {
		differs := func(p Peer) int {
			if p.Digest == digest {
				return 0
			}
			return 1
		}
		return cmp.Or(differs(a)-differs(b), cmp.Compare(a.Matches+m.given[a.Name], b.Matches+m.given[b.Name]), cmp.Compare(a.Name, b.Name))
	})
	for _, p := range all {
		ready = append(ready, p.Name)
	}
	if len(ready) > 0 {
		if m.given == nil {
			m.given = map[string]int{}
		}
		m.given[ready[0]]++
	}
	return ready, coming
}

// HandOver implements match.Elsewhere.
func (m *Matches) HandOver(ctx context.Context, node string, at match.Move, handler string) (ended bool, err error) {
	p, ok := m.n.ByName(node)
	if !ok {
		return false, match.ErrNotFound
	}
	out := &wire.MatchTaken{}
	err = Call(ctx, m.n, p.ID, wire.Method_METHOD_MATCH_TAKE, &wire.MatchTake{From: writeMove(at), Handler: []byte(handler)}, out)
	return out.Ended, err
}

// Moved implements match.Elsewhere.
func (m *Matches) Moved(all ...match.Move) {
	in := writeMoves(all)
	for _, p := range m.n.Peers() {
		m.n.Send(p.ID, wire.Kind_KIND_MATCH_MOVES, in, true)
	}
}

// Confirm implements match.Elsewhere.
func (m *Matches) Confirm(ctx context.Context, all []match.Move) {
	ctx, cancel := context.WithTimeout(ctx, confirmTimeout)
	defer cancel()
	for part := range slices.Chunk(all, movesAtOnce) {
		m.confirm(ctx, part)
	}
}

func (m *Matches) confirm(ctx context.Context, part []match.Move) {
	for _, a := range CallAll[*wire.MatchMoves](ctx, m.n, wire.Method_METHOD_MATCH_MOVES, writeMoves(part)) {
		if a.Err != nil {
			m.n.log.Warn().Err(a.Err).Str("peer", a.Peer.Name).Msg("a node has not confirmed where matches have moved to: its players may leave them")
		}
	}
}

// serveMoves lets other nodes hand over matches, and follows where they are.
func (m *Matches) serveMoves(r *match.Registry) {
	HandleCall(m.n, wire.Method_METHOD_MATCH_TAKE, func(ctx context.Context, from presence.NodeID, in *wire.MatchTake) (*wire.MatchTaken, error) {
		at, ok := readMove(in.From)
		if !ok || presence.NodeHash(at.Node) != from {
			return nil, errMalformed
		}
		ended, err := r.TakeOver(ctx, at, string(in.Handler))
		return &wire.MatchTaken{Ended: ended}, err
	})
	HandleCall(m.n, wire.Method_METHOD_MATCH_MOVES, func(_ context.Context, _ presence.NodeID, in *wire.MatchMoves) (*wire.MatchMoves, error) {
		if len(in.Moves) > 0 {
			r.Moved(false, readMoves(in)...)
			return &wire.MatchMoves{}, nil
		}
		return m.answerMoves(in.After), nil
	})
	m.n.OnJoin(m.askAllMoves) // before this node judges who is in its matches
	HandleItem(m.n, wire.Kind_KIND_MATCH_MOVES, func(from presence.NodeID, in *wire.MatchMoves) {
		p, _ := m.n.Peer(from)
		if in.Begins {
			r.Doubt(p.Name)
		}
		for _, one := range readMoves(in) {
			r.Moved(one.Node == p.Name, one)
		}
		if in.Ends {
			r.Doubted(p.Name)
		}
	})
	HandleItem(m.n, wire.Kind_KIND_MATCH_HOLD, func(from presence.NodeID, in *wire.MatchHold) {
		if at, ok := readMove(in.At); ok {
			r.Held(at)
		}
		m.n.Send(from, wire.Kind_KIND_MATCH_HELD, &wire.MatchHeld{Number: in.Number}, true)
	})
	HandleItem(m.n, wire.Kind_KIND_MATCH_HELD, func(from presence.NodeID, in *wire.MatchHeld) { m.holds.answered(from, in.Number) })
	m.n.OnPeer(func(p Peer, was State) {
		switch {
		case !p.State.Alive():
			m.holds.answered(p.ID, 0)
		case was == Lost: // it is new, or has forgotten what this node has
			m.tellMoves(p.ID)
			// It may not have noticed that this node took it for lost.
			m.n.wait.Go(func() {
				ctx, cancel := context.WithTimeout(m.n.context, confirmTimeout)
				defer cancel()
				_ = m.askMoves(ctx, p.ID)
			})
		}
	})
}
