package match

import (
	"cmp"
	"context"
	"fmt"
	"runtime/debug"
	"sync/atomic"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/runtime"
	"github.com/rs/zerolog"

	"kumi/internal/journal"
	"kumi/presence"
	"kumi/store/fault"
)

// MaxLabel is the maximum length of a match label, in bytes.
const MaxLabel = 2048

// Match is one authoritative match: an actor that owns its handler. The fields
// below box belong to the goroutine that runs the match; there is one at a
// time.
type Match struct {
	reg      *Registry
	id       uuid.UUID
	text     string // "<uuid>.<node>", with the node that made it
	stream   presence.Stream
	name     string
	created  int64 // Unix nanoseconds, another number for each match of a node
	slot     int   // owned by the clock, as is skipNext
	skipNext bool  // skip the next tick that is due
	took     average
	log      zerolog.Logger
	ctx      context.Context
	cancel   context.CancelFunc
	handler  Handler
	rate     atomic.Int32
	label    atomic.Pointer[string]
	size     atomic.Int32
	late     lateTicks
	rec      atomic.Pointer[recording] // nil: nobody watches the match
	runtime  string                    // of the handler: "go", "lua" or "javascript"; empty if it does not say
	docCache atomic.Pointer[matchDoc]
	journal  *journal.Journal // what the handler reads from outside goes through it

	box mailbox

	tick       int64
	due        []*Data              // for the tick that is due, while the queue before it is handled
	list       []*presence.Presence // members; a leaving one is replaced by the last
	spare      []item
	deferred   []broadcast
	recipients []presence.Session // reused by send
	queued     []presence.Queuer  // sessions with messages of the running call
	emptySince time.Time
	nextSweep  time.Time
	slowWarned time.Time // last warning about slow ticks
	tape       *tape     // nil: the match is not recorded
	record     recordWish
	version    string // of the handler's modules, if it says
	over       bool
	movable    bool // set at creation, as is durable
	durable    bool // the handler is a Snapshotter

	stored         bool        // there may be a snapshot in the store
	suspended      bool        // it goes on when the server starts again, or on another node
	terminated     bool        // its handler was told that it cannot be kept
	epoch          uint64      // how often its node has changed, or has started anew
	roams          bool        // it has moved to this node
	writing        atomic.Bool // a snapshot waits to be written
	snapshotWarned time.Time   // last warning about a snapshot that could not be taken
}

// Create makes an authoritative match and returns its id. It calls the
// handler's Init. Codes: 5 if no handler has that name, 3 for params that are
// not plain data and for a label or tick rate out of bounds, 14 while the
// server stops and for another node that does not answer, and otherwise that of
// the handler's error.
func (r *Registry) Create(ctx context.Context, module string, params map[string]any) (id string, err error) {
	own, err := copyParams(params)
	if err != nil {
		return "", err
	}
	matchID, err := uuid.NewV4()
	if err != nil {
		return "", fmt.Errorf("make match id: %w", err)
	}
	if r.o.Elsewhere != nil && !hasOwnHandlers(ctx) {
		if node := r.o.Elsewhere.Place(); node != "" {
			return r.createElsewhere(ctx, node, matchID, module, own)
		}
	}
	return r.create(ctx, matchID, module, own)
}

// createElsewhere makes a match on another node. If its answer does not come the match is
// cancelled, so that none exists that nobody knows of.
func (r *Registry) createElsewhere(ctx context.Context, node string, id uuid.UUID, module string, params map[string]any) (string, error) {
	_, err := r.call(ctx, node, &Call{Op: OpCreate, Match: id, Text: module, Params: params})
	if err != nil {
		r.o.Elsewhere.Cancel(node, id)
		return "", err
	}
	r.made.add(id, r.creation())
	return presence.AuthoritativeMatch(id, node).MatchID(), nil
}

// create makes a match on this node. It takes params.
func (r *Registry) create(ctx context.Context, matchID uuid.UUID, module string, params map[string]any) (id string, err error) {
	if r.stopping.Load() {
		return "", ErrStopping
	}
	swaps := r.swaps.Load()
	factory, ok := r.factory(ctx, module)
	if !ok {
		return "", fault.Newf(fault.NotFound, "error creating match: no match handler is named %q", module)
	}
	m := r.newMatch(matchID, r.o.Node, module)
	rate, label, err := m.init(ctx, factory, params)
	if err != nil {
		m.cancel()
		return "", err
	}
	m.label.Store(&label)
	m.rate.Store(int32(rate))
	m.prepare()
	if err := r.open(m); err != nil {
		return "", err
	}
	if r.swaps.Load() != swaps {
		go m.moveHandler(m.ctx) // Swap missed it
	}
	m.log.Debug().Int("tick_rate", rate).Msg("match created")
	return m.text, nil
}

