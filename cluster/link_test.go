package cluster_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/protobuf/types/known/wrapperspb"
	"pgregory.net/rapid"

	"kumi/cluster"
	"kumi/cluster/wire"
	"kumi/presence"
)

// rise reports whether numbers rise, and how many of 1 to last are missing.
func rise(numbers []int64, last int64) (missing int64, err error) {
	was := int64(0)
	for _, number := range numbers {
		if number <= was || number > last {
			return 0, fmt.Errorf("%d arrives after %d", number, was)
		}
		was = number
	}
	return last - int64(len(numbers)), nil
}

// schedule is what a property test does with three nodes.
type schedule struct {
	seed           uint64
	loss, repeat   float64
	delay          time.Duration
	cuts           int
	cutFor, runFor time.Duration
	pauses         bool
	buffer         int64
}

// play lets three nodes send to one another for a while, through what the schedule says,
// and returns an error if an item is out of order, there twice, or neither there nor
// counted as lost.
func (s schedule) play(t *testing.T) error {
	var result error
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(s.seed)
		defer w.stop()
		names := []string{"a", "b", "c"}
		for _, name := range names {
			w.start(t, w.node(name, 1, func(o *cluster.Options) { o.Buffer = s.buffer }))
		}
		after(time.Second)
		random := rand.New(rand.NewPCG(s.seed, 2))
		w.net.Lose(s.loss)
		w.net.Repeat(s.repeat)
		w.net.Delay(0, s.delay)
		sent := map[string]int64{}
		end := time.Now().Add(s.runFor)
		for time.Now().Before(end) {
			if s.cuts > 0 && random.IntN(20) == 0 {
				s.cuts--
				a, b := names[random.IntN(3)], names[random.IntN(3)]
				switch {
				case a == b && s.pauses:
					w.net.Pause(a)
					time.AfterFunc(s.cutFor, func() { w.net.Resume(a) })
				case a != b:
					w.net.Cut(a, b)
					time.AfterFunc(s.cutFor, func() {
						w.net.Heal()
						w.net.Lose(s.loss)
						w.net.Repeat(s.repeat)
					})
				}
			}
			from, to := names[random.IntN(3)], names[random.IntN(3)]
			if from != to {
				for range random.IntN(30) {
					sent[from+to]++
					w.nodes[from].send(to, sent[from+to], true)
				}
			}
			time.Sleep(time.Duration(random.IntN(20)) * time.Millisecond)
		}
		after(s.cutFor)
		w.net.Heal()
		after(5 * time.Second)
		for _, from := range names {
			for _, to := range names {
				missing, err := rise(w.nodes[to].got(from), sent[from+to])
				if err != nil {
					result = fmt.Errorf("%s to %s: %w", from, to, err)
				}
				lost := w.nodes[from].Stats().Lost + w.nodes[to].Stats().Lost
				if missing > lost || missing > 0 && s.loss == 0 {
					result = fmt.Errorf("%s to %s: %d of %d items are missing, %d counted as lost", from, to, missing, sent[from+to], lost)
				}
			}
		}
		for _, name := range names {
			if b := w.nodes[name].Stats().Buffered; b != 0 {
				result = fmt.Errorf("%s still holds %d bytes", name, b)
			}
			for _, p := range w.nodes[name].Peers() {
				if p.State != cluster.Ready {
					result = fmt.Errorf("%s is still %s for %s", p.Name, p.State, name)
				}
			}
		}
	})
	return result
}

// Without a loss by chance everything arrives, once and in order, through cuts and pauses
// that are shorter than what the links keep.
func TestLinksLoseNothing(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		s := schedule{
			seed: rapid.Uint64().Draw(rt, "seed"), repeat: rapid.SampledFrom([]float64{0, 0.1}).Draw(rt, "repeat"),
			delay: time.Duration(rapid.IntRange(0, 300).Draw(rt, "delay")) * time.Millisecond,
			cuts:  rapid.IntRange(0, 3).Draw(rt, "cuts"), cutFor: time.Duration(rapid.IntRange(50, 7000).Draw(rt, "for")) * time.Millisecond,
			pauses: rapid.Bool().Draw(rt, "pauses"), runFor: 2 * time.Second,
		}
		if err := s.play(t); err != nil {
			rt.Fatal(err)
		}
	})
}

