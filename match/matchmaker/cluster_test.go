package matchmaker

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gofrs/uuid/v5"
	"pgregory.net/rapid"

	"kumi/presence"
)

// Nodes add, remove and match tickets while calls are lost and late, the database fails
// before and after its effect, nodes are killed at every step, paused, cut off and
// drained, and leases are taken from living leaders. Then: no ticket was in two matches,
// no match told in part, no ticket that was removed told, no ticket of a living home lost,
// no place left over; and all tickets that can match have matched.
func TestCluster(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		seed := rapid.Uint64().Draw(rt, "seed")
		nodes := rapid.IntRange(2, 4).Draw(rt, "nodes")
		f := faults{
			lost:       rapid.SampledFrom([]float64{0, 0.02, 0.2}).Draw(rt, "lost"),
			slow:       rapid.SampledFrom([]float64{0, 0.02, 0.2}).Draw(rt, "slow"),
			fails:      rapid.SampledFrom([]float64{0, 0.05, 0.3}).Draw(rt, "fails"),
			untold:     rapid.SampledFrom([]float64{0, 0, 0.8}).Draw(rt, "untold"),
			unanswered: rapid.SampledFrom([]float64{0, 0, 0.5}).Draw(rt, "unanswered"),
			oldTerms:   rapid.Bool().Draw(rt, "old terms"),
		}
		kills := rapid.SliceOfN(rapid.IntRange(1, 600), 0, 4).Draw(rt, "kills")
		actions := rapid.SliceOfN(rapid.SampledFrom(actionNames), 10, 60).Draw(rt, "actions")
		var wrong []string
		synctest.Test(t, func(*testing.T) {
			c := newFakeCluster(seed, f)
			for i, k := range kills {
				c.kills[k] = []string{"before", "after"}[i%2]
			}
			for i := range nodes {
				c.start(nodeID(i), 1)
			}
			for _, name := range actions {
				simActions[name](c)
				time.Sleep(c.between(time.Millisecond, 700*time.Millisecond))
			}
			wrong = c.finish()
			if len(wrong) > 0 {
				wrong = append(wrong, c.seen.trace...)
			}
		})
		if len(wrong) > 0 {
			rt.Fatalf("%d times wrong:\n%s", len(wrong), strings.Join(wrong, "\n"))
		}
	})
}

var simActions = map[string]func(c *fakeCluster){
	"add":    (*fakeCluster).addSome,
	"add 2":  (*fakeCluster).addSome,
	"add 3":  (*fakeCluster).addSome,
	"remove": (*fakeCluster).removeOne,
	"end":    (*fakeCluster).endSession,
	"pause": func(c *fakeCluster) {
		n := c.someNode()
		n.pause()
		time.AfterFunc(c.between(time.Millisecond, 15*time.Second), n.goOn)
	},
	"cut": func(c *fakeCluster) {
		a, b := c.someNode().id, c.someNode().id
		set := func(cut bool) {
			c.mu.Lock()
			c.cut[[2]presence.NodeID{a, b}], c.cut[[2]presence.NodeID{b, a}] = cut, cut
			c.mu.Unlock()
		}
		set(true)
		time.AfterFunc(c.between(time.Millisecond, 15*time.Second), func() { set(false) })
	},
	"database away": func(c *fakeCluster) {
		set := func(away bool) { c.db.mu.Lock(); c.db.away = away; c.db.mu.Unlock() }
		set(true)
		time.AfterFunc(c.between(time.Millisecond, 8*time.Second), func() { set(false) })
	},
	"steal the lease": func(c *fakeCluster) { // from a leader that does not know
		c.db.mu.Lock()
		c.db.until = time.Time{}
		c.db.mu.Unlock()
	},
	"kill": func(c *fakeCluster) { c.someNode().kill() },
	"start again": func(c *fakeCluster) {
		c.mu.Lock()
		var dead *fakeNode
		for i := range 16 {
			if n := c.nodes[nodeID(i)]; n != nil && closed(n.dead) {
				dead = n
			}
		}
		c.mu.Unlock()
		if dead != nil {
			c.start(dead.id, dead.epoch+1)
		}
	},
	"drain": func(c *fakeCluster) {
		n := c.someNode()
		n.setDraining(true)
		go func() {
			ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
			defer cancel()
			n.desk.Resign(ctx)
			n.setDraining(false)
		}()
	},
}

var actionNames = slices.Sorted(maps.Keys(simActions))

func (n *fakeNode) setDraining(draining bool) {
	n.c.mu.Lock()
	n.draining = draining
	n.c.mu.Unlock()
}

func (c *fakeCluster) someNode() *fakeNode {
	list := c.living()
	c.mu.Lock()
	defer c.mu.Unlock()
	return list[c.rand.IntN(len(list))]
}

// addSome adds tickets, of one player or of a party whose members are on several nodes.
func (c *fakeCluster) addSome() {
	for range 1 + int(c.between(0, 4)) {
		home := c.someNode()
		r := Request{MinCount: 2, MaxCount: 2}
		if c.between(0, 3) == 0 {
			r = Request{MinCount: 4, MaxCount: 4}
		}
		members := []*fakeNode{home}
		if r.MinCount == 4 && c.between(0, 2) == 0 {
			members = append(members, c.someNode())
			r.PartyID = uuid.Must(uuid.NewV4()).String()
		}
		for _, n := range members {
			r.Presences = append(r.Presences, c.someSession(n))
		}
		t, err := home.pool.Add(r)
		if err != nil {
			continue // too many of the session
		}
		c.mu.Lock()
		c.seen.tickets[t.ID], c.seen.homes[t.ID] = t, home
		c.mu.Unlock()
	}
}

