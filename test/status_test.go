package test

import (
	"encoding/json"
	"strings"
	"testing"

	"kumi/server/servertest"
)

// statusEvent is what followers read.
type statusEvent struct{ Joins, Leaves []statusPresence }

type statusPresence struct {
	UserID    string `json:"user_id"`
	SessionID string `json:"session_id"`
	Username  string
	Status    *string
}

func decode[T any](t *testing.T, e servertest.Envelope, kind string) (v T) {
	t.Helper()
	if e[kind] == nil {
		t.Fatalf("expected %s, got %s", kind, e)
	}
	if err := json.Unmarshal(e[kind], &v); err != nil {
		t.Fatalf("%s: %v in %s", kind, err, e[kind])
	}
	return v
}

// refused checks that an answer is an error of that code, with a text.
func refused(t *testing.T, what string, e servertest.Envelope, code int, text string) {
	t.Helper()
	var got struct {
		Code    int
		Message string
	}
	if e["error"] == nil || json.Unmarshal(e["error"], &got) != nil || got.Code != code || !strings.Contains(got.Message, text) {
		t.Errorf("%s: %s, want error %d with %q", what, e, code, text)
	}
}

func acknowledged(t *testing.T, what string, e servertest.Envelope) {
	t.Helper()
	if len(e) != 1 || e["cid"] == nil {
		t.Errorf("%s: %s, want an acknowledgement", what, e)
	}
}

func TestStatus(t *testing.T) {
	t.Parallel()
	t.Run("SQLite", func(t *testing.T) {
		t.Parallel()
		testStatus(t, servertest.Start(t))
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		t.Parallel()
		testStatus(t, servertest.Start(t, servertest.Postgres()))
	})
}

func testStatus(t *testing.T, srv *servertest.Server) {
	t.Helper()
	ann, ben, cat := srv.User(t, "ann"), srv.User(t, "ben"), srv.User(t, "cat")
	a, b := ann.Socket(t), ben.Socket(t)

	status := func(e servertest.Envelope) []statusPresence {
		t.Helper()
		return decode[struct{ Presences []statusPresence }](t, e, "status").Presences
	}
	event := func(s *servertest.Socket) statusEvent {
		t.Helper()
		return decode[statusEvent](t, s.Expect(t, "status_presence_event"), "status_presence_event")
	}

	// One's own first status is an event to oneself, and makes one online.
	acknowledged(t, "update", a.Call(t, "status_update", `{"status":"here"}`))
	if e := event(a); len(e.Joins) != 1 || e.Joins[0].UserID != ann.ID || *e.Joins[0].Status != "here" || e.Joins[0].Username != "ann" || len(e.Leaves) != 0 {
		t.Errorf("own event %+v", e)
	}
	if got := ben.Do(t, "GET", "/v2/user?ids="+ann.ID, "").Body; !strings.Contains(got, `"online":true`) {
		t.Errorf("a user with a status is not online: %s", got)
	}

	// By id and by name; who is offline, oneself and who does not exist have no
	// presence.
	follow := `{"user_ids":["` + ann.ID + `","` + ben.ID + `","00000000-0000-0000-0000-000000000000","8d6d6cb8-9f1c-4b9c-b1a4-0a6f7e0f7a11"],"usernames":["cat","nobody","ann"]}`
	if got := status(b.Call(t, "status_follow", follow)); len(got) != 1 || got[0].UserID != ann.ID || got[0].Status == nil || *got[0].Status != "here" {
		t.Errorf("follow gave %+v", got)
	}
	if got := status(b.Call(t, "status_follow", `{}`)); len(got) != 0 {
		t.Errorf("following nobody gave %+v", got)
	}
	c := cat.Socket(t)
	c.Call(t, "status_update", `{"status":""}`)
	if e := event(b); len(e.Joins) != 1 || e.Joins[0].UserID != cat.ID || e.Joins[0].Status == nil || *e.Joins[0].Status != "" {
		t.Errorf("a user followed by name came online: %+v", e)
	}

	// A change is a leave and a join of the same session.
	a.Call(t, "status_update", `{"status":"away"}`)
	e := event(b)
	if len(e.Joins) != 1 || len(e.Leaves) != 1 || *e.Joins[0].Status != "away" || *e.Leaves[0].Status != "here" || e.Joins[0].SessionID != e.Leaves[0].SessionID {
		t.Errorf("changed: %+v", e)
	}
	// Without a status one is offline, and may be so twice.
	acknowledged(t, "offline", a.Call(t, "status_update", `{}`))
	acknowledged(t, "offline again", a.Call(t, "status_update", `{}`))
	if e := event(b); len(e.Joins) != 0 || len(e.Leaves) != 1 || *e.Leaves[0].Status != "away" {
		t.Errorf("offline: %+v", e)
	}
	if got := ben.Do(t, "GET", "/v2/user?ids="+ann.ID, "").Body; strings.Contains(got, `"online":true`) {
		t.Errorf("a user without a status is online: %s", got)
	}

	// Not followed any more: the next event is of somebody else.
	acknowledged(t, "unfollow", b.Call(t, "status_unfollow", `{"user_ids":["`+ann.ID+`"]}`))
	a.Call(t, "status_update", `{"status":"unseen"}`)
	c.Close()
	if e := event(b); len(e.Leaves) != 1 || e.Leaves[0].UserID != cat.ID {
		t.Errorf("after unfollowing: %+v", e)
	}

	refused(t, "follow a bad id", b.Call(t, "status_follow", `{"user_ids":["x"]}`), 3, "identifier")
	refused(t, "follow an empty name", b.Call(t, "status_follow", `{"usernames":["ann",""]}`), 3, "name")
	refused(t, "unfollow a bad id", b.Call(t, "status_unfollow", `{"user_ids":["x"]}`), 3, "identifier")
	refused(t, "a long status", b.Call(t, "status_update", `{"status":"`+strings.Repeat("x", 2049)+`"}`), 3, "2048")
	acknowledged(t, "the longest status", b.Call(t, "status_update", `{"status":"`+strings.Repeat("x", 2048)+`"}`))
}

