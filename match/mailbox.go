package match

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/runtime"

	"kumi/presence"
)

// item is one entry of a match's queue, handled in order of arrival. Ticks and
// client messages are not queued here.
type item struct {
	kind     itemKind
	leaves   []*presence.Presence // leave
	arrived  *presence.Presence   // arrive: came onto the stream without a join attempt
	attempt  *attempt             // join attempt
	call     *call                // signal, state, set state
	grace    int                  // terminate; suspend and hand over, for a match that cannot be kept; in seconds
	handover *handover            // hand over
	ordered  bool                 // stop and terminate: by Registry.End, and not as this node ends
	move     *move                // move
}

type itemKind uint8

const (
	doLeave itemKind = iota
	doArrive
	doAttempt
	doSignal
	doState
	doPatchState
	doShow
	doTerminate
	doMove
	doSuspend
	doHandOver
	doYield
	doStop
)

// attempt is a join attempt that waits for an answer.
type attempt struct {
	joiner   *Joiner
	metadata map[string]string
	answer   chan admission // buffered, for one answer
	state    atomic.Int32
}

type admission struct {
	accepted bool
	reason   string
	others   []*presence.Presence
	label    string
	number   uint64 // of the admission of another node's session
	err      error  // errMoved, or nil
}

// call is a request from outside the match that waits for an answer.
type call struct {
	data   string
	answer chan reply // buffered, for one answer
	state  atomic.Int32
}

// States of an attempt or a call. A caller gives up by setting callAbandoned;
// the match then does not start the call, or undoes what it did.
const (
	callPending int32 = iota
	callRunning
	callAnswered
	callAbandoned
)

type reply struct {
	text    string
	tick    int64
	members []*presence.Presence
	err     error
}

// mailbox is the part of a match that other goroutines access. A goroutine
// that posts to a match that is not running submits it to the pool.
type mailbox struct {
	mu         sync.Mutex
	queue      []item
	attempts   int // join attempts in queue
	calls      int // and signals and state requests
	input      []*Data
	tickDue    bool // a tick is due and has not begun
	skipped    int  // ticks that came due while one was
	running    bool
	stopped    bool
	paused     bool      // no tick comes due
	moving     bool      // it is being handed over: a snapshot is taken and no tick follows
	moved      bool      // another node runs it
	written    int       // how many of input the last snapshot has
	dropWarned time.Time // last warning about dropped input
	members    map[uuid.UUID]*member
}

// member is a client in the match.
type member struct {
	presence *presence.Presence
	session  presence.Session
	arrived  bool      // it is on the match's stream
	deadline time.Time // to come onto the stream
	// awaited says that it was in the match before a restart and has not come back yet. It
	// has no session then.
	awaited bool
	// resumable says that its node was drained and handed the match over: when its socket is
	// closed it may come back, as after a restart.
	resumable bool
	// admission is the number under which a session of another node was let in. A join or
	// leave with another number is of an admission that has ended. 0 for the sessions of this
	// node, and for those that module code put on the stream.
	admission uint64
}

// post queues an item and reports whether it did; it does not after the match
// has stopped. b.mu must be held and is unlocked.
func (m *Match) post(it item) bool {
	b := &m.box
	if b.stopped {
		b.mu.Unlock()
		return false
	}
	b.queue = append(b.queue, it)
	m.wakeLocked()
	return true
}

// order queues an item, or rejects it if the match has stopped.
func (m *Match) order(it item) {
	m.box.mu.Lock()
	if !m.post(it) {
		it.reject(m)
	}
}

// wakeLocked unlocks the mailbox and makes sure that the match runs.
func (m *Match) wakeLocked() {
	start := !m.box.running
	m.box.running = true
	m.box.mu.Unlock()
	if start {
		m.reg.pool.Go(m)
	}
}

// tickDue is the clock's call. A match that is still busy with the tick before
// the last skips this one. It reports whether the caller must run the match.
func (m *Match) tickDue() (run bool) {
	b := &m.box
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.stopped || b.paused {
		return false
	}
	if b.tickDue {
		b.skipped++
		return false
	}
	b.tickDue = true
	run = !b.running
	b.running = true
	return run
}

// data queues a client's message for the next tick. It reports false if another node runs
// the match by now, which is where the message belongs.
func (m *Match) data(session uuid.UUID, opCode int64, data []byte, reliable bool) bool {
	return m.dataUpTo(m.reg.o.InputQueue, session, opCode, data, reliable)
}

// dataUpTo is data for a queue of another length.
func (m *Match) dataUpTo(limit int, session uuid.UUID, opCode int64, data []byte, reliable bool) bool {
	b := &m.box
	b.mu.Lock()
	if b.moved {
		b.mu.Unlock()
		return false
	}
	mem := b.members[session]
	if mem == nil || b.stopped {
		b.mu.Unlock()
		return true
	}
	if len(b.input) >= limit {
		now := time.Now()
		warn := now.Sub(b.dropWarned) > time.Second
		if warn {
			b.dropWarned = now
		}
		b.mu.Unlock()
		m.reg.metrics.MatchDropped(m.name, "input")
		if warn {
			m.log.Warn().Msg("match input queue is full, dropping messages until the next tick")
		}
		return true
	}
	b.input = append(b.input, &Data{
		Presence: mem.presence, OpCode: opCode, Data: data, Reliable: reliable, ReceiveTime: time.Now().UnixMilli(),
	})
	b.mu.Unlock()
	return true
}

