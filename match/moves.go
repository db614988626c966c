package match

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gofrs/uuid/v5"

	"kumi/store/fault"
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
// costs one atomic load; a client's message to another node takes the lock for reading. Its lock is never taken with that of a mailbox held.
type moves struct {
	some atomic.Bool
	mu   sync.RWMutex
	of   map[uuid.UUID]*moved
}

// moved is the place of one match.
type moved struct {
	Move       // with Ended, one that is over: kept for a while, as older news may arrive late
	hold *hold // it is moving; nil: it runs on Node
	// doubtful says that Node has begun to name all that have come to it, and has not named
	// this one.
	doubtful bool
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

// at returns the node that runs a match, as far as this one knows, and what is kept for the
// match if it is moving. home is the node in its id. Callers hold the lock.
func (l *moves) at(id uuid.UUID, home string) (node string, h *hold) {
	if m := l.of[id]; m != nil && m.Home == home && !m.Ended {
		return m.Node, m.hold
	}
	return home, nil
}

// node is at for those who do not hold the lock and do not care whether the match is moving.
func (l *moves) node(id uuid.UUID, home string) string {
	if !l.some.Load() {
		return home
	}
	l.mu.RLock()
	defer l.mu.RUnlock()
	node, _ := l.at(id, home)
	return node
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

// settled waits until a match is not moving, and returns its node. The error is errMoving
// when ctx ends before that.
func (l *moves) settled(ctx context.Context, id uuid.UUID, home string) (node string, err error) {
	if !l.some.Load() {
		return home, nil
	}
	for {
		l.mu.RLock()
		node, h := l.at(id, home)
		l.mu.RUnlock()
		if h == nil {
			return node, nil
		}
		select {
		case <-h.over:
		case <-ctx.Done():
			return "", errMoving
		}
	}
}

// errMoving answers those who have waited for a match that is moving.
var errMoving = fault.New(fault.Unavailable, "The match is moving to another node.")

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

// set notes where a match runs, unless something later is known. own says that the node that
// runs it says so, in the order in which it sends: what others say may be older than its wish
// to hold. arrive gets what was held for the match, with the lock held.
func (l *moves) set(m Move, own bool, arrive func(held []heldInput)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	is := l.of[m.Match]
	if is != nil {
		is.doubtful = false
	}
	switch {
	case is == nil, is.Epoch < m.Epoch:
	case is.Epoch > m.Epoch, is.Ended, is.hold != nil && !own && !m.Ended:
		return
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
	is.Move, is.doubtful = m, false
	return is
}

// KnownMoves returns how many matches this node knows of that have moved, are moving, or have
// done so and ended a short time ago. While it is not 0 each message of a client costs a
// lookup more. Tests use it, to see that all are forgotten in the end.
func (r *Registry) KnownMoves() int {
	r.moves.mu.RLock()
	defer r.moves.mu.RUnlock()
	return len(r.moves.of)
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

// doubt makes those doubtful that have come to a node, until there is news of them.
func (l *moves) doubt(node string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, m := range l.of {
		m.doubtful = m.doubtful || m.Node == node && m.Home != node
	}
}

// drop forgets the matches of a node, all or those that are doubtful, and returns them.
func (l *moves) drop(node string, doubtful bool) (ids map[uuid.UUID]bool) {
	if !l.some.Load() {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	ids = map[uuid.UUID]bool{}
	for id, m := range l.of {
		if m.Node == node && (m.doubtful || !doubtful) {
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
