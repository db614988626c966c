package cluster

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	"kumi/internal/testutil"
)

// A rolling restart of all nodes under load: players whose node is drained reconnect
// elsewhere, as a client does; nobody whose node stays misses a line.
func TestRollingRestart(t *testing.T) {
	t.Parallel()
	all := startNodes(t, 3, nil, "--shutdown_grace_sec", "2", "--matchmaker.interval_sec", "1")
	for i, n := range all.list {
		stay := all.list[(i+1)%3]
		speaker, listener := stay.connect(fmt.Sprint("speaker", i), false), stay.connect(fmt.Sprint("listener", i), false)
		m := &members{room: fmt.Sprint("rolling", i), list: []*client{speaker, listener}}
		m.channel = speaker.join(m.room)
		listener.join(m.room)
		var players []*client
		for k := range 10 {
			c := n.connect(fmt.Sprintf("player-%d-%d", i, k), true)
			c.join(m.room)
			players = append(players, c)
		}
		stop := m.talk(10 * time.Millisecond)
		n.Signal(syscall.SIGTERM)
		for _, c := range players {
			testutil.Eventually(t, c.Username+" loses its socket", c.closed)
			stay.open(c.User, true).join(m.room)
		}
		n.Ended()
		m.checkLines(t, m.list, stop())
		n.Start()
		n.Ready()
		// The node that came back is one of them again.
		back := n.connect(fmt.Sprint("back", i), false)
		back.join(m.room)
		testutil.Eventually(t, "the new process is heard", func() bool { return len(listener.joins(m.channel, back.session)) == 1 })
	}
}

// Presences that come and go while nodes lose each other leave nothing behind.
func TestChurn(t *testing.T) {
	t.Parallel()
	all := startNodes(t, 3, nil)
	watcher := all.list[0].connect("watcher", false)
	channel := watcher.join("churn")
	rounds, per := 3, 5
	if long {
		rounds, per = 30, 110
	}
	for r := range rounds {
		all.way(r%3, (r+1)%3).Cut()
		for k := range per {
			for _, n := range all.list {
				c := n.connect(fmt.Sprintf("churn-%s-%d", n.name, k), true)
				c.join("churn")
				c.join(fmt.Sprint("churn", k))
				_ = c.conn.CloseNow()
			}
		}
		all.way(r%3, (r+1)%3).Heal()
	}
	testutil.Eventually(t, "only the watcher is on the channel", func() bool {
		left := 0
		for _, n := range all.list {
			late := n.connect("late-"+n.name, false)
			joined := decode[struct {
				ID        string
				Presences []presence
			}](t, late.must("channel_join", `{"type":1,"target":"churn","hidden":true}`))
			if joined.ID != channel {
				t.Fatalf("joined %s", joined.ID)
			}
			for _, p := range joined.Presences {
				if p.SessionID != watcher.session {
					left++
				}
			}
			_ = late.conn.CloseNow()
		}
		return left == 0
	})
}