// newMatch returns a match without a handler, which nobody can find yet. home is the node
// in its id.
func (r *Registry) newMatch(id uuid.UUID, home, name string) *Match {
	m := &Match{reg: r, id: id, name: name, created: r.creation()}
	m.stream = presence.AuthoritativeMatch(id, home)
	m.text = m.stream.MatchID()
	m.log = r.log.With().Str("match", m.text).Str("handler", name).Logger()
	m.journal = &journal.Journal{Epoch: time.Now()}
	m.ctx, m.cancel = context.WithCancel(journal.With(context.WithValue(context.Background(), handlerMatchKey{}, m), m.journal))
	m.box.members = map[uuid.UUID]*member{}
	return m
}

// prepare makes a match with its handler, label and rate ready to run.
func (m *Match) prepare() {
	_, m.movable = m.handler.(Movable)
	_, m.durable = m.handler.(Snapshotter)
	m.identify()
	m.emptySince = time.Now()
	m.queryDoc()
	m.nextSweep = m.emptySince.Add(time.Second)
	switch r := m.reg.o.Recorder; {
	case m.tape != nil:
		m.tape.beginSegment(m, m.emptySince)
	case r != nil && r.o.Mode != RecordOff: // it was restored, with a large state
		m.startRecord(r.o.Mode == RecordAlways)
	}
}

// identify asks the handler what it is.
func (m *Match) identify() {
	if h, ok := m.handler.(interface{ Runtime() string }); ok {
		m.runtime = h.Runtime()
	}
	if h, ok := m.handler.(interface{ ModuleVersion() string }); ok {
		m.version = h.ModuleVersion()
	}
}

// open lets others find a match, and lets it tick.
func (r *Registry) open(m *Match) error {
	r.mu.Lock()
	if r.stopping.Load() {
		r.mu.Unlock()
		if m.tape != nil {
			m.tape.keep = false // a match that never ran
			m.endRecord()
		}
		m.close()
		return ErrStopping
	}
	r.clock.add(m, m.TickRate()) // before others can find and end the match
	r.matches[m.id] = m
	n := len(r.matches)
	r.mu.Unlock()
	r.metrics.Matches(n)
	return nil
}

// creation returns the time for a new match: now, or a nanosecond after the one before.
func (r *Registry) creation() int64 {
	for {
		last, now := r.created.Load(), time.Now().UnixNano()
		now = max(now, last+1)
		if r.created.CompareAndSwap(last, now) {
			return now
		}
	}
}

// init makes the handler and starts the game, on the creator's goroutine.
func (m *Match) init(ctx context.Context, factory Factory, params map[string]any) (rate int, label string, err error) {
	if r := m.reg.o.Recorder; r != nil && r.o.Mode != RecordOff {
		m.tape = m.newTape(r.o.Mode == RecordAlways)
		m.recordInit(params)
	}
	defer func() {
		if r := recover(); r != nil {
			err = m.panicked(r)
		}
		m.recordedInit(rate, label, err)
		if err != nil && m.tape != nil {
			m.tape.fail(err, "match init")
			m.endRecord()
		}
		if err != nil && m.handler != nil {
			m.close()
		}
	}()
	return m.begin(ctx, factory, params)
}

// begin makes the handler and calls its Init.
func (m *Match) begin(ctx context.Context, factory Factory, params map[string]any) (rate int, label string, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = m.panicked(r)
		}
	}()
	if m.handler, err = factory(m.ctx, m); err != nil {
		return 0, "", fmt.Errorf("create match: %w", err)
	}
	m.identify()
	// The creator's context bounds Init, but what Init keeps must carry the match's.
	initCtx, cancel := context.WithCancel(m.ctx)
	defer cancel()
	defer context.AfterFunc(ctx, cancel)()
	rate, label, err = m.handler.Init(initCtx, params)
	switch {
	case err != nil:
		return 0, "", fmt.Errorf("create match: %w", err)
	case rate < 1 || rate > 60:
		return 0, "", fault.Newf(fault.InvalidArgument, "error creating match: tick rate must be between 1 and 60, is %d", rate)
	case len(label) > MaxLabel:
		return 0, "", runtime.ErrMatchLabelTooLong
	}
	return rate, label, nil
}