// With losses by chance, what is missing is counted.
func TestLinksCountWhatTheyLose(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		s := schedule{
			seed: rapid.Uint64().Draw(rt, "seed"), repeat: 0.1, loss: rapid.SampledFrom([]float64{0.01, 0.1, 0.4}).Draw(rt, "loss"),
			delay: time.Duration(rapid.IntRange(0, 50).Draw(rt, "delay")) * time.Millisecond,
			cuts:  rapid.IntRange(0, 3).Draw(rt, "cuts"), cutFor: time.Duration(rapid.IntRange(50, 12000).Draw(rt, "for")) * time.Millisecond,
			runFor: 2 * time.Second, buffer: rapid.SampledFrom([]int64{0, 64 << 10, 1 << 20}).Draw(rt, "buffer"),
		}
		if err := s.play(t); err != nil {
			rt.Fatal(err)
		}
	})
}

// Two nodes whose links to one another are both full after a cut find each other again.
func TestBothLinksFull(t *testing.T) {
	t.Parallel()
	s := schedule{seed: 10, repeat: 0.1, loss: 0.01, cuts: 1, cutFor: 6887 * time.Millisecond, runFor: 2 * time.Second, buffer: 64 << 10}
	if err := s.play(t); err != nil {
		t.Error(err)
	}
}

// One item is lost, and no other follows: the next beat tells.
func TestLastItemIsSentAgain(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(1)
		defer w.stop()
		a, b := w.node("a", 1), w.node("b", 1)
		w.start(t, a, b)
		after(time.Second)
		w.net.Lose(1)
		a.send("b", 1, true)
		after(10 * time.Millisecond)
		w.net.Heal()
		after(700 * time.Millisecond)
		if got := b.got("a"); len(got) != 1 {
			t.Errorf("b has %v", got)
		}
	})
}

// What does not come is waited for for a second; then the node goes on without it.
func TestHoleIsGivenUp(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(1)
		defer w.stop()
		a, b := w.node("a", 1), w.node("b", 1)
		w.start(t, a, b)
		after(time.Second)
		w.net.Lose(1)
		a.send("b", 1, true)
		after(10 * time.Millisecond)
		w.net.Heal()
		w.net.CutOneWay("b", "a") // a does not hear what b asks for
		a.send("b", 2, true)
		after(900 * time.Millisecond)
		if got := b.got("a"); len(got) != 0 {
			t.Errorf("b has %v and does not wait", got)
		}
		after(300 * time.Millisecond)
		if got := b.got("a"); len(got) != 1 || got[0] != 2 {
			t.Errorf("b has %v", got)
		}
		if lost := b.Stats().Lost; lost != 1 {
			t.Errorf("%d items count as lost", lost)
		}
	})
}

// The time that a hole is waited for stands still while nothing can come, and begins anew
// after a peer was down.
func TestHoleWaitsForSilentPeer(t *testing.T) {
	for name, cut := range map[string]func(*world){
		"short": func(w *world) {
			w.net.Cut("a", "b")
			after(1300 * time.Millisecond)
		},
		"down": func(w *world) {
			w.net.CutOneWay("b", "a")
			after(850 * time.Millisecond)
			w.net.Cut("a", "b")
			after(3 * time.Second)
			w.net.Delay(150*time.Millisecond, 150*time.Millisecond)
		},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				w := newWorld(1)
				defer w.stop()
				a, b := w.node("a", 1), w.node("b", 1)
				w.start(t, a, b)
				after(time.Second)
				w.net.Lose(1)
				a.send("b", 1, true)
				after(10 * time.Millisecond)
				w.net.Heal()
				w.net.Delay(5*time.Millisecond, 5*time.Millisecond)
				a.send("b", 2, true)
				after(6 * time.Millisecond)
				cut(w)
				w.net.Heal()
				after(3 * time.Second)
				if got := fmt.Sprint(b.got("a")); got != "[1 2]" {
					t.Errorf("b has %s", got)
				}
			})
		})
	}
}

