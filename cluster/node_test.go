package cluster_test

import (
	"context"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"kumi/cluster"
	"kumi/cluster/wire"
	"kumi/internal/testutil"
	"kumi/presence"
)

func wantEvents(t *testing.T, m *member, want ...string) {
	t.Helper()
	if got := m.heard(); !slices.Equal(got, want) {
		t.Errorf("%s has heard %q, want %q", m.name, got, want)
	}
}

func TestNodesFindEachOther(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(1)
		defer w.stop()
		a, b := w.node("a", 1), w.node("b", 7, func(o *cluster.Options) { o.Expect = []string{"a"} })
		w.start(t, a, b)
		after(time.Second)
		wantEvents(t, a, "b/7 lost→joining", "b/7 joining→ready")
		wantEvents(t, b, "a/1 lost→ready")
		if p, ok := a.ByName("b"); !ok || p.Epoch != 7 || p.ID != presence.NodeHash("b") {
			t.Errorf("a knows b as %+v, %v", p, ok)
		}
		if _, ok := a.ByName("c"); ok {
			t.Error("a knows a node that is not there")
		}
	})
}

func TestGoodbyeIsHeardAtOnce(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(1)
		defer w.stop()
		a, b := w.node("a", 1), w.node("b", 1)
		w.start(t, a, b)
		after(time.Second)
		b.Drain()
		after(time.Second)
		a.heard()
		b.Stop()
		delete(w.nodes, "b")
		after(time.Millisecond)
		wantEvents(t, a, "b/1 draining→lost")
		if list := a.Peers(); len(list) != 0 {
			t.Errorf("a still lists %v", list)
		}
	})
}

func TestKilledNodeIsDownThenLost(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(1)
		defer w.stop()
		a, b := w.node("a", 1), w.node("b", 1)
		w.start(t, a, b)
		after(time.Second)
		a.heard()
		b.kill(w)
		after(1200 * time.Millisecond)
		wantEvents(t, a)
		after(600 * time.Millisecond)
		wantEvents(t, a, "b/1 ready→down")
		a.fill("b", true)
		after(7900 * time.Millisecond)
		wantEvents(t, a)
		if held := a.Stats().Buffered; held < 10<<10 {
			t.Errorf("a holds %d bytes for a node that may come back", held)
		}
		after(600 * time.Millisecond)
		wantEvents(t, a, "b/1 down→lost")
		if held := a.Stats().Buffered; held != 0 {
			t.Errorf("a holds %d bytes for a node that is lost", held)
		}
	})
}

// Where the bus can tell that a connection has ended, half a second of silence is enough.
func TestNodeWithoutConnectionIsDownSoon(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(1)
		defer w.stop()
		w.net.Direct()
		a, b, c := w.node("a", 1), w.node("b", 1), w.node("c", 1)
		w.start(t, a, b, c)
		after(time.Second)
		a.heard()
		b.kill(w)
		w.net.Cut("a", "c")
		after(200 * time.Millisecond)
		wantEvents(t, a)
		after(500 * time.Millisecond)
		wantEvents(t, a, "b/1 ready→down")
		w.net.Heal()
		after(time.Second)
		wantEvents(t, a)
	})
}

func TestCutNodesComeBack(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(1)
		defer w.stop()
		a, b, c := w.node("a", 1), w.node("b", 1), w.node("c", 1)
		w.start(t, a, b, c)
		after(time.Second)
		a.heard()
		b.heard()
		c.heard()
		w.net.Cut("a", "b")
		after(5 * time.Second)
		w.net.Heal()
		after(time.Second)
		wantEvents(t, a, "b/1 ready→down", "b/1 down→ready")
		wantEvents(t, b, "a/1 ready→down", "a/1 down→ready")
		wantEvents(t, c)
	})
}

// A process that was stopped finds nobody silent when it goes on.
func TestStoppedNodeDeclaresNobodyDead(t *testing.T) {
	for _, pause := range []time.Duration{5 * time.Second, 30 * time.Second} {
		t.Run(pause.String(), func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				w := newWorld(1)
				defer w.stop()
				a, b := w.node("a", 1), w.node("b", 1)
				w.start(t, a, b)
				after(time.Second)
				a.heard()
				b.heard()
				w.net.Pause("b")
				after(pause)
				w.net.Resume("b")
				after(time.Second)
				wantEvents(t, b)
				if heard := a.heard(); heard[len(heard)-1] != "b/1 down→ready" && heard[len(heard)-1] != "b/1 lost→ready" {
					t.Errorf("a has heard %q", heard)
				}
			})
		})
	}
}

func TestNewProcessTakesThePlaceOfTheOld(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(1)
		defer w.stop()
		a, b := w.node("a", 1), w.node("b", 1)
		w.start(t, a, b)
		after(time.Second)
		a.heard()
		b.kill(w)
		next := w.node("b", 2, func(o *cluster.Options) { o.Restarted = true })
		w.start(t, next)
		after(time.Second)
		wantEvents(t, a, "b/1 ready→lost", "b/2 lost→joining", "b/2 joining→ready")
	})
}

