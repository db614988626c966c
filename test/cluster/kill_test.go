package cluster

import (
	"encoding/json"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"kumi/internal/testutil"
)

// members are clients in one room.
type members struct {
	room    string
	channel string
	list    []*client
}

// gather puts players into rooms, per of each node into each, and waits until everybody
// knows everybody.
func (all *nodes) gather(rooms, per int) (out []*members) {
	all.t.Helper()
	for r := range rooms {
		m := &members{room: fmt.Sprint("room", r)}
		for _, n := range all.list {
			for i := range per {
				c := n.connect(fmt.Sprintf("%s-%s-%d", m.room, n.name, i), true)
				m.channel = c.join(m.room)
				m.list = append(m.list, c)
			}
		}
		out = append(out, m)
	}
	for _, m := range out {
		m.know(all.t)
	}
	return out
}

// know waits until each member has seen all that came after it.
func (m *members) know(t testing.TB) {
	t.Helper()
	for i, c := range m.list {
		for _, later := range m.list[i+1:] {
			testutil.Eventually(t, c.Username+" knows "+later.Username, func() bool { return len(c.joins(m.channel, later.session)) > 0 })
		}
	}
}

// meetAgain waits until members of different nodes, which had lost each other, have been
// told since a time that the others joined.
func (m *members) meetAgain(t testing.TB, since time.Time) {
	t.Helper()
	for _, c := range m.list {
		for _, other := range m.list {
			if c.node != other.node {
				testutil.Eventually(t, c.Username+" is told that "+other.Username+" is back", func() bool {
					joins := c.joins(m.channel, other.session)
					return len(joins) > 0 && joins[len(joins)-1].After(since)
				})
			}
		}
	}
}

// talks counts the calls of talk, so that no line is said twice.
var talks atomic.Int64

// talk makes members send lines until stop is called, which returns what was sent and
// acknowledged, by sender.
func (m *members) talk(every time.Duration) (stop func() map[*client][]string) {
	done := make(chan struct{})
	var wait sync.WaitGroup
	var mu sync.Mutex
	sent := map[*client][]string{}
	talk := talks.Add(1)
	for _, c := range m.list {
		wait.Go(func() {
			tick := time.NewTicker(every)
			defer tick.Stop()
			for n := 0; ; n++ {
				select {
				case <-done:
					return
				case <-tick.C:
				}
				line := fmt.Sprintf("%s says %d.%d", c.Username, talk, n)
				body, _ := json.Marshal(map[string]string{"channel_id": m.channel, "content": fmt.Sprintf(`{"line":%q}`, line)})
				if _, err := c.send("channel_message_send", string(body)); err != nil {
					return // its node is gone
				}
				mu.Lock()
				sent[c] = append(sent[c], line)
				mu.Unlock()
			}
		})
	}
	return func() map[*client][]string {
		close(done)
		wait.Wait()
		return sent
	}
}

// heard is what a client got on one channel.
type heard struct {
	lines []string       // in order
	times map[string]int // how often each
}

// heard returns the lines that a client got on a channel. It looks at each envelope once.
func (c *client) heard(channel string) heard {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, e := range c.seen[c.looked:] {
		c.looked++
		if e.kind != "channel_message" {
			continue
		}
		m := decode[struct {
			Channel string `json:"channel_id"`
			Content string
		}](c.t, e)
		var content struct{ Line string }
		if json.Unmarshal([]byte(m.Content), &content) != nil {
			continue
		}
		h := c.lines[m.Channel]
		if h.times == nil {
			h.times = map[string]int{}
		}
		h.lines = append(h.lines, content.Line)
		h.times[content.Line]++
		if c.lines == nil {
			c.lines = map[string]heard{}
		}
		c.lines[m.Channel] = h
	}
	return c.lines[channel]
}

// checkLines waits until each of the given members has the lines of the senders, and
// fails unless it has each once, and those of one sender in order.
func (m *members) checkLines(t testing.TB, receivers []*client, sent map[*client][]string) {
	t.Helper()
	for _, c := range receivers {
		for from, lines := range sent {
			testutil.Eventually(t, fmt.Sprintf("%s has all %d lines of %s", c.Username, len(lines), from.Username), func() bool {
				got := c.heard(m.channel)
				for _, line := range lines {
					if got.times[line] == 0 {
						return false
					}
				}
				return true
			})
		}
		got := c.heard(m.channel)
		for line, n := range got.times {
			if n > 1 {
				t.Errorf("%s got %q %d times", c.Username, line, n)
			}
		}
		at := map[string]int{}
		for i, line := range got.lines {
			at[line] = i
		}
		for _, lines := range sent {
			for i := 1; i < len(lines); i++ {
				if at[lines[i-1]] > at[lines[i]] {
					t.Errorf("%s got %q before %q", c.Username, lines[i], lines[i-1])
				}
			}
		}
	}
}

// of returns the members on some nodes.
func (m *members) of(nodes ...*node) (found []*client) {
	for _, c := range m.list {
		for _, n := range nodes {
			if c.node == n {
				found = append(found, c)
			}
		}
	}
	return found
}

// A node that is killed: everyone else is told once that its players left, and loses no
// line of one another.
func TestKill(t *testing.T) {
	t.Parallel()
	all := startNodes(t, 3, nil)
	rooms := all.gather(3, 2)
	a, b, c := all.list[0], all.list[1], all.list[2]
	stops := make([]func() map[*client][]string, len(rooms))
	for i, m := range rooms {
		stops[i] = m.talk(20 * time.Millisecond)
	}
	killed := time.Now()
	c.Kill()
	var took []time.Duration
	for _, m := range rooms {
		for _, gone := range m.of(c) {
			for _, left := range m.of(a, b) {
				testutil.Eventually(t, left.Username+" is told that "+gone.Username+" left", func() bool {
					return len(left.leaves(m.channel, gone.session)) > 0
				})
				took = append(took, left.leaves(m.channel, gone.session)[0].Sub(killed))
			}
		}
	}
	for i, m := range rooms {
		sent := stops[i]()
		for _, gone := range m.of(c) {
			delete(sent, gone) // some of these lines were never read by a server
		}
		m.checkLines(t, m.of(a, b), sent)
		for _, left := range m.of(a, b) {
			for _, other := range m.list {
				want := 0
				if other.node == c {
					want = 1
				}
				if n := len(left.leaves(m.channel, other.session)); n != want {
					t.Errorf("%s was told %d times that %s left, want %d", left.Username, n, other.Username, want)
				}
			}
		}
	}
	reportTimes(t, "leave after the kill", took, 2*time.Second)
}
