package match

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gofrs/uuid/v5"

	"kumi/internal/journal"
	"kumi/presence"
	"kumi/store/fault"
)

// make makes a match that nothing but this replay runs.
func (r *Replay) make(created time.Time) error {
	r.end()
	id, node, err := ParseID(r.head.Match)
	if err != nil {
		return err
	}
	m := &Match{reg: r.reg, id: id, name: r.head.Handler, version: r.head.Modules, log: r.o.Logger.With().Str("match", r.head.Match).Logger()}
	m.stream = presence.AuthoritativeMatch(id, node)
	m.text = r.head.Match
	m.journal = &journal.Journal{Epoch: created}
	m.ctx, m.cancel = context.WithCancel(journal.With(context.WithValue(context.Background(), handlerMatchKey{}, m), m.journal))
	m.box.members = map[uuid.UUID]*member{}
	m.box.running = true // what is posted does not run: the recording has what came of it
	m.tape = m.newTape(false)
	m.tape.replays = true
	r.m, r.tape = m, m.tape
	r.read = newStepReader(nil)
	return nil
}

// begin replays the beginning of the match.
func (r *Replay) begin(ctx context.Context) (want, got *Step, err error) {
	want = r.birth
	if want == nil {
		return nil, nil, errors.New("the recording has no beginning")
	}
	if err := r.make(r.head.Created); err != nil {
		return nil, nil, err
	}
	m := r.m
	m.journal.Play(want.Entries)
	m.journal.SetTime(r.head.Created)
	if err := r.generator(want.Generator); err != nil {
		return nil, nil, err
	}
	factory, _ := r.o.Find(r.head.Handler)
	if want.Kind == recRestore {
		m.adopt(want.Snapshot, nil)
		_, _ = m.revive(factory, want.Snapshot)
	} else {
		m.recordInit(want.Params)
		rate, label, err := m.begin(ctx, factory, want.Params)
		m.recordedInit(rate, label, err)
		m.label.Store(&label)
		m.rate.Store(int32(rate))
	}
	if got, err = readBirth(r.tape.birth, r.o.DecodeParams); err != nil {
		return nil, nil, err
	}
	r.tape.buf = nil
	clear(r.tape.people) // r.read has not read them
	r.over = got.Error != "" || !got.Alive
	return want, got, nil
}

func (r *Replay) generator(state []byte) error {
	if len(state) == 0 {
		return nil
	}
	if err := r.m.journal.SetGenerator(state); err != nil {
		return fmt.Errorf("%w: the state of the random numbers", journal.ErrCorrupt)
	}
	return nil
}

// resume begins with the state of a segment.
func (r *Replay) resume(s *Segment) error {
	if s.State == nil {
		return fault.Newf(fault.FailedPrecondition, "the recording cannot be replayed from tick %d on: the state of the match could not be recorded there as a whole", s.Tick)
	}
	if err := r.make(r.head.Created); err != nil {
		return err
	}
	m := r.m
	m.label.Store(&s.Label)
	m.rate.Store(int32(s.TickRate))
	m.tick = s.Tick
	if r.birth != nil {
		m.journal.Play(r.birth.Entries)
	} else {
		m.journal.Play(nil)
	}
	m.journal.SetTime(s.Time)
	factory, _ := r.o.Find(r.head.Handler)
	h, err := guard(m, func() (Handler, error) { return factory(m.ctx, m) })
	if err != nil {
		return err
	}
	m.handler = h
	set, ok := h.(Recordable)
	if !ok {
		return fault.Newf(fault.FailedPrecondition, "the match handler %q cannot begin with a state, and the recording does not begin with the match", r.head.Handler)
	}
	if err := set.SetState(m.ctx, s.State); err != nil {
		return err
	}
	if err := r.generator(s.Generator); err != nil {
		return err
	}
	m.list = append(m.list, s.Members...)
	for _, p := range s.Members {
		m.box.members[p.Session] = &member{presence: p, arrived: true}
	}
	r.tape.buf = nil
	return nil
}

