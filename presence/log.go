package presence

import (
	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/runtime"
)

// Log receives the changes of this node's sessions and presences, in order, so
// that other nodes can repeat them with Replica.Apply.
type Log interface {
	// Append numbers an operation. sum is what it changes in the node's checksum: the
	// checksum is the exclusive or of all sums. It is called with the lock of the part
	// that changes, so it must not block and not call the Tracker or Sessions.
	Append(op Op, sum uint64)
	// Seq is the number of the last operation.
	Seq() uint64
}

// OpKind is the kind of an operation.
type OpKind uint8

// The operations. The first five change the state that a copy holds, each in one
// part; the others ask every node to do something, once.
const (
	OpUp      OpKind = iota + 1 // a session opened: Session, User, Username, Replaces
	OpDown                      // a session ended that is on no stream: Session
	OpTrack                     // a session joined a stream: Session, Stream, Meta, First
	OpUpdate                    // its metadata there changed: Session, Stream, Meta, Quiet
	OpUntrack                   // it left: Session, Stream, Reason
	OpClear                     // take all sessions off a stream: Stream, Reason
	OpKick                      // take a user's sessions off a stream: User, Stream, Reason
	OpOrder                     // Payload
)

// Op is an operation on the sessions and presences of one node.
type Op struct {
	Kind     OpKind
	Quiet    bool // others are not told of it
	First    bool // before it, the node had nobody on the stream
	Session  uuid.UUID
	User     uuid.UUID
	Stream   Stream
	Meta     // of OpUp only the username
	Replaces []uuid.UUID
	Payload  []byte
}

// The three log what changes on a stream, whose shard is locked.
func (t *Tracker) logTrack(p *Presence, s Session, first bool) {
	if t.far != nil {
		t.far.Log.Append(Op{Kind: OpTrack, Session: p.Session, Stream: p.Stream, Meta: p.metaOf(s), First: first}, p.sum(p.Stream.hash()))
	}
}

func (t *Tracker) logUpdate(p, old *Presence, s Session, quiet bool) {
	if t.far != nil {
		h := p.Stream.hash()
		t.far.Log.Append(Op{Kind: OpUpdate, Session: p.Session, Stream: p.Stream, Meta: p.metaOf(s), Quiet: quiet}, old.sum(h)^p.sum(h))
	}
}

// logUntrack does not tell that a stream is closed quietly: on another node somebody may
// have joined it again, and must hear who leaves.
func (t *Tracker) logUntrack(p *Presence, reason runtime.PresenceReason) {
	if t.far != nil {
		t.far.Log.Append(Op{Kind: OpUntrack, Session: p.Session, Stream: p.Stream, Meta: Meta{Reason: reason}}, p.sum(p.Stream.hash()))
	}
}

// metaOf is the metadata without what follows from the session.
func (p *Presence) metaOf(s Session) Meta {
	m := p.Meta
	if m.Username == s.Username() {
		m.Username = ""
	}
	return m
}

// Parts is the number of parts of a node's state: a stream's presences are in one
// of the last streamShards, its sessions in the others. Which part something
// is in depends on ids and names only: it is the same on every node.
const Parts = sessionShards + streamShards

// Part returns the part that the operation changes; ok is false for one that
// changes no state.
func (op *Op) Part() (part int, ok bool) {
	switch op.Kind {
	case OpUp, OpDown:
		return int(sessionSlot(op.Session)), true
	case OpTrack, OpUpdate, OpUntrack:
		return sessionShards + int(op.Stream.hash()%streamShards), true
	}
	return 0, false
}

// Part returns the operations that make one part of this node's state, and the
// number of the last operation that they include. Parts must be taken in
// ascending order. It may be called from any goroutine.
func (t *Tracker) Part(part int) (seq uint64, ops []Op) {
	if part < sessionShards {
		shard := &t.sessions.shards[part]
		shard.mu.RLock()
		defer shard.mu.RUnlock()
		ops = make([]Op, 0, len(shard.byID))
		for id, m := range shard.byID {
			ops = append(ops, Op{Kind: OpUp, Session: id, User: m.session.UserID(), Meta: Meta{Username: m.session.Username()}})
		}
		return t.far.Log.Seq(), ops
	}
	shard := &t.shards[part-sessionShards]
	shard.mu.RLock()
	defer shard.mu.RUnlock()
	for stream, se := range shard.streams {
		for i := range se.entries {
			ops = append(ops, Op{Kind: OpTrack, Session: se.entries[i].id, Stream: stream, Meta: se.entries[i].presence.metaOf(se.entries[i].session)})
		}
	}
	return t.far.Log.Seq(), ops
}
