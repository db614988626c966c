package match

import (
	"context"
	"errors"
	"slices"

	"github.com/rs/zerolog"

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
