package presence

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/gofrs/uuid/v5"
)

// Links connects a Tracker to the other nodes of a cluster. All fields are
// required.
type Links struct {
	Log   Log
	Peers Peers
	// Opened is called when a session of another node opened or becomes known, with those
	// sessions of the same user that its node knew of and that it may replace. It must not
	// call the Tracker. Ordered gets the payloads of Tracker.Order of another node. Both
	// run on the goroutine that applies that node's log, with no lock held, and should not
	// block.
	Opened  func(from NodeID, user, session uuid.UUID, replaces []uuid.UUID)
	Ordered func(from NodeID, payload []byte)
}

// Peers carries messages to sessions of other nodes. Its methods may be called
// from any goroutine, and must not block, except Act. What they send to one node arrives in
// order; a message that cannot be encoded is dropped.
type Peers interface {
	// ToStream sends m to the sessions that each of the nodes has on a stream, but
	// except. The slice is the caller's.
	ToStream(nodes []NodeID, stream Stream, except uuid.UUID, m *Message)
	// ToSessions sends m to sessions of a node.
	ToSessions(node NodeID, sessions []uuid.UUID, m *Message)
	// ToAll sends m to all sessions of all other nodes.
	ToAll(m *Message)
	// Queue is ToSessions for one session, which may wait for Flush: one message for
	// several sessions of a node, queued in a row, crosses once.
	Queue(node NodeID, session uuid.UUID, m *Message)
	// Flush sends what was queued for a node.
	Flush(node NodeID)
	// Close closes a session of a node, as Session.Close.
	Close(node NodeID, session uuid.UUID, reason CloseReason, final []*Message)
	// Behind is Tracker.Behind for the sessions of a node.
	Behind(node NodeID) bool
	// Act is Tracker.Act for a session of another node. Unlike the others it waits.
	Act(ctx context.Context, node NodeID, c SessionCall) (bool, error)
}

// elsewhere is what a Tracker knows of the other nodes. A Tracker on its own
// has none.
type elsewhere struct {
	Links
	sessions [sessionShards]farShard
	count    atomic.Int64 // presences
}

// farShard holds sessions of other nodes. Its lock is taken last.
type farShard struct {
	mu   sync.RWMutex
	byID map[uuid.UUID]*farSession
}

// Connect makes the tracker one of several: changes of its own presences go to
// the log, and copies of the other nodes' presences can be added. It must be
// called before the first session opens.
func (t *Tracker) Connect(l Links) {
	far := &elsewhere{Links: l}
	for i := range far.sessions {
		far.sessions[i].byID = map[uuid.UUID]*farSession{}
	}
	for i := range t.shards {
		t.shards[i].far = map[Stream]*farList{}
	}
	t.far = far
	t.sessions.log = l.Log
}

// Order makes Links.Ordered be called with payload on every other node, if there
// are any.
func (t *Tracker) Order(payload []byte) { t.tell(Op{Kind: OpOrder, Payload: payload}) }

// tell logs an operation that changes no presence of this node.
func (t *Tracker) tell(op Op) {
	if t.far != nil {
		t.far.Log.Append(op, 0)
	}
}

// session returns a session of another node, or nil.
func (e *elsewhere) session(id uuid.UUID) *farSession {
	shard := &e.sessions[sessionSlot(id)]
	shard.mu.RLock()
	defer shard.mu.RUnlock()
	return shard.byID[id]
}

// Behind reports whether presences of a session may be on their way for long: it is one of
// another node that is down, or that is back and being copied. It may be called with any lock.
func (t *Tracker) Behind(session uuid.UUID) bool {
	return t.far != nil && !t.Owns(session) && t.far.Peers.Behind(NodeOf(session))
}

// SessionsElsewhere returns the sessions of a user on other nodes, as far as they
// are on the stream of the user's notifications, as all are at first.
func (t *Tracker) SessionsElsewhere(user uuid.UUID) []uuid.UUID {
	if t.far == nil {
		return nil
	}
	var all []uuid.UUID
	t.eachFar(NotificationsOf(user), func(e *farEntry) { all = append(all, e.session.id) })
	return all
}
