package match

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/gofrs/uuid/v5"

	"kumi/store/fault"
)

// handover is one attempt to hand a match over. The match's goroutine makes it.
type handover struct {
	ctx     context.Context // after it the match does not go on
	heirs   []string        // the nodes to ask, the best first
	refused []string        // those that cannot take the match
	held    bool            // the other nodes keep what their clients send
	state   atomic.Int32    // callPending until the match stops for it, callAbandoned if it shall not any more
	over    chan struct{}   // closed when there is a result

	result handoverResult
	to     Move          // where it has moved to
	pause  time.Duration // how long it did not run then
}

// handoverResult is what has become of a match.
type handoverResult uint8

const (
	neverBegun handoverResult = iota // it had ended before
	hasMoved                         // another node runs it
	isOver                           // its handler did not want to go on there; or it is suspended, or terminated
	goesOn                           // here: no node has taken it yet
)

// place says that a node runs the match.
func (m *Match) place(node string, epoch uint64) Move {
	return Move{Match: m.id, Home: m.stream.Label, Node: node, Epoch: epoch}
}

// handOver lets another node go on with the match, or suspends it if none does and none will.
func (m *Match) handOver(h *handover, grace int) {
	if !h.held { // a match whose handler hangs does not come here, or too late
		if h.state.Load() == callAbandoned {
			close(h.over)
			return
		}
		h.held = true
		at := m.place(m.reg.o.Node, m.epoch)
		go func() {
			m.reg.o.Elsewhere.Hold(at)
			if h.state.Load() == callAbandoned { // what handovers.one has told the others may be older than the wish to hold
				m.reg.o.Elsewhere.Moved(at)
			}
			m.order(item{kind: doHandOver, handover: h, grace: grace})
		}()
		return
	}
	defer close(h.over)
	if !h.state.CompareAndSwap(callPending, callRunning) {
		return // too late: it is suspended next
	}
	r, began := m.reg, time.Now()
	m.setMoving(true)
	if err := m.leaving(); err != nil {
		h.result = isOver
		m.stay()
		m.log.Error().Err(err).Int64("tick", m.tick).Msg(noSnapshot)
		if m.terminated = true; grace > 0 {
			m.terminate(grace)
		}
		return
	}
	var node string
	var err error
	node, h.result, err = m.giveAway(h)
	switch {
	case h.result == hasMoved:
		h.to = m.place(node, m.epoch+1)
		r.Moved(true, h.to) // sends on what has arrived since the snapshot
		h.pause = time.Since(began)
		m.log.Info().Str("to", node).Int64("tick", m.tick).Dur("pause", h.pause).Msg("match handed over")
		m.leaveBehind()
	case h.result == goesOn:
		m.log.Info().Err(err).Int64("tick", m.tick).Msg("no other node takes the match over yet: it goes on here")
		if r.o.SnapshotTicks == 0 { // a crash must not go back to this point
			r.snapshots.put(m.id, write{})
		}
		m.stay()
	case err != nil:
		m.log.Warn().Err(err).Int64("tick", m.tick).Msg("no other node takes the match over: it is suspended until this one starts again")
		m.leaveBehind()
		r.o.Elsewhere.Moved(m.place(r.o.Node, m.epoch))
	default:
		m.log.Info().Str("to", node).Int64("tick", m.tick).Msg("match ended by its handler on the node that took it over")
		r.o.Elsewhere.Moved(Move{Match: m.id, Home: m.stream.Label, Epoch: m.epoch + 1, Ended: true})
		m.stop()
	}
}

// leaving writes the snapshot that another node goes on with.
func (m *Match) leaving() error {
	s, err := m.snapshot()
	if err != nil {
		return err
	}
	// What this node's matches have sent must arrive before what the heir sends.
	m.flushSessions()
	flushed := make(chan struct{})
	go func() { defer close(flushed); m.reg.o.Elsewhere.Hold(m.place(m.reg.o.Node, m.epoch)) }()
	err = m.save(s)
	<-flushed
	return err
}

// stay lets the match go on here, with what the other nodes have kept for it.
func (m *Match) stay() {
	m.setMoving(false)
	m.reg.o.Elsewhere.Moved(m.place(m.reg.o.Node, m.epoch))
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

// giveAway finds a node that takes the match over, whose snapshot is written. With goesOn
// none has yet, and this node has the snapshot. With isOver an error says that none will, or
// that it cannot be found out which node has it.
func (m *Match) giveAway(h *handover) (node string, result handoverResult, err error) {
	r := m.reg
	for _, heir := range h.heirs[:min(len(h.heirs), maxHeirs-len(h.refused))] {
		var ended bool
		ended, err = r.handOverTo(heir, m)
		switch {
		case ended:
			return heir, isOver, nil
		case err == nil:
			return heir, hasMoved, nil
		case fault.CodeOf(err) != fault.Unavailable: // not only starting, drained itself, or gone
			h.refused = append(h.refused, heir)
		}
		m.log.Warn().Err(err).Str("to", heir).Msg("a node has not taken a match over")
		taken, lost := m.reclaim()
		if lost != nil {
			return "", isOver, lost
		}
		if taken {
			return heir, hasMoved, nil
		}
	}
	others, coming := r.o.Elsewhere.Heirs(h.refused)
	if h.ctx.Err() == nil && len(h.refused) < maxHeirs && (coming || len(others) > 0) {
		return "", goesOn, err
	}
	return "", isOver, err
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
