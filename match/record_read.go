package match

import (
	"fmt"
	"os"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/runtime"
	"kumi/internal/journal"
	"kumi/presence"
)

// Recording is what a file has: the calls of a match's handler.
type Recording struct {
	Header
	// Birth is the call of Init, or of Restore, with what was read from outside while the handler was made.
	// It is nil if the recording began later.
	Birth    *Step
	Segments []*Segment
	// Incomplete tells that the file ends early, such as after a crash.
	Incomplete bool
}

// Segment is a part of a recording.
type Segment struct {
	Tick      int64
	Time      time.Time
	Label     string
	TickRate  int
	Generator []byte
	// State is the state at its beginning; nil if it is not known as a whole.
	State   []byte
	Members []*presence.Presence
	Steps   []*Step
}

// Step is one call of a handler.
type Step struct {
	Kind byte
	Tick int64

	Params    map[string]any // of Init
	Generator []byte         // of random numbers, before Init or Restore
	Joiner    *Joiner        // of JoinAttempt
	Metadata  map[string]string
	People    []*presence.Presence // of Join and Leave
	Input     []*Data              // of Loop
	Text      string               // of Signal and PatchState
	Grace     int                  // of Terminate
	Snapshot  *Snapshot            // of Restore: state, tick rate, label and members

	Entries []journal.Entry
	Outputs []Output
	Alive   bool
	Error   string
	// TickRate and Label are results of Init and Restore.
	TickRate int
	Label    string

	// Hash is that of the state afterwards, if Hashed. State is the state, if it was recorded.
	Hashed bool
	Hash   uint64
	State  []byte
	// Moved tells that the match moved to reloaded code afterwards.
	Moved bool
}

// Name is the name of the called function in messages.
func (s *Step) Name() string {
	if int(s.Kind) < len(stepNames) {
		return stepNames[s.Kind]
	}
	return "?"
}

// Init tells that the step is the beginning of the match.
func (s *Step) Init() bool { return s.Kind == recInit || s.Kind == recRestore }

var stepNames = [...]string{"", "match init", "join attempt", "join", "leave", "loop", "terminate", "signal", "change of the state", "match snapshot", "match restore"}

// Output is something that a handler did.
type Output struct {
	Kind     byte
	OpCode   int64 // of a broadcast
	Reliable bool
	Size     int
	Data     []byte // of a large one the beginning
	Hash     uint64 // and this
	All      bool
	To       []uuid.UUID // sessions; of a kick as well
	From     string      // session id of the sender
	Text     string      // label, reason of a verdict, reply
	Accept   bool
}

// maxRecording is how many bytes a recording may have when it is read as a whole.
const maxRecording = 1 << 30

// ReadRecording reads a file. decode reads the parameters of the match.
func ReadRecording(path string, decode func([]byte) (map[string]any, error)) (*Recording, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	rec, err := readRecording(file, decode)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return rec, nil
}

func readRecording(file *os.File, decode func([]byte) (map[string]any, error)) (*Recording, error) {
	f, err := ReadRecordingFile(file, decode)
	if err != nil {
		return nil, err
	}
	rec := &Recording{Header: f.Header, Incomplete: f.Incomplete}
	if rec.Birth, err = f.Birth(); err != nil {
		return nil, err
	}
	size := 0
	for i, b := range f.segments {
		raw, err := f.read(b)
		if err != nil {
			return nil, err
		}
		if size += len(raw); size > maxRecording {
			return nil, fmt.Errorf("the recording is larger than %d bytes", maxRecording)
		}
		s, err := readSegment(raw)
		if err != nil {
			return nil, damaged(f.segments[i].offset, err)
		}
		rec.Segments = append(rec.Segments, s)
	}
	return rec, nil
}

// stepReader reads the calls of a segment.
type stepReader struct {
	*journal.Reader
	people map[uint64]*presence.Presence
}

func readBirth(raw []byte, decode func([]byte) (map[string]any, error)) (*Step, error) {
	r := stepReader{journal.NewReader(raw), map[uint64]*presence.Presence{}}
	s := &Step{Kind: r.Byte(), Tick: r.Int()}
	s.Generator = r.Bytes()
	switch s.Kind {
	case recInit:
		problem, params := r.Text(), r.Bytes()
		if problem != "" {
			return nil, fmt.Errorf("the parameters of the match could not be recorded: %s", problem)
		}
		var err error
		if s.Params, err = decode(params); err != nil {
			return nil, err
		}
	case recRestore:
		s.Snapshot = &Snapshot{Tick: s.Tick, Rate: int(r.Uint()), Label: r.Text()}
		for range r.Count() {
			s.Snapshot.Members = append(s.Snapshot.Members, r.person())
		}
		s.Snapshot.State = r.Bytes()
	default:
		return nil, journal.ErrCorrupt
	}
	r.body(s)
	s.TickRate, s.Label = int(r.Uint()), r.Text()
	return s, r.Err()
}

