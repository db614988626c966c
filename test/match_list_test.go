package test

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"kumi/server/servertest"
)

// Matches are listed by query over REST and in both scripting languages, and a
// label that changed counts at once.
func TestMatchListByQuery(t *testing.T) {
	t.Parallel()
	srv := servertest.Start(t, servertest.Module("index.js", `
		function InitModule(ctx, logger, nk, initializer) {
			const keep = (ctx, logger, nk, d, tick, state) => ({ state });
			initializer.registerMatch("arena", {
				matchInit: (ctx, logger, nk, params) => ({ state: {}, tickRate: params.rate, label: JSON.stringify(params) }),
				matchJoinAttempt: (ctx, logger, nk, d, tick, state) => ({ state, accept: true }),
				matchJoin: keep, matchLeave: keep, matchLoop: keep, matchTerminate: keep,
				matchSignal: (ctx, logger, nk, d, tick, state, data) => { d.matchLabelUpdate(data); return { state, data: "ok" }; },
			});
			initializer.registerRpc("create", (ctx, logger, nk, payload) => nk.matchCreate("arena", JSON.parse(payload)));
			initializer.registerRpc("signal", (ctx, logger, nk, payload) => nk.matchSignal(JSON.parse(payload).id, JSON.parse(payload).label));
			initializer.registerRpc("js", (ctx, logger, nk, query) => nk.matchList(10, true, null, null, null, query).map((m) => m.tickRate).join(" "));
		}`), servertest.Module("main.lua", `
		local nk = require("nakama")
		nk.register_rpc(function(ctx, query)
			local rates = {}
			for _, m in ipairs(nk.match_list(10, true, nil, nil, nil, query)) do rates[#rates + 1] = string.format("%d", m.tick_rate) end
			return table.concat(rates, " ")
		end, "lua")`))
	var first string
	for i, params := range []string{`{"rate":1,"mode":"duel","level":3}`, `{"rate":2,"mode":"raid","level":5}`, `{"rate":3,"mode":"duel","level":9}`} {
		id, a := srv.RPC(t, "create", params)
		if !strings.HasSuffix(id, ".nakama") {
			t.Fatalf("create: %s", a.Body)
		}
		if i == 0 {
			first = id
		}
	}
	user := srv.User(t, "ann")
	overREST := func(query string) string {
		t.Helper()
		a := user.Do(t, "GET", "/v2/match?limit=10&authoritative=true&query="+url.QueryEscape(query), "")
		var body struct {
			Matches []struct {
				TickRate json.Number `json:"tick_rate"`
			}
		}
		if err := json.Unmarshal([]byte(a.Body), &body); err != nil || a.Status != 200 {
			t.Fatalf("list: %d %s", a.Status, a.Body)
		}
		var rates []string
		for _, m := range body.Matches {
			rates = append(rates, m.TickRate.String())
		}
		return strings.Join(rates, " ")
	}
	check := func(query, want string) {
		t.Helper()
		if got := overREST(query); got != want {
			t.Errorf("REST lists %q for %q, want %q", got, query, want)
		}
		for _, language := range []string{"js", "lua"} {
			if got, a := srv.RPC(t, language, query); got != want {
				t.Errorf("%s lists %q for %q, want %q: %s", language, got, query, want, a.Body)
			}
		}
	}
	check("+label.mode:duel", "3 1")
	check("label.mode:raid^2 label.level:>=3", "2 3 1")
	check("-label.level:>4", "1")
	check("*", "3 2 1")
	if got, a := srv.RPC(t, "signal", `{"id":"`+first+`","label":"{\"mode\":\"none\"}"}`); got != "ok" {
		t.Fatalf("signal: %s", a.Body)
	}
	check("+label.mode:duel", "3")
	check("+label.mode:none", "1")

	const bad = "/v2/match?authoritative=true&query=%2Blabel.mode:"
	if a := user.Do(t, "GET", bad, ""); a.Status != 500 || a.Code() != 13 || !strings.Contains(a.Get("message"), "character") {
		t.Errorf("a bad query: %d %s, want 500 with code 13 and where it goes wrong", a.Status, a.Body)
	}
	if _, a := srv.RPC(t, "js", "+label.mode:"); a.Status == 200 || !strings.Contains(a.Body, "character") {
		t.Errorf("a bad query in JavaScript: %d %s", a.Status, a.Body)
	}
	if a := user.Do(t, "GET", "/v2/match?authoritative=false&query=a", ""); a.Status != 400 || a.Code() != 3 {
		t.Errorf("a query for relayed matches: %d %s", a.Status, a.Body)
	}
}
