package matchmaker

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gofrs/uuid/v5"

	"kumi/presence"
)

// calmly runs a test on nodes of a cluster without faults.
func calmly(t *testing.T, nodes int, test func(t *testing.T, c *fakeCluster, nodes []*fakeNode)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newFakeCluster(1, faults{})
		c.calm, c.passes = true, 10
		list := make([]*fakeNode, nodes)
		for i := range list {
			list[i] = c.start(nodeID(i), 1)
			time.Sleep(3 * time.Second)
		}
		test(t, c, list)
		close(c.end)
		for _, n := range list {
			n.desk.Stop()
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		for _, text := range c.seen.wrong {
			t.Error(text)
		}
	})
}

func (n *fakeNode) addTo(t *testing.T, minCount, maxCount int) *Ticket {
	t.Helper()
	id := uuid.Must(uuid.NewV4())
	copy(id[10:], n.id[:])
	ticket, err := n.pool.Add(Request{
		MinCount: minCount, MaxCount: maxCount, Presences: []*presence.Presence{{ID: presence.ID{Node: n.id.String(), Session: id}, UserID: id}},
	})
	if err != nil {
		t.Fatal(err)
	}
	n.c.mu.Lock()
	n.c.seen.homes[ticket.ID] = n
	n.c.mu.Unlock()
	return ticket
}

// told returns how many matches a ticket was told.
func (c *fakeCluster) told(t *Ticket) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.seen.told[t.ID])
}

// A leader that resigns ends what it has begun, and another one leads within 200 ms.
func TestResign(t *testing.T) {
	calmly(t, 3, func(t *testing.T, c *fakeCluster, nodes []*fakeNode) {
		c.mu.Lock()
		c.hook = 700 * time.Millisecond
		c.mu.Unlock()
		a, b := nodes[1].addTo(t, 2, 2), nodes[2].addTo(t, 2, 2)
		time.Sleep(1500 * time.Millisecond) // so the hook runs
		nodes[0].setDraining(true)
		began := time.Now()
		nodes[0].desk.Resign(context.Background())
		if c.told(a) != 1 || c.told(b) != 1 {
			t.Errorf("told %d and %d matches when the leader has resigned", c.told(a), c.told(b))
		}
		ended := time.Now()
		for nodes[1].desk.leading() == nil && nodes[2].desk.leading() == nil {
			time.Sleep(time.Millisecond)
			if time.Since(ended) > 200*time.Millisecond {
				t.Fatal("nobody leads 200 ms later")
			}
		}
		if ended.Sub(began) > time.Second {
			t.Errorf("resigning took %v", ended.Sub(began))
		}
		a, b = nodes[0].addTo(t, 2, 2), nodes[2].addTo(t, 2, 2) // it is a home still
		time.Sleep(4 * time.Second)
		if c.told(a) != 1 || c.told(b) != 1 {
			t.Errorf("told %d and %d matches by the next leader", c.told(a), c.told(b))
		}
		if nodes[0].desk.leading() != nil {
			t.Error("the node that drains leads again")
		}
	})
}

// A new leader knows how often tickets have searched: two players of up to four wait for
// ten passes altogether.
func TestSearchesAreKept(t *testing.T) {
	calmly(t, 2, func(t *testing.T, c *fakeCluster, nodes []*fakeNode) {
		a, b := nodes[0].addTo(t, 2, 4), nodes[1].addTo(t, 2, 4)
		time.Sleep(6 * time.Second)
		nodes[0].setDraining(true)
		nodes[0].desk.Resign(context.Background())
		time.Sleep(2 * time.Second)
		if c.told(a)+c.told(b) > 0 {
			t.Fatal("matched too early")
		}
		time.Sleep(6 * time.Second) // a home knows of passes up to a second late; anew it takes ten
		if c.told(a) != 1 || c.told(b) != 1 {
			t.Error("the new leader began to count anew")
		}
	})
}

// While no leader answers, a home does not keep what was added and removed, and it offers
// what waits afterwards.
func TestChangesWithoutALeader(t *testing.T) {
	calmly(t, 3, func(t *testing.T, c *fakeCluster, nodes []*fakeNode) {
		nodes[0].pause() // it leads
		home := nodes[1]
		a := home.addTo(t, 2, 2)
		time.Sleep(300 * time.Millisecond) // the leader is called, and does not answer
		for range maxChanges {
			if err := home.pool.Remove(home.addTo(t, 2, 2).ID); err != nil {
				t.Fatal(err)
			}
		}
		b := nodes[2].addTo(t, 2, 2)
		time.Sleep(callWait)
		home.pool.mu.Lock()
		kept := len(home.pool.added) + len(home.pool.removed)
		home.pool.mu.Unlock()
		if kept > maxChanges {
			t.Errorf("%d changes are kept", kept)
		}
		time.Sleep(10 * time.Second)
		if c.told(a) != 1 || c.told(b) != 1 {
			t.Error("the tickets that waited did not match under the next leader")
		}
	})
}

// The tickets of a node that is not heard do not match, until it offers them again.
func TestTicketsOfASilentHome(t *testing.T) {
	calmly(t, 3, func(t *testing.T, c *fakeCluster, nodes []*fakeNode) {
		waiting := nodes[1].addTo(t, 2, 2)
		time.Sleep(2 * time.Second)
		nodes[1].pause()
		nodes[0].desk.PeerDown(nodes[1].id)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		if s := nodes[0].desk.Stats(ctx); s.Tickets != 0 {
			t.Errorf("%d tickets of a node that is down", s.Tickets)
		}
		cancel()
		a, b := nodes[0].addTo(t, 2, 2), nodes[2].addTo(t, 2, 2)
		time.Sleep(2 * time.Second)
		if c.told(a) != 1 || c.told(b) != 1 {
			t.Error("others did not match")
		}
		nodes[1].goOn()
		time.Sleep(5 * time.Second)
		last := nodes[2].addTo(t, 2, 2)
		time.Sleep(3 * time.Second)
		if c.told(waiting) != 1 || c.told(last) != 1 {
			t.Error("the ticket was not offered again")
		}
	})
}

// Matches whose hooks are slow come about all the same when there are more of them than
// run at a time.
func TestManySlowHooks(t *testing.T) {
	calmly(t, 2, func(t *testing.T, c *fakeCluster, nodes []*fakeNode) {
		c.mu.Lock()
		c.hook = 900 * time.Millisecond
		c.mu.Unlock()
		var all []*Ticket
		for i := range 1000 {
			all = append(all, nodes[i%2].addTo(t, 2, 2))
		}
		time.Sleep(30 * time.Second)
		for _, ticket := range all {
			if n := c.told(ticket); n != 1 {
				t.Fatalf("a ticket was told %d matches", n)
			}
		}
		c.db.mu.Lock()
		defer c.db.mu.Unlock()
		if len(c.db.decided) != 500 {
			t.Errorf("%d matches were decided, want 500: some came to nothing", len(c.db.decided))
		}
	})
}
