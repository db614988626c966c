package test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"kumi/server/servertest"
	"kumi/store/storetest"
)

// A banned player is told why and until when, when the socket closes and at each sign-in,
// and may play again as soon as the ban is over.
func TestConsoleTimedBans(t *testing.T) {
	t.Parallel()
	onBothDatabases(t, func(t *testing.T, srv *servertest.Server) {
		admin, ann := srv.ConsoleAdmin(), srv.User(t, "ann")
		socket := ann.Socket(t)
		account := "/account/" + ann.ID
		signIn := func() servertest.Answer {
			return srv.Do(t, http.MethodPost, "/v2/account/authenticate/device?create=false", servertest.ServerKey, `{"id":"device-of-ann"}`)
		}
		want(t, admin.Do(t, "GET", account+"/ban", nil), 404, 5, "not banned")
		want(t, admin.Do(t, "POST", account+"/ban", `{"end_time":"2001-01-01T00:00:00Z"}`), 400, 3, "future")
		want(t, admin.Do(t, "POST", account+"/ban", `{"duration_sec":5,"end_time":"2101-01-01T00:00:00Z"}`), 400, 3, "either")
		want(t, admin.Do(t, "POST", account+"/ban", `{"reason":"`+strings.Repeat("x", 501)+`"}`), 400, 3, "500")

		admin.Must(t, "POST", account+"/ban", `{"reason":"cheating","end_time":"2101-01-01T00:00:00Z"}`)
		if text := string(socket.Expect(t, "notifications")["notifications"]); !strings.Contains(text, `cheating`) || !strings.Contains(text, "2101-01-01T00:00:00Z") || !strings.Contains(text, `"code":-8`) {
			t.Errorf("the notification is %s", text)
		}
		socket.Closed(t)
		want(t, signIn(), 403, 7, "User account banned. Reason: cheating. It ends at 2101-01-01T00:00:00Z.")
		want(t, srv.Do(t, http.MethodPost, "/v2/account/session/refresh", servertest.ServerKey, `{"token":"`+ann.Refresh+`"}`), 401, 16, "")
		a := admin.Must(t, "GET", account+"/ban", nil)
		if a.Get("reason") != "cheating" || a.Get("end_time") != "2101-01-01T00:00:00Z" || a.Get("operator") != "admin" {
			t.Errorf("the ban is %s", a.Body)
		}

		admin.Must(t, "POST", account+"/unban", "")
		if a := signIn(); a.Status != http.StatusOK {
			t.Fatalf("after the ban was lifted: %d %s", a.Status, a.Body)
		}
		admin.Must(t, "POST", account+"/ban", "") // as in Nakama
		want(t, signIn(), 403, 7, `"User account banned."`)
		if a := admin.Must(t, "GET", account+"/ban", nil); !strings.Contains(a.Body, `"end_time":null`) {
			t.Errorf("the ban is %s", a.Body)
		}

		// It ends by itself, and until then it holds.
		began := time.Now()
		admin.Must(t, "POST", account+"/ban", `{"reason":"Calm down!","duration_sec":3}`)
		if a := signIn(); a.Status != 403 && time.Since(began) < time.Second {
			t.Errorf("during the ban: %d %s", a.Status, a.Body)
		}
		servertest.Eventually(t, "the ban ends", func() bool { return signIn().Status == http.StatusOK })
		if a := admin.Must(t, "GET", account, nil); !strings.Contains(a.Body, `"disable_time":null`) {
			t.Errorf("the account is %s", a.Body)
		}

		// A ban by module code has no end, whatever an operator had said.
		admin.Must(t, "POST", account+"/ban", `{"duration_sec":1000000}`)
		srv.RPC(t, "ban", ann.ID)
		want(t, signIn(), 403, 7, `"User account banned."`)
		srv.RPC(t, "unban", ann.ID)
		if a := signIn(); a.Status != http.StatusOK {
			t.Errorf("after module code lifted the ban: %d %s", a.Status, a.Body)
		}
	}, servertest.Module("index.js", `
		function InitModule(ctx, logger, nk, initializer) {
			initializer.registerRpc("ban", (ctx, logger, nk, id) => nk.usersBanId([id]));
			initializer.registerRpc("unban", (ctx, logger, nk, id) => nk.usersUnbanId([id]));
		}`))
}

// A ban, of an operator or of module code, ends the sessions on all servers on the database.
func TestBansOnAllServers(t *testing.T) {
	t.Parallel()
	options := []servertest.Option{servertest.Console(), servertest.Flags("--database.address", storetest.Postgres(t)), servertest.Module("index.js", `
		function InitModule(ctx, logger, nk, initializer) {
			initializer.registerRpc("ban", (ctx, logger, nk, id) => nk.usersBanId([id]));
		}`)}
	one, two := servertest.Start(t, options...), servertest.Start(t, options...)
	ann, bob, eve := two.User(t, "ann"), two.User(t, "bob"), two.User(t, "eve")
	sockets := []*servertest.Socket{ann.Socket(t), bob.Socket(t)}
	one.ConsoleAdmin().Must(t, "POST", "/account/"+ann.ID+"/ban", `{"reason":"cheating"}`)
	one.RPC(t, "ban", bob.ID)
	for i, socket := range sockets {
		text := string(socket.Expect(t, "notifications")["notifications"])
		if !strings.Contains(text, `"code":-8`) || strings.Contains(text, "cheating") != (i == 0) {
			t.Errorf("the notification is %s", text)
		}
		socket.Closed(t)
	}
	for _, user := range []*servertest.User{ann, bob} {
		want(t, user.Do(t, http.MethodGet, "/v2/account", ""), 401, 16, "")
		want(t, two.Do(t, http.MethodPost, "/v2/account/session/refresh", servertest.ServerKey, `{"token":"`+user.Refresh+`"}`), 401, 16, "")
	}
	if a := eve.Do(t, http.MethodGet, "/v2/account", ""); a.Status != http.StatusOK {
		t.Errorf("who is not banned: %d %s", a.Status, a.Body)
	}

	one.ConsoleAdmin().Must(t, "DELETE", "/account/"+eve.ID, nil)
	want(t, eve.Do(t, http.MethodGet, "/v2/account", ""), 404, 5, "not found")

	one.ConsoleAdmin().Must(t, "POST", "/account/"+ann.ID+"/unban", "")
	again := two.User(t, "ann")
	if a := again.Do(t, http.MethodGet, "/v2/account", ""); a.Status != http.StatusOK {
		t.Errorf("after the ban: %d %s", a.Status, a.Body)
	}
}
