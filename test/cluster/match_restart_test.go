package cluster

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"kumi/internal/testutil"
	"kumi/server/servertest"
	"kumi/store/storetest"
)

const counting = `
	const counting = {
		matchInit: () => ({ state: { n: 0, attempts: 0, left: 0, restored: 0 }, tickRate: 20, label: "" }),
		matchJoinAttempt: (ctx, logger, nk, d, tick, state) => { state.attempts++; return { state, accept: true } },
		matchJoin: (ctx, logger, nk, d, tick, state) => ({ state }),
		matchLeave: (ctx, logger, nk, d, tick, state, presences) => { state.left += presences.length; return { state } },
		matchLoop(ctx, logger, nk, d, tick, state, messages) {
			state.n += messages.length;
			if (messages.length) d.broadcastMessage(1, String(state.n));
			return { state };
		},
		matchTerminate: (ctx, logger, nk, d, tick, state) => null,
		matchSignal: (ctx, logger, nk, d, tick, state) => ({ state, data: JSON.stringify({ ...state, tick }) }),
		matchRestored: (ctx, logger, nk, d, tick, state, presences) => { state.restored = presences.length; return { state } },
	};
	export function InitModule(ctx, logger, nk, initializer) {
		initializer.registerMatch("counting", counting);
		initializer.registerRpc("start", (ctx, logger, nk) => nk.matchCreate("counting", {}));
		initializer.registerRpc("signal", (ctx, logger, nk, id) => nk.matchSignal(id, ""));
	}`

// alone is one server without a cluster, as a process.
func alone(t *testing.T, postgres bool, source string, flags ...string) *node {
	t.Helper()
	return aloneIn(t, t.TempDir(), postgres, map[string]string{"index.ts": source}, flags...)
}

