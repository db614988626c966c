package server_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net"
	"strings"
	"testing"

	"github.com/coder/websocket"
	"github.com/gofrs/uuid/v5"

	"kumi/internal/testutil"
	"kumi/presence"
	"kumi/server/servertest"
	"kumi/store/storetest"
)

// counting is a match that tells its members its state in each tick.
const counting = `
	initializer.registerRpc("count", (ctx, logger, nk) => nk.matchCreate("count"));
	initializer.registerMatch("count", {
		matchInit: () => ({ state: { n: 0, joins: 0, leaves: 0 }, tickRate: 10, label: "" }),
		matchJoinAttempt: (ctx, logger, nk, d, tick, state) => ({ state, accept: true }),
		matchJoin: (ctx, logger, nk, d, tick, state, all) => { state.joins += all.length; return { state }; },
		matchLeave: (ctx, logger, nk, d, tick, state, all) => { state.leaves += all.length; return { state }; },
		matchLoop: (ctx, logger, nk, d, tick, state) => { state.n++; d.broadcastMessage(7, JSON.stringify(state)); return { state }; },
		matchTerminate: (ctx, logger, nk, d, tick, state) => ({ state }),
		matchSignal: (ctx, logger, nk, d, tick, state) => ({ state }),
	});`

// count is the state that a message of such a match has.
func count(t *testing.T, e servertest.Envelope) (state struct{ N, Joins, Leaves int }) {
	t.Helper()
	b, err := base64.StdEncoding.DecodeString(e.Field("match_data", "data"))
	if err == nil {
		err = json.Unmarshal(b, &state)
	}
	if err != nil {
		t.Fatalf("%v in %s", err, e["match_data"])
	}
	return state
}

