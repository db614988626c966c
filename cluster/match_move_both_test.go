package cluster_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"
)

// Two of three nodes are drained at the same time, and each may take the other for an heir,
// since it has not heard of that yet. All matches come to the third one. None is lost, none
// runs twice, and what its players send is handled once and in order.
func TestTwoNodesAreDrainedAtOnce(t *testing.T) {
	for range 4 {
		seed := rand.Uint64()
		bubbleOf(t, fmt.Sprint(seed), func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 5))
			w := newWorld(seed)
			defer w.stop()
			store := w.keep()
			all := w.keepingArenas(t, nodeNames...)
			w.net.Delay(0, time.Duration(random.IntN(60))*time.Millisecond)
			last := all[2]
			defer last.close()
			var ids []string
			for _, a := range all {
				for range 10 {
					id, _ := a.play(t)
					ids = append(ids, id)
				}
			}
			cat := last.player("cat")
			after(time.Second)
			for _, id := range ids {
				if _, err := cat.join(id); err != nil {
					t.Fatal(err)
				}
			}
			after(time.Second)
			stop := keepSending(10*time.Millisecond, ids, cat)
			after(time.Duration(random.IntN(300)) * time.Millisecond)
			var drained sync.WaitGroup
			for i, a := range all[:2] {
				offset := time.Duration(i*random.IntN(100)) * time.Millisecond
				delete(w.nodes, a.name)
				drained.Go(func() {
					time.Sleep(offset)
					a.Drain()
					a.matches.Stop(context.Background(), 1)
					a.Stop()
					a.close()
				})
			}
			drained.Wait()
			after(2 * time.Second)
			stop()
			after(time.Second)
			for _, id := range ids {
				if runs := store.runs(idOf(id)); !slices.Equal(runs, []string{last.name}) {
					t.Errorf("match %s is run by %v", id, runs)
					continue
				}
				if got := last.keeper(id).sent[cat.user]; !slices.Equal(got, upTo(cat.number.Load())) {
					t.Errorf("match %s has %v, want all up to %d", id, got, cat.number.Load())
				}
			}
			if len(store.wrong)+len(cat.wrong) > 0 {
				t.Error(store.wrong, cat.wrong)
			}
			if t.Failed() {
				t.Log(store.trace)
			}
		})
	}
}