// aloneIn is alone with a data folder and the files of its modules.
func aloneIn(t *testing.T, data string, postgres bool, modules map[string]string, flags ...string) *node {
	t.Helper()
	all := &nodes{t: t, modules: t.TempDir()}
	for name, source := range modules {
		if err := os.WriteFile(filepath.Join(all.modules, name), []byte(source), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	n := &node{all: all, name: "alone"}
	if err := storetest.WriteSQLite(data); err != nil {
		t.Fatal(err)
	}
	n.args = append([]string{
		"--name", n.name, "--data_dir", data, "--runtime.path", all.modules, "--socket.port", "0", "--socket.address", "127.0.0.1",
		"--console.port", "0", "--logger.format", "json", "--runtime.js_min_count", "1", "--session.token_expiry_sec", "7200",
	}, flags...)
	if postgres {
		n.args = append(n.args, "--database.address", storetest.Postgres(t))
	}
	t.Cleanup(n.Kill)
	n.Start()
	n.Ready()
	return n
}

type count struct{ N, Tick, Attempts, Left, Restored int }

func (n *node) count(id string) (c count, ok bool) {
	n.all.t.Helper()
	text, _ := n.RPC(n.all.t, "signal", id)
	return c, json.Unmarshal([]byte(text), &c) == nil
}

// Matches go on after a SIGKILL from their last snapshot, and after a SIGTERM from where
// they were.
func TestMatchesSurviveTheirProcess(t *testing.T) {
	t.Parallel()
	for database, postgres := range map[string]bool{"sqlite": false, "postgres": true} {
		for _, signal := range []syscall.Signal{syscall.SIGKILL, syscall.SIGTERM} {
			t.Run(fmt.Sprint(database, " ", signal), func(t *testing.T) {
				t.Parallel()
				const every, matches = 10, 8
				n := alone(t, postgres, counting, "--match.snapshot", fmt.Sprint(every), "--match.resume_sec", "3600", "--shutdown_grace_sec", "60",
					"--socket.ping_period_ms", "300000", "--socket.pong_wait_ms", "600000") // nobody reads all the time
				ids, socks, before := make([]string, matches), make([]*servertest.Socket, matches), make([]count, matches)
				for i := range ids {
					if ids[i], _ = n.RPC(t, "start", ""); ids[i] == "" {
						t.Fatal("no match")
					}
					socks[i] = n.User(t, fmt.Sprint("player", i)).Socket(t)
					if e := socks[i].Call(t, "match_join", `{"match_id":"`+ids[i]+`"}`); e["match"] == nil {
						t.Fatalf("join: %s", e)
					}
					for range 3 {
						socks[i].Send(t, `{"match_data_send":{"match_id":"`+ids[i]+`","op_code":"1","data":"eA=="}}`)
						socks[i].Expect(t, "match_data")
					}
				}
				// Snapshots are written in the background, so some more of them may not be there yet.
				for i, id := range ids {
					from, _ := n.count(id)
					testutil.Eventually(t, "the match goes on", func() bool {
						before[i], _ = n.count(id)
						return before[i].Tick > from.Tick+3*every
					})
				}
				n.Signal(signal)
				n.Ended()
				n.Start()
				n.Ready()
				for i, id := range ids {
					after, ok := n.count(id)
					if !ok {
						t.Fatalf("match %d is gone:\n%s", i, tail(n.log.String(), 30))
					}
					if after.N != 3 || after.Attempts != 1 || after.Restored != 1 || after.Left != 0 {
						t.Errorf("match %d is %+v, was %+v", i, after, before[i])
					}
					if signal == syscall.SIGTERM && after.Tick < before[i].Tick {
						t.Errorf("match %d went back from tick %d to %d", i, before[i].Tick, after.Tick)
					}
					sock := n.User(t, fmt.Sprint("player", i)).Socket(t)
					if e := sock.Call(t, "match_join", `{"match_id":"`+id+`"}`); e["match"] == nil {
						t.Fatalf("join again: %s", e)
					}
					sock.Send(t, `{"match_data_send":{"match_id":"`+id+`","op_code":"1","data":"eA=="}}`)
					if e := sock.Expect(t, "match_data"); !strings.Contains(string(e["match_data"]), "NA==") { // 4
						t.Errorf("match %d says %s", i, e)
					}
					if now, _ := n.count(id); now.Attempts != 1 {
						t.Errorf("coming back to match %d was a join attempt", i)
					}
				}
			})
		}
	}
}

// With snapshots at planned stops only, a crash ends the matches: it does not take them back
// to the last stop.
func TestCrashAfterAPlannedStop(t *testing.T) {
	t.Parallel()
	n := alone(t, false, counting, "--match.snapshot", "shutdown")
	id, _ := n.RPC(t, "start", "")
	again := func(s syscall.Signal) (lives bool) {
		t.Helper()
		n.Signal(s)
		n.Ended()
		n.Start()
		n.Ready()
		_, lives = n.count(id)
		return lives
	}
	if !again(syscall.SIGTERM) {
		t.Fatal("the match did not survive a planned stop")
	}
	testutil.Eventually(t, "the match runs", func() bool { c, _ := n.count(id); return c.Tick > 20 })
	if again(syscall.SIGKILL) {
		t.Error("a crash took the match back to the planned stop")
	}
}

// A restart under load: the players reconnect as clients do. No match is lost, and nobody
// has to ask again.
func TestRestartOfManyMatches(t *testing.T) {
	t.Parallel()
	matches, per := 20, 2
	if long {
		matches, per = 200, 4
	}
	n := alone(t, true, counting, "--match.snapshot", "shutdown", "--match.resume_sec", "3600", "--shutdown_grace_sec", "60")
	ids := make([]string, matches)
	players := make([]*client, 0, matches*per)
	for i := range ids {
		if ids[i], _ = n.RPC(t, "start", ""); ids[i] == "" {
			t.Fatal("no match")
		}
		for k := range per {
			c := n.connect(fmt.Sprintf("player-%d-%d", i, k), false)
			if e := c.call("match_join", `{"match_id":"`+ids[i]+`"}`); e.kind != "match" {
				t.Fatalf("join: %s", e.raw)
			}
			if _, err := c.send("match_data_send", `{"match_id":"`+ids[i]+`","op_code":"1","data":"eA=="}`); err != nil {
				t.Fatal(err)
			}
			players = append(players, c)
		}
	}
	for i, id := range ids {
		testutil.Eventually(t, "all messages have arrived", func() bool { c, _ := n.count(id); return c.N == per })
		if c, _ := n.count(id); c.Attempts != per {
			t.Fatalf("match %d before the restart: %+v", i, c)
		}
	}
	began := time.Now()
	n.Signal(syscall.SIGTERM)
	n.Ended()
	stopped := time.Since(began)
	n.Start()
	n.Ready()
	ready := time.Since(began)
	pauses := make([]time.Duration, len(players))
	var group errgroup.Group
	for i, old := range players {
		group.Go(func() error {
			c, err := n.dial(old.User, false)
			if err != nil {
				return fmt.Errorf("%s cannot reconnect: %w", old.Username, err)
			}
			if e := c.call("match_join", `{"match_id":"`+ids[i/per]+`"}`); e.kind != "match" {
				return fmt.Errorf("%s cannot come back: %s", old.Username, e.raw)
			}
			pauses[i] = time.Since(began)
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	slices.Sort(pauses)
	t.Logf("%d matches: stopped in %v, ready after %v, players back after %v (p50), %v (p99)", matches, stopped, ready,
		pauses[len(pauses)/2], pauses[len(pauses)*99/100])
	for i, id := range ids {
		if c, ok := n.count(id); !ok || c.N != per || c.Restored != per || c.Attempts != per || c.Left != 0 {
			t.Errorf("match %d after its players came back: %v %+v", i, ok, c)
		}
	}
}