// Module code makes a session follow users, in each language.
func TestStatusFunctions(t *testing.T) {
	t.Parallel()
	for language, module := range map[string]servertest.Option{
		"javascript": servertest.Module("index.js", `
			function InitModule(ctx, logger, nk, initializer) {
				initializer.registerRpc("follow", (ctx, logger, nk, id) => { nk.statusFollow(ctx.sessionId, [id]); nk.statusFollow(ctx.sessionId, []); });
				initializer.registerRpc("unfollow", (ctx, logger, nk, id) => nk.statusUnfollow(ctx.sessionId, [id]));
			}`),
		"lua": servertest.Module("main.lua", `
			local nk = require("nakama")
			nk.register_rpc(function(ctx, id) nk.status_follow(ctx.session_id, {id}); nk.status_follow(ctx.session_id, {}) end, "follow")
			nk.register_rpc(function(ctx, id) nk.status_unfollow(ctx.session_id, {id}) end, "unfollow")`),
	} {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			srv := servertest.Start(t, module)
			ann, ben := srv.User(t, "ann"), srv.User(t, "ben")
			a, b := ann.Socket(t), ben.Socket(t)
			if e := b.Call(t, "rpc", `{"id":"follow","payload":"`+ann.ID+`"}`); e["rpc"] == nil {
				t.Fatalf("follow: %s", e)
			}
			a.Call(t, "status_update", `{"status":"one"}`)
			if e := decode[statusEvent](t, b.Expect(t, "status_presence_event"), "status_presence_event"); *e.Joins[0].Status != "one" {
				t.Errorf("event %+v", e)
			}
			if e := b.Call(t, "rpc", `{"id":"unfollow","payload":"`+ann.ID+`"}`); e["rpc"] == nil {
				t.Fatalf("unfollow: %s", e)
			}
			a.Call(t, "status_update", `{"status":"two"}`)
			b.Call(t, "status_update", `{"status":"mine"}`)
			if e := decode[statusEvent](t, b.Expect(t, "status_presence_event"), "status_presence_event"); *e.Joins[0].Status != "mine" {
				t.Errorf("event after unfollowing %+v", e)
			}
			refused(t, "bad id", b.Call(t, "rpc", `{"id":"follow","payload":"x"}`), 7, "")
		})
	}
}
