package match

import (
	"slices"
	"time"

	"github.com/cespare/xxhash/v2"
)

// recordTick follows a tick: it may record the state, and begin a new segment. took is the
// time of the handler's loop.
func (m *Match) recordTick(took time.Duration, now time.Time) {
	t := m.tape
	t.unhashed++
	t.credit = min(t.credit+took/stateCredit, time.Second)
	full := len(t.buf)-t.head >= max(maxSegment, t.head) || t.keep && now.Sub(t.seg.began) >= keptSegment
	whole := full || !now.Before(t.nextWhole)
	if t.stateCost == 0 || t.credit >= t.stateCost || t.unhashed >= maxUnhashed || full && t.restarts {
		m.recordState(whole)
	}
	if full {
		m.endSegment()
		t.beginSegment(m, now)
	}
}

// recordState records a hash of the state, or the whole of it. The time that this takes
// counts against the credit.
func (m *Match) recordState(whole bool) {
	t := m.tape
	h, ok := m.handler.(Recordable)
	if !ok {
		return
	}
	began := time.Now()
	type written struct {
		state []byte
		whole bool
	}
	s, err := guard(m, func() (s written, err error) {
		s.state, s.whole, err = h.AppendState(m.ctx, t.scratch[:0])
		return s, err
	})
	t.unhashed, t.restarts = 0, err == nil && s.whole
	if err == nil {
		t.scratch = s.state
		t.buf = append(t.buf, recHash)
		t.int(m.tick)
		t.uint64(xxhash.Sum64(s.state))
		if whole && len(s.state) <= maxSegment {
			t.nextWhole = began.Add(wholeEvery)
			t.buf = append(t.buf, recState)
			t.int(m.tick)
			t.bool(s.whole)
			t.text(string(s.state))
		}
	}
	took := time.Since(began)
	t.stateCost = max((7*t.stateCost+took)/8, 1)
	t.credit = max(t.credit-took, -time.Second)
}

// endSegment adds what was recorded to the ring. Of a recording that is kept it goes to the file,
// so that it is not lost if the server is killed.
func (m *Match) endSegment() {
	t := m.tape
	t.ring.add(t.seg, t.buf)
	if t.keep {
		t.recorder.put(m.saved(t))
	} else {
		t.recorder.compress(t.seg)
	}
}

// saved returns what is in memory of a recording.
func (m *Match) saved(t *tape) *saved {
	return &saved{
		Header: Header{
			Match: m.text, Node: m.reg.o.Node, Handler: m.name, Runtime: m.runtime, Server: t.recorder.o.Version, Modules: m.version,
			Created: m.journal.Epoch, Tick: m.tick, TickRate: int(m.rate.Load()), Label: m.Label(),
		},
		birth: t.birth, segments: slices.Clone(t.ring.segments), file: t.file,
	}
}

// beginSegment begins a segment. The state of one after the first is what recordState has
// just written, if it is whole.
func (t *tape) beginSegment(m *Match, now time.Time) {
	clear(t.people)
	t.buf = make([]byte, 0, 4<<10)
	t.seg = &segment{tick: m.tick, began: now, whole: t.restarts}
	t.int(m.tick)
	t.int(now.UnixNano())
	t.text(m.Label())
	t.uint(uint64(m.rate.Load()))
	t.text(string(m.journal.Generator()))
	t.bool(t.restarts)
	if t.restarts {
		t.text(string(t.scratch))
	}
	t.uint(uint64(len(m.list)))
	for _, p := range m.list {
		t.person(p)
	}
	t.uint(uint64(len(m.deferred)))
	t.head = len(t.buf)
}
