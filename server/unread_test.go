package server_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"kumi/internal/testutil"
	"kumi/presence"
	"kumi/server/servertest"
)

// patient are settings with which nothing but a full queue ends a session.
var patient = servertest.Flags("--socket.write_wait_ms", "300000", "--socket.pong_wait_ms", "600000",
	"--socket.ping_period_ms", "300000", "--socket.outgoing_queue_size", "16")

// A member of a match stops reading. The other member gets every tick, and the slow one
// is closed and leaves the match.
func TestMatchWithAMemberThatDoesNotRead(t *testing.T) {
	t.Parallel()
	for language, module := range map[string]servertest.Option{
		"javascript": servertest.Module("index.js", `
			function InitModule(ctx, logger, nk, initializer) {`+watched+`
				initializer.registerRpc("start", (ctx, logger, nk) => nk.matchCreate("loud"));
				initializer.registerMatch("loud", {
					matchInit: () => ({ state: { noise: "x".repeat(128 << 10) }, tickRate: 10, label: "" }),
					matchJoinAttempt: (ctx, logger, nk, d, tick, state) => ({ state, accept: true }),
					matchJoin: (ctx, logger, nk, d, tick, state) => ({ state }),
					matchLeave: (ctx, logger, nk, d, tick, state) => ({ state }),
					matchLoop: (ctx, logger, nk, d, tick, state, messages) => {
						state.begun ||= messages.length > 0;
						if (state.begun) d.broadcastMessage(tick, state.noise);
						return { state };
					},
					matchTerminate: (ctx, logger, nk, d, tick, state) => ({ state }),
					matchSignal: (ctx, logger, nk, d, tick, state) => ({ state }),
				});
			}`),
		"lua": func(t testing.TB, s *servertest.Setup) {
			servertest.Module("main.lua", `
				local nk = require("nakama")
				nk.register_event_session_end(function(ctx, event) nk.localcache_put(ctx.session_id, "ended: " .. event.properties.reason) end)
				nk.register_rpc(function(ctx, id) return nk.localcache_get(id) or "" end, "why")
				nk.register_rpc(function() return nk.match_create("loud") end, "start")`)(t, s)
			servertest.Module("loud.lua", `
				local keep = function(ctx, d, tick, state) return state end
				return {
					match_init = function() return { noise = string.rep("x", 131072) }, 10, "" end,
					match_join_attempt = function(ctx, d, tick, state) return state, true end,
					match_join = keep, match_leave = keep, match_terminate = keep,
					match_signal = function(ctx, d, tick, state) return state, "" end,
					match_loop = function(ctx, d, tick, state, messages)
						state.begun = state.begun or #messages > 0
						if state.begun then d.broadcast_message(tick, state.noise) end
						return state
					end,
				}`)(t, s)
		},
	} {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			srv := servertest.Start(t, patient, module)
			user := srv.User(t, "ann")
			id, a := srv.RPC(t, "start", "")
			if a.Status != 200 {
				t.Fatalf("start: %s", a.Body)
			}
			join := func(narrow bool) (*servertest.Raw, string) {
				t.Helper()
				r, err := srv.Raw(user.Token, "")
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(r.Cut)
				if narrow {
					r.Narrow()
				}
				if err := r.Send(`{"cid":"join","match_join":{"match_id":"` + id + `"}}`); err != nil {
					t.Fatal(err)
				}
				reply, err := r.Until(`"cid":"join"`)
				if err != nil || !strings.Contains(reply, `"self":`) {
					t.Fatalf("join: %.300s %v", reply, err)
				}
				self := reply[strings.Index(reply, `"self":`):]
				return r, sessionID.FindStringSubmatch(self)[1]
			}
			reader, _ := join(false)
			_, session := join(true)
			if err := reader.Send(`{"match_data_send":{"match_id":"` + id + `","op_code":"1","data":""}}`); err != nil {
				t.Fatal(err) // the match begins, now that both are there
			}

			tick, left := int64(-1), false
			for after := 0; after < 10; {
				text, err := reader.Until(`"match`)
				if err != nil {
					t.Fatalf("after tick %d: %v", tick, err)
				}
				if strings.Contains(text, `"leaves":`) && strings.Contains(text, session) {
					left = true
				}
				op := strings.Index(text, `"op_code":"`)
				if op < 0 {
					continue
				}
				number, _, _ := strings.Cut(text[op+len(`"op_code":"`):], `"`)
				n, err := strconv.ParseInt(number, 10, 64)
				if err != nil || tick >= 0 && n != tick+1 {
					t.Fatalf("tick %s came after %d", number, tick)
				}
				if tick = n; left {
					after++
				}
				if tick > 2000 {
					t.Fatal("the member that does not read was not closed")
				}
			}
			if got := why(t, srv, session); got != presence.QueueFull.Text() {
				t.Errorf("it ended for %q", got)
			}
			testutil.Eventually(t, "its connection is closed", func() bool { return srv.OpenSockets() == 1 })
		})
	}
}

// A client calls RPCs and never reads. The replies that wait for it are bounded: it is
// closed.
func TestCallerThatDoesNotRead(t *testing.T) {
	t.Parallel()
	srv := servertest.Start(t, patient, servertest.Flags("--socket.write_wait_ms", "2000"), servertest.Module("index.js", `
		function InitModule(ctx, logger, nk, initializer) {`+watched+`
			const answer = "x".repeat(64 << 10);
			initializer.registerRpc("big", () => answer);
		}`))
	r, err := srv.Raw(srv.User(t, "ann").Token, "")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Cut()
	r.Narrow()
	_, session, err := joinRoom(r, false)
	if err != nil {
		t.Fatal(err)
	}
	// A thousand of these answers are all that the bound on the queue, 32 times
	// its size, and the system's buffers can hold.
	const most = 1000
	for deadline := time.Now().Add(late); srv.Game().Sessions.Count() > 0; {
		if time.Now().After(deadline) {
			t.Fatal("it was not closed")
		}
		if r.Send(`{"rpc":{"id":"big"}}`) != nil {
			break
		}
	}
	// Either the queue was full, or the one write that was stuck, while the client
	// was not read from any more, took too long.
	if got := why(t, srv, session); got != presence.QueueFull.Text() && got != presence.WriteTimeout.Text() {
		t.Errorf("it ended for %q", got)
	}
	if n := counter(srv, "count", `rpc_id="big"`); n < 10 || n > most {
		t.Errorf("%d calls were answered before it was closed, want more than 10 and at most %d", n, most)
	}
	testutil.Eventually(t, "nothing is left of it", func() bool {
		in := srv.Game()
		return srv.OpenSockets() == 0 && in.Sessions.Count() == 0 && in.Tracker.Total() == 0
	})
}
