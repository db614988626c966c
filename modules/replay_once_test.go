package modules

import (
	"context"
	"strings"
	"testing"

	"kumi/internal/testutil"
	"kumi/match"
)

const onceGame = `
local nk = require("nakama")
local M = {}
function M.match_init(ctx, params) return { ran = 0 }, 10, "" end
function M.match_join_attempt(ctx, d, tick, state, p, meta) return state, true end
function M.match_join(ctx, d, tick, state, ps) return state end
function M.match_leave(ctx, d, tick, state, ps) return state end
function M.match_loop(ctx, d, tick, state, messages)
	nk.run_once(function() state.ran = state.ran + 1; state.id = nk.uuid_v4() end)
	return state
end
function M.match_terminate(ctx, d, tick, state, grace) return state end
function M.match_signal(ctx, d, tick, state, data) return state, tostring(state.ran) end
return M
`

// playOnce plays a match of onceGame and returns how often it ran its function, and its
// recording.
func playOnce(t *testing.T, w *recordingServer) (ran string, rec *match.Recording) {
	t.Helper()
	m := w.stepped(t, "once", nil)
	id := m.id
	m.step()
	m.step()
	var err error
	if ran, err = w.matches.Signal(context.Background(), id, ""); err != nil {
		t.Fatal(err)
	}
	_ = w.matches.End(context.Background(), id, 0)
	testutil.Eventually(t, "the match to end", func() bool {
		got, err := w.matches.Get(context.Background(), id)
		return err != nil || got == nil
	})
	for _, one := range w.recordings(t) {
		if one.Match == id {
			rec = one
		}
	}
	if rec == nil {
		t.Fatal("there is no recording")
	}
	return ran, rec
}

// A replay of a match that calls run_once does what the match did, whoever called it first since
// the program was loaded, and takes that from no match.
func TestReplayOfRunOnce(t *testing.T) {
	t.Parallel()
	start := func() *recordingServer {
		w := newRecordingServer(t, map[string]string{"once.lua": onceGame}, nil)
		if err := w.load(); err != nil {
			t.Fatal(err)
		}
		return w
	}
	w, fresh := start(), start()
	same := func(w *recordingServer, rec *match.Recording) {
		t.Helper()
		if _, differences := w.replay(t, rec); len(differences) > 0 {
			t.Errorf("the replay differs: %s", strings.Join(differences, "\n"))
		}
	}
	ran, first := playOnce(t, w)
	if ran != "1" {
		t.Errorf("the first match ran it %s times", ran)
	}
	same(w, first)
	same(fresh, first)
	ran, second := playOnce(t, w)
	if ran != "0" {
		t.Errorf("the second match ran it %s times", ran)
	}
	same(w, second)
	same(fresh, second)
	if ran, _ := playOnce(t, fresh); ran != "1" {
		t.Errorf("after replays a match ran it %s times", ran)
	}
}

// A rejected promise in a replay is not in the server's log.
func TestReplayOfRejectedPromise(t *testing.T) {
	t.Parallel()
	w := newRecordingServer(t, map[string]string{"index.js": `
const same = (ctx, l, nk, d, tick, state) => ({ state });
function InitModule(ctx, l, nk, i) {
	i.registerMatch("once", {
		matchInit: () => ({ state: {}, tickRate: 10, label: "" }),
		matchJoinAttempt: (ctx, l, nk, d, tick, state) => ({ state, accept: true }),
		matchJoin: same, matchLeave: same, matchTerminate: same,
		matchLoop: (ctx, l, nk, d, tick, state) => { Promise.reject(new Error("nobody waits")); return { state }; },
		matchSignal: (ctx, l, nk, d, tick, state) => ({ state, data: "" }),
	});
}`}, nil)
	if err := w.load(); err != nil {
		t.Fatal(err)
	}
	_, rec := playOnce(t, w)
	lines := func() int { return strings.Count(w.log.String(), "unhandled promise rejection") }
	before := lines()
	if before == 0 {
		t.Fatal("the match did not log the rejection")
	}
	w.replay(t, rec)
	if after := lines(); after != before {
		t.Errorf("the log has %d lines about it after the replay, and had %d", after, before)
	}
}
