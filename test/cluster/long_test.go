package cluster

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"kumi/internal/testutil"
)

// needsTime skips a test that takes minutes unless it is asked for.
func needsTime(t *testing.T) {
	t.Helper()
	if !long {
		t.Skip("takes minutes: run it with make faults")
	}
}

// checkUp fails the test if a node has found another one down.
func (all *nodes) checkUp() {
	all.t.Helper()
	for _, n := range all.list {
		if downs := n.log.Lines(`"state":"down"`); len(downs) > 0 {
			all.t.Errorf("node %s found another one down:\n%s", n.name, strings.Join(downs, ""))
		}
	}
}

// Eight busy loops beside the nodes make nobody think that a node is down.
func TestBusy(t *testing.T) {
	needsTime(t)
	all := startNodes(t, 3, nil)
	for range 8 {
		loop := exec.Command("sh", "-c", "while :; do :; done")
		if err := loop.Start(); err != nil {
			t.Fatal(err)
		}
		defer func() { _ = loop.Process.Kill(); _ = loop.Wait() }()
	}
	room := all.gather(1, 2)[0]
	stop := room.talk(50 * time.Millisecond)
	<-time.After(10 * time.Minute)
	sent := stop()
	all.checkUp()
	room.checkLines(t, room.list, sent)
}

// A slow way between two nodes: 100 ms and 1 MB/s. Nobody is down, and nothing is lost.
func TestSlowWay(t *testing.T) {
	needsTime(t)
	all := startNodes(t, 3, nil)
	all.way(0, 1).Slow(100*time.Millisecond, 1<<20)
	room := all.gather(1, 4)[0]
	stop := room.talk(50 * time.Millisecond)
	<-time.After(10 * time.Minute)
	sent := stop()
	all.checkUp()
	room.checkLines(t, room.list, sent)
}

// A node that is stopped for longer than others wait: its players have left their matches,
// and when it goes on there are no ghosts.
func TestLongPause(t *testing.T) {
	needsTime(t)
	all := startNodes(t, 3, matchModules)
	room := all.gather(1, 1)[0]
	id := all.list[0].startMatch()
	players := make([]*client, 3)
	for i, n := range all.list {
		players[i] = n.connect("player-"+n.name, false)
		players[i].must("match_join", fmt.Sprintf(`{"match_id":%q}`, id))
	}
	c := all.list[2]
	c.Signal(syscall.SIGSTOP)
	<-time.After(30 * time.Second)
	for _, p := range players[:2] {
		if n := p.matchLeaves(id); n != 1 {
			t.Errorf("%s was told of %d leaves", p.Username, n)
		}
	}
	c.Signal(syscall.SIGCONT)
	gone := room.of(c)[0]
	for _, one := range room.of(all.list[0], all.list[1]) {
		testutil.Eventually(t, one.Username+" is told that "+gone.Username+" is back", func() bool { return len(one.joins(room.channel, gone.session)) > 1 })
	}
	testutil.Eventually(t, "the player of the stopped node is out of the match", func() bool {
		_, err := players[2].send("match_data_send", fmt.Sprintf(`{"match_id":%q,"op_code":"1","data":"MQ=="}`, id))
		return err == nil && players[2].matchLeaves(id) > 0 || players[2].closed()
	})
}

// A full partition, two nodes against one, for a minute: both sides play, and afterwards a
// user has one socket.
func TestPartition(t *testing.T) {
	needsTime(t)
	all := startNodes(t, 3, nil, "--session.single_socket=true", "--matchmaker.interval_sec", "1")
	room := all.gather(1, 2)[0]
	all.way(0, 2).Cut()
	all.way(1, 2).Cut()
	<-time.After(5 * time.Second)
	user := all.list[0].User(t, "ann")
	first := all.list[0].open(user, true)
	<-time.After(time.Second)
	second := all.list[2].open(user, true)
	stop := room.talk(50 * time.Millisecond)
	<-time.After(time.Minute)
	sent := stop()
	healed := time.Now()
	all.way(0, 2).Heal()
	all.way(1, 2).Heal()
	testutil.Eventually(t, "the older socket is closed", first.closed)
	second.must("ping", `{}`)
	for _, side := range [][]*client{room.of(all.list[0], all.list[1]), room.of(all.list[2])} {
		own := map[*client][]string{}
		for _, c := range side {
			own[c] = sent[c]
		}
		room.checkLines(t, side, own)
	}
	for _, n := range all.list[:2] { // these two have not lost each other
		(&members{channel: room.channel, list: room.of(n, all.list[2])}).meetAgain(t, healed)
	}
	again := room.talk(50 * time.Millisecond)
	<-time.After(3 * time.Second)
	room.checkLines(t, room.list, again())
}

// PostgreSQL is stopped for a minute: no node is down, no socket closed, chat goes on.
func TestDatabaseGone(t *testing.T) {
	needsTime(t)
	pids := postgresOf(t)
	all := startNodes(t, 3, nil, "--matchmaker.interval_sec", "1")
	room := all.gather(1, 2)[0]
	for _, pid := range pids() {
		_ = syscall.Kill(pid, syscall.SIGSTOP)
	}
	stop := room.talk(50 * time.Millisecond)
	<-time.After(time.Minute)
	for _, pid := range pids() {
		_ = syscall.Kill(pid, syscall.SIGCONT)
	}
	sent := stop()
	all.checkUp()
	room.checkLines(t, room.list, sent)
	ann, bob := all.list[0].connect("ann", false), all.list[1].connect("bob", false)
	for _, c := range []*client{ann, bob} {
		c.must("matchmaker_add", `{"min_count":2,"max_count":2,"query":"*"}`)
	}
	testutil.Eventually(t, "the matchmaker is back", func() bool { return len(ann.all("matchmaker_matched")) == 1 && len(bob.all("matchmaker_matched")) == 1 })
}

// postgresOf returns a function that finds the processes of the PostgreSQL server that the
// tests started.
func postgresOf(t *testing.T) func() []int {
	t.Helper()
	return func() (pids []int) {
		out, err := exec.Command("pgrep", "-P", fmt.Sprint(os.Getpid()), "postgres").Output()
		if err != nil {
			t.Skip("PostgreSQL was not started by this test")
		}
		for text := range strings.FieldsSeq(string(out)) {
			var pid int
			if _, err := fmt.Sscan(text, &pid); err == nil {
				pids = append(pids, pid)
			}
		}
		for _, parent := range pids {
			below, _ := exec.Command("pgrep", "-P", fmt.Sprint(parent)).Output()
			for text := range strings.FieldsSeq(string(below)) {
				var pid int
				if _, err := fmt.Sscan(text, &pid); err == nil {
					pids = append(pids, pid)
				}
			}
		}
		return pids
	}
}
