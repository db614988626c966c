package cluster

import (
	"fmt"
	"net/http"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"kumi/cluster/bus/bustest"
	"kumi/internal/testutil"
)

// each runs a function for some numbers, several at a time.
func each(n int, do func(i int)) {
	var wait sync.WaitGroup
	next := make(chan int)
	for range 32 {
		wait.Go(func() {
			for i := range next {
				do(i)
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	wait.Wait()
}

// A node with 1,000 sockets and 10,000 presences is killed: those who shared a room with
// one are told of each leave once.
func TestKillMany(t *testing.T) {
	needsTime(t)
	const groups, per, rooms = 40, 25, 8
	all := startNodes(t, 3, nil)
	a, b, c := all.list[0], all.list[1], all.list[2]
	room := func(group, r int) string { return fmt.Sprintf("room-%d-%d", group, r) }
	gone := make([]*client, groups*per)
	each(len(gone), func(i int) {
		gone[i] = c.connect(fmt.Sprint("gone-", i), true)
		for r := range rooms {
			gone[i].join(room(i%groups, r))
		}
	})
	left := make([]*client, 2*groups)
	each(len(left), func(i int) {
		left[i] = []*node{a, b}[i%2].connect(fmt.Sprint("left-", i), false)
		for r := range rooms {
			left[i].join(room(i/2, r))
		}
	})
	// What a client that joins now is told is what the others know as well.
	for _, n := range []*node{a, b} {
		testutil.Eventually(t, "node "+n.name+" knows all", func() bool {
			late := n.connect("late-"+n.name, false)
			defer late.conn.CloseNow()
			known := 0
			for g := range groups {
				joined := decode[struct{ Presences []presence }](t, late.must("channel_join", fmt.Sprintf(`{"type":1,"target":%q,"hidden":true}`, room(g, rooms-1))))
				known += len(joined.Presences)
			}
			return known == groups*(per+2)
		})
	}
	killed := time.Now()
	c.Kill()
	told := func(l *client) map[string][]time.Time {
		times := map[string][]time.Time{}
		for _, e := range l.all("channel_presence_event") {
			ev := decode[change](t, e)
			for _, p := range ev.Leaves {
				times[ev.Channel+" "+p.SessionID] = append(times[ev.Channel+" "+p.SessionID], e.at)
			}
		}
		return times
	}
	var took []time.Duration
	for i, l := range left {
		testutil.Eventually(t, fmt.Sprintf("%s is told of all leaves", l.Username), func() bool { return len(told(l)) >= per*rooms })
		for of, at := range told(l) {
			if len(at) != 1 {
				t.Errorf("%s was told %d times of %s", l.Username, len(at), of)
			}
			took = append(took, at[0].Sub(killed))
		}
		if n := len(told(l)); n != per*rooms {
			t.Errorf("client %d was told of %d leaves", i, n)
		}
	}
	reportTimes(t, "leave after the kill", took, 2*time.Second)
}

// The leader of the matchmaker is killed while 10,000 tickets wait: none is lost.
func TestLeaderKilledWithMany(t *testing.T) {
	needsTime(t)
	const players, own = 100, 100 // tickets of each
	all := startNodes(t, 3, nil, "--matchmaker.interval_sec", "1", "--matchmaker.max_intervals", "100000", "--matchmaker.max_tickets", "200")
	ticket := func(mode string) string {
		return fmt.Sprintf(`{"min_count":2,"max_count":2,"query":"+properties.mode:%s","string_properties":{"mode":%q}}`, mode, mode)
	}
	waiting := make([]*client, players)
	each(players, func(i int) {
		waiting[i] = all.list[1+i%2].connect(fmt.Sprint("waiting-", i), false)
		for k := range own {
			waiting[i].must("matchmaker_add", ticket(fmt.Sprintf("m%dx%d", i, k)))
		}
	})
	killed := time.Now()
	all.list[0].Kill()
	var took []time.Duration
	late := make([]*client, players)
	for i := range late { // a partner for one ticket of each
		late[i] = all.list[1+(i+1)%2].connect(fmt.Sprint("late-", i), false)
		late[i].must("matchmaker_add", ticket(fmt.Sprintf("m%dx%d", i, i%own)))
	}
	for i, c := range waiting {
		e := c.wait("a match", func(e *envelope) bool { return e.kind == "matchmaker_matched" })
		took = append(took, e.at.Sub(killed))
		late[i].wait("a match", func(e *envelope) bool { return e.kind == "matchmaker_matched" })
	}
	reportTimes(t, "first match after the kill of the leader, 10,000 waiting", []time.Duration{slices.Min(took)}, 7*time.Second)
	// All the others are there as well.
	each(players, func(i int) {
		for k := range own {
			if k != i%own {
				late[i].must("matchmaker_add", ticket(fmt.Sprintf("m%dx%d", i, k)))
			}
		}
	})
	for _, list := range [][]*client{waiting, late} {
		for _, c := range list {
			testutil.Eventually(t, c.Username+" has all its matches", func() bool { return len(c.all("matchmaker_matched")) == own })
		}
	}
}

// An external NATS server is away for a minute: nodes live and serve their own players, and
// afterwards know each other's again.
func TestExternalServerGone(t *testing.T) {
	needsTime(t)
	nats := bustest.StartServer(t)
	all := startNodes(t, 3, nil, "--cluster.nats", nats.URL())
	together := all.gather(1, 1)[0]
	a := all.list[0]
	speaker, listener := a.connect("speaker", false), a.connect("listener", false)
	m := &members{room: "own", list: []*client{speaker, listener}}
	m.channel = speaker.join(m.room)
	listener.join(m.room)
	stop := m.talk(50 * time.Millisecond)
	nats.Stop()
	<-time.After(time.Minute)
	for _, n := range all.list {
		if r := n.Do(t, http.MethodGet, "/healthcheck", "", ""); r.Status != http.StatusOK {
			t.Errorf("node %s is not healthy: %s", n.name, r.Body)
		}
	}
	m.checkLines(t, m.list, stop())
	nats.Start()
	back := time.Now()
	together.meetAgain(t, back)
	reportTimes(t, "told after NATS is back", []time.Duration{time.Since(back)}, 3*time.Second)
	again := together.talk(50 * time.Millisecond)
	<-time.After(2 * time.Second)
	together.checkLines(t, together.list, again())
}

// A node that is drained closes its sockets evenly: no second has more than 5 % of them.
func TestDrainIsEven(t *testing.T) {
	needsTime(t)
	const sockets = 400
	all := startNodes(t, 2, nil, "--shutdown_grace_sec", "30")
	list := make([]*client, sockets)
	each(sockets, func(i int) { list[i] = all.list[1].connect(fmt.Sprint("player-", i), true) })
	begun := time.Now()
	all.list[1].Signal(syscall.SIGTERM)
	perSecond := map[int]int{}
	for _, c := range list {
		testutil.Eventually(t, c.Username+" loses its socket", c.closed)
		perSecond[int(c.endedAt.Sub(begun)/time.Second)]++
	}
	all.list[1].Ended()
	for second, n := range perSecond {
		if n > sockets/20 {
			t.Errorf("in second %d %d of %d sockets were closed", second, n, sockets)
		}
	}
	t.Log(perSecond)
}
