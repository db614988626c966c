package match

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"kumi/presence"
	"kumi/store/fault"
)

// Restore makes the matches again that this node has snapshots of. It is called once, when
// the handlers are set and before clients can connect. A match that cannot be restored does
// not concern the others: the log says why, and its snapshot stays for the next start.
func (r *Registry) Restore(ctx context.Context) error {
	w := r.snapshots
	if w == nil {
		return nil
	}
	defer func() {
		r.restored.Store(true)
		r.refuseAll()
	}()
	began := time.Now()
	var restored, failed atomic.Int32
	lost := func(err error) {
		failed.Add(1)
		r.log.Error().Err(err).Msg("a match cannot be restored")
	}
	var all []*Snapshot
	if err := w.store.ReadSnapshots(ctx, r.o.Node, func(s *Snapshot, err error) {
		if err != nil {
			lost(err)
			return
		}
		all = append(all, s)
	}); err != nil {
		return fmt.Errorf("restore matches: %w", err)
	}
	// One at a time for each CPU: what takes the time is to make the VMs and to run the modules in
	// them, and a handler in Go that does not return holds up one worker only.
	next := make(chan *Snapshot)
	var workers sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(all)) {
		workers.Go(func() {
			for s := range next {
				switch lives, err := r.restoreOwn(ctx, s); {
				case err != nil:
					lost(err)
				case lives:
					restored.Add(1)
				}
			}
		})
	}
	for _, s := range all {
		next <- s
	}
	close(next)
	workers.Wait()
	if restored.Load()+failed.Load() > 0 {
		r.log.Info().Int32("matches", restored.Load()).Int32("failed", failed.Load()).Dur("took", time.Since(began)).Msg("matches restored")
	}
	return nil
}

// restoreOwn makes a match from a snapshot of before this node's start. lives is false if the
// handler did not want that, or if another node runs the match by now.
func (r *Registry) restoreOwn(ctx context.Context, s *Snapshot) (lives bool, err error) {
	if r.o.Elsewhere != nil {
		// Another node may be about to take it over, as this one has asked before it ended.
		claimed, err := r.pass(s.ID, r.o.Node, int64(s.Epoch), r.o.Node)
		if errors.Is(err, ErrSnapshotTaken) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		s.Epoch = claimed.Epoch
	}
	ended, err := r.restore(ctx, s, nil)
	if err != nil {
		return false, fmt.Errorf("match %s of handler %q at tick %d, written by version %q: %w", s.ID, s.Handler, s.Tick, s.Version, err)
	}
	if ended {
		r.snapshots.put(s.ID, write{})
	}
	return !ended, nil
}

// restore makes a match from a snapshot: of before this node's start, or of another node
// that hands it over. ended says that its handler did not want that.
func (r *Registry) restore(ctx context.Context, s *Snapshot, from *presence.NodeID) (ended bool, err error) {
	swaps := r.swaps.Load()
	factory, ok := r.factory(ctx, s.Handler)
	switch {
	case !ok:
		return false, fault.Newf(fault.NotFound, "no match handler is named %q", s.Handler)
	case s.Rate < 1 || s.Rate > 60:
		return false, fault.Newf(fault.InvalidArgument, "its tick rate is %d", s.Rate)
	}
	m := r.newMatch(s.ID, s.Home, s.Handler)
	m.epoch, m.stored = s.Epoch, r.o.SnapshotTicks > 0
	m.adopt(s, from)
	m.box.running = true // what is posted now waits until the match is complete
	// A state that would take most of the recording's memory is not kept beside what follows:
	// the recording begins after the call.
	if rec := r.o.Recorder; rec != nil && rec.o.Mode != RecordOff && len(s.State) <= rec.o.MaxMatch/4 {
		m.tape = m.newTape(rec.o.Mode == RecordAlways)
	}
	limit := r.o.RestoreTime
	if from != nil { // which waits
		limit = min(limit, takeOverRestore)
	}
	alive, abandoned, err := m.reviveWithin(limit, factory, s)
	if abandoned {
		return false, err
	}
	if err != nil || !alive {
		if err != nil && m.tape != nil {
			m.tape.fail(err, "match restore")
		}
		m.endRecord()
		if m.handler != nil {
			m.close()
		}
		m.cancel()
		return err == nil, err
	}
	m.sendDeferred()
	m.prepare()
	if err := r.open(m); err != nil {
		return false, err
	}
	if r.o.SnapshotTicks == 0 { // a crash must not go back to the last stop; before the match can end
		r.snapshots.put(s.ID, write{})
	}
	if from != nil || s.Home != r.o.Node {
		r.arrive(m)
	}
	m.box.mu.Lock()
	m.box.running = false
	if len(m.box.queue) > 0 || m.box.tickDue {
		m.wakeLocked()
	} else {
		m.box.mu.Unlock()
	}
	if r.swaps.Load() != swaps {
		go m.moveHandler(m.ctx) // Swap missed it
	}
	m.log.Info().Int64("tick", s.Tick).Int("members", len(s.Members)).Int("state_bytes", len(s.State)).Msg("match restored")
	return false, nil
}

// adopt takes over what the server knows of a match that is restored.
func (m *Match) adopt(s *Snapshot, from *presence.NodeID) {
	m.tick = s.Tick
	m.rate.Store(int32(s.Rate))
	m.label.Store(&s.Label)
	m.await(s, from)
}

// reviveWithin is revive for at most that long. Code in Go cannot be stopped: a match whose
// handler does not return is abandoned, so that it does not keep the server from starting. It
// belongs to the goroutine of that call then.
func (m *Match) reviveWithin(max time.Duration, factory Factory, s *Snapshot) (alive, abandoned bool, err error) {
	type result struct {
		alive bool
		err   error
	}
	returned := make(chan result, 1)
	go func() {
		alive, err := m.revive(factory, s)
		returned <- result{alive, err}
	}()
	timer := time.NewTimer(max)
	defer timer.Stop()
	select {
	case got := <-returned:
		return got.alive, false, got.err
	case <-timer.C:
	}
	m.cancel()
	m.box.mu.Lock()
	clear(m.box.members) // what it still sends is for nobody
	m.box.mu.Unlock()
	go func() {
		<-returned
		m.log.Warn().Msg("the handler of a match that was not restored has returned")
		m.endRecord()
		if m.handler != nil {
			m.close()
		}
	}()
	return false, true, fault.Newf(fault.DeadlineExceeded, "its handler has not returned after %s", max)
}

// revive makes the handler of a match and calls its Restore.
func (m *Match) revive(factory Factory, s *Snapshot) (alive bool, err error) {
	m.recordRestore(s)
	alive, err = guard(m, func() (bool, error) {
		handler, err := factory(m.ctx, m)
		if err != nil {
			return false, err
		}
		m.handler = handler
		m.identify()
		h, ok := handler.(Snapshotter)
		if !ok {
			return false, fault.New(fault.Unimplemented, "its handler does not implement snapshots any more")
		}
		return h.Restore(m.ctx, m.tick, s.State, slices.Clone(m.list))
	})
	m.recordedRestore(alive, err)
	return alive, err
}
