package match

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/gofrs/uuid/v5"

	"kumi/store/fault"
)

// A match is handed over to another node when its own is drained:
//
//  1. Hold: the other nodes keep what their clients send to it from then on, and what they
//     have sent before has arrived. The match goes on meanwhile.
//  2. Between two calls of its handler the match stops. Its snapshot is written, with this
//     node as the owner.
//  3. The heir makes itself the owner in the database, if the snapshot is still this node's
//     with the epoch that it was told. Then it restores the match, and tells all nodes, which
//     send it what they kept.
//
// Who runs the match is decided by that one statement of the heir. If its answer does not
// come, this node takes the snapshot back in the same way, or finds that it is too late. So a
// match never runs on two nodes, and if one of them ends in between, the snapshot is restored
// by its owner's next start.

const (
	// handOverAtOnce is how many matches move at the same time.
	handOverAtOnce = 32
	// handOverTime is how long a drained node goes on to start hand-overs, if the grace period
	// is not longer. Matches that are left then are suspended.
	handOverTime = 15 * time.Second
	// takeOverDeadline is how long a node may take to take a match over: longer than its
	// database (passDeadline) and its handler (takeOverRestore) together.
	takeOverDeadline, passDeadline, takeOverRestore = 10 * time.Second, 5 * time.Second, 4 * time.Second
	// maxHeirs is how many nodes are asked for each match.
	maxHeirs = 3
)

// handover is the handing over of one match.
type handover struct {
	over  chan struct{} // closed when the match has moved, is suspended or goes on
	ran   bool
	moved bool
	to    Move
	pause time.Duration
}

// handOverAll hands those matches over to other nodes that can be kept, and waits for it.
// The others are terminated. When stop is cancelled it waits no longer.
func (r *Registry) handOverAll(stop context.Context, grace int) {
	ctx, cancel := context.WithTimeout(context.Background(), max(handOverTime, time.Duration(grace)*time.Second))
	defer cancel()
	defer context.AfterFunc(stop, func() {
		if errors.Is(stop.Err(), context.Canceled) { // not only the end of the grace period
			cancel()
		}
	})()
	if len(r.o.Elsewhere.Heirs()) == 0 {
		r.postAll(item{kind: doSuspend, grace: grace})
		return
	}
	began := time.Now()
	all := r.all()
	for _, m := range all {
		if !m.durable {
			m.box.mu.Lock()
			m.post(item{kind: doSuspend, grace: grace})
		}
	}
	var wait sync.WaitGroup
	slots := make(chan struct{}, handOverAtOnce)
	handed := make([]*handover, 0, len(all))
	for _, m := range all {
		if !m.durable {
			continue
		}
		select {
		case slots <- struct{}{}:
		case <-ctx.Done():
		}
		if ctx.Err() != nil {
			m.box.mu.Lock()
			m.post(item{kind: doSuspend, grace: grace})
			continue
		}
		h := &handover{over: make(chan struct{})}
		handed = append(handed, h)
		wait.Go(func() {
			defer func() { <-slots }()
			r.o.Elsewhere.Hold(m.place(r.o.Node, m.epoch))
			m.box.mu.Lock()
			if m.post(item{kind: doHandOver, heir: h, grace: grace}) {
				<-h.over
			}
			if !h.ran { // the match has ended, and the others keep what is sent to it
				r.o.Elsewhere.Moved(Move{Match: m.id, Home: m.stream.Label, Epoch: m.epoch, Ended: true})
			}
		})
	}
	over := make(chan struct{})
	go func() { defer close(over); wait.Wait() }()
	select {
	case <-over:
	case <-ctx.Done():
		select { // each has its own deadlines, so this is enough
		case <-over:
		case <-time.After(stopGrace):
		case <-stopped(stop):
		}
	}
	var moved []Move
	var longest time.Duration
	for _, h := range handed {
		select {
		case <-h.over:
		default:
			continue // it has not ended in time
		}
		if h.moved {
			moved = append(moved, h.to)
			longest = max(longest, h.pause)
		}
	}
	if len(moved) > 0 {
		r.o.Elsewhere.Confirm(ctx, moved)
	}
	if len(handed) > 0 {
		r.log.Info().Int("matches", len(moved)).Int("kept", len(handed)-len(moved)).Dur("longest_pause", longest).Dur("took", time.Since(began)).
			Msg("matches handed over to other nodes")
	}
}

// stopped returns what is closed if a context was cancelled, and not only ended by its
// deadline.
func stopped(ctx context.Context) <-chan struct{} {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return nil
	}
	return ctx.Done()
}