// What is not reliable is not sent again, and nobody waits for it.
func TestUnreliableItems(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(1)
		defer w.stop()
		a, b := w.node("a", 1), w.node("b", 1)
		w.start(t, a, b)
		after(time.Second)
		a.send("b", 1, false)
		after(10 * time.Millisecond)
		w.net.Lose(1)
		a.send("b", 2, false)
		after(10 * time.Millisecond)
		w.net.Heal()
		a.send("b", 3, true)
		after(100 * time.Millisecond)
		if got := fmt.Sprint(b.got("a")); got != "[1 3]" {
			t.Errorf("b has %v", got)
		}
		if lost := a.Stats().Lost + b.Stats().Lost; lost != 0 {
			t.Errorf("%d items that were not reliable count as lost", lost)
		}
	})
}

// A link that is full drops what is not reliable, then the oldest; its peer goes down for
// this node, and comes back when the link has room.
func TestFullLink(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(1)
		defer w.stop()
		const buffer = 4 << 20
		a, b, c := w.node("a", 1, func(o *cluster.Options) { o.Buffer = buffer }), w.node("b", 1), w.node("c", 1)
		w.start(t, a, b, c)
		after(time.Second)
		a.heard()
		// b's beats arrive, what is sent to b does not.
		w.net.CutOneWay("a", "b")
		number, other := int64(0), int64(0)
		for range 80 {
			for range 10 {
				a.fill("b", true)
				number++
				a.send("b", number, true)
				a.fill("b", false)
			}
			other++
			a.send("c", other, true)
			after(100 * time.Millisecond)
			if held := a.Stats().Buffered; held > buffer/2+64<<10 {
				t.Fatalf("a holds %d bytes", held)
			}
		}
		wantEvents(t, a, "b/1 ready→down")
		if missing, err := rise(c.got("a"), other); missing != 0 || err != nil {
			t.Errorf("another link is disturbed: %d missing, %v", missing, err)
		}
		w.net.Heal()
		after(3 * time.Second)
		wantEvents(t, a, "b/1 down→ready")
		got := b.got("a")
		missing, err := rise(got, number)
		if err != nil {
			t.Error(err)
		}
		if lost := a.Stats().Lost + b.Stats().Lost; missing == 0 || missing > lost {
			t.Errorf("%d of %d items are missing, %d counted as lost", missing, number, lost)
		}
		if len(got) == 0 || got[len(got)-1] != number {
			t.Error("the newest item is missing")
		}
		for range 100 {
			number++
			a.send("b", number, true)
		}
		after(time.Second)
		if got := b.got("a"); len(got) < 100 || got[len(got)-100] != number-99 {
			t.Errorf("of 100 items afterwards the last are %v", got[max(0, len(got)-100):])
		}
	})
}

// While dropping what is not reliable makes room enough, nothing else is dropped.
func TestFullLinkDropsTheUnreliable(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(1)
		defer w.stop()
		a, b := w.node("a", 1, func(o *cluster.Options) { o.Buffer = 4 << 20 }), w.node("b", 1)
		w.start(t, a, b)
		after(time.Second)
		w.net.CutOneWay("a", "b")
		const count = 100
		for number := range int64(count) {
			a.fill("b", true)
			a.send("b", number+1, true)
			for range 3 {
				a.fill("b", false)
			}
		}
		after(time.Second)
		w.net.Heal()
		after(3 * time.Second)
		if missing, err := rise(b.got("a"), count); missing != 0 || err != nil {
			t.Errorf("%d reliable items are missing, %v", missing, err)
		}
		if a.Stats().Lost == 0 {
			t.Error("the link was not full")
		}
	})
}