func readSegment(raw []byte) (*Segment, error) {
	r := stepReader{journal.NewReader(raw), map[uint64]*presence.Presence{}}
	s, whole := r.segmentHead()
	if whole {
		s.State = r.Bytes()
	}
	for range r.Count() {
		s.Members = append(s.Members, r.person())
	}
	_ = r.Uint()
	var err error
	s.Steps, err = r.steps()
	return s, err
}

// segmentHead reads the beginning of a segment, up to the state. whole tells that the state
// follows.
func (r *stepReader) segmentHead() (s *Segment, whole bool) {
	s = &Segment{Tick: r.Int(), Time: time.Unix(0, r.Int()), Label: r.Text(), TickRate: int(r.Uint()), Generator: r.Bytes()}
	return s, r.flag()
}

// steps reads the calls up to the end.
func (r *stepReader) steps() (all []*Step, err error) {
	var last *Step
	for r.Len() > 0 && r.Err() == nil {
		switch kind := r.Byte(); kind {
		case recEntry: // read by somebody who looked at the state
			r.Entry()
		case recHash, recState, recMoved:
			if last == nil {
				last = &Step{}
			}
			r.after(kind, last)
		default:
			last = &Step{Kind: kind, Tick: r.Int()}
			if err := r.arguments(last); err != nil {
				return all, err
			}
			r.body(last)
			all = append(all, last)
		}
	}
	return all, r.Err()
}

// after reads what follows a call.
func (r *stepReader) after(kind byte, s *Step) {
	_ = r.Int() // the tick
	switch kind {
	case recHash:
		s.Hashed, s.Hash = true, r.Uint64()
	case recState:
		_, s.State = r.flag(), r.Bytes()
	case recMoved:
		s.Moved = true
	}
}

func (r *stepReader) flag() bool { return r.Byte() != 0 }

func (r *stepReader) id() (id uuid.UUID) {
	for i := range id {
		id[i] = r.Byte()
	}
	return id
}

func (r *stepReader) person() *presence.Presence {
	n := r.Uint()
	if n != 0 {
		if p := r.people[n]; p != nil {
			return p
		}
		return &presence.Presence{}
	}
	n = r.Uint()
	p := &presence.Presence{}
	p.Node, p.Session, p.UserID = r.Text(), r.id(), r.id()
	p.Username, p.Status, p.Hidden, p.Persistence = r.Text(), r.Text(), r.flag(), r.flag()
	p.Reason = runtime.PresenceReason(r.Uint())
	r.people[n] = p
	return p
}

func (r *stepReader) texts() map[string]string {
	n := r.Count()
	m := make(map[string]string, n)
	for range n {
		k := r.Text()
		m[k] = r.Text()
	}
	return m
}

// arguments reads the arguments of a call.
func (r *stepReader) arguments(s *Step) error {
	switch s.Kind {
	case recAttempt:
		s.Joiner = &Joiner{Presence: *r.person(), Vars: r.texts(), SessionExpiry: r.Int(), ClientIP: r.Text(), ClientPort: r.Text(), Lang: r.Text()}
		s.Metadata = r.texts()
	case recJoin, recLeave:
		for range r.Count() {
			s.People = append(s.People, r.person())
		}
	case recLoop:
		for range r.Count() {
			s.Input = append(s.Input, &Data{Presence: r.person(), OpCode: r.Int(), Reliable: r.flag(), ReceiveTime: r.Int(), Data: r.Bytes()})
		}
	case recSignal, recPatch:
		s.Text = r.Text()
	case recTerminate:
		s.Grace = int(r.Int())
	case recSnapshot:
	default:
		return journal.ErrCorrupt
	}
	return nil
}

// body reads entries and outputs, up to the results.
func (r *stepReader) body(s *Step) {
	for r.Err() == nil {
		o := Output{}
		switch o.Kind = r.Byte(); o.Kind {
		case recEntry:
			s.Entries = append(s.Entries, r.Entry())
			continue
		case recDone:
			s.Alive, s.Error = r.flag(), r.Text()
			return
		case recBroadcast:
			o.OpCode, o.Reliable, o.Size = r.Int(), r.flag(), int(r.Uint())
			o.Data = r.Take(min(o.Size, keptPayload))
			if o.Size > keptPayload {
				o.Hash = r.Uint64()
			}
			if o.All = r.flag(); !o.All {
				for range r.Count() {
					o.To = append(o.To, r.id())
				}
			}
			o.From = r.Text()
		case recKick:
			o.To = []uuid.UUID{r.id()}
		case recLabel, recReply:
			o.Text = r.Text()
		case recVerdict:
			o.Accept, o.Text = r.flag(), r.Text()
		default:
			r.Fail()
		}
		s.Outputs = append(s.Outputs, o)
	}
}
