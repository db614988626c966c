package match

import (
	"context"
	"crypto/rand"
	"testing"
	"time"
)

// heavy is a game with a state that can be written down.
type heavy struct {
	*game
	state []byte
}

func (h *heavy) AppendState(_ context.Context, dst []byte) ([]byte, bool, error) {
	return append(dst, h.state...), true, nil
}
func (h *heavy) SetState(_ context.Context, state []byte) error { h.state = state; return nil }

// A segment begins with the state, which does not fill it, however large it is.
func TestSegmentsOfLargeStates(t *testing.T) {
	t.Parallel()
	rec := newTestRecorder(t, t.TempDir(), 8<<20)
	w := newTestRegistry(t, Options{Recorder: rec})
	h := &heavy{game: &game{rate: 1}, state: make([]byte, maxSegment*3/2)}
	_, _ = rand.Read(h.state)
	w.SetHandlers(func(string) (Factory, bool) {
		return func(_ context.Context, m Dispatcher) (Handler, error) { h.m = m; return h, nil }, true
	})
	id, err := w.Create(t.Context(), "heavy", nil)
	if err != nil {
		t.Fatal(err)
	}
	m := w.only()
	w.own(id, m)
	m.loop(nil, 0, 0)
	m.tape.seg.began = time.Now().Add(-keptSegment)
	for range 190 {
		m.loop(nil, 0, 0)
	}
	if n := m.tape.ring.added; n != 1 {
		t.Errorf("%d segments are complete, want the one whose time was over", n)
	}
	m.noise(maxSegment * 5 / 4)
	if n := m.tape.ring.added; n != 1 {
		t.Errorf("%d segments are complete with fewer bytes of ticks than of the state", n)
	}
	m.noise(maxSegment / 2)
	if n := m.tape.ring.added; n != 2 {
		t.Errorf("%d segments are complete after more bytes of ticks than of the state", n)
	}
	m.stop()
	rec.Flush()
	all := rec.files(t)
	if len(all) != 1 || len(all[0].segments) != 3 {
		t.Errorf("there are %d files, want one with three segments", len(all))
	}
}
