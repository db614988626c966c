package server_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/gofrs/uuid/v5"

	"kumi/internal/testutil"
	"kumi/presence"
	"kumi/server/servertest"
)

// A player who is banned while the session waits for it leaves at once, and does not come
// back: neither to a session that is parked nor to one that was kept over a restart.
func TestBanWhileParked(t *testing.T) {
	t.Parallel()
	for _, restarted := range []bool{false, true} {
		t.Run(fmt.Sprintf("restarted %v", restarted), func(t *testing.T) {
			t.Parallel()
			options := []servertest.Option{
				servertest.Flags("--session.resume_sec", "600", "--data_dir", t.TempDir()), servertest.Console(),
			}
			srv := servertest.Start(t, options...)
			ann, bob := srv.User(t, "ann"), srv.User(t, "bob")
			watcher, socket := ann.Socket(t), bob.Socket(t)
			for _, s := range []*servertest.Socket{watcher, socket} {
				s.Call(t, "channel_join", `{"target":"lobby","type":1}`)
			}
			told := func(what string) {
				t.Helper()
				for {
					text := string(watcher.Expect(t, "channel_presence_event")["channel_presence_event"])
					if strings.Contains(text, what) && strings.Contains(text, bob.ID) {
						return
					}
				}
			}
			told(`"joins"`)
			if restarted {
				srv.Close()
				srv = servertest.Start(t, options...)
				ann, bob = ann.On(srv), bob.On(srv)
				watcher = ann.Socket(t)
			} else {
				socket.HangUp()
			}
			testutil.Eventually(t, "the session is parked", func() bool { return counter(srv, "sessions_parked", "") == 1 })
			id := uuid.FromStringOrNil(bob.ID)
			if n := len(srv.Game().Sessions.OfUser(id)); n != 1 {
				t.Fatalf("bob has %d sessions", n)
			}
			srv.ConsoleAdmin().Must(t, "POST", "/account/"+bob.ID+"/ban", `{"reason":"cheating"}`)
			told(`"leaves"`)
			testutil.Eventually(t, "the session has ended", func() bool {
				return len(srv.Game().Sessions.OfUser(id)) == 0 && counter(srv, "sessions_parked", "") == 0
			})
			if a := srv.Do(t, "GET", "/ws?token="+bob.Token, "", ""); a.Status != 401 {
				t.Errorf("its token is answered by %d %s", a.Status, a.Body)
			}
			srv.Close()
			srv = servertest.Start(t, options...)
			if n := len(srv.Game().Sessions.OfUser(id)); n != 0 {
				t.Errorf("bob has %d sessions after the next start", n)
			}
			if a := srv.Do(t, "GET", "/ws?token="+bob.Token, "", ""); a.Status != 401 {
				t.Errorf("after the next start its token is answered by %d %s", a.Status, a.Body)
			}
		})
	}
}

// A player whose connection broke is where it was when it comes back, with the messages
// of its channel, and nobody was told that it was away.
func TestSessionResumes(t *testing.T) {
	t.Parallel()
	for _, format := range []presence.Format{presence.JSON, presence.Protobuf} {
		t.Run(format.String(), func(t *testing.T) {
			t.Parallel()
			srv := servertest.Start(t, servertest.Flags("--session.resume_sec", "600"),
				servertest.Module("index.js", "function InitModule(ctx, logger, nk, initializer) {"+watched+everywhere+"}"))
			in := srv.Game()
			watcher := openPeer(t, srv, srv.User(t, "ann")).listen()
			user := srv.User(t, "bob")
			bob := user.SocketOf(t, format)
			must := func(kind, body string) servertest.Envelope {
				t.Helper()
				e := bob.Call(t, kind, body)
				if e["error"] != nil {
					t.Fatalf("%s: %s", kind, e["error"])
				}
				return e
			}
			arena, _ := srv.RPC(t, "start", "")
			must("status_update", `{"status":"here"}`)
			must("rpc", `{"id":"stream"}`)
			channel := must("channel_join", `{"target":"lobby","type":1}`).Field("channel", "id")
			must("match_join", `{"match_id":"`+arena+`"}`)
			must("party_create", `{"open":true,"max_size":4}`)
			must("matchmaker_add", `{"min_count":2,"max_count":2,"query":"*"}`)
			watcher.must(t, "status_follow", `{"user_ids":["`+user.ID+`"]}`)
			watcher.must(t, "rpc", `{"id":"stream"}`)
			watcher.must(t, "channel_join", `{"target":"lobby","type":1}`)
			watcher.must(t, "match_join", `{"match_id":"`+arena+`"}`)
			session := in.Sessions.OfUser(uuid.FromStringOrNil(user.ID))[0].ID()
			before := in.Tracker.StreamsOf(session)

			for i := range 3 {
				bob.HangUp()
				testutil.Eventually(t, "the session is parked", func() bool { return counter(srv, "sessions_parked", "") == 1 })
				for j := range 5 {
					watcher.must(t, "channel_message_send", fmt.Sprintf(`{"channel_id":%q,"content":"{\"n\":%d}"}`, channel, 5*i+j))
				}
				bob = user.SocketOf(t, format)
				for j := range 5 {
					if got, want := bob.Expect(t, "channel_message").Field("channel_message", "content"), fmt.Sprintf(`{"n":%d}`, 5*i+j); got != want {
						t.Fatalf("the message is %s, want %s", got, want)
					}
				}
				must("ping", "{}")
				if e, ok := bob.Pushed("channel_message"); ok {
					t.Errorf("then %s", e["channel_message"])
				}
			}
			if all := in.Sessions.OfUser(uuid.FromStringOrNil(user.ID)); len(all) != 1 || all[0].ID() != session {
				t.Errorf("the sessions are %v, want %s", all, session)
			}
			if after := in.Tracker.StreamsOf(session); fmt.Sprint(after) != fmt.Sprint(before) {
				t.Errorf("it is on %v, was on %v", after, before)
			}
			if n := in.Matchmaker.Stats().Tickets; n != 1 {
				t.Errorf("%d tickets, want its own", n)
			}
			if n := counter(srv, "sessions_resumed", ""); n != 3 {
				t.Errorf("%d resumed, want 3", n)
			}
			watcher.must(t, "ping", "{}")
			watcher.mu.Lock()
			for _, got := range watcher.got {
				if strings.Contains(got, session.String()) && strings.Contains(got, `"leaves":[`) {
					t.Errorf("the other was told %s", got)
				}
			}
			watcher.mu.Unlock()
			bob.Close()
			if _, err := watcher.heard(`"match_presence_event"`, `"leaves"`, session.String()); err != nil {
				t.Errorf("when it left in the end, the other was not told: %v", err)
			}
		})
	}
}
