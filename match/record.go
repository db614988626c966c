package match

import (
	"context"
	"errors"
	"time"

	"github.com/cespare/xxhash/v2"
	"github.com/heroiclabs/nakama-common/runtime"

	"kumi/internal/journal"
	"kumi/presence"
	"kumi/store/fault"
)

// Recordable is a Handler whose state can be written down. Matches of other handlers are
// recorded without their state. The methods are called like the others.
type Recordable interface {
	Handler
	// AppendState appends the state to dst, in a form that is the same whenever states are
	// equal. whole tells that SetState can make the same state of it.
	AppendState(ctx context.Context, dst []byte) (state []byte, whole bool, err error)
	// SetState sets the state of a handler that has had no call yet.
	SetState(ctx context.Context, state []byte) error
}

// tape records one match: what its handler is called with, what it reads from outside and
// what it does. It belongs to the match's goroutine and keeps the last minutes in a ring of
// segments. See record_format.go for what is written.
type tape struct {
	recorder *Recorder
	keep     bool // write a file even if the match does not fail, and while it runs
	replays  bool // it records a replay, which reads buf
	birth    []byte
	ring     ring
	file     *recordFile
	seg      *segment // that is being written
	buf      []byte   // of seg
	head     int      // bytes of buf with which seg begins, such as the state
	people   map[presence.ID]person
	open     bool // a call of the handler has begun

	scratch   []byte // of states
	stateCost time.Duration
	credit    time.Duration // what the next state may cost
	unhashed  int           // ticks since the last hash
	nextWhole time.Time
	restarts  bool // the state is whole, so that a segment can begin with it

	failed string // the error of the handler, which ended the match
	where  string
	stack  string
}

// person is an entry of a segment's list of presences.
type person struct {
	index    uint64
	presence *presence.Presence
}

const (
	// maxSegment is how many bytes of ticks a segment has before a new one begins. If the state with
	// which it begins is larger, it has as many as that, so that states are at most half of a recording.
	maxSegment = 256 << 10
	// keptSegment is how long a segment of a recording that is kept lasts at most. The last one is
	// lost if the server is killed.
	keptSegment = time.Minute
	// wholeEvery is the time between two whole states in a segment.
	wholeEvery = 10 * time.Second
	// stateCredit is the part of a handler's time that writing down its state may take; the
	// state is hashed every tick if it costs less.
	stateCredit = 32
	// maxUnhashed is the maximum number of ticks between two hashes of the state.
	maxUnhashed = 600
	// keptPayload is how many bytes of a broadcast are kept of one with more than that; of the
	// rest there is a hash.
	keptPayload = 1 << 10
)

// newTape begins to record a match before its handler is made.
func (m *Match) newTape(keep bool) *tape {
	t := &tape{recorder: m.reg.o.Recorder, keep: keep, file: &recordFile{}, people: map[presence.ID]person{}}
	t.ring.recorder = t.recorder
	m.journal.Record(t.entry)
	return t
}

// entry records what the handler's code read from outside.
func (t *tape) entry(e journal.Entry) {
	t.buf = append(t.buf, recEntry)
	t.buf = e.Append(t.buf)
}

// begin begins the record of a call of the handler.
func (m *Match) beginRecord(kind byte) *tape {
	t := m.tape
	if t == nil {
		return nil
	}
	m.journal.Begin()
	t.open = true
	t.buf = append(t.buf, kind)
	t.int(m.tick)
	return t
}

// person records a presence: by its number, or as a whole the first time in a segment.
func (t *tape) person(p *presence.Presence) {
	known := t.people[p.ID]
	if known.presence == p {
		t.uint(known.index)
		return
	}
	known = person{uint64(len(t.people) + 1), p}
	if old, ok := t.people[p.ID]; ok { // such as with another reason
		known.index = old.index
	}
	t.people[p.ID] = known
	t.uint(0)
	t.uint(known.index)
	t.presence(p)
}

// broadcast records what the handler sends. to is not used if it is for all.
func (t *tape) broadcast(opCode int64, data []byte, b *broadcast, sender runtime.Presence, reliable bool) {
	t.buf = append(t.buf, recBroadcast)
	t.int(opCode)
	t.bool(reliable)
	t.payload(data)
	t.bool(b.all)
	if !b.all {
		t.uint(uint64(len(b.to)))
		for _, id := range b.to {
			t.buf = append(t.buf, id[:]...)
		}
	}
	from := ""
	if sender != nil {
		from = sender.GetSessionId()
	}
	t.text(from)
}