// Run handles everything queued, then returns. The pool calls it, never
// concurrently.
func (m *Match) Run() {
	defer func() {
		if r := recover(); r != nil { // a bug of the server: panics of handlers are recovered in guard
			m.log.Error().Interface("panic", r).Bytes("stack", debug.Stack()).Msg("match failed")
			m.abandon()
		}
	}()
	b := &m.box
	for {
		b.mu.Lock()
		if len(b.queue) == 0 && !b.tickDue || m.over {
			b.running = false
			b.mu.Unlock()
			return
		}
		queue := b.queue
		b.queue = m.spare[:0]
		b.attempts, b.calls = 0, 0
		due, skipped := b.tickDue, b.skipped
		b.tickDue, b.skipped = false, 0
		if due && len(b.input) > 0 {
			m.due = b.input
			b.input = make([]*Data, 0, len(m.due))
		}
		b.mu.Unlock()

		for i := range queue {
			m.do(&queue[i])
			m.flushSessions()
		}
		clear(queue)
		m.spare = queue[:0]
		if due && !m.over {
			input := m.due
			m.due = nil
			m.loop(input, len(queue), skipped)
			m.flushSessions()
		}
	}
}

func (m *Match) do(it *item) {
	if m.over {
		it.reject(m)
		return
	}
	switch it.kind {
	case doLeave:
		m.leave(it.leaves)
	case doArrive:
		m.add(it.arrived)
		m.join(it.arrived)
	case doAttempt:
		m.attempt(it.attempt)
	case doSignal:
		m.signal(it.call)
	case doState:
		m.describe(it.call)
	case doShow:
		m.show()
	case doPatchState:
		m.patchState(it.call)
	case doTerminate:
		m.terminate(it.grace)
	case doSuspend:
		if !m.terminated {
			m.suspend(it.grace)
		}
	case doHandOver:
		m.handOver(it.handover, it.grace)
	case doYield:
		m.leaveBehind()
	case doMove:
		m.swapHandler(it.move)
	case doStop:
		m.stop()
	}
}

func (m *Match) terminate(grace int) {
	m.recordTerminate(grace)
	alive, err := guard(m, func() (bool, error) { return m.handler.Terminate(m.ctx, m.tick, grace) })
	m.settle(alive, err, "terminate")
}

// reject answers a caller that waits at a match that has ended.
func (it *item) reject(m *Match) {
	if it.move != nil {
		m.discard(it.move)
	}
	if it.handover != nil {
		close(it.handover.over)
	}
	var elsewhere error
	m.box.mu.Lock()
	if m.box.moved {
		elsewhere = errMoved
	}
	m.box.mu.Unlock()
	if elsewhere != nil && it.ordered {
		c := &Call{Op: OpEnd, Match: m.id, Grace: time.Duration(it.grace) * time.Second}
		go func() { _, _ = m.reg.call(context.Background(), m.stream.Label, c) }()
	}
	if it.attempt != nil && it.attempt.state.CompareAndSwap(callPending, callAnswered) {
		it.attempt.answer <- admission{err: elsewhere}
	}
	if it.call != nil && it.call.state.CompareAndSwap(callPending, callAnswered) {
		it.call.answer <- reply{err: cmp.Or(elsewhere, error(ErrBusy))}
	}
}

func (m *Match) loop(input []*Data, queued, skipped int) {
	if skipped > 0 {
		m.reg.metrics.MatchTickSkipped(m.name, skipped)
		if now := time.Now(); now.Sub(m.slowWarned) > 10*time.Second {
			m.slowWarned = now
			m.log.Warn().Int("skipped", skipped).Int64("tick", m.tick).Int32("tick_rate", m.rate.Load()).
				Msg("match loop takes longer than a tick, skipping ticks")
		}
	}
	began := time.Now()
	rec := m.rec.Load()
	if rec != nil {
		rec.begin(m.tick, began, input, queued, skipped)
	}
	m.recordLoop(input)
	alive, err := guard(m, func() (bool, error) { return m.handler.Loop(m.ctx, m.tick, input) })
	now := time.Now()
	took := now.Sub(began)
	m.took.add(took)
	if took > time.Second/time.Duration(m.rate.Load()) {
		m.late.add(now)
		m.reg.load.late.Add(1)
	}
	m.reg.metrics.MatchTick(m.name, took)
	if rec != nil {
		rec.now.Took = took
	}
	if !m.settle(alive, err, "loop") {
		return
	}
	if rec != nil {
		rec.finish()
		m.takeState(rec, now)
	}
	if m.tape != nil {
		m.recordTick(took, now)
	}
	m.tick++
	m.takeSnapshot(now)
	m.sweep(now)
}

