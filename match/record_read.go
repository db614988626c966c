package match

import (
	"fmt"
	"iter"
	"os"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/runtime"
	"kumi/internal/journal"
	"kumi/presence"
)

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
		raw, err := b.read(file)
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

// stepReader reads the calls of a segment. It bounds the memory that it takes: a file may be
// damaged, or made to take all memory of the server that reads it.
type stepReader struct {
	*journal.Reader
	people map[uint64]*presence.Presence
	budget int // bytes that may still be taken
}

const (
	// maxParsed is about how many bytes the calls of a segment may take in memory, beside the
	// bytes that are read. Segments of real matches take a few MB.
	maxParsed = 128 << 20
	// stepCost and itemCost are about what a Step takes, and anything else at most.
	stepCost = 512
	itemCost = 192
)

func newStepReader(raw []byte) stepReader {
	return stepReader{Reader: journal.NewReader(raw), people: map[uint64]*presence.Presence{}, budget: maxParsed}
}

// spend takes bytes from the budget. Without enough of it the reader fails.
func (r *stepReader) spend(cost int) {
	if r.budget -= cost; r.budget < 0 {
		r.Fail()
	}
}

// items yields as often as the number that follows says, until the reader fails. Each item has
// at least min bytes.
func (r *stepReader) items(min int) iter.Seq[int] {
	n := r.Count()
	return func(yield func(int) bool) {
		if n > r.Len()/min {
			r.Fail()
		}
		for i := 0; i < n && r.Err() == nil; i++ {
			r.spend(itemCost)
			if !yield(i) {
				return
			}
		}
	}
}

// Least bytes of what there are several of.
const (
	minPerson = 1         // the number of a known one
	minText   = 1         // the length
	minInput  = 5         // a known presence, op code, reliable, time, length
	minID     = uuid.Size // of a session
)

func readBirth(raw []byte, decode func([]byte) (map[string]any, error)) (*Step, error) {
	r := newStepReader(raw)
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
		for range r.items(minPerson) {
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
	r := newStepReader(raw)
	return r.segment()
}

func (r *stepReader) segment() (*Segment, error) {
	s, whole := r.segmentHead()
	if whole {
		s.State = r.Bytes()
	}
	for range r.items(minPerson) {
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
			r.spend(stepCost)
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
		r.Fail()
		return &presence.Presence{}
	}
	r.spend(itemCost)
	n = r.Uint()
	p := &presence.Presence{}
	p.Node, p.Session, p.UserID = r.Text(), r.id(), r.id()
	p.Username, p.Status, p.Hidden, p.Persistence = r.Text(), r.Text(), r.flag(), r.flag()
	p.Reason = runtime.PresenceReason(r.Uint())
	r.people[n] = p
	return p
}

func (r *stepReader) texts() map[string]string {
	m := map[string]string{}
	for range r.items(2 * minText) {
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
		for range r.items(minPerson) {
			s.People = append(s.People, r.person())
		}
	case recLoop:
		for range r.items(minInput) {
			s.Input = append(s.Input, &Data{Presence: r.person(), OpCode: r.Int(), Reliable: r.flag(), ReceiveTime: r.Int(), Data: r.Bytes()})
		}
	case recReturn:
		s.People = []*presence.Presence{r.person(), r.person()}
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
		r.spend(itemCost)
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
				for range r.items(minID) {
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