// Frames of other processes and for other processes are ignored.
func TestLinkOfANewProcessBeginsAnew(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(1)
		defer w.stop()
		a, b := w.node("a", 1), w.node("b", 1)
		w.start(t, a, b)
		after(time.Second)
		a.send("b", 1, true)
		b.send("a", 1, true)
		after(time.Second)
		b.kill(w)
		next := w.node("b", 2, func(o *cluster.Options) { o.Restarted = true })
		number := int64(1)
		send := time.AfterFunc(0, func() {
			for range 100 { // the first for the old process, which a believes to be alive
				number++
				a.send("b", number, true)
				time.Sleep(20 * time.Millisecond)
			}
		})
		defer send.Stop()
		w.start(t, next)
		after(3 * time.Second)
		next.send("a", 2, true)
		after(time.Second)
		if got := fmt.Sprint(a.got("b")); got != "[1 2]" {
			t.Errorf("a has %s", got)
		}
		got := next.got("a")
		if missing, err := rise(got, number); err != nil || len(got) == 0 || got[len(got)-1] != number || int64(len(got)) != number-got[0]+1 {
			t.Errorf("the new process has %v, %d are missing, %v", got, missing, err)
		}
		if lost := a.Stats().Lost + next.Stats().Lost; lost != 0 {
			t.Errorf("%d items count as lost", lost)
		}
	})
}

func BenchmarkSend(b *testing.B) {
	w := newWorld(1)
	from, to := w.node("a", 1), w.node("b", 1, func(o *cluster.Options) { o.Expect = []string{"a"} })
	for _, m := range []*member{from, to} {
		if err := m.Start(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
	for len(from.Peers()) == 0 {
		time.Sleep(time.Millisecond)
	}
	data := make([]byte, 200)
	b.ReportAllocs()
	for b.Loop() {
		from.SendEncoded(presence.NodeHash("b"), wire.Kind_KIND_UNKNOWN, data, true)
	}
	from.Stop()
	to.Stop()
}

// A slow connection whose link has more to send than it carries: calls and beats wait
// behind half a second of items at most, and what the node holds stays within bounds.
func TestSlowConnection(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(1)
		defer w.stop()
		a, b := w.node("a", 1, func(o *cluster.Options) { o.Buffer = 16 << 20 }), w.node("b", 1)
		cluster.HandleCall(b.Node, wire.Method_METHOD_TEST, func(_ context.Context, _ presence.NodeID, in *wrapperspb.StringValue) (*wrapperspb.StringValue, error) {
			return in, nil
		})
		w.start(t, a, b)
		after(time.Second)
		a.heard()
		b.heard()
		w.net.Throttle(1 << 20)
		w.net.Delay(100*time.Millisecond, 100*time.Millisecond)
		var worst, calls atomic.Int64
		number := int64(0)
		for range 200 { // 2 MiB/s in all
			go func() {
				began := time.Now()
				if _, err := call(context.Background(), a, "b", ""); err == nil {
					calls.Add(1)
					worst.Store(max(worst.Load(), int64(time.Since(began))))
				}
			}()
			for range 20 {
				a.fill("b", true)
			}
			number++
			a.send("b", number, true)
			after(100 * time.Millisecond)
			if held := a.Stats().Buffered; held > 8<<20+64<<10 {
				t.Fatalf("a holds %d bytes for one node", held)
			}
		}
		// Half a second of items, the delay both ways, and the frame that passes.
		if took := time.Duration(worst.Load()); calls.Load() == 0 || took > time.Second {
			t.Errorf("a call has waited for %s behind items", took)
		}
		wantEvents(t, b)
		if got := a.heard(); len(got) > 1 { // the link may have been full for too long
			t.Errorf("a has heard %q", got)
		}
		w.net.Throttle(0)
		after(20 * time.Second)
		missing, err := rise(b.got("a"), number)
		if err != nil {
			t.Error(err)
		}
		if lost := a.Stats().Lost + b.Stats().Lost; missing == 0 || missing > lost {
			t.Errorf("%d of %d items are missing, %d counted as lost", missing, number, lost)
		}
	})
}

// What was sent before Stop arrives before the goodbye.
func TestStopSendsWhatWaits(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(1)
		defer w.stop()
		a, b := w.node("a", 1), w.node("b", 1)
		w.start(t, a, b)
		after(time.Second)
		const count = 100
		for number := range int64(count) {
			a.fill("b", true)
			a.send("b", number+1, true)
		}
		a.Stop()
		delete(w.nodes, "a")
		after(time.Second)
		if missing, err := rise(b.got("a"), count); missing != 0 || err != nil {
			t.Errorf("%d items are missing, %v", missing, err)
		}
	})
}