// someSession returns a new session of a node, or one that has tickets already.
func (c *fakeCluster) someSession(n *fakeNode) *presence.Presence {
	c.mu.Lock()
	defer c.mu.Unlock()
	id := uuid.Must(uuid.NewV4())
	copy(id[10:], n.id[:])
	if c.rand.IntN(4) == 0 {
		for session, node := range c.seen.sessions {
			if node == n.id {
				id = session
				break
			}
		}
	}
	c.seen.sessions[id] = n.id
	return &presence.Presence{ID: presence.ID{Node: n.id.String(), Session: id}, UserID: id}
}

func (c *fakeCluster) removeOne() {
	c.mu.Lock()
	var t *Ticket
	for id := range c.seen.tickets {
		t = c.seen.tickets[id]
		break
	}
	c.mu.Unlock()
	if t == nil {
		return
	}
	from := c.someNode()
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		err := from.desk.Remove(ctx, t.ID)
		c.mu.Lock()
		defer c.mu.Unlock()
		switch {
		case err == nil:
			c.seen.removed[t.ID] = true
			delete(c.seen.tickets, t.ID)
		case errors.Is(err, errFake): // it may have had its effect
			delete(c.seen.tickets, t.ID)
		}
	}()
}

func (c *fakeCluster) endSession() {
	c.mu.Lock()
	var session uuid.UUID
	var node presence.NodeID
	for session, node = range c.seen.sessions {
		break
	}
	delete(c.seen.sessions, session)
	n := c.nodes[node]
	c.mu.Unlock()
	if n == nil {
		return
	}
	// As when a session ends: its own tickets, and those of parties by their node.
	for _, other := range c.living() {
		other.pool.RemoveSession(session)
	}
	c.mu.Lock()
	for id, t := range c.seen.tickets {
		if slices.ContainsFunc(t.Presences, func(p *presence.Presence) bool { return p.Session == session }) {
			delete(c.seen.tickets, id)
		}
	}
	c.mu.Unlock()
}

// finish ends all faults, lets the nodes settle, stops them, and returns what is wrong.
func (c *fakeCluster) finish() []string {
	c.mu.Lock()
	c.calm = true
	clear(c.cut)
	c.mu.Unlock()
	time.Sleep(90 * time.Second) // of the bubble's clock: also what is late has happened
	synctest.Wait()
	c.check()
	close(c.end)
	for _, n := range c.runs {
		n.desk.Stop()
	}
	time.Sleep(time.Minute)
	synctest.Wait()
	return c.seen.wrong
}

func (c *fakeCluster) check() {
	leaders := 0
	pool, atHome := map[string]bool{}, map[string]bool{}
	for _, n := range c.living() {
		for _, t := range n.pool.Tickets(1<<20, func(*Ticket) bool { return true }) {
			atHome[t.ID] = true
		}
		if l := n.desk.leading(); l != nil {
			leaders++
			for _, t := range l.pool.Tickets(1<<20, func(*Ticket) bool { return true }) {
				pool[t.ID] = true
			}
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	s := &c.seen
	complain := func(format string, args ...any) { s.wrong = append(s.wrong, fmt.Sprintf(format, args...)) }
	if leaders != 1 {
		complain("%d leaders in the end", leaders)
	}
	for id, places := range s.told {
		if len(places) > 1 {
			complain("ticket %s was told %d matches", id, len(places))
		}
		if s.removed[id] {
			complain("ticket %s was removed, and told a match", id)
		}
	}
	for place, m := range s.matches {
		for t := range ticketsIn(m) {
			if !slices.Contains(s.told[t.ID], place) && !closed(s.homes[t.ID].dead) {
				complain("match %s was told, but not ticket %s of it", place, t.ID)
			}
		}
	}
	for place, made := range s.places {
		nobody := true // is left to be told
		for t := range ticketsIn(made.match) {
			nobody = nobody && closed(s.homes[t.ID].dead)
		}
		if !closed(made.by.dead) && !nobody {
			complain("place %s is left, and its match was not told", place)
		}
	}
	var waiting []*Ticket
	for id, t := range s.tickets {
		home := s.homes[id]
		if closed(home.dead) || len(s.told[id]) > 0 {
			continue
		}
		home.pool.mu.Lock()
		held := t.held != nil
		home.pool.mu.Unlock()
		switch {
		case !atHome[id]:
			complain("ticket %s is lost", id)
		case held:
			complain("ticket %s is locked forever", id)
		}
		waiting = append(waiting, t)
	}
	for id := range pool {
		if !atHome[id] {
			complain("the leader's pool has ticket %s, which no home has", id)
		}
	}
	for id := range atHome {
		if !pool[id] {
			complain("ticket %s is not in the leader's pool", id)
		}
	}
	for i, a := range waiting {
		for _, b := range waiting[:i] {
			if a.MinCount == 2 && b.MinCount == 2 && !a.sharesSession(b) {
				complain("tickets %s and %s never met", a.ID, b.ID)
			}
		}
	}
}
