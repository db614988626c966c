package server_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/gofrs/uuid/v5"

	"kumi/internal/testenv"
	"kumi/internal/testutil"
	"kumi/presence"
	"kumi/server/servertest"
)

// everywhere is a module with a stream and matches to join.
const everywhere = `
	initializer.registerRpc("stream", (ctx, logger, nk) => { nk.streamUserJoin(ctx.userId, ctx.sessionId, { mode: 77, label: "plaza" }, false, false, ""); });
	initializer.registerRpc("disconnect", (ctx, logger, nk, session) => nk.sessionDisconnect(session));
	initializer.registerRpc("ban", (ctx, logger, nk, user) => nk.usersBanId([user]));
	initializer.registerRpc("signal", (ctx, logger, nk, id) => nk.matchSignal(id, "fail"));
	initializer.registerRpc("start", (ctx, logger, nk) => nk.matchCreate("arena"));
	initializer.registerMatch("arena", {
		matchInit: () => ({ state: {}, tickRate: 5, label: "" }),
		matchJoinAttempt: (ctx, logger, nk, d, tick, state) => ({ state, accept: true }),
		matchJoin: (ctx, logger, nk, d, tick, state) => ({ state }),
		matchLeave: (ctx, logger, nk, d, tick, state) => ({ state }),
		matchLoop: (ctx, logger, nk, d, tick, state) => ({ state }),
		matchTerminate: (ctx, logger, nk, d, tick, state) => ({ state }),
		matchSignal: () => { throw new Error("as told"); },
	});`

// eventReasons are what the event session_end has as its reason: Nakama's texts,
// as far as it has the reason.
var eventReasons = map[presence.CloseReason]string{
	presence.ClosedByPeer:     "",
	presence.MalformedPayload: "received malformed payload",
	presence.ProcessingError:  "error processing message",
	presence.TooBig:           "message too big",
	presence.ReadTimeout:      "no message or pong in time",
	presence.WriteTimeout:     "could not write message in time",
	presence.Replaced:         "server-side session disconnect",
	presence.Banned:           "server-side session disconnect",
	presence.Disconnected:     "server-side session disconnect",
	presence.MatchFailed:      "server-side session disconnect",
}

