package match

import (
	"runtime/debug"
	"slices"
	"time"

	"github.com/heroiclabs/nakama-common/runtime"

	"kumi/presence"
	"kumi/store/fault"
)

// leave removes presences and calls the handler's Leave.
func (m *Match) leave(gone []*presence.Presence) {
	told := gone[:0]
	for _, p := range gone {
		i := slices.IndexFunc(m.list, func(q *presence.Presence) bool { return q.Session == p.Session })
		if i < 0 {
			continue
		}
		last := len(m.list) - 1
		m.list[i] = m.list[last]
		m.list[last] = nil
		m.list = m.list[:last]
		told = append(told, p)
	}
	m.size.Store(int32(len(m.list)))
	if len(told) == 0 {
		return
	}
	if rec := m.rec.Load(); rec != nil {
		for _, p := range told {
			rec.now.event(Event{Kind: "leave", Presence: p})
		}
	}
	m.reg.tracker.Settle(m.stream) // clients get the leave event before what the handler broadcasts about it
	m.recordPeople(recLeave, told)
	alive, err := guard(m, func() (bool, error) { return m.handler.Leave(m.ctx, m.tick, told) })
	m.settle(alive, err, "leave")
}

// add makes p a member; join must follow.
func (m *Match) add(p *presence.Presence) {
	m.list = append(m.list, p)
	m.size.Store(int32(len(m.list)))
}

// join calls the handler's Join for a member that was just added.
func (m *Match) join(p *presence.Presence) bool {
	if rec := m.rec.Load(); rec != nil {
		rec.now.event(Event{Kind: "join", Presence: p})
	}
	m.recordPeople(recJoin, []*presence.Presence{p})
	alive, err := guard(m, func() (bool, error) { return m.handler.Join(m.ctx, m.tick, []*presence.Presence{p}) })
	return m.settle(alive, err, "join")
}

func (m *Match) attempt(a *attempt) {
	if !a.state.CompareAndSwap(callPending, callRunning) {
		return // the caller gave up
	}
	away := m.awaited(a.joiner)
	verdict, err := Verdict{Alive: true, Accept: true}, error(nil)
	if away == nil {
		verdict, err = m.askHandler(a)
	}
	if !m.settle(verdict.Alive, err, "join attempt") || !verdict.Accept {
		if a.state.CompareAndSwap(callRunning, callAnswered) {
			reason := verdict.Reason
			if reason == "" {
				reason = reasonRejected
			}
			if rec := m.rec.Load(); rec != nil {
				rec.now.event(Event{Kind: "join attempt", Presence: &a.joiner.Presence, Text: reason})
			}
			a.answer <- admission{reason: reason}
		}
		return
	}
	if !a.state.CompareAndSwap(callRunning, callAnswered) {
		return // too late: the client was told otherwise
	}
	p := new(presence.Presence)
	*p = a.joiner.Presence
	p.Stream, p.Reason = m.stream, runtime.PresenceReasonUnknown // as Nakama has it for joins
	answer := admission{accepted: true, others: m.present(), label: *m.label.Load()}
	if away != nil {
		m.recordReturn(away, p)
		if rec := m.rec.Load(); rec != nil {
			rec.now.event(Event{Kind: "return", Presence: p})
		}
	}
	b := &m.box
	b.mu.Lock()
	same := away != nil && m.replace(away, p)
	if mem := b.members[p.Session]; mem != nil {
		answer.number = mem.admission
		b.mu.Unlock()
		a.answer <- answer
		return
	}
	mem := &member{presence: p, deadline: time.Now().Add(m.reg.o.JoinMarkerDeadline)}
	if m.reg.onOtherNode(p.Session) {
		mem.session, mem.admission = m.reg.router.Visitor(p), m.reg.admissions.Add(1)
		answer.number = mem.admission
	} else {
		mem.session = m.reg.router.Session(p.Session)
	}
	b.members[p.Session] = mem
	b.mu.Unlock()
	if !same {
		m.add(p) // before the answer, so that listings count who was let in
	}
	a.answer <- answer
	if !same {
		m.join(p)
	}
}

// askHandler asks the handler whether a client may join.
func (m *Match) askHandler(a *attempt) (Verdict, error) {
	m.recordAttempt(a)
	v, err := guard(m, func() (Verdict, error) { return m.handler.JoinAttempt(m.ctx, m.tick, a.joiner, a.metadata) })
	m.recordVerdict(v)
	return v, err
}

func (m *Match) signal(c *call) {
	if !c.state.CompareAndSwap(callPending, callRunning) {
		return
	}
	if rec := m.rec.Load(); rec != nil {
		rec.now.event(Event{Kind: "signal", Text: c.data})
	}
	text, alive, err := m.signalHandler(c.data)
	ok := m.settle(alive, err, "signal")
	if !c.state.CompareAndSwap(callRunning, callAnswered) {
		return
	}
	if !ok && err != nil {
		c.answer <- reply{err: ErrFailed}
		return
	}
	c.answer <- reply{text: text} // also of a match that ends with this signal
}

func (m *Match) signalHandler(data string) (text string, alive bool, err error) {
	m.recordText(recSignal, data)
	alive, err = guard(m, func() (alive bool, err error) {
		alive, text, err = m.handler.Signal(m.ctx, m.tick, data)
		return alive, err
	})
	m.recordReply(text)
	return text, alive, err
}

// describe answers a request for the state. A handler that cannot describe its
// state does not end the match.
func (m *Match) describe(c *call) {
	if !c.state.CompareAndSwap(callPending, callRunning) {
		return
	}
	text, err := guard(m, func() (string, error) { return m.handler.State(m.ctx) })
	if c.state.CompareAndSwap(callRunning, callAnswered) {
		c.answer <- reply{text: text, tick: m.tick, members: slices.Clone(m.list), err: err}
	}
}

// guard calls a handler's method and turns a panic into an error.
func guard[T any](m *Match, f func() (T, error)) (result T, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = m.panicked(r)
		}
	}()
	return f()
}

func (m *Match) panicked(r any) error {
	m.log.Error().Interface("panic", r).Bytes("stack", debug.Stack()).Msg("match handler panicked")
	return fault.New(fault.Internal, "match handler failed")
}