// presenceChanged is called by the tracker, with its locks held, when a
// presence joins or leaves the match's stream.
func (m *Match) presenceChanged(join, leave *presence.Presence) {
	if join != nil && leave != nil {
		if join.Admission != leave.Admission { // it has left and come again
			m.presenceChanged(nil, leave)
			m.presenceChanged(join, nil)
		}
		return // a changed presence does not concern a match
	}
	b := &m.box
	b.mu.Lock()
	switch {
	case join != nil:
		mem := b.members[join.Session]
		if mem != nil && mem.admission == join.Admission {
			mem.arrived = true
			if mem.awaited {
				mem.awaited, mem.session = false, m.reg.router.Session(join.Session)
			}
			b.mu.Unlock()
			return
		}
		if join.Admission != 0 {
			b.mu.Unlock()
			m.reg.refuse(join)
			return
		}
		if mem != nil { // let in, and meanwhile put on the stream by module code
			b.mu.Unlock()
			return
		}
		if !b.stopped {
			// Add the member now: its leave may come before the match has run.
			b.members[join.Session] = &member{presence: join, session: m.reg.router.Session(join.Session), arrived: true}
		}
		m.post(item{kind: doArrive, arrived: join})
	case leave != nil:
		if mem := b.members[leave.Session]; mem == nil || leave.Admission != mem.admission {
			b.mu.Unlock()
			return
		}
		if mem := b.members[leave.Session]; mem.resumable && leave.Reason == runtime.PresenceReasonDisconnect {
			mem.awaited, mem.arrived, mem.session, mem.deadline = true, false, nil, time.Now().Add(m.reg.o.ResumeTime)
			b.mu.Unlock()
			return
		}
		m.queueLeave(leave)
	default:
		b.mu.Unlock()
	}
}

// queueLeave queues the leave of a member, together with leaves that are
// waiting. b.mu must be held and is unlocked. The client's messages are
// ignored from here on.
func (m *Match) queueLeave(p *presence.Presence) {
	b := &m.box
	delete(b.members, p.Session)
	if n := len(b.queue); n > 0 && b.queue[n-1].kind == doLeave {
		last := &b.queue[n-1]
		last.leaves = append(last.leaves, p)
		b.mu.Unlock()
		return
	}
	m.post(item{kind: doLeave, leaves: []*presence.Presence{p}})
}

// ask queues a join attempt and waits for the answer.
func (m *Match) ask(ctx context.Context, j *Joiner, metadata map[string]string) (admission, error) {
	a := &attempt{joiner: j, metadata: metadata, answer: make(chan admission, 1)}
	b := &m.box
	b.mu.Lock()
	if b.moved || b.stopped {
		moved := b.moved
		b.mu.Unlock()
		if moved {
			return admission{}, errMoved
		}
		return admission{}, ErrNotFound
	}
	if b.attempts >= m.reg.o.JoinAttemptQueue {
		b.mu.Unlock()
		m.reg.metrics.MatchDropped(m.name, "join")
		return admission{reason: reasonFull}, nil
	}
	b.attempts++
	m.post(item{kind: doAttempt, attempt: a})

	got, err := wait(ctx, a.answer, &a.state, m.reg.o.AnswerWait)
	if err != nil {
		b.mu.Lock()
		defer b.mu.Unlock()
		if b.moving {
			return admission{}, errMoving
		}
		return admission{}, nil // rejected without a reason
	}
	return got, got.err
}

// request queues a signal or a request for the state and waits for the answer.
func (m *Match) request(ctx context.Context, kind itemKind, data string) (reply, error) {
	if handlerMatch(ctx) == m {
		return reply{}, ErrBusy // the handler would wait for itself
	}
	c := &call{data: data, answer: make(chan reply, 1)}
	b := &m.box
	b.mu.Lock()
	if b.moved || b.stopped {
		moved := b.moved
		b.mu.Unlock()
		if moved {
			return reply{}, errMoved
		}
		return reply{}, ErrBusy
	}
	if b.calls >= m.reg.o.SignalQueue {
		b.mu.Unlock()
		m.reg.metrics.MatchDropped(m.name, "signal")
		return reply{}, ErrBusy
	}
	b.calls++
	m.post(item{kind: kind, call: c})

	got, err := wait(ctx, c.answer, &c.state, m.reg.o.AnswerWait)
	if err != nil {
		return reply{}, err
	}
	return got, got.err
}

// wait returns the answer, or gives up after limit or when ctx is done.
func wait[T any](ctx context.Context, answer chan T, progress *atomic.Int32, limit time.Duration) (T, error) {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case got := <-answer:
		return got, nil
	case <-timer.C:
	case <-ctx.Done():
	}
	if !progress.CompareAndSwap(callPending, callAbandoned) && !progress.CompareAndSwap(callRunning, callAbandoned) {
		return <-answer, nil // answered at the same time
	}
	var none T
	return none, ErrBusy
}

// handlerMatchKey is the context key of the *Match whose handler is running.
type handlerMatchKey struct{}

func handlerMatch(ctx context.Context) *Match {
	m, _ := ctx.Value(handlerMatchKey{}).(*Match)
	return m
}
