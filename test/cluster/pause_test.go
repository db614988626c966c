package cluster

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	"kumi/internal/testutil"
)

// relayed makes a relayed match with a player of each node, who can send to the others.
func (all *nodes) relayed(name string) (id string, players []*client) {
	for i, n := range all.list {
		c := n.connect(name+"-"+n.name, false)
		if i == 0 {
			id = decode[struct {
				ID string `json:"match_id"`
			}](all.t, c.must("match_create", `{}`)).ID
		} else {
			c.must("match_join", fmt.Sprintf(`{"match_id":%q}`, id))
		}
		players = append(players, c)
	}
	// A node that is stopped at once has not told the others of its player yet.
	for _, p := range players[:len(players)-1] {
		testutil.Eventually(all.t, p.Username+" knows the last player", func() bool {
			for _, e := range p.all("match_presence_event") {
				for _, j := range decode[change](all.t, e).Joins {
					if j.UserID == players[len(players)-1].ID {
						return true
					}
				}
			}
			return false
		})
	}
	return id, players
}

// matchLeaves counts what a client was told of players who left a match.
func (c *client) matchLeaves(id string) (n int) {
	for _, e := range c.all("match_presence_event") {
		if ev := decode[change](c.t, e); ev.Match == id {
			n += len(ev.Leaves)
		}
	}
	return n
}

// data returns the op codes of the match data that a client got, in order.
func (c *client) data(id string) (codes []string) {
	for _, e := range c.all("match_data") {
		d := decode[struct {
			Match string `json:"match_id"`
			Op    string `json:"op_code"`
		}](c.t, e)
		if d.Match == id {
			codes = append(codes, d.Op)
		}
	}
	return codes
}

// A node that is stopped for some seconds, and goes on: its players leave channels once and
// come back once, nobody leaves a match, and what was sent to them meanwhile arrives.
func TestPause(t *testing.T) {
	t.Parallel()
	all := startNodes(t, 3, nil)
	room := all.gather(1, 1)[0]
	id, players := all.relayed("pause")
	c := all.list[2]
	gone, left := room.of(c)[0], room.of(all.list[0], all.list[1])
	c.Signal(syscall.SIGSTOP)
	for _, one := range left {
		testutil.Eventually(t, one.Username+" is told that "+gone.Username+" left", func() bool { return len(one.leaves(room.channel, gone.session)) > 0 })
	}
	for op := 1; op <= 20; op++ {
		if _, err := players[0].send("match_data_send", fmt.Sprintf(`{"match_id":%q,"op_code":"%d","reliable":true}`, id, op)); err != nil {
			t.Fatal(err)
		}
	}
	testutil.Eventually(t, "the player of the living node has the data", func() bool { return len(players[1].data(id)) == 20 })
	on := time.Now()
	c.Signal(syscall.SIGCONT)
	var took []time.Duration
	for _, one := range left {
		testutil.Eventually(t, one.Username+" is told that "+gone.Username+" is back", func() bool { return len(one.joins(room.channel, gone.session)) > 1 })
		took = append(took, one.joins(room.channel, gone.session)[1].Sub(on))
	}
	testutil.Eventually(t, "the player of the stopped node has the data", func() bool { return len(players[2].data(id)) == 20 })
	for _, p := range players[1:] {
		for i, op := range p.data(id) {
			if op != fmt.Sprint(i+1) {
				t.Errorf("%s got %v", p.Username, p.data(id))
				break
			}
		}
	}
	// Lines after it reach everybody, so no leave is still to come.
	stop := room.talk(20 * time.Millisecond)
	testutil.Eventually(t, "some lines are said", func() bool { return len(left[0].heard(room.channel).lines) > 30 })
	room.checkLines(t, room.list, stop())
	for _, one := range left {
		if leaves, joins := one.leaves(room.channel, gone.session), one.joins(room.channel, gone.session); len(leaves) != 1 || len(joins) != 2 {
			t.Errorf("%s was told %d times that %s left and %d times that it joined, want 1 and 2", one.Username, len(leaves), gone.Username, len(joins))
		}
	}
	for _, p := range players {
		if n := p.matchLeaves(id); n != 0 {
			t.Errorf("%s was told that %d players left the match", p.Username, n)
		}
	}
	// The node that slept finds nobody dead.
	for _, other := range left {
		if n := len(gone.leaves(room.channel, other.session)); n != 0 {
			t.Errorf("%s was told %d times that %s left", gone.Username, n, other.Username)
		}
	}
	reportTimes(t, "back after the pause", took, 3*time.Second)
}

// Two nodes that cannot reach each other while both reach the third: only these two lose
// each other's players, and have them again afterwards; nothing reliable is lost.
func TestCut(t *testing.T) {
	t.Parallel()
	all := startNodes(t, 3, nil)
	room := all.gather(1, 1)[0]
	id, players := all.relayed("cut")
	a, b, c := room.list[0], room.list[1], room.list[2]
	all.way(0, 1).Cut()
	for _, pair := range [][2]*client{{a, b}, {b, a}} {
		testutil.Eventually(t, pair[0].Username+" is told that "+pair[1].Username+" left", func() bool {
			return len(pair[0].leaves(room.channel, pair[1].session)) > 0
		})
	}
	for op := 1; op <= 20; op++ {
		if _, err := players[0].send("match_data_send", fmt.Sprintf(`{"match_id":%q,"op_code":"%d","reliable":true}`, id, op)); err != nil {
			t.Fatal(err)
		}
	}
	testutil.Eventually(t, "the third node has the data", func() bool { return len(players[2].data(id)) == 20 })
	healed := time.Now()
	all.way(0, 1).Heal()
	var took []time.Duration
	for _, pair := range [][2]*client{{a, b}, {b, a}} {
		testutil.Eventually(t, pair[0].Username+" is told that "+pair[1].Username+" is back", func() bool {
			return len(pair[0].joins(room.channel, pair[1].session)) > len(pair[0].leaves(room.channel, pair[1].session))-1 &&
				len(pair[0].leaves(room.channel, pair[1].session)) == 1 && len(pair[0].joins(room.channel, pair[1].session)) > 0
		})
		at := pair[0].joins(room.channel, pair[1].session)
		took = append(took, at[len(at)-1].Sub(healed))
	}
	testutil.Eventually(t, "the other node has the data", func() bool { return len(players[1].data(id)) == 20 })
	for i, op := range players[1].data(id) {
		if op != fmt.Sprint(i+1) {
			t.Errorf("%s got %v", players[1].Username, players[1].data(id))
			break
		}
	}
	for _, other := range []*client{a, b} {
		if n := len(c.leaves(room.channel, other.session)) + len(other.leaves(room.channel, c.session)); n != 0 {
			t.Errorf("the third node and %s lost each other %d times", other.Username, n)
		}
	}
	for _, p := range players {
		if n := p.matchLeaves(id); n != 0 {
			t.Errorf("%s was told that %d players left the match", p.Username, n)
		}
	}
	reportTimes(t, "back after the cut", took, 3*time.Second)
}
