package test

import (
	"encoding/json"
	"slices"
	"testing"

	"kumi/server/servertest"
)

// Joining a match again lists oneself among the presences and in the size; a first join
// does not. A join with a new socket is a first join.
func TestJoiningAMatchAgain(t *testing.T) {
	t.Parallel()
	srv := servertest.Start(t, servertest.Flags("--matchmaker.interval_sec", "1"), servertest.Module("index.js", `
		function InitModule(ctx, logger, nk, initializer) {
			initializer.registerMatch("plain", {
				matchInit: () => ({ state: {}, tickRate: 10, label: "" }),
				matchJoinAttempt: (ctx, logger, nk, dispatcher, tick, state) => ({ state, accept: true }),
				matchJoin: (ctx, logger, nk, dispatcher, tick, state) => ({ state }),
				matchLeave: (ctx, logger, nk, dispatcher, tick, state) => ({ state }),
				matchLoop: (ctx, logger, nk, dispatcher, tick, state) => ({ state }),
				matchTerminate: (ctx, logger, nk, dispatcher, tick, state) => ({ state }),
				matchSignal: (ctx, logger, nk, dispatcher, tick, state) => ({ state }),
			});
			initializer.registerRpc("make", (ctx, logger, nk) => nk.matchCreate("plain"));
		}`))
	ann, ben := srv.User(t, "ann"), srv.User(t, "ben")
	type answer struct {
		MatchID   string `json:"match_id"`
		Size      int
		Presences []struct{ Username string }
		Self      struct{ Username string }
	}
	enter := func(s *servertest.Socket, kind, body string) (a answer, who []string) {
		t.Helper()
		e := s.Call(t, kind, body)
		if err := json.Unmarshal(e["match"], &a); err != nil || a.Self.Username == "" {
			t.Fatalf("%s %s: %s", kind, body, e)
		}
		for _, p := range a.Presences {
			who = append(who, p.Username)
		}
		slices.Sort(who)
		return a, who
	}
	check := func(what string, a answer, who []string, size int, want ...string) {
		t.Helper()
		if a.Size != size || !slices.Equal(who, want) {
			t.Errorf("%s: size %d and %q, want %d and %q", what, a.Size, who, size, want)
		}
	}
	id := func(a answer) string { return `{"match_id":"` + a.MatchID + `"}` }

	one, two := ann.Socket(t), ben.Socket(t)
	relayed, who := enter(one, "match_create", `{}`)
	check("created", relayed, who, 1)
	a, who := enter(two, "match_join", id(relayed))
	check("joined", a, who, 1, "ann")
	a, who = enter(two, "match_join", id(relayed))
	check("joined again", a, who, 2, "ann", "ben")
	two.Close()
	one.Expect(t, "match_presence_event")
	servertest.Eventually(t, "ben is gone", func() bool {
		a, _ := enter(one, "match_join", id(relayed))
		return a.Size == 1
	})
	two = ben.Socket(t)
	a, who = enter(two, "match_join", id(relayed))
	check("joined by a new socket", a, who, 1, "ann")
	a, who = enter(two, "match_join", id(relayed))
	check("joined by a new socket again", a, who, 2, "ann", "ben")

	a, who = enter(one, "match_create", `{"name":"lobby"}`)
	check("created by name", a, who, 1)
	a, who = enter(two, "match_create", `{"name":"lobby"}`)
	check("joined by name", a, who, 2, "ann")
	a, who = enter(two, "match_create", `{"name":"lobby"}`)
	check("joined by name again", a, who, 2, "ann", "ben")

	made, _ := srv.RPC(t, "make", "")
	own := `{"match_id":"` + made + `"}`
	a, who = enter(one, "match_join", own)
	check("authoritative", a, who, 0)
	a, who = enter(two, "match_join", own)
	check("authoritative, the second", a, who, 1, "ann")
	a, who = enter(one, "match_join", own)
	check("authoritative, again", a, who, 2, "ann", "ben")

	for _, s := range []*servertest.Socket{one, two} {
		s.Call(t, "matchmaker_add", `{"min_count":2,"max_count":2,"query":"*"}`)
	}
	token := `{"token":"` + one.Expect(t, "matchmaker_matched").Field("matchmaker_matched", "token") + `"}`
	a, who = enter(one, "match_join", token)
	check("by token", a, who, 0)
	a, who = enter(one, "match_join", token)
	check("by token, again", a, who, 1, "ann")
	a, who = enter(two, "match_join", token)
	check("by token, the second", a, who, 1, "ann")
}