// However a session ends, all its presences are removed, others are told, and the end
// has the right reason.
func TestSessionEnds(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		flags  []string
		mute   bool // it stops to read before its end, and answers no pings
		end    func(t *testing.T, srv *servertest.Server, p *peer, match string)
		reason presence.CloseReason
		stay   int // its sessions that go on
	}{
		{name: "close frame", reason: presence.ClosedByPeer, mute: true, end: func(t *testing.T, _ *servertest.Server, p *peer, _ string) {
			if err := p.Close(); err != nil {
				t.Error(err)
			}
		}},
		{name: "hang up", reason: presence.ClosedByPeer, end: func(_ *testing.T, _ *servertest.Server, p *peer, _ string) { p.HangUp() }},
		{name: "reset", reason: presence.ClosedByPeer, end: func(_ *testing.T, _ *servertest.Server, p *peer, _ string) { p.Cut() }},
		{name: "cut in a frame", reason: presence.ClosedByPeer, end: func(t *testing.T, _ *servertest.Server, p *peer, _ string) {
			if err := p.SendPart(`{"cid":"x","channel_join":{"target":"cellar","type":1}}`, 60); err != nil {
				t.Error(err)
			}
			p.Cut()
		}},
		{name: "logout, and hang up", reason: presence.ClosedByPeer, end: func(t *testing.T, srv *servertest.Server, p *peer, _ string) {
			if a := p.user.Do(t, http.MethodPost, "/v2/session/logout", "{}"); a.Status != http.StatusOK {
				t.Errorf("logout: %s", a.Body)
			}
			// The protocol keeps sockets open. New ones it would refuse.
			p.must(t, "ping", "{}")
			p.HangUp()
		}},
		{name: "malformed", reason: presence.MalformedPayload, end: func(_ *testing.T, _ *servertest.Server, p *peer, _ string) { _ = p.Send("{") }},
		{name: "unknown message", reason: presence.ProcessingError, end: func(_ *testing.T, _ *servertest.Server, p *peer, _ string) { _ = p.Send(`{"cid":"x"}`) }},
		{name: "too big", reason: presence.TooBig, end: func(_ *testing.T, _ *servertest.Server, p *peer, _ string) {
			_ = p.Send(strings.Repeat("x", 10_000))
		}},
		{name: "no pong", reason: presence.ReadTimeout, mute: true, flags: []string{"--socket.ping_period_ms", "500", "--socket.pong_wait_ms", "5000"},
			end: func(*testing.T, *servertest.Server, *peer, string) {}},
		{name: "does not read", reason: presence.WriteTimeout, mute: true, flags: []string{"--socket.write_wait_ms", "300"}, end: fill},
		{name: "does not read, and is disconnected", reason: presence.Disconnected, mute: true,
			flags: []string{"--socket.write_wait_ms", testenv.Size("1500", "10000"), "--socket.ping_period_ms", "300000", "--socket.pong_wait_ms", "600000"},
			end: func(t *testing.T, srv *servertest.Server, p *peer, match string) {
				fill(t, srv, p, match)
				srv.RPC(t, "disconnect", p.session.String())
			}},
		{name: "ban", reason: presence.Banned, end: func(t *testing.T, srv *servertest.Server, p *peer, _ string) { srv.RPC(t, "ban", p.user.ID) }},
		{name: "account deleted", reason: presence.Disconnected, end: func(t *testing.T, _ *servertest.Server, p *peer, _ string) {
			p.user.Do(t, http.MethodDelete, "/v2/account", "")
		}},
		{name: "another socket", reason: presence.Replaced, stay: 1, flags: []string{"--session.single_socket=true"},
			end: func(t *testing.T, srv *servertest.Server, p *peer, _ string) { openPeer(t, srv, p.user).listen() }},
		{name: "by the game", reason: presence.Disconnected, end: func(t *testing.T, srv *servertest.Server, p *peer, _ string) {
			srv.RPC(t, "disconnect", p.session.String())
		}},
		{name: "match failed", reason: presence.MatchFailed, end: func(t *testing.T, srv *servertest.Server, p *peer, match string) {
			srv.RPC(t, "signal", match)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			srv := servertest.Start(t, servertest.Flags(c.flags...),
				servertest.Module("index.js", "function InitModule(ctx, logger, nk, initializer) {"+watched+everywhere+"}"))
			in := srv.Game()
			watcher, victim := openPeer(t, srv, srv.User(t, "ann")).listen(), openPeer(t, srv, srv.User(t, "bob"))
			if !c.mute {
				victim.listen()
			}
			// What is muted is still read until it is everywhere.
			ask := func(kind, body string) string {
				t.Helper()
				if !c.mute {
					return victim.must(t, kind, body)
				}
				if err := victim.Send(`{"cid":"ask","` + kind + `":` + body + `}`); err != nil {
					t.Fatal(err)
				}
				reply, err := victim.Until(`{"cid":"ask"`)
				if err != nil || strings.Contains(reply, `"error":{`) {
					t.Fatalf("%s: %s %v", kind, reply, err)
				}
				return reply
			}

			// Both are everywhere: each party has another leader, and in one match
			// the victim is alone.
			watcher.must(t, "status_follow", `{"user_ids":["`+victim.user.ID+`"]}`)
			both := func(kind, body string) {
				watcher.must(t, kind, body)
				ask(kind, body)
			}
			both("rpc", `{"id":"stream"}`)
			both("channel_join", `{"target":"lobby","type":1}`)
			both("match_create", `{"name":"duel"}`)
			arena, _ := srv.RPC(t, "start", "")
			both("match_join", `{"match_id":"`+arena+`"}`)
			own, _ := srv.RPC(t, "start", "")
			ask("match_join", `{"match_id":"`+own+`"}`)
			hers := field(watcher.must(t, "party_create", `{"open":true,"max_size":4}`), "party", "party_id")
			ask("party_join", `{"party_id":"`+hers+`"}`)
			his := field(ask("party_create", `{"open":true,"max_size":4}`), "party", "party_id")
			watcher.must(t, "party_join", `{"party_id":"`+his+`"}`)
			ask("matchmaker_add", `{"min_count":2,"max_count":2,"query":"*"}`)
			watcher.must(t, "party_matchmaker_add", `{"party_id":"`+hers+`","min_count":4,"max_count":4,"query":"*"}`)
			if n := len(in.Tracker.StreamsOf(victim.session)); n != 9 {
				t.Fatalf("the session is in %d places, want 9", n)
			}
			if n := in.Matchmaker.Stats().Tickets; n != 2 {
				t.Fatalf("%d tickets, want 2", n)
			}

			c.end(t, srv, victim, own)
			if got := why(t, srv, victim.session.String()); got != eventReasons[c.reason] {
				t.Errorf("the session ended for %q, want %q", got, eventReasons[c.reason])
			}
			if n := counter(srv, "socket_ws_closed_reason", `reason="`+c.reason.String()+`"`); n != 1 {
				t.Errorf("the metrics count %d such ends", n)
			}
			for _, told := range [][]string{
				{`"status_presence_event"`, `"leaves"`}, {`"stream_presence_event"`, `"leaves"`}, {`"channel_presence_event"`, `"leaves"`},
				{`"match_presence_event"`, `"leaves"`, arena}, {`"match_presence_event"`, `"leaves"`, `."`},
				{`"party_presence_event"`, `"leaves"`, hers}, {`"party_presence_event"`, `"leaves"`, his},
			} {
				if _, err := watcher.heard(append(told, victim.session.String())...); err != nil {
					t.Errorf("the other was not told: %v", err)
				}
			}
			if _, err := watcher.heard(`"party_leader"`, his, watcher.session.String()); err != nil {
				t.Errorf("the other was not made leader: %v", err)
			}

			if in.Sessions.Get(victim.session) != nil {
				t.Error("the session is still there")
			}
			if n := in.Matchmaker.Stats().Tickets; n != 0 {
				t.Errorf("%d tickets are left", n)
			}
			for mode := range 256 {
				in.Tracker.Streams(uint8(mode), func(s presence.Stream, _ int) bool {
					for _, p := range in.Tracker.List(s, true, true) {
						if p.Session == victim.session {
							t.Errorf("it is still on %s", s.ChannelID())
						}
					}
					return true
				})
			}
			// In the match that did not end, the handler knows.
			testutil.Eventually(t, "it is no member of the match", func() bool {
				members, _, _, err := in.Matches.State(context.Background(), arena)
				if err != nil {
					t.Fatal(err)
				}
				return len(members) == 1 && members[0].Session == watcher.session
			})
			// A socket that took its place has its own two presences.
			if n, want := in.Tracker.Total(), 8+2*c.stay; n != want {
				t.Errorf("%d presences, want %d", n, want)
			}
			testutil.Eventually(t, "its connection is closed", func() bool { return srv.OpenSockets() == 1+c.stay })
			if n := len(in.Sessions.OfUser(uuid.FromStringOrNil(victim.user.ID))); n != c.stay {
				t.Errorf("the user has %d sessions", n)
			}
		})
	}
}

// fill makes the server write more than a connection holds.
func fill(t *testing.T, srv *servertest.Server, p *peer, _ string) {
	t.Helper()
	if _, a := srv.RPC(t, "fill", `{"user":"`+p.user.ID+`","session":"`+p.session.String()+`"}`); a.Status != 200 {
		t.Errorf("fill: %s", a.Body)
	}
}
