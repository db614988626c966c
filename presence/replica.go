package presence

import (
	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/runtime"
)

// Replica is the copy of the sessions and presences of one run of another node.
// What changes in it is told to clients and listeners of this node as if it had
// happened here. One goroutine at a time may call its methods, none of them with
// a lock that a session's Send takes.
type Replica struct {
	tracker *Tracker
	id      NodeID
	name    string
	epoch   uint64
	sum     uint64
	lost    bool
	named   bool // presences have names that differ from those of their sessions
}

// AddNode adds an empty copy of a node's run. The copy of an earlier run must have
// been Lost before.
func (t *Tracker) AddNode(id NodeID, name string, epoch uint64) *Replica {
	return &Replica{tracker: t, id: id, name: name, epoch: epoch}
}

// Epoch returns the number of the node's run.
func (r *Replica) Epoch() uint64 { return r.epoch }

// Checksum returns the exclusive or of the sums of all operations that were
// applied: the same as the node's when both are at the same number.
func (r *Replica) Checksum() uint64 { return r.sum }

// Apply repeats operations of the node, in order. What has no effect, such as the
// end of a session that is not known, is skipped.
func (r *Replica) Apply(ops ...Op) {
	if r.lost {
		return
	}
	r.tracker.holdEvents()
	for i := range ops {
		op := &ops[i]
		switch op.Kind {
		case OpUp:
			if r.up(op) {
				r.tracker.far.Opened(r.id, op.User, op.Session, op.Replaces)
			}
		case OpDown:
			r.down(op.Session)
		case OpTrack, OpUpdate:
			r.put(op)
		case OpUntrack:
			r.untrack(op)
		default:
			r.unheld(func() { r.obey(op) })
		}
	}
	r.tracker.releaseEvents()
}

// unheld calls f in the middle of Apply. f may wait for room in the queues.
func (r *Replica) unheld(f func()) {
	r.tracker.releaseEvents()
	f()
	r.tracker.holdEvents()
}

// obey does what a node asks of all others.
func (r *Replica) obey(op *Op) {
	t := r.tracker
	switch op.Kind {
	case OpClear:
		t.clear(op.Stream, op.Reason)
	case OpKick:
		t.kick(op.User, op.Stream, op.Reason)
	case OpOrder:
		t.far.Ordered(r.id, op.Payload)
	}
}

// up adds a session and reports whether it is new.
func (r *Replica) up(op *Op) bool {
	shard := r.tracker.far.shardOf(op.Session)
	shard.mu.Lock()
	defer shard.mu.Unlock()
	if _, twice := shard.byID[op.Session]; twice {
		return false
	}
	shard.byID[op.Session] = &farSession{id: op.Session, user: op.User, username: op.Username, node: r}
	r.sum ^= sumOfSession(op.Session, op.User, op.Username)
	return true
}

func (r *Replica) down(id uuid.UUID) {
	shard := r.tracker.far.shardOf(id)
	shard.mu.Lock()
	defer shard.mu.Unlock()
	if s := shard.byID[id]; s != nil && s.node == r {
		delete(shard.byID, id)
		r.sum ^= sumOfSession(id, s.user, s.username)
	}
}

func (e *elsewhere) shardOf(session uuid.UUID) *farShard { return &e.sessions[sessionSlot(session)] }

// put adds a presence or changes it.
func (r *Replica) put(op *Op) {
	s := r.tracker.far.session(op.Session)
	if s == nil || s.node != r {
		return
	}
	if op.Username != "" && op.Username != s.username {
		// Presences rarely have a name of their own.
		s = &farSession{id: s.id, user: s.user, username: op.Username, node: r}
		r.named = true
	}
	t := r.tracker
	slot := t.slot(op.Stream)
	shard := t.shard(slot)
	shard.mu.Lock()
	defer shard.mu.Unlock()
	l := shard.far[op.Stream]
	if l == nil {
		l = &farList{}
		shard.far[op.Stream] = l
	}
	now := farEntry{session: s, status: op.Status, admission: op.Admission, flags: op.flags()}
	i := l.find(s, r.named)
	if i < 0 {
		l.add(now)
		r.sum ^= now.sum(slot)
		t.far.count.Add(1)
		if t.heard(shard, op.Stream) {
			p := now.presence(op.Stream)
			p.Reason = runtime.PresenceReasonJoin
			t.emit(slot, event{stream: op.Stream, join: p})
		}
		return
	}
	old := l.entries[i]
	if op.Kind == OpUpdate {
		now.admission = old.admission
	}
	l.entries[i] = now
	changed := old.sum(slot) ^ now.sum(slot)
	r.sum ^= changed
	again := changed == 0 && op.Kind == OpTrack
	returned := now.admission != old.admission // it has left and come again meanwhile
	if again && !returned || op.Quiet || !t.heard(shard, op.Stream) {
		return
	}
	join, leave := now.presence(op.Stream), old.presence(op.Stream)
	join.Reason, leave.Reason = runtime.PresenceReasonUpdate, runtime.PresenceReasonUpdate
	if returned {
		join.Reason, leave.Reason = runtime.PresenceReasonJoin, runtime.PresenceReasonLeave
	}
	t.emit(slot, event{stream: op.Stream, join: join, leave: leave, quiet: again})
}

func (r *Replica) untrack(op *Op) {
	t := r.tracker
	slot := t.slot(op.Stream)
	shard := t.shard(slot)
	shard.mu.Lock()
	defer shard.mu.Unlock()
	l := shard.far[op.Stream]
	if l == nil {
		return
	}
	s := t.far.session(op.Session)
	if s == nil { // ended while this node missed it
		s = &farSession{id: op.Session}
	}
	i := l.find(s, r.named || s.node == nil)
	if i < 0 || l.entries[i].session.node != r {
		return
	}
	old := l.entries[i]
	l.remove(i)
	r.sum ^= old.sum(slot)
	t.far.count.Add(-1)
	if t.heard(shard, op.Stream) {
		p := old.presence(op.Stream)
		p.Reason = op.Reason
		t.emit(slot, event{stream: op.Stream, leave: p})
	}
	if len(l.entries) == 0 {
		delete(shard.far, op.Stream)
	}
}

// heard reports whether anybody on this node hears of changes on a stream, whose
// shard is locked. Who comes later sees the changes in the list.
func (t *Tracker) heard(shard *streamShard, stream Stream) bool {
	if t.listeners[stream.Mode].Load() != nil {
		return true
	}
	if stream.Mode == ModeStatus {
		return t.follows.any(stream.Subject)
	}
	return shard.streams[stream] != nil
}
