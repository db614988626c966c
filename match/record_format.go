package match

import (
	"encoding/binary"

	"github.com/gofrs/uuid/v5"

	"kumi/presence"
)

// A segment of a recording is: the tick, the time (Unix nanoseconds), the label, the tick
// rate, the state of the generator of random numbers, whether the state follows and the
// state, the members. Then the calls of the handler follow, each with one of the numbers
// below, its arguments, entries and outputs in their order, and recDone with the results;
// and hashes of the state. Numbers are of variable length, texts begin with their length. A
// presence is its number in the segment, or 0, a number and the presence.
//
// The numbers are part of the format of files.
const (
	recInit byte = 1 + iota
	recAttempt
	recJoin
	recLeave
	recLoop
	recTerminate
	recSignal
	recPatch
	recSnapshot
	recRestore // instead of recInit
	recReturn  // of a member of a restored match; no function of the handler
)

const (
	recEntry byte = 32 + iota // a journal.Entry
	recBroadcast
	recKick
	recLabel
	recDone
	recHash
	recState
	recVerdict // on a join attempt: whether it is accepted, and the reason
	recReply   // to a signal
	recMoved   // the handler was exchanged for one of reloaded code
)

func (t *tape) int(n int64)     { t.buf = binary.AppendVarint(t.buf, n) }
func (t *tape) uint(n uint64)   { t.buf = binary.AppendUvarint(t.buf, n) }
func (t *tape) uint64(n uint64) { t.buf = binary.LittleEndian.AppendUint64(t.buf, n) }

func (t *tape) bool(b bool) {
	if b {
		t.buf = append(t.buf, 1)
	} else {
		t.buf = append(t.buf, 0)
	}
}

func (t *tape) text(s string) {
	t.uint(uint64(len(s)))
	t.buf = append(t.buf, s...)
}

func (t *tape) presence(p *presence.Presence) {
	t.text(p.Node)
	t.buf = append(t.buf, p.Session[:]...)
	t.buf = append(t.buf, p.UserID[:]...)
	t.text(p.Username)
	t.text(p.Status)
	t.bool(p.Hidden)
	t.bool(p.Persistence)
	t.uint(uint64(p.Reason))
}

func (t *tape) texts(m map[string]string) {
	t.uint(uint64(len(m)))
	for k, v := range m {
		t.text(k)
		t.text(v)
	}
}

// recordInit records the beginning of a match, before its handler is made.
func (m *Match) recordInit(params map[string]any) {
	t := m.beginRecord(recInit)
	if t == nil {
		return
	}
	t.text(string(m.journal.Generator()))
	encoded, err := t.recorder.o.EncodeParams(params)
	t.text(errorText(err))
	t.text(string(encoded))
}

// recordedInit records the results of Init, and begins the first segment.
func (m *Match) recordedInit(rate int, label string, err error) {
	t := m.tape
	if t == nil || !t.open {
		return
	}
	t.done(err == nil, err)
	t.uint(uint64(max(rate, 0)))
	t.text(label)
	t.birth = t.buf
	t.ring.grow(len(t.birth))
}

// recordRestore records the beginning of a match that is restored, before its handler is
// made.
func (m *Match) recordRestore(s *Snapshot) {
	t := m.beginRecord(recRestore)
	if t == nil {
		return
	}
	t.text(string(m.journal.Generator()))
	t.uint(uint64(s.Rate))
	t.text(s.Label)
	t.uint(uint64(len(m.list)))
	for _, p := range m.list {
		t.person(p)
	}
	t.text(string(s.State))
}

// recordedRestore records the results of Restore.
func (m *Match) recordedRestore(alive bool, err error) {
	t := m.tape
	if t == nil || !t.open {
		return
	}
	t.done(alive, err)
	t.uint(uint64(m.rate.Load()))
	t.text(m.Label())
	t.birth = t.buf
	t.ring.grow(len(t.birth))
}

func (m *Match) recordAttempt(a *attempt) {
	if t := m.beginRecord(recAttempt); t != nil {
		j := a.joiner
		t.person(&j.Presence)
		t.texts(j.Vars)
		t.int(j.SessionExpiry)
		t.text(j.ClientIP)
		t.text(j.ClientPort)
		t.text(j.Lang)
		t.texts(a.metadata)
	}
}

func (m *Match) recordVerdict(v Verdict) {
	if t := m.tape; t != nil && t.open {
		t.buf = append(t.buf, recVerdict)
		t.bool(v.Accept)
		t.text(v.Reason)
	}
}

func (m *Match) recordReply(text string) {
	if t := m.tape; t != nil && t.open {
		t.buf = append(t.buf, recReply)
		t.text(text)
	}
}

func (m *Match) recordKick(session uuid.UUID) {
	if t := m.tape; t != nil && t.open {
		t.buf = append(t.buf, recKick)
		t.buf = append(t.buf, session[:]...)
	}
}

func (m *Match) recordLabel(label string) {
	if t := m.tape; t != nil && t.open {
		t.buf = append(t.buf, recLabel)
		t.text(label)
	}
}

func (m *Match) recordPeople(kind byte, list []*presence.Presence) {
	if t := m.beginRecord(kind); t != nil {
		t.uint(uint64(len(list)))
		for _, p := range list {
			t.person(p)
		}
	}
}

// recordReturn records that the presence back takes the place of old, which was in the match
// before a restart: of the same session, or of another one, whose join follows.
func (m *Match) recordReturn(old, back *presence.Presence) {
	if t := m.beginRecord(recReturn); t != nil {
		t.person(old)
		t.person(back)
		t.done(true, nil)
	}
}

func (m *Match) recordLoop(input []*Data) {
	if t := m.beginRecord(recLoop); t != nil {
		t.uint(uint64(len(input)))
		for _, d := range input {
			t.person(d.Presence)
			t.int(d.OpCode)
			t.bool(d.Reliable)
			t.int(d.ReceiveTime)
			t.uint(uint64(len(d.Data)))
			t.buf = append(t.buf, d.Data...)
		}
	}
}

func (m *Match) recordText(kind byte, text string) {
	if t := m.beginRecord(kind); t != nil {
		t.text(text)
	}
}

// recordSnapshot records that a snapshot is taken, which may run code of the handler.
func (m *Match) recordSnapshot() { m.beginRecord(recSnapshot) }

func (m *Match) recordTerminate(grace int) {
	if t := m.beginRecord(recTerminate); t != nil {
		t.int(int64(grace))
	}
}
