package cluster

import (
	"encoding/json"
	"fmt"
	"sync"
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

// talk makes members send lines until stop is called, which returns what was sent and
// acknowledged, by sender.
func (m *members) talk(every time.Duration) (stop func() map[*client][]string) {
	done := make(chan struct{})
	var wait sync.WaitGroup
	var mu sync.Mutex
	sent := map[*client][]string{}
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
				line := fmt.Sprintf("%s says %d", c.Username, n)
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

// heard returns how often a client got each line of its channel, in order.
func (c *client) heard(channel string) (lines []string, times map[string]int) {
	times = map[string]int{}
	for _, e := range c.all("channel_message") {
		m := decode[struct {
			Channel string `json:"channel_id"`
			Content string
		}](c.t, e)
		var content struct{ Line string }
		if m.Channel == channel && json.Unmarshal([]byte(m.Content), &content) == nil {
			lines = append(lines, content.Line)
			times[content.Line]++
		}
	}
	return lines, times
}

// checkLines waits until each of the given members has the lines of the senders, and
// fails unless it has each once, and those of one sender in order.
func (m *members) checkLines(t testing.TB, receivers []*client, sent map[*client][]string) {
	t.Helper()
	for _, c := range receivers {
		for from, lines := range sent {
			testutil.Eventually(t, fmt.Sprintf("%s has all %d lines of %s", c.Username, len(lines), from.Username), func() bool {
				_, times := c.heard(m.channel)
				for _, line := range lines {
					if times[line] == 0 {
						return false
					}
				}
				return true
			})
		}
		got, times := c.heard(m.channel)
		for line, n := range times {
			if n > 1 {
				t.Errorf("%s got %q %d times", c.Username, line, n)
			}
		}
		at := map[string]int{}
		for i, line := range got {
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