// run makes one call and returns what was recorded of it.
func (r *Replay) run(want *Step, call func()) (*Step, error) {
	m := r.m
	m.tick = want.Tick
	m.journal.Play(want.Entries)
	call()
	if m.tape == nil {
		r.over = true
	} else if want.Hashed || r.o.States {
		m.recordState(want.State != nil || r.o.States)
	}
	m.box.queue = m.box.queue[:0] // leaves of those who were kicked: the recording has them
	r.read.Reader, r.read.budget = journal.NewReader(r.tape.buf), maxParsed
	steps, err := r.read.steps()
	r.tape.buf = r.tape.buf[:0]
	if err != nil || len(steps) == 0 {
		return nil, fmt.Errorf("the replay of tick %d left no record: %w", want.Tick, errors.Join(err, journal.ErrCorrupt))
	}
	got := *steps[len(steps)-1]
	return &got, nil
}

// call makes the call of a step.
func (r *Replay) call(s *Step) {
	m := r.m
	switch s.Kind {
	case recAttempt:
		verdict, err := m.askHandler(&attempt{joiner: s.Joiner, metadata: s.Metadata})
		m.settle(verdict.Alive, err, "join attempt")
	case recJoin:
		for _, p := range s.People {
			m.box.members[p.Session] = &member{presence: p, arrived: true}
			m.add(p)
			m.join(p)
		}
	case recReturn:
		away, back := s.People[0], s.People[1]
		m.recordReturn(away, back)
		if m.replace(away, back) {
			m.box.members[back.Session] = &member{presence: back, arrived: true}
		}
	case recLeave:
		for _, p := range s.People {
			delete(m.box.members, p.Session)
		}
		m.leave(append([]*presence.Presence(nil), s.People...))
	case recLoop:
		m.recordLoop(s.Input)
		alive, err := guard(m, func() (bool, error) { return m.handler.Loop(m.ctx, m.tick, s.Input) })
		m.settle(alive, err, "loop")
	case recTerminate:
		m.recordTerminate(s.Grace)
		alive, err := guard(m, func() (bool, error) { return m.handler.Terminate(m.ctx, m.tick, s.Grace) })
		m.settle(alive, err, "terminate")
	case recSnapshot:
		_, _ = m.snapshotHandler()
	case recSignal:
		_, alive, err := m.signalHandler(s.Text)
		m.settle(alive, err, "signal")
	case recPatch:
		m.recordText(recPatch, s.Text)
		err := error(ErrStateFixed)
		if h, ok := m.handler.(Editable); ok {
			_, err = guard(m, func() (struct{}, error) { return struct{}{}, h.PatchState(m.ctx, s.Text) })
		}
		if m.tape != nil {
			m.tape.done(true, err)
		}
	}
}

// State returns the state of the match as its handler describes it.
func (r *Replay) State() (string, error) {
	if r.m == nil || r.m.handler == nil {
		return "", nil
	}
	return guard(r.m, func() (string, error) { return r.m.handler.State(r.m.ctx) })
}

// Describe returns a recorded state as the handler describes it.
func (r *Replay) Describe(state []byte) (string, error) {
	scratch := &Replay{head: r.head, birth: r.birth, o: r.o, reg: r.reg}
	defer scratch.end()
	if err := scratch.make(r.head.Created); err != nil {
		return "", err
	}
	m := scratch.m
	m.journal.Record(nil)
	if r.birth != nil {
		m.journal.Play(r.birth.Entries)
	}
	factory, _ := r.o.Find(r.head.Handler)
	h, err := guard(m, func() (Handler, error) { return factory(m.ctx, m) })
	if err != nil {
		return "", err
	}
	m.handler = h
	set, ok := h.(Recordable)
	if !ok {
		return "", fault.New(fault.Unimplemented, "the handler cannot read a state")
	}
	if err := set.SetState(m.ctx, state); err != nil {
		return "", err
	}
	return scratch.State()
}
