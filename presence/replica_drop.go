package presence

import (
	"slices"

	"github.com/heroiclabs/nakama-common/runtime"
)

// Down takes the node's sessions off all streams, since nothing is heard of it,
// but those of matches and parties: they go on without their far members until
// the node is lost. The sessions stay known. If the node comes back, its parts
// must be replaced.
func (r *Replica) Down() {
	r.drop(func(s Stream) bool { return !heldBack(s.Mode) })
}

// Lost removes the copy. The Replica cannot be used afterwards.
func (r *Replica) Lost() {
	r.drop(func(Stream) bool { return true })
	r.lost = true
	far := r.tracker.far
	for i := range far.sessions {
		shard := &far.sessions[i]
		shard.mu.Lock()
		for id, s := range shard.byID {
			if s.node == r {
				delete(shard.byID, id)
			}
		}
		shard.mu.Unlock()
	}
}

// heldBack reports whether streams of a mode keep the presences of a node that
// may come back: leaving a match or a party is final.
func heldBack(mode uint8) bool {
	return mode == ModeMatchRelayed || mode == ModeMatchAuthoritative || mode == ModeParty
}

// drop takes the node's sessions off the streams that which names: each stream
// on its own, so that others get at its shard in between, and with one event.
func (r *Replica) drop(which func(Stream) bool) {
	t := r.tracker
	for i := range t.shards {
		shard := &t.shards[i]
		shard.mu.RLock()
		var streams []Stream
		for s, l := range shard.far {
			if which(s) && slices.ContainsFunc(l.appendNodes(nil), func(id NodeID) bool { return id == r.id }) {
				streams = append(streams, s)
			}
		}
		shard.mu.RUnlock()
		for some := range slices.Chunk(streams, 256) {
			t.holdEvents()
			for _, s := range some {
				r.dropFrom(shard, s)
			}
			t.releaseEvents()
		}
	}
}

func (r *Replica) dropFrom(shard *streamShard, stream Stream) {
	t := r.tracker
	slot := t.slot(stream)
	shard.mu.Lock()
	defer shard.mu.Unlock()
	l := shard.far[stream]
	if l == nil {
		return
	}
	heard := t.heard(shard, stream)
	before := len(l.entries)
	l.entries = slices.DeleteFunc(l.entries, func(e farEntry) bool {
		if e.session.node != r {
			return false
		}
		r.sum ^= e.sum(slot)
		if heard {
			p := e.presence(stream)
			p.Reason = runtime.PresenceReasonDisconnect
			t.emit(slot, event{stream: stream, leave: p})
		}
		return true
	})
	n := before - len(l.entries)
	t.far.count.Add(int64(-n))
	if len(l.entries) == 0 {
		delete(shard.far, stream)
		return
	}
	if n > 0 {
		l.removed(r, n)
	}
}