func TestNameThatIsTaken(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(1)
		defer w.stop()
		a, b := w.node("a", 1), w.node("b", 1)
		w.start(t, a, b)
		after(time.Second)
		a.heard()
		began := time.Now()
		other := &world{net: w.net, nodes: map[string]*member{}}
		second := other.nodeAt("b's other machine", "b", 2, func(o *cluster.Options) { o.Restarted = true })
		err := second.Start(t.Context())
		if err == nil || !strings.Contains(err.Error(), `the name "b" is taken`) {
			t.Errorf("the second node of a name starts with error %v", err)
		}
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("that took %s", took)
		}
		// A server that stops drains its node. If that was told, the first process would take
		// the second one for its successor.
		if second.Drain(); second.State() == cluster.Draining {
			t.Error("a node that was refused says that it drains")
		}
		second.Stop()
		after(3 * time.Second)
		if p, ok := a.ByName("b"); !ok || p.Epoch != 1 || p.State != cluster.Ready {
			t.Errorf("a knows b as %+v", p)
		}
	})
}

func TestReplacedProcessEnds(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(1)
		defer w.stop()
		ended := make(chan error, 2)
		a, b := w.node("a", 1), w.node("b", 1, func(o *cluster.Options) { o.Replaced = func(err error) { ended <- err } })
		w.start(t, a, b)
		after(time.Second)
		w.net.Pause("b")
		after(3 * time.Second)
		other := &world{net: w.net, nodes: map[string]*member{}}
		next := other.nodeAt("b's new machine", "b", 2, func(o *cluster.Options) { o.Restarted = true })
		other.start(t, next)
		defer other.stop()
		w.net.Resume("b")
		after(time.Second)
		if len(ended) != 1 {
			t.Fatalf("the old process was told %d times to end", len(ended))
		}
		if err := <-ended; !strings.Contains(err.Error(), `a newer process has the name "b"`) {
			t.Error(err)
		}
		if p, ok := a.ByName("b"); !ok || p.Epoch != 2 || p.State != cluster.Ready {
			t.Errorf("a knows b as %+v", p)
		}
	})
}

func TestOtherKeysDoNotJoin(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(1)
		defer w.stop()
		a := w.node("a", 1, func(o *cluster.Options) { o.Fingerprint = []byte("one") })
		w.start(t, a)
		b := w.node("b", 1, func(o *cluster.Options) { o.Fingerprint, o.Expect = []byte("two"), []string{"a"} })
		if err := b.Start(t.Context()); err == nil || !strings.Contains(err.Error(), `nodes "b" and "a" have different keys`) &&
			!strings.Contains(err.Error(), `nodes "a" and "b" have different keys`) {
			t.Errorf("a node with other keys starts with error %v", err)
		}
		wantEvents(t, a)
	})
}

// A node waits for those that were alive lately, but not for ever, and does what OnJoin
// was given before it is ready.
func TestJoiningWaits(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(1)
		defer w.stop()
		began := time.Now()
		a := w.node("a", 1, func(o *cluster.Options) { o.Expect = []string{"a", "gone"} })
		w.start(t, a)
		if took := time.Since(began); took != 3*time.Second {
			t.Errorf("a has waited %s for a node that does not come", took)
		}
		began = time.Now()
		b := w.node("b", 1, func(o *cluster.Options) { o.Expect = []string{"a"} })
		b.OnJoin(func(ctx context.Context) error {
			if len(b.Peers()) != 1 {
				t.Errorf("b copies from %v", b.Peers())
			}
			<-ctx.Done() // never comes to an end
			return nil
		})
		w.start(t, b)
		if took := time.Since(began); took != 10*time.Second {
			t.Errorf("b opens after %s", took)
		}
		if b.State() != cluster.Ready {
			t.Errorf("b is %s", b.State())
		}
	})
}

// Nodes tell which modules they run, and one that differs is logged once.
func TestModulesThatDiffer(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(1)
		defer w.stop()
		var log testutil.Log
		var digest atomic.Pointer[string]
		a, b := w.node("a", 1, func(o *cluster.Options) { o.Log = zerolog.New(&log) }), w.node("b", 1)
		for _, m := range []*member{a, b} {
			m.OnBeat(func(beat *wire.Beat) {
				if beat.Info != nil {
					if beat.Info.Digest = "old"; m == b {
						beat.Info.Digest = *digest.Load()
					}
				}
			}, nil)
		}
		set := func(is string, digests, warnings int) {
			t.Helper()
			digest.Store(&is)
			after(3 * time.Second)
			if got := a.Stats().Digests; got != digests {
				t.Errorf("with %q a counts %d digests", is, got)
			}
			if got := len(log.Lines("has other modules")); got != warnings {
				t.Errorf("with %q a has warned %d times", is, got)
			}
		}
		old := "old"
		digest.Store(&old)
		w.start(t, a, b)
		set("old", 1, 0)
		set("new", 2, 1)
		set("newer", 2, 1)
		set("old", 1, 1)
		set("new", 2, 2)
	})
}