// payload records data, or what identifies it if there is much.
func (t *tape) payload(data []byte) {
	t.uint(uint64(len(data)))
	if len(data) <= keptPayload {
		t.buf = append(t.buf, data...)
		return
	}
	t.buf = append(t.buf, data[:keptPayload]...)
	t.uint64(xxhash.Sum64(data))
}

// done ends the record of a call with its results.
func (t *tape) done(alive bool, err error) {
	if !t.open {
		return
	}
	t.open = false
	t.buf = append(t.buf, recDone)
	t.bool(alive)
	t.text(errorText(err))
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// startRecord begins to record a match that is running, between two calls of its handler.
func (m *Match) startRecord(keep bool) {
	if m.tape != nil {
		m.tape.keep = m.tape.keep || keep
		return
	}
	if m.reg.o.Recorder == nil {
		return
	}
	m.tape = m.newTape(keep)
	m.recordState(false)
	m.tape.buf = m.tape.buf[:0]
	m.tape.beginSegment(m, time.Now())
}

// endRecord ends the recording of a match. It is written if it is to be kept, or if the
// handler failed.
func (m *Match) endRecord() {
	t := m.tape
	if t == nil {
		return
	}
	if t.replays || t.seg != nil && (t.keep || t.failed != "") {
		m.recordState(true)
	}
	m.tape = nil
	m.journal.Record(nil)
	t.done(false, nil)
	if t.replays {
		return
	}
	if t.seg != nil {
		t.ring.add(t.seg, t.buf)
	}
	if !t.keep && t.failed == "" {
		t.ring.drop()
		return
	}
	s := m.saved(t)
	s.Ended, s.Error, s.In, s.Stack = time.Now(), t.failed, t.where, t.stack
	t.recorder.finish(s, &t.ring, t.keep)
}

const (
	// keptError is how many bytes of the error that ended the match the header of a recording
	// has, and keptStack how many of its stack.
	keptError = 4 << 10
	keptStack = 16 << 10
)

// fail notes the error that ends the match.
func (t *tape) fail(err error, where string) {
	t.failed, t.where = cut(err.Error(), keptError), where
	var traced interface{ Trace() string }
	if errors.As(err, &traced) {
		t.stack = cut(traced.Trace(), keptStack)
	}
}

// recordMove goes on with the journal of a handler of reloaded code, to which the match has
// moved. What follows begins a new segment.
func (m *Match) recordMove(next *journal.Journal) {
	if state := m.journal.Generator(); state != nil {
		_ = next.SetGenerator(state) // it is one
	}
	m.journal.Record(nil)
	m.journal = next
	m.identify()
	t := m.tape
	if t == nil {
		return
	}
	next.Record(t.entry)
	t.buf = append(t.buf, recMoved)
	t.int(m.tick)
	m.endSegment()
	t.buf = nil
	m.recordState(false)
	t.beginSegment(m, time.Now())
}

// recordWish is what a handler asked for, to be done when its call has ended.
type recordWish uint8

const (
	recordUnchanged recordWish = iota
	recordStart
	recordStop
)

// MatchRecord implements Dispatcher: it turns the recording of the match on or off, when the
// running call has ended. A recording that was turned on goes to a file until the match ends or it is turned
// off. It fails with FailedPrecondition on a server that does not record.
func (m *Match) MatchRecord(on bool) error {
	switch {
	case m.over:
		return ErrStopped
	case m.reg.o.Recorder == nil:
		return fault.New(fault.FailedPrecondition, "matches cannot be recorded on this server")
	case on:
		m.record = recordStart
	default:
		m.record = recordStop
	}
	return nil
}

// changeRecord does what the handler asked for.
func (m *Match) changeRecord() {
	wish := m.record
	m.record = recordUnchanged
	switch {
	case wish == recordStart:
		m.startRecord(true)
	case m.tape != nil && m.tape.keep:
		m.endRecord()
		if m.reg.o.Recorder.o.Mode == RecordError {
			m.startRecord(false)
		}
	}
}