// place says that a node runs the match.
func (m *Match) place(node string, epoch uint64) Move {
	return Move{Match: m.id, Home: m.stream.Label, Node: node, Epoch: epoch}
}

// handOver lets another node go on with the match. If none does it is suspended, until this
// one starts again.
func (m *Match) handOver(h *handover, grace int) {
	defer close(h.over)
	h.ran = true
	r, began := m.reg, time.Now()
	m.setMoving(true)
	s, err := m.snapshot()
	if err == nil {
		// What this node's matches have sent must arrive before what the heir sends.
		m.flushSessions()
		flushed := make(chan struct{})
		go func() { defer close(flushed); r.o.Elsewhere.Hold(m.place(r.o.Node, m.epoch)) }()
		err = m.save(s)
		<-flushed
	}
	if err != nil {
		m.setMoving(false)
		r.o.Elsewhere.Moved(m.place(r.o.Node, m.epoch))
		m.log.Error().Err(err).Int64("tick", m.tick).Msg(noSnapshot)
		if grace > 0 {
			m.terminate(grace)
		}
		return
	}
	node, ended, err := m.giveAway()
	switch {
	case ended:
		m.log.Info().Str("to", node).Int64("tick", m.tick).Msg("match ended by its handler on the node that took it over")
		r.o.Elsewhere.Moved(Move{Match: m.id, Home: m.stream.Label, Epoch: m.epoch + 1, Ended: true})
		m.stop()
	case err != nil:
		m.log.Warn().Err(err).Int64("tick", m.tick).Msg("no other node takes the match over: it is suspended until this one starts again")
		m.suspended = true
		m.stop()
		r.o.Elsewhere.Moved(m.place(r.o.Node, m.epoch))
	default:
		h.moved, h.to = true, m.place(node, m.epoch+1)
		r.Moved(h.to) // sends on what has arrived since the snapshot
		h.pause = time.Since(began)
		m.log.Info().Str("to", node).Int64("tick", m.tick).Dur("pause", h.pause).Msg("match handed over")
		m.leaveBehind()
	}
}

func (m *Match) setMoving(moving bool) {
	m.box.mu.Lock()
	defer m.box.mu.Unlock()
	m.box.moving = moving
}

// leaveBehind ends what is left of a match that another node runs.
func (m *Match) leaveBehind() {
	m.suspended = true
	m.stop()
}

// giveAway finds a node that takes the match over, whose snapshot is written. An error says
// that none has, or that this cannot be found out.
func (m *Match) giveAway() (node string, ended bool, err error) {
	r := m.reg
	heirs := r.o.Elsewhere.Heirs()
	if len(heirs) == 0 {
		return "", false, fault.New(fault.Unavailable, "no other node is ready")
	}
	for _, heir := range heirs[:min(len(heirs), maxHeirs)] {
		ended, err = r.handOverTo(heir, m)
		if err == nil {
			return heir, ended, nil
		}
		m.log.Warn().Err(err).Str("to", heir).Msg("a node has not taken a match over")
		taken, lost := m.reclaim()
		if lost != nil {
			return "", false, lost
		}
		if taken {
			return heir, false, nil
		}
	}
	return "", false, err
}

func (r *Registry) handOverTo(heir string, m *Match) (ended bool, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), takeOverDeadline)
	defer cancel()
	return r.o.Elsewhere.HandOver(ctx, heir, m.place(r.o.Node, m.epoch), m.name)
}

// reclaim takes the snapshot back after a node has not answered, or says that this node has
// it. From then on that node cannot take it any more. An error says that the database does
// not tell.
func (m *Match) reclaim() (taken bool, err error) {
	s, err := m.reg.pass(m.id, m.reg.o.Node, AnyEpoch, m.reg.o.Node)
	switch {
	case errors.Is(err, ErrSnapshotTaken):
		return true, nil
	case err != nil:
		return false, err
	}
	m.epoch = s.Epoch
	return false, nil
}

// passTries is how often pass tries, with a second between.
const passTries = 3

// pass is SnapshotStore.PassSnapshot where the answer is needed.
func (r *Registry) pass(id uuid.UUID, from string, epoch int64, to string) (s *Snapshot, err error) {
	for try := range passTries {
		if try > 0 {
			time.Sleep(time.Second)
		}
		ctx, cancel := context.WithTimeout(context.Background(), passDeadline)
		s, err = r.snapshots.store.PassSnapshot(ctx, id, from, epoch, to)
		cancel()
		if err == nil || errors.Is(err, ErrSnapshotTaken) {
			break
		}
	}
	return s, err
}
