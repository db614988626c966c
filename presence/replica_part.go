package presence

import (
	"slices"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/runtime"
)

// Replace makes a part of the copy equal to ops, as Tracker.Part has them on the
// node, by applying what differs: clients are told of real changes only.
// Presences whose sessions are not known are returned: they must be given to
// Apply once the operation that their session opened was.
func (r *Replica) Replace(part int, ops []Op) (early []Op) {
	if r.lost {
		return nil
	}
	if part < sessionShards {
		r.Apply(r.otherSessions(part, ops)...)
		return nil
	}
	changes := r.otherPresences(part-sessionShards, ops)
	changes = slices.DeleteFunc(changes, func(op Op) bool {
		if op.Kind == OpTrack && r.tracker.far.session(op.Session) == nil {
			early = append(early, op)
			return true
		}
		return false
	})
	for slice := range slices.Chunk(changes, 1000) {
		r.Apply(slice...)
	}
	return early
}

// otherSessions returns the operations that make the sessions of a part equal.
func (r *Replica) otherSessions(part int, ops []Op) []Op {
	want := make(map[uuid.UUID]struct{}, len(ops))
	for i := range ops {
		want[ops[i].Session] = struct{}{}
	}
	shard := &r.tracker.far.sessions[part]
	shard.mu.RLock()
	defer shard.mu.RUnlock()
	var changes []Op
	for id, s := range shard.byID {
		if _, ok := want[id]; !ok && s.node == r {
			changes = append(changes, Op{Kind: OpDown, Session: id})
		}
	}
	return append(changes, ops...) // a session that is known stays as it is
}

// otherPresences returns the operations that make the presences of a part equal,
// leaves first.
func (r *Replica) otherPresences(shardIndex int, ops []Op) []Op {
	type key struct {
		stream  Stream
		session uuid.UUID
	}
	want := make(map[key]struct{}, len(ops))
	for i := range ops {
		want[key{ops[i].Stream, ops[i].Session}] = struct{}{}
	}
	var changes []Op
	shard := &r.tracker.shards[shardIndex]
	shard.mu.RLock()
	for stream, l := range shard.far {
		for i := range l.entries {
			s := l.entries[i].session
			if s.node != r {
				continue
			}
			if _, ok := want[key{stream, s.id}]; !ok {
				reason := runtime.PresenceReasonLeave
				if r.tracker.far.session(s.id) == nil {
					reason = runtime.PresenceReasonDisconnect
				}
				changes = append(changes, Op{Kind: OpUntrack, Session: s.id, Stream: stream, Meta: Meta{Reason: reason}})
			}
		}
	}
	shard.mu.RUnlock()
	return append(changes, ops...) // Apply finds out which are new or differ
}
