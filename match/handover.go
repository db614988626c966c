package match

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"
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
//
// If no node takes it just now, but one may soon, the match goes on here until it is asked
// again. What is left when the time is over is suspended.

const (
	// handOverAtOnce is how many matches move at the same time. One that takes longer than
	// handOverSlot, as its handler does not return, makes way for others.
	handOverAtOnce, handOverSlot = 32, 2 * time.Second
	// handOverTime is how long a drained node goes on to start hand-overs, if the grace period
	// is not longer. Matches that are left then are suspended.
	handOverTime = 15 * time.Second
	// takeOverDeadline is how long a node may take to take a match over: longer than its
	// database (passDeadline) and its handler (takeOverRestore) together.
	takeOverDeadline, passDeadline, takeOverRestore = 10 * time.Second, 5 * time.Second, 4 * time.Second
	// maxHeirs is how many nodes may refuse a match. If none can take it yet, they are asked
	// again after askHeirsAgain.
	maxHeirs, askHeirsAgain = 3, 250 * time.Millisecond
)

// handovers are the hand-overs of all matches of a node that is drained.
type handovers struct {
	reg   *Registry
	ctx   context.Context // ends when none begins any more
	grace int             // for matches that cannot be kept, in seconds
	slots chan struct{}   // has an element for each that is under way
	wait  sync.WaitGroup

	mu      sync.Mutex
	moved   []Move
	longest time.Duration // the pause of a match
}

// handOverAll hands those matches over to other nodes that can be kept, and waits for it.
// Those that no node takes are suspended, the others are terminated. When stop is cancelled
// it waits no longer.
func (r *Registry) handOverAll(stop context.Context, grace int) {
	waits, cancel := context.WithCancel(context.Background())
	defer cancel()
	defer context.AfterFunc(stop, func() {
		if errors.Is(stop.Err(), context.Canceled) { // not only the end of the grace period
			cancel()
		}
	})()
	ctx, over := context.WithTimeout(waits, max(handOverTime, time.Duration(grace)*time.Second))
	defer over()
	var durable []*Match
	for _, m := range r.all() {
		if m.durable {
			durable = append(durable, m)
		} else {
			m.order(item{kind: doSuspend, grace: grace})
		}
	}
	began := time.Now()
	h := &handovers{reg: r, ctx: ctx, grace: grace, slots: make(chan struct{}, handOverAtOnce)}
	tried := h.begin(durable)
	moved, longest := h.end(stop)
	for _, m := range durable {
		m.order(item{kind: doSuspend, grace: grace}) // if it is still here
	}
	// Who has forgotten a match that has ended since must not hear of it again.
	confirmed := slices.DeleteFunc(slices.Clone(moved), func(to Move) bool {
		now, ok := r.moves.get(to.Match)
		return !ok || now != to
	})
	if len(confirmed) > 0 {
		r.o.Elsewhere.Confirm(waits, confirmed) // also when the time for hand-overs has been used up
	}
	if tried {
		r.log.Info().Int("matches", len(moved)).Int("kept", len(durable)-len(moved)).Dur("longest_pause", longest).Dur("took", time.Since(began)).
			Msg("matches handed over to other nodes")
	}
}

// begin begins to hand matches over, as long as there are nodes that take them, and reports
// whether there was one.
func (h *handovers) begin(all []*Match) (tried bool) {
	for _, m := range all {
		select {
		case h.slots <- struct{}{}:
		case <-h.ctx.Done():
			return tried
		}
		heirs := h.heirs(nil) // as they are now, and not before the slot was free
		if len(heirs) == 0 {
			<-h.slots
			return tried
		}
		tried = true
		h.wait.Go(func() { h.one(m, heirs) })
	}
	return tried
}

// heirs returns the nodes that can take a match over, the best first, without those that
// have refused it. While there is none and one is starting it waits.
func (h *handovers) heirs(refused []string) []string {
	for h.ctx.Err() == nil {
		ready, coming := h.reg.o.Elsewhere.Heirs(refused)
		if len(ready) > 0 || !coming {
			return ready
		}
		h.pause()
	}
	return nil
}

func (h *handovers) pause() {
	select {
	case <-time.After(askHeirsAgain):
	case <-h.ctx.Done():
	}
}

// one hands a match over, or returns when it cannot be.
func (h *handovers) one(m *Match, heirs []string) {
	free := sync.OnceFunc(func() { <-h.slots })
	defer free()
	defer time.AfterFunc(handOverSlot, free).Stop()
	elsewhere, here := h.reg.o.Elsewhere, h.reg.o.Node
	var refused []string
	for len(heirs) > 0 {
		o := &handover{ctx: h.ctx, heirs: heirs, refused: refused, over: make(chan struct{})}
		m.order(item{kind: doHandOver, handover: o, grace: h.grace})
		select {
		case <-o.over:
		case <-h.ctx.Done():
			if o.state.CompareAndSwap(callPending, callAbandoned) { // its handler is in a call that does not return
				elsewhere.Moved(m.place(here, m.epoch))
				return
			}
			<-o.over
		}
		switch o.result {
		case neverBegun: // the match has ended, and the others keep what is sent to it
			elsewhere.Moved(Move{Match: m.id, Home: m.stream.Label, Epoch: m.epoch, Ended: true})
			return
		case hasMoved:
			h.mu.Lock()
			h.moved, h.longest = append(h.moved, o.to), max(h.longest, o.pause)
			h.mu.Unlock()
			return
		case isOver:
			return
		}
		h.pause()
		refused = o.refused
		heirs = h.heirs(refused)
	}
}

// end waits until all that have begun are over, and returns where matches have moved to.
func (h *handovers) end(stop context.Context) (moved []Move, longest time.Duration) {
	over := make(chan struct{})
	go func() { defer close(over); h.wait.Wait() }()
	select {
	case <-over:
	case <-h.ctx.Done():
		select { // each has its own deadlines, so this is enough
		case <-over:
		case <-time.After(stopGrace):
		case <-stopped(stop):
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.moved, h.longest
}

// stopped returns what is closed if a context was cancelled, and not only ended by its
// deadline.
func stopped(ctx context.Context) <-chan struct{} {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return nil
	}
	return ctx.Done()
}
