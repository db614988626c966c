package cluster

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"kumi/internal/testutil"
)

// A node that is drained hands its matches over to the others. Who is on these does not
// notice, who was on it comes back, and nothing that was sent is lost or handled twice.
func TestDrainMovesMatches(t *testing.T) {
	t.Parallel()
	all := startNodes(t, 3, movingModules, "--match.snapshot", "shutdown", "--match.resume_sec", "3600", "--shutdown_grace_sec", "1")
	a, b, c := all.list[0], all.list[1], all.list[2]
	names := []string{"moving_js", "moving_lua", "moving_go"}
	ids := make([]string, len(names))
	clients := make([][]*client, len(names)) // of each match, one on each node
	for i, name := range names {
		if ids[i], _ = a.RPC(t, "start", name); !strings.HasSuffix(ids[i], ".a") {
			t.Fatalf("started %q", ids[i])
		}
		for _, n := range all.list {
			p := n.connect(fmt.Sprint(name, "-", n.name), false)
			p.join("anywhere") // to know the session's id
			p.must("match_join", fmt.Sprintf(`{"match_id":%q}`, ids[i]))
			clients[i] = append(clients[i], p)
		}
	}
	// The members on the other nodes send all the time.
	sent := make([]int, len(names))
	stop, sending := make(chan struct{}), sync.WaitGroup{}
	var mu sync.Mutex
	for i, members := range clients {
		for _, p := range members[1:] {
			sending.Go(func() {
				for {
					select {
					case <-stop:
						return
					case <-time.After(20 * time.Millisecond):
					}
					if _, err := p.send("match_data_send", fmt.Sprintf(`{"match_id":%q,"op_code":"1","data":"eA=="}`, ids[i])); err != nil {
						t.Errorf("%s cannot send: %v", p.Username, err)
						return
					}
					mu.Lock()
					sent[i]++
					mu.Unlock()
				}
			})
		}
	}
	before := make([]movingState, len(names))
	for i, id := range ids {
		testutil.Eventually(t, "the match handles messages", func() bool { before[i], _ = b.moving(id); return before[i].N > 20 })
	}
	a.Signal(syscall.SIGTERM)
	for _, members := range clients {
		testutil.Eventually(t, members[0].Username+" loses its socket", members[0].closed)
	}
	log := a.log
	a.Ended()
	var line struct {
		Matches int
		Pause   float64 `json:"longest_pause"` // in milliseconds
	}
	if lines := log.Lines("matches handed over"); len(lines) != 1 || json.Unmarshal([]byte(lines[0]), &line) != nil || line.Matches != len(ids) {
		t.Fatalf("the log says %q", lines)
	}
	reportTimes(t, "longest pause of a match", []time.Duration{time.Duration(line.Pause * float64(time.Millisecond))}, 2*time.Second)
	// It goes on while nobody of the old node is there any more.
	moved := make([]movingState, len(names))
	for i, id := range ids {
		testutil.Eventually(t, "the match goes on", func() bool {
			s, ok := c.moving(id)
			moved[i] = s
			return ok && s.N > before[i].N+20
		})
		clients[i] = append(clients[i], c.open(clients[i][0].User, false))
		clients[i][3].must("match_join", fmt.Sprintf(`{"match_id":%q}`, id))
	}
	// And again, with a node that is new.
	a.Start()
	a.Ready()
	late := a.connect("late", false)
	for _, id := range ids {
		late.must("match_join", fmt.Sprintf(`{"match_id":%q}`, id))
	}
	onB := slices.IndexFunc(moved, func(s movingState) bool { return s.Node == "b" })
	close(stop)
	sending.Wait()
	for i, id := range ids {
		var s movingState
		testutil.Eventually(t, "all messages are handled", func() bool { s, _ = a.moving(id); return s.N >= sent[i] })
		if s.N != sent[i] || s.Attempts != 4 || s.Joins != 5 || s.Left != 0 || s.Restored != 1 || s.Tick < before[i].Tick || s.Match != id || s.Node == "a" {
			t.Errorf("%s is %+v after %d messages, was %+v", names[i], s, sent[i], before[i])
		}
		for _, p := range clients[i][1:3] {
			for _, e := range p.all("match_presence_event") {
				for _, l := range decode[change](t, e).Leaves {
					if l.SessionID != clients[i][0].session {
						t.Errorf("%s was told of the leave of %s", p.Username, l.SessionID)
					}
				}
			}
			if p.closed() {
				t.Errorf("%s has lost its socket", p.Username)
			}
		}
	}
	for _, n := range all.list {
		text, _ := n.RPC(t, "list", "")
		listed := decode[[]string](t, envelope{raw: []byte(text)})
		slices.Sort(listed)
		if want := slices.Sorted(slices.Values(ids)); !slices.Equal(listed, want) {
			t.Errorf("node %s lists %v, want %v", n.name, listed, want)
		}
	}
	if onB < 0 {
		t.Fatalf("all matches are on one node: %+v", moved)
	}
	b.Stop()
	if s, ok := c.moving(ids[onB]); !ok || s.Node == "b" || s.Restored != 2 || s.N != sent[onB] {
		t.Errorf("after another drain %s is %v %+v", names[onB], ok, s)
	}
}

