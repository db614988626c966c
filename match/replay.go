package match

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/rs/zerolog"

	"kumi/internal/journal"
	"kumi/presence"
	"kumi/store/fault"
)

// ReplayOptions say what a recording is replayed with. Find is required.
type ReplayOptions struct {
	// Find returns the handlers by name.
	Find   func(name string) (Factory, bool)
	Logger zerolog.Logger
	// EncodeParams is that of RecorderOptions.
	EncodeParams func(map[string]any) ([]byte, error)
	DecodeParams func([]byte) (map[string]any, error)
	// States makes the replay write down the whole state after each call.
	States bool
}

// Replay runs the match of a recording again, call by call, with what it read from outside
// at that time. It belongs to one goroutine. Nothing is sent, and no other match sees it.
type Replay struct {
	head   Header
	birth  *Step
	source segmentSource
	o      ReplayOptions
	reg    *Registry
	m      *Match
	tape   *tape
	read   stepReader

	segment, step int // of the next call
	loaded        *Segment
	resumes       bool // the next call is made by a handler that begins with the segment's state
	born          bool // a call was made
	over          bool
}

// segmentSource has the segments of a recording. Each is asked for once, in their order.
type segmentSource interface {
	Segments() int
	Segment(i int) (*Segment, error)
}

// segmentList is a source of segments in memory.
type segmentList []*Segment

func (l segmentList) Segments() int                   { return len(l) }
func (l segmentList) Segment(i int) (*Segment, error) { return l[i], nil }

// NewReplay prepares a replay. Close must be called. The error has the code NotFound if there
// is no handler of that name.
func NewReplay(rec *Recording, o ReplayOptions) (*Replay, error) {
	return newReplay(rec.Header, rec.Birth, segmentList(rec.Segments), o)
}

// NewFileReplay prepares a replay that begins with a segment of a file, which must be whole;
// see RecordingFile.Whole. It reads one segment after the other, and the file must stay open
// as long. Errors as of NewReplay.
func NewFileReplay(f *RecordingFile, segment int, o ReplayOptions) (*Replay, error) {
	birth, err := f.Birth()
	if err != nil {
		return nil, err
	}
	r, err := newReplay(f.Header, birth, f, o)
	if err != nil {
		return nil, err
	}
	r.segment = segment
	return r, nil
}

func newReplay(head Header, birth *Step, source segmentSource, o ReplayOptions) (*Replay, error) {
	if _, ok := o.Find(head.Handler); !ok {
		return nil, fault.Newf(fault.NotFound, "no match handler is named %q", head.Handler)
	}
	tracker := presence.NewTracker(presence.TrackerOptions{Node: head.Node, Sessions: presence.NewSessions(), Logger: o.Logger})
	reg := NewRegistry(Options{
		Node: head.Node, Tracker: tracker, Router: presence.NewRouter(tracker), Logger: o.Logger,
		Recorder: NewRecorder(RecorderOptions{Mode: RecordOff, EncodeParams: o.EncodeParams, DecodeParams: o.DecodeParams, Logger: o.Logger}),
	})
	return &Replay{head: head, birth: birth, source: source, o: o, reg: reg, resumes: true}, nil
}

// Close frees what the replay uses.
func (r *Replay) Close() {
	r.end()
	r.reg.tracker.Close()
}

func (r *Replay) end() {
	if r.m != nil {
		if r.m.handler == nil {
			r.m.cancel()
		} else {
			r.m.close()
		}
		r.m = nil
	}
}

// Match returns the match, for its label and tick rate; nil before the first step.
func (r *Replay) Match() Dispatcher { return r.m }

// ReplayLogger returns the logger for the handler of a replay, whose lines are none of the
// server's; ok is false in a match that is played.
func ReplayLogger(d Dispatcher) (log zerolog.Logger, ok bool) {
	m, ok := d.(*Match)
	if !ok || !m.journal.Playing() {
		return log, false
	}
	return m.reg.log, true
}

// Members returns who is in the match after the last step, in the order of the match.
func (r *Replay) Members() []*presence.Presence {
	if r.m == nil {
		return nil
	}
	return slices.Clone(r.m.list)
}

// Tick returns the tick of the next step; ok is false at the end.
func (r *Replay) Tick() (tick int64, ok bool) {
	if r.fromBirth() {
		if r.birth == nil {
			return 0, false
		}
		return r.birth.Tick, true
	}
	for {
		s, err := r.current()
		switch {
		case s == nil || err != nil:
			return 0, false
		case r.step < len(s.Steps):
			return s.Steps[r.step].Tick, true
		case r.resumes:
			return s.Tick, true
		}
		r.advance()
	}
}

// fromBirth tells that the next step is the match's beginning.
func (r *Replay) fromBirth() bool { return !r.born && r.segment == 0 && r.head.First }

// current returns the segment of the next step; nil at the end.
func (r *Replay) current() (*Segment, error) {
	if r.loaded != nil || r.segment >= r.source.Segments() {
		return r.loaded, nil
	}
	s, err := r.source.Segment(r.segment)
	r.loaded = s
	return s, err
}

// advance goes to the next segment, whose calls are all made.
func (r *Replay) advance() {
	steps := r.loaded.Steps
	r.resumes = len(steps) > 0 && steps[len(steps)-1].Moved
	r.loaded, r.segment, r.step = nil, r.segment+1, 0
}

// Next makes the next call of the handler and returns it as it was recorded, want, and as it
// was now, got. Both are nil at the end. got is nil if the match has ended before.
func (r *Replay) Next(ctx context.Context) (want, got *Step, err error) {
	if r.fromBirth() {
		r.born, r.resumes = true, false
		return r.begin(ctx)
	}
	r.born = true
	for {
		s, err := r.current()
		if err != nil {
			return nil, nil, err
		}
		if s == nil {
			if r.m == nil {
				return nil, nil, errors.New("the recording is empty")
			}
			return nil, nil, nil
		}
		if r.resumes {
			r.resumes = false
			if err := r.resume(s); err != nil {
				return nil, nil, err
			}
		}
		if r.step < len(s.Steps) {
			break
		}
		r.advance()
	}
	want = r.loaded.Steps[r.step]
	r.step++
	if r.over {
		return want, nil, nil
	}
	got, err = r.run(want, func() { r.call(want) })
	return want, got, err
}

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
