package match

import (
	"context"
	"errors"
	"time"

	"github.com/heroiclabs/nakama-common/runtime"

	"kumi/presence"
	"kumi/store/fault"
)

// TakeOver goes on with a match of another node, which has written its snapshot and waits
// for the answer. place says which: with the node and epoch that the snapshot is owned by.
// ended says that the handler did not want to go on. On an error this node does not run the
// match: NotFound if it has no such handler, FailedPrecondition if it keeps no snapshots, if
// the snapshot is not that node's any more, or if the handler cannot restore it, and
// Unavailable while this node starts or stops.
func (r *Registry) TakeOver(ctx context.Context, place Move, handler string) (ended bool, err error) {
	switch {
	case r.snapshots == nil:
		return false, fault.Newf(fault.FailedPrecondition, "node %s keeps no matches, its match.snapshot is off", r.o.Node)
	case r.stopping.Load():
		return false, ErrStopping
	case r.Starting():
		return false, errStarting
	}
	if _, ok := r.factory(ctx, handler); !ok {
		return false, fault.Newf(fault.NotFound, "node %s has no match handler that is named %q", r.o.Node, handler)
	}
	passing, cancel := context.WithTimeout(ctx, passDeadline)
	defer cancel()
	s, err := r.snapshots.store.PassSnapshot(passing, place.Match, place.Node, int64(place.Epoch), r.o.Node)
	if err != nil {
		// It may have been written all the same.
		r.giveBack(ctx, place, place.Epoch+1)
		return false, err
	}
	from := presence.NodeHash(place.Node)
	ended, err = r.restore(ctx, s, &from)
	if err != nil {
		r.giveBack(ctx, place, s.Epoch)
		if errors.Is(err, ErrStopping) {
			return false, err // another node can take it
		}
		return false, fault.Newf(fault.FailedPrecondition, "node %s cannot restore the match: %v", r.o.Node, err)
	}
	if ended {
		r.snapshots.put(s.ID, write{})
		r.announce(Move{Match: s.ID, Home: s.Home, Epoch: s.Epoch, Ended: true}) // the answer may be lost
	}
	return ended, nil
}

// announce tells this node and all others where a match runs, or that it has ended.
func (r *Registry) announce(m Move) {
	r.Moved(true, m)
	if r.o.Elsewhere != nil {
		r.o.Elsewhere.Moved(m)
	}
}

// giveBack makes the node the owner of a snapshot again that this one could not restore, if
// it is this one's with that epoch. A node that has stopped waiting takes this one for the
// owner, so it is told as all others are.
func (r *Registry) giveBack(ctx context.Context, place Move, epoch uint64) {
	id, node := place.Match, place.Node
	s, err := r.pass(id, r.o.Node, int64(epoch), node)
	if err == nil && ctx.Err() != nil {
		place.Epoch = s.Epoch
		r.announce(place)
	}
	if err != nil && !errors.Is(err, ErrSnapshotTaken) {
		r.log.Error().Err(err).Stringer("match_id", id).Str("node", node).Msg("a match that could not be taken over cannot be given back: this node tries to restore it when it starts again")
	}
}

// arrive makes a match known that runs on this node now, and not on that of its id, and
// brings its members up to date. It is called before the match runs.
func (r *Registry) arrive(m *Match) {
	m.roams = true
	r.announce(m.place(r.o.Node, m.epoch))
	for _, p := range r.tracker.List(m.stream, true, true) {
		m.presenceChanged(p, nil)
	}
	var arrived []*presence.Presence
	m.box.mu.Lock()
	for _, mem := range m.box.members {
		if mem.arrived {
			arrived = append(arrived, mem.presence.WithReason(runtime.PresenceReasonDisconnect))
		}
	}
	m.box.mu.Unlock()
	for _, p := range arrived {
		if r.tracker.Get(p.Session, m.stream) == nil { // it left since Match.await
			m.presenceChanged(nil, p)
		}
	}
}

// memberOf makes the member of a match that comes from another node: see Match.await.
func (m *Match) memberOf(p *presence.Presence, resumable bool) *member {
	own := *p
	own.Stream = m.stream
	mem := &member{presence: &own, admission: p.Admission, resumable: resumable}
	switch on := m.reg.tracker.Get(p.Session, m.stream); {
	case on != nil && on.Admission == p.Admission:
		mem.presence, mem.session, mem.arrived = on, m.reg.router.Visitor(on), true
	case mem.resumable:
		mem.awaited, mem.deadline = true, time.Now().Add(m.reg.o.ResumeTime)
	default: // it was let in and is about to come, or it has just left
		mem.session, mem.deadline = m.reg.router.Visitor(&own), time.Now().Add(m.reg.o.JoinMarkerDeadline)
	}
	return mem
}

// forgetMove tells the other nodes that a match is over which has moved.
func (m *Match) forgetMove() {
	if m.roams && !m.suspended {
		m.reg.announce(Move{Match: m.id, Home: m.stream.Label, Epoch: m.epoch, Ended: true})
	}
}