// A match that no other node has the code for waits for its own.
func TestDrainWithoutTheModule(t *testing.T) {
	t.Parallel()
	all := startNodes(t, 1, movingModules, "--match.snapshot", "shutdown", "--shutdown_grace_sec", "1")
	a, b := all.list[0], all.add()
	other := t.TempDir()
	if err := os.WriteFile(filepath.Join(other, "index.ts"), []byte(`export function InitModule(ctx, logger, nk, initializer) {
		initializer.registerRpc("signal", (ctx, logger, nk, id) => nk.matchSignal(id, ""));
	}`), 0o644); err != nil {
		t.Fatal(err)
	}
	b.args = append(b.args, "--runtime.path", other)
	b.Start()
	b.Ready()
	id, _ := a.RPC(t, "start", "moving_js")
	if _, ok := b.moving(id); !ok {
		t.Fatal("the match does not answer")
	}
	log := a.log
	testutil.Eventually(t, "the first node knows that the other is ready", func() bool { return len(log.Lines(`"state":"ready"`)) > 0 })
	a.Stop()
	if lines := log.Lines("suspended until this one starts again"); len(lines) != 1 || !strings.Contains(lines[0], `no match handler that is named`) {
		t.Errorf("the log says %q", lines)
	}
	if _, ok := b.moving(id); ok {
		t.Error("the match answers, and its node is gone")
	}
	a.Start()
	a.Ready()
	if s, ok := b.moving(id); !ok || s.Restored != 1 {
		t.Errorf("after its node's start the match is %v %+v", ok, s)
	}
}

// Two nodes are restarted one after the other. While the first still restores its matches,
// those of the second go on there, and then they move.
func TestDrainToANodeThatStarts(t *testing.T) {
	t.Parallel()
	all := startNodes(t, 2, movingModules, "--match.snapshot", "20", "--shutdown_grace_sec", "1")
	a, b := all.list[0], all.list[1]
	waiting, _ := b.RPC(t, "start", "waiting_go")
	testutil.Eventually(t, "the match has a snapshot", func() bool { s, _ := b.moving(waiting); return s.Tick > 5 })
	b.Kill()
	b.Start()
	testutil.Eventually(t, "the new process is heard", func() bool {
		return slices.ContainsFunc(a.log.Lines(`"state":"ready"`), func(line string) bool { return strings.Contains(line, `"epoch":2`) })
	})
	ids := map[string]string{}
	before := map[string]movingState{}
	for _, name := range []string{"moving_js", "moving_lua", "moving_go"} {
		ids[name], _ = a.RPC(t, "start", name)
		before[name], _ = a.moving(ids[name])
	}
	a.Signal(syscall.SIGTERM)
	for name, id := range ids {
		testutil.Eventually(t, "the match goes on", func() bool { s, _ := a.moving(id); return s.Node == "a" && s.Tick > before[name].Tick+20 })
	}
	if err := os.WriteFile(waitsFor(waiting), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Remove(waitsFor(waiting)) })
	a.Ended()
	b.Ready()
	for name, id := range ids {
		if s, ok := b.moving(id); !ok || s.Node != "b" || s.Restored != 1 || s.Tick < before[name].Tick+20 {
			t.Errorf("%s is %v %+v", name, ok, s)
		}
	}
	if s, ok := b.moving(waiting); !ok || s.Restored != 1 {
		t.Errorf("the match that was restored is %v %+v", ok, s)
	}
}