// A server that is stopped and started again goes on with its sessions: players who connect
// again within the time are who they were, where they were, and get what was sent
// meanwhile.
func TestSessionsSurviveRestart(t *testing.T) {
	t.Parallel()
	for _, database := range []string{"SQLite", "PostgreSQL"} {
		for _, format := range []presence.Format{presence.JSON, presence.Protobuf} {
			t.Run(database+"/"+format.String(), func(t *testing.T) {
				t.Parallel()
				options := []servertest.Option{
					servertest.Flags("--session.resume_sec", "600", "--match.snapshot", "shutdown"),
					servertest.Module("index.js", "function InitModule(ctx, logger, nk, initializer) {"+everywhere+counting+"}"),
				}
				if database == "SQLite" {
					options = append(options, servertest.Flags("--data_dir", t.TempDir()))
				} else {
					options = append(options, servertest.Flags("--database.address", storetest.Postgres(t)))
				}
				srv := servertest.Start(t, options...)
				users := []*servertest.User{srv.User(t, "ann"), srv.User(t, "bob"), srv.User(t, "cid")}
				sessions := make([]uuid.UUID, len(users))
				sockets := make([]*servertest.Socket, len(users))
				must := func(i int, kind, body string) servertest.Envelope {
					t.Helper()
					e := sockets[i].Call(t, kind, body)
					if e["error"] != nil {
						t.Fatalf("%s: %s", kind, e["error"])
					}
					return e
				}
				var party, relayed, channel string
				for i, u := range users {
					sockets[i] = u.SocketOf(t, format)
					must(i, "status_update", fmt.Sprintf(`{"status":"number %d"}`, i))
					must(i, "rpc", `{"id":"stream"}`)
					channel = must(i, "channel_join", `{"target":"lobby","type":1}`).Field("channel", "id")
					sessions[i] = srv.Game().Sessions.OfUser(uuid.FromStringOrNil(u.ID))[0].ID()
				}
				must(0, "status_follow", `{"user_ids":["`+users[1].ID+`"]}`)
				relayed = must(0, "match_create", `{}`).Field("match", "match_id")
				must(1, "match_join", `{"match_id":"`+relayed+`"}`)
				party = must(1, "party_create", `{"open":false,"max_size":4,"label":"{\"map\":\"cellar\"}"}`).Field("party", "party_id")
				must(0, "party_join", `{"party_id":"`+party+`"}`)
				sockets[1].Expect(t, "party_join_request")
				must(1, "party_accept", fmt.Sprintf(`{"party_id":%q,"presence":{"user_id":%q,"session_id":%q,"username":"ann"}}`, party, users[0].ID, sessions[0]))
				sockets[0].Expect(t, "party_presence_event")      // that it has joined
				must(2, "party_join", `{"party_id":"`+party+`"}`) // waits for its leader
				counts, _ := srv.RPC(t, "count", "")
				for i := range users {
					must(i, "match_join", `{"match_id":"`+counts+`"}`)
				}
				for count(t, sockets[0].Expect(t, "match_data")).Joins < 3 {
				}
				before := make([][]presence.Stream, len(users))
				for i := range users {
					before[i] = srv.Game().Tracker.StreamsOf(sessions[i])
				}
				// One is away already, and misses a message.
				sockets[0].HangUp()
				testutil.Eventually(t, "the session is parked", func() bool { return counter(srv, "sessions_parked", "") == 1 })
				must(1, "channel_message_send", fmt.Sprintf(`{"channel_id":%q,"content":"{\"n\":1}"}`, channel))

				stopped := make(chan struct{})
				go func() { defer close(stopped); srv.Close() }()
				for _, p := range sockets[1:] {
					if code := p.Closed(t); code != websocket.StatusServiceRestart {
						t.Errorf("closed with %d", code)
					}
				}
				<-stopped
				srv = servertest.Start(t, options...)
				if n := counter(srv, "sessions_parked", ""); n != 3 {
					t.Errorf("%d sessions are parked, want 3", n)
				}
				for i := range users {
					users[i] = users[i].On(srv)
					sockets[i] = users[i].SocketOf(t, format)
					must(i, "ping", "{}")
				}
				if got := sockets[0].Expect(t, "channel_message").Field("channel_message", "content"); got != `{"n":1}` {
					t.Errorf("the message that was missed is %s", got)
				}
				for i, u := range users {
					if all := srv.Game().Sessions.OfUser(uuid.FromStringOrNil(u.ID)); len(all) != 1 || all[0].ID() != sessions[i] {
						t.Errorf("player %d has %d sessions, want %s", i, len(all), sessions[i])
					}
					if after := srv.Game().Tracker.StreamsOf(sessions[i]); fmt.Sprint(after) != fmt.Sprint(before[i]) {
						t.Errorf("player %d is on %v, was on %v", i, after, before[i])
					}
					if status := srv.Game().Tracker.Get(sessions[i], presence.StatusOf(uuid.FromStringOrNil(u.ID))); status == nil || status.Status != fmt.Sprintf("number %d", i) {
						t.Errorf("the status of player %d is %v", i, status)
					}
				}
				// The one that was away has what the match sent meanwhile, before the stop and after
				// the start. Nobody has left it or joined again.
				_, tick, _, err := srv.Game().Matches.State(t.Context(), counts)
				if err != nil {
					t.Fatal(err)
				}
				for n := 0; n < int(tick); {
					got := count(t, sockets[0].Expect(t, "match_data"))
					if n != 0 && got.N != n+1 || got.Joins != 3 || got.Leaves != 0 {
						t.Fatalf("after message %d of the match came %+v", n, got)
					}
					n = got.N
				}
				// Nobody was told anything, and all goes on.
				for i, p := range sockets {
					for _, kind := range []string{
						"channel_presence_event", "match_presence_event", "party_presence_event", "stream_presence_event", "status_presence_event",
						"party_leader", "party", "party_join_request", "channel_message",
					} {
						if e, ok := p.Pushed(kind); ok {
							t.Errorf("player %d got %s", i, e[kind])
						}
					}
				}
				sockets[0].Send(t, fmt.Sprintf(`{"match_data_send":{"match_id":%q,"op_code":"1","data":"aGk="}}`, relayed))
				for !strings.Contains(string(sockets[1].Expect(t, "match_data")["match_data"]), sessions[0].String()) {
				}
				must(1, "party_accept", fmt.Sprintf(`{"party_id":%q,"presence":{"user_id":%q,"session_id":%q,"username":"cid"}}`, party, users[2].ID, sessions[2]))
				if e := sockets[2].Expect(t, "party"); !strings.Contains(string(e["party"]), sessions[0].String()) {
					t.Errorf("the party is %s", e["party"])
				}
				must(1, "status_update", `{"status":"changed"}`)
				for {
					if e := sockets[0].Expect(t, "status_presence_event"); strings.Contains(string(e["status_presence_event"]), "changed") {
						break
					}
				}
				for _, p := range sockets {
					p.Close()
				}
				testutil.Eventually(t, "all have left", func() bool { return srv.Game().Tracker.Total() == 0 && srv.Game().Sessions.Count() == 0 })
				if n := srv.Game().Parties.Count(); n != 0 {
					t.Errorf("%d parties are left", n)
				}
			})
		}
	}
}

// A server that cannot open its ports leaves the kept sessions for the next start.
func TestKeptSessionsOutliveFailedStart(t *testing.T) {
	t.Parallel()
	options := []servertest.Option{servertest.Flags("--session.resume_sec", "600", "--data_dir", t.TempDir())}
	srv := servertest.Start(t, options...)
	ann := srv.User(t, "ann")
	ann.SocketOf(t, presence.JSON).Call(t, "ping", "{}")
	session := srv.Game().Sessions.OfUser(uuid.FromStringOrNil(ann.ID))[0].ID()
	srv.Close()
	t.Run("the port is in use", func(t *testing.T) {
		taken, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer taken.Close()
		_, port, _ := net.SplitHostPort(taken.Addr().String())
		if _, err := servertest.TryStart(t, append(options, servertest.Flags("--socket.port", port))...); err == nil {
			t.Fatal("it started")
		}
	})
	srv = servertest.Start(t, options...)
	if all := srv.Game().Sessions.OfUser(uuid.FromStringOrNil(ann.ID)); len(all) != 1 || all[0].ID() != session {
		t.Errorf("there are %d sessions, want the one of before", len(all))
	}
}