// sweep removes clients that were accepted but never joined the stream, and
// stops a match that has been empty for too long.
func (m *Match) sweep(now time.Time) {
	if len(m.list) > 0 {
		m.emptySince = now
	} else if limit := m.reg.o.MaxEmpty; limit > 0 && now.Sub(m.emptySince) >= limit {
		m.log.Warn().Dur("empty_for", now.Sub(m.emptySince)).Msg("match stopped: empty for too long")
		m.stop()
		return
	}
	if now.Before(m.nextSweep) {
		return
	}
	m.nextSweep = now.Add(time.Second)
	var late []*presence.Presence
	b := &m.box
	b.mu.Lock()
	for id, mem := range b.members {
		switch {
		case mem.arrived || !now.After(mem.deadline):
		case m.reg.tracker.Behind(id): // it may have come onto the stream
			mem.deadline = now.Add(m.reg.o.JoinMarkerDeadline)
		default:
			late = append(late, mem.presence.WithReason(runtime.PresenceReasonDisconnect))
			delete(b.members, id)
		}
	}
	b.mu.Unlock()
	if len(late) > 0 {
		m.leave(late)
	}
}

// settle ends the match if a handler asked for it or failed, and otherwise
// sends its deferred broadcasts. It reports whether the match goes on.
func (m *Match) settle(alive bool, err error, where string) bool {
	if m.tape != nil {
		m.tape.done(alive, err)
	}
	switch {
	case err != nil:
		m.fail(err, where)
		return false
	case !alive:
		m.log.Info().Str("in", where).Int64("tick", m.tick).Msg("match ended by its handler")
		m.stop()
		return false
	}
	m.sendDeferred()
	if m.record != recordUnchanged {
		m.changeRecord()
	}
	return true
}

// fail ends the match and closes its members' sockets, unless
// Options.KeepSockets is set.
func (m *Match) fail(err error, where string) {
	text := "match stopped: its handler failed, disconnecting its clients"
	if m.reg.o.KeepSockets {
		text = "match stopped: its handler failed"
	}
	m.log.Warn().Err(err).Str("in", where).Int64("tick", m.tick).Msg(text)
	if rec := m.rec.Load(); rec != nil {
		rec.fail(err, where)
	}
	if m.tape != nil {
		m.tape.fail(err, where)
	}
	m.reg.metrics.MatchFailed(m.name)
	var sessions []presence.Session
	if !m.reg.o.KeepSockets {
		sessions = m.sessions()
	}
	m.stop()
	for _, s := range sessions {
		s.Close(presence.MatchFailed)
	}
}

func (m *Match) sessions() []presence.Session {
	b := &m.box
	b.mu.Lock()
	defer b.mu.Unlock()
	all := make([]presence.Session, 0, len(b.members))
	for _, mem := range b.members {
		if mem.session != nil {
			all = append(all, mem.session)
		}
	}
	return all
}

// stop ends the match: deferred broadcasts are sent, waiting callers rejected,
// and the stream emptied.
func (m *Match) stop() {
	m.sendDeferred()
	m.over = true
	m.endRecord()
	if rec := m.rec.Load(); rec != nil {
		rec.finishMatch(m.tick)
	}
	m.reg.clock.remove(m, int(m.rate.Load()))
	n := m.reg.forget(m.id)
	b := &m.box
	b.mu.Lock()
	b.stopped = true
	queue := b.queue
	b.queue, b.input, b.tickDue = nil, nil, false
	clear(b.members)
	b.mu.Unlock()
	for i := range queue {
		queue[i].reject(m)
	}
	m.list = nil
	m.size.Store(0)
	if !m.suspended { // its members have not left
		m.reg.tracker.UntrackStream(m.stream, runtime.PresenceReasonUnknown)
	}
	m.forgetSnapshot()
	m.forgetMove()
	m.reg.metrics.Matches(n)
	if !m.journal.Playing() { // the state of a replay can be read until that is closed
		m.close()
	}
	m.reg.notifyEnded()
}

// abandon removes a match whose own code panicked, touching as little of it as
// possible.
func (m *Match) abandon() {
	m.over = true
	if m.tape != nil {
		m.tape.ring.drop()
	}
	m.cancel()
	m.reg.clock.remove(m, int(m.rate.Load()))
	m.forgetSnapshot()
	m.forgetMove()
	m.reg.metrics.Matches(m.reg.forget(m.id))
	m.reg.metrics.MatchFailed(m.name)
	m.reg.notifyEnded()
}

// close frees the handler.
func (m *Match) close() {
	m.cancel()
	_, _ = guard(m, func() (struct{}, error) { m.handler.Close(); return struct{}{}, nil })
}
