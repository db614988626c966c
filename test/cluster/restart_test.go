package cluster

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"kumi/internal/testutil"
)

// A node that is killed and started again at once under its name: the presences of its
// first process are gone, and nothing of the two is mixed.
func TestRestart(t *testing.T) {
	t.Parallel()
	all := startNodes(t, 3, nil)
	room := all.gather(1, 1)[0]
	c := all.list[2]
	gone, left := room.of(c)[0], room.of(all.list[0], all.list[1])
	c.Kill()
	c.Start()
	c.Ready()
	again := c.open(gone.User, true)
	again.join(room.room)
	for _, one := range left {
		testutil.Eventually(t, one.Username+" knows the new session", func() bool { return len(one.joins(room.channel, again.session)) > 0 })
		if n := len(one.leaves(room.channel, gone.session)); n != 1 {
			t.Errorf("%s was told %d times that the old session left", one.Username, n)
		}
	}
	list := decode[struct{ Presences []presence }](t, all.list[0].connect("late", false).must("channel_join", `{"type":1,"target":"`+room.room+`"}`))
	sessions := map[string]int{}
	for _, p := range list.Presences {
		sessions[p.SessionID]++
	}
	if len(sessions) != 3 || sessions[again.session] != 1 || sessions[gone.session] != 0 {
		t.Errorf("the room has %v, want one session of each node and %s of the restarted one", sessions, again.session)
	}
}

// A second process with the name of a living node does not start, and the first does not
// notice.
func TestNameTaken(t *testing.T) {
	t.Parallel()
	all := startNodes(t, 2, nil)
	room := all.gather(1, 1)[0]
	second := all.add()
	second.name = "b"
	second.args = append(second.args, "--name", "b")
	started := time.Now()
	second.Start()
	select {
	case <-second.ended:
	case <-time.After(testutil.Wait):
		t.Fatalf("the second process of a name runs:\n%s", second.log)
	}
	reportTimes(t, "refused after", []time.Duration{time.Since(started)}, 4*time.Second)
	if text := second.log.String(); !strings.Contains(text, `the name \"b\" is taken`) {
		t.Errorf("the second process said:\n%s", text)
	}
	stop := room.talk(20 * time.Millisecond)
	testutil.Eventually(t, "some lines are said", func() bool { return len(room.list[0].heard(room.channel).lines) > 20 })
	room.checkLines(t, room.list, stop())
	for _, c := range room.list {
		for _, other := range room.list {
			if n := len(c.leaves(room.channel, other.session)); n != 0 {
				t.Errorf("%s was told %d times that %s left", c.Username, n, other.Username)
			}
		}
	}
}

// A user who opens sockets on all nodes at once has one left, with single_socket.
func TestSingleSocket(t *testing.T) {
	t.Parallel()
	all := startNodes(t, 3, nil, "--session.single_socket=true")
	times := 20
	if long {
		times = 1000
	}
	user := all.list[0].User(t, "ann")
	for range times {
		var clients [3]*client
		var errs [3]error
		var wait sync.WaitGroup
		for i, n := range all.list {
			wait.Go(func() { clients[i], errs[i] = n.dial(user, true) })
		}
		wait.Wait()
		if err := errors.Join(errs[:]...); err != nil {
			t.Fatal(err)
		}
		var open []*client
		testutil.Eventually(t, "one socket is left", func() bool {
			open = nil
			for _, c := range clients {
				if !c.closed() {
					open = append(open, c)
				}
			}
			return len(open) <= 1
		})
		if len(open) == 0 {
			var ends []error
			for _, c := range clients {
				ends = append(ends, c.ended)
			}
			t.Fatalf("no socket is left: %v", ends)
		}
		open[0].must("ping", `{}`)
		for _, c := range clients {
			_ = c.conn.CloseNow()
		}
	}
}

// A ban and a log-out on one node hold on all of them.
func TestBan(t *testing.T) {
	t.Parallel()
	all := startNodes(t, 3, map[string]string{"main.lua": `
		local nk = require("nakama")
		nk.register_rpc(function(_, id) nk.users_ban_id({ id }) end, "ban")`})
	user := all.list[0].User(t, "ann")
	var clients []*client
	for _, n := range all.list {
		clients = append(clients, n.open(user, true))
	}
	if _, a := all.list[0].RPC(t, "ban", user.ID); a.Status != 200 {
		t.Fatalf("%d %s", a.Status, a.Body)
	}
	began := time.Now()
	for i, c := range clients {
		testutil.Eventually(t, "the socket at node "+all.list[i].name+" is closed", c.closed)
		if e := c.all("notifications"); len(e) != 1 || !strings.Contains(string(e[0].raw), `"subject":"banned"`) {
			t.Errorf("the socket at node %s was told %v", all.list[i].name, e)
		}
	}
	reportTimes(t, "closed after the ban", []time.Duration{time.Since(began)}, time.Second)
	bob := all.list[0].User(t, "bob")
	if a := bob.Do(t, "POST", "/v2/session/logout", `{"token":"`+bob.Token+`"}`); a.Status != 200 {
		t.Fatalf("%d %s", a.Status, a.Body)
	}
	for _, n := range all.list {
		for name, token := range map[string]string{"ann": user.Token, "bob": bob.Token} {
			testutil.Eventually(t, fmt.Sprintf("the token of %s is refused at node %s", name, n.name), func() bool {
				return n.Do(t, "GET", "/v2/account", "Bearer "+token, "").Status == 401
			})
		}
	}
}
