package match

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gofrs/uuid/v5"

	"kumi/presence"
)

// item is one thing a match has to do, in order of arrival. Ticks and client
// messages are kept apart, as they are not queued.
type item struct {
	kind    itemKind
	leaves  []*presence.Presence // leave
	arrived *presence.Presence   // arrive: came onto the stream without asking
	attempt *attempt             // join attempt
	call    *call                // signal, state
	grace   int                  // terminate, in seconds
	move    *move                // move
}

type itemKind uint8

const (
	doLeave itemKind = iota
	doArrive
	doAttempt
	doSignal
	doState
	doTerminate
	doMove
	doStop
)

// attempt is a client that waits to be let in.
type attempt struct {
	joiner   *Joiner
	metadata map[string]string
	answer   chan admission // has room for the one answer
	progress atomic.Int32
}

type admission struct {
	accepted bool
	reason   string
	others   []*presence.Presence
	label    string
}

// call is a request from outside the match that waits for an answer.
type call struct {
	data     string
	answer   chan reply // has room for the one answer
	progress atomic.Int32
}

// How far a question has come. Who asks gives up by setting gaveUp; the match
// does not begin with such a question, and undoes one it had begun with.
const (
	asked int32 = iota
	begun
	answered
	gaveUp
)

type reply struct {
	text    string
	tick    int64
	members []*presence.Presence
	err     error
}

// mailbox is the part of a match that other goroutines touch. Whoever posts to
// a match that is not running hands it to the pool.
type mailbox struct {
	mu       sync.Mutex
	queue    []item
	attempts int // how many of the queue are join attempts
	calls    int // and signals and state requests
	input    []*Data
	due      bool // a tick is due
	skipped  int  // ticks that came due before the last was done
	running  bool
	stopped  bool
	dropping time.Time // last warning about dropped input
	members  map[uuid.UUID]*member
}

// member is a client that the handler let in.
type member struct {
	presence *presence.Presence
	session  presence.Session
	arrived  bool      // it is on the match's stream
	deadline time.Time // to arrive by
}

// post queues an item unless the match has stopped. The mailbox is locked and
// gets unlocked.
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
// the last skips this one. It says whether the caller must run the match.
func (m *Match) tickDue() (run bool) {
	b := &m.box
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.stopped {
		return false
	}
	if b.due {
		b.skipped++
		return false
	}
	b.due = true
	run = !b.running
	b.running = true
	return run
}

// data queues a client's message for the next tick.
func (m *Match) data(session uuid.UUID, opCode int64, data []byte, reliable bool) {
	b := &m.box
	b.mu.Lock()
	who := b.members[session]
	if who == nil || b.stopped {
		b.mu.Unlock()
		return
	}
	if len(b.input) >= m.reg.o.InputQueue {
		now := time.Now()
		warn := now.Sub(b.dropping) > time.Second
		if warn {
			b.dropping = now
		}
		b.mu.Unlock()
		m.reg.metrics.MatchDropped(m.name, "input")
		if warn {
			m.log.Warn().Msg("match input queue is full, messages are dropped until the next tick")
		}
		return
	}
	b.input = append(b.input, &Data{
		Presence: who.presence, OpCode: opCode, Data: data, Reliable: reliable, ReceiveTime: time.Now().UnixMilli(),
	})
	b.mu.Unlock()
}

// moved is told by the tracker, under its locks, of who came onto the match's
// stream and who left it.
func (m *Match) moved(join, leave *presence.Presence) {
	b := &m.box
	b.mu.Lock()
	switch {
	case join != nil && leave != nil: // a change of a presence is nothing to a match
		b.mu.Unlock()
	case join != nil:
		if who := b.members[join.Session]; who != nil {
			who.arrived = true
			b.mu.Unlock()
			return
		}
		if !b.stopped {
			// A member at once, so that its leave, which may come before the match
			// has run, finds it.
			b.members[join.Session] = &member{presence: join, session: m.reg.router.Session(join.Session), arrived: true}
		}
		m.post(item{kind: doArrive, arrived: join})
	case leave != nil:
		if b.members[leave.Session] == nil {
			b.mu.Unlock()
			return
		}
		m.left(leave)
	default:
		b.mu.Unlock()
	}
}

// left queues the leave of a member, together with those that already wait. The
// mailbox is locked and gets unlocked. From here on the client is no member for
// those who post.
func (m *Match) left(who *presence.Presence) {
	b := &m.box
	delete(b.members, who.Session)
	if n := len(b.queue); n > 0 && b.queue[n-1].kind == doLeave {
		last := &b.queue[n-1]
		last.leaves = append(last.leaves, who)
		b.mu.Unlock()
		return
	}
	m.post(item{kind: doLeave, leaves: []*presence.Presence{who}})
}

// ask queues a join attempt and waits for the answer.
func (m *Match) ask(ctx context.Context, j *Joiner, metadata map[string]string) (admission, error) {
	a := &attempt{joiner: j, metadata: metadata, answer: make(chan admission, 1)}
	b := &m.box
	b.mu.Lock()
	if b.stopped {
		b.mu.Unlock()
		return admission{}, ErrNotFound
	}
	if b.attempts >= m.reg.o.JoinAttemptQueue {
		b.mu.Unlock()
		m.reg.metrics.MatchDropped(m.name, "join")
		return admission{reason: reasonFull}, nil
	}
	b.attempts++
	m.post(item{kind: doAttempt, attempt: a})

	got, err := wait(ctx, a.answer, &a.progress, m.reg.o.AnswerWait)
	if err != nil {
		return admission{}, nil // refused, without a reason
	}
	return got, nil
}

// request queues a signal or a request for the state and waits for the answer.
func (m *Match) request(ctx context.Context, kind itemKind, data string) (reply, error) {
	if running(ctx) == m {
		return reply{}, ErrBusy // a handler that waits for itself
	}
	c := &call{data: data, answer: make(chan reply, 1)}
	b := &m.box
	b.mu.Lock()
	if b.stopped {
		b.mu.Unlock()
		return reply{}, ErrBusy
	}
	if b.calls >= m.reg.o.SignalQueue {
		b.mu.Unlock()
		m.reg.metrics.MatchDropped(m.name, "signal")
		return reply{}, ErrBusy
	}
	b.calls++
	m.post(item{kind: kind, call: c})

	got, err := wait(ctx, c.answer, &c.progress, m.reg.o.AnswerWait)
	if err != nil {
		return reply{}, err
	}
	return got, got.err
}

// wait takes an answer, or gives up.
func wait[T any](ctx context.Context, answer chan T, progress *atomic.Int32, limit time.Duration) (T, error) {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case got := <-answer:
		return got, nil
	case <-timer.C:
	case <-ctx.Done():
	}
	if !progress.CompareAndSwap(asked, gaveUp) && !progress.CompareAndSwap(begun, gaveUp) {
		return <-answer, nil // answered at the same moment
	}
	var none T
	return none, ErrBusy
}

// runningKey finds the match whose handler a context was given to.
type runningKey struct{}

func running(ctx context.Context) *Match {
	m, _ := ctx.Value(runningKey{}).(*Match)
	return m
}

// handlerContext is the context that a match gives to its handler.
type handlerContext struct {
	context.Context
	match *Match
}

// Value implements context.Context.
func (c *handlerContext) Value(key any) any {
	if key == (runningKey{}) {
		return c.match
	}
	return c.Context.Value(key)
}
