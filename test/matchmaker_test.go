package test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"kumi/internal/testutil"
	"kumi/server/servertest"
	"kumi/store/storetest"
)

// quick makes a pass every second, the shortest there is.
var quick = servertest.Flags("--matchmaker.interval_sec", "1")

// matched is a formed match as clients read it.
type matched struct {
	Ticket, Token string
	MatchID       string `json:"match_id"`
	Users         []matchedUser
	Self          matchedUser
}

type matchedUser struct {
	Presence          statusPresence
	PartyID           string             `json:"party_id"`
	StringProperties  map[string]string  `json:"string_properties"`
	NumericProperties map[string]float64 `json:"numeric_properties"`
}

func expectMatched(t *testing.T, s *servertest.Socket) matched {
	t.Helper()
	return decode[matched](t, s.Expect(t, "matchmaker_matched"), "matchmaker_matched")
}

func addTicket(t *testing.T, s *servertest.Socket, body string) string {
	t.Helper()
	ticket := s.Call(t, "matchmaker_add", body).Field("matchmaker_ticket", "ticket")
	if len(ticket) != 36 {
		t.Fatalf("ticket %q for %s", ticket, body)
	}
	return ticket
}

func TestMatchmakerMessages(t *testing.T) {
	t.Parallel()
	srv := servertest.Start(t)
	all := players(t, srv, "ann", "ben")
	ann, ben := all[0], all[1]
	for body, text := range map[string]string{
		`{}`:                            "Invalid minimum count, must be >= 2",
		`{"min_count":1,"max_count":2}`: "Invalid minimum count, must be >= 2",
		`{"min_count":3,"max_count":2}`: "Invalid maximum count, must be >= minimum count",
		`{"min_count":2,"max_count":4,"count_multiple":0}`: "Invalid count multiple, must be >= 1",
		`{"min_count":3,"max_count":4,"count_multiple":2}`: "Invalid count multiple for minimum count, must divide",
		`{"min_count":2,"max_count":5,"count_multiple":2}`: "Invalid count multiple for maximum count, must divide",
	} {
		refused(t, body, ann.Call(t, "matchmaker_add", body), 3, text)
	}
	const two = `{"min_count":2,"max_count":2,"query":"+properties.a:b"}`
	e := ann.Call(t, "matchmaker_add", `{"min_count":2,"max_count":2,"query":"+properties.a:"}`)
	if !strings.Contains(string(e["error"]), "Error adding to matchmaker") || strings.Contains(string(e["error"]), "code") {
		t.Errorf("a bad query: %s, want error 0", e)
	}
	tickets := []string{addTicket(t, ann, two), addTicket(t, ann, two), addTicket(t, ann, two)}
	if e := ann.Call(t, "matchmaker_add", two); !strings.Contains(string(e["error"]), "Error adding to matchmaker") {
		t.Errorf("a fourth ticket: %s", e)
	}
	refused(t, "no ticket", ann.Call(t, "matchmaker_remove", `{}`), 3, "Invalid matchmaker ticket")
	refused(t, "an unknown ticket", ann.Call(t, "matchmaker_remove", `{"ticket":"x"}`), 3, "Matchmaker ticket not found")
	refused(t, "another's ticket", ben.Call(t, "matchmaker_remove", `{"ticket":"`+tickets[0]+`"}`), 3, "Matchmaker ticket not found")
	acknowledged(t, "remove", ann.Call(t, "matchmaker_remove", `{"ticket":"`+tickets[0]+`"}`))
	refused(t, "remove again", ann.Call(t, "matchmaker_remove", `{"ticket":"`+tickets[0]+`"}`), 3, "Matchmaker ticket not found")

	stats := func() (n float64, oldest string) {
		t.Helper()
		a := srv.User(t, "ben").Do(t, http.MethodGet, "/v2/matchmaker/stats", "")
		var body struct {
			TicketCount float64 `json:"ticket_count"`
			Oldest      string  `json:"oldest_ticket_create_time"`
		}
		if err := json.Unmarshal([]byte(a.Body), &body); err != nil || a.Status != 200 {
			t.Fatalf("stats: %d %s", a.Status, a.Body)
		}
		return body.TicketCount, body.Oldest
	}
	if n, oldest := stats(); n != 2 || oldest == "" {
		t.Errorf("%v tickets since %q, want 2", n, oldest)
	}
	// A session's tickets go with it. The server answers a close before that.
	ann.Close()
	for deadline := time.Now().Add(20 * time.Second); ; {
		n, oldest := stats()
		if n == 0 && oldest == "" {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%v tickets left of a session that ended", n)
		}
	}
}

// Without a hook, matched players get a token for a relayed match.
func TestMatchmakerToken(t *testing.T) {
	t.Parallel()
	srv := servertest.Start(t, quick)
	all := players(t, srv, "ann", "ben", "cat")
	ann, ben, cat := all[0], all[1], all[2]
	const query = `"min_count":2,"max_count":2,"query":"+properties.region:eu +properties.rank:>=5"`
	// Queries count one way, so one that found the others would play with them.
	const elsewhere = `"min_count":2,"max_count":2,"query":"+properties.region:us"`
	first := addTicket(t, ann, `{`+query+`,"string_properties":{"region":"eu"},"numeric_properties":{"rank":7}}`)
	other := addTicket(t, cat, `{`+elsewhere+`,"string_properties":{"region":"us"},"numeric_properties":{"rank":7}}`)
	second := addTicket(t, ben, `{`+query+`,"string_properties":{"region":"eu"},"numeric_properties":{"rank":5}}`)
	a, b := expectMatched(t, ann), expectMatched(t, ben)
	if a.Ticket != first || b.Ticket != second || a.Token == "" || a.Token != b.Token || a.MatchID != "" || len(a.Users) != 2 ||
		a.Self.Presence.Username != "ann" || b.Self.Presence.Username != "ben" || a.Self.StringProperties["region"] != "eu" || b.Self.NumericProperties["rank"] != 5 {
		t.Errorf("matched %+v and %+v", a, b)
	}
	one := ann.Call(t, "match_join", `{"token":"`+a.Token+`"}`).Field("match", "match_id")
	two := ben.Call(t, "match_join", `{"token":"`+b.Token+`"}`).Field("match", "match_id")
	if one == "" || one != two || !strings.HasSuffix(one, ".") {
		t.Errorf("the tokens lead to %q and %q", one, two)
	}
	acknowledged(t, "who did not match waits on", cat.Call(t, "matchmaker_remove", `{"ticket":"`+other+`"}`))
	body := srv.User(t, "ann").Do(t, http.MethodGet, "/v2/matchmaker/stats", "").Body
	var stats struct{ Completions []json.RawMessage }
	if err := json.Unmarshal([]byte(body), &stats); err != nil || len(stats.Completions) != 2 {
		t.Errorf("completions in %s, want one for each player", body)
	}
}

// A party is matched as a whole; its leader adds the ticket.
func TestPartyMatchmaker(t *testing.T) {
	t.Parallel()
	srv := servertest.Start(t, quick)
	all := players(t, srv, "ann", "ben", "cat", "dan")
	ann, ben, cat, dan := all[0], all[1], all[2], all[3]
	p := createParty(t, ann, `{"open":true,"max_size":3}`)
	ben.Call(t, "party_join", with(p.PartyID))
	ben.Expect(t, "party")

	const three = `"min_count":3,"max_count":3`
	refused(t, "counts", ann.Call(t, "party_matchmaker_add", with(p.PartyID, `"min_count":1,"max_count":3`)), 3, "Invalid minimum count")
	refused(t, "a bad query", ann.Call(t, "party_matchmaker_add", with(p.PartyID, three, `"query":"a:"`)), 3, "Error adding party to matchmaker: matchmaker query invalid")
	refused(t, "a member asks", ben.Call(t, "party_matchmaker_add", with(p.PartyID, three)), 3, "party leader only")
	refused(t, "in no party", ann.Call(t, "party_matchmaker_add", with("8d6d6cb8-9f1c-4b9c-b1a4-0a6f7e0f7a11.nakama", three)), 3, "party not found")
	refused(t, "in a bad party", ann.Call(t, "party_matchmaker_add", with("x", three)), 3, "Invalid party ID")

	add := func() string {
		t.Helper()
		e := ann.Call(t, "party_matchmaker_add", with(p.PartyID, three, `"string_properties":{"team":"red"}`))
		ticket := e.Field("party_matchmaker_ticket", "ticket")
		if ticket == "" || e.Field("party_matchmaker_ticket", "party_id") != p.PartyID {
			t.Fatalf("ticket %s", e)
		}
		if told := ben.Expect(t, "party_matchmaker_ticket"); told.Field("party_matchmaker_ticket", "ticket") != ticket || told["cid"] != nil {
			t.Errorf("the member was told %s", told)
		}
		return ticket
	}
	ticket := add()
	refused(t, "a member removes it", ben.Call(t, "party_matchmaker_remove", with(p.PartyID, `"ticket":"`+ticket+`"`)), 3, "party leader only")
	refused(t, "a member removes it as its own", ben.Call(t, "matchmaker_remove", `{"ticket":"`+ticket+`"}`), 3, "not found")
	refused(t, "no ticket", ann.Call(t, "party_matchmaker_remove", with(p.PartyID)), 3, "Invalid matchmaker ticket")
	refused(t, "another ticket", ann.Call(t, "party_matchmaker_remove", with(p.PartyID, `"ticket":"x"`)), 3, "matchmaker ticket not found")
	acknowledged(t, "remove", ann.Call(t, "party_matchmaker_remove", with(p.PartyID, `"ticket":"`+ticket+`"`)))

	// A change of its members ends a party's tickets, each way.
	ticket = add()
	cat.Call(t, "party_join", with(p.PartyID))
	refused(t, "after a join", ann.Call(t, "party_matchmaker_remove", with(p.PartyID, `"ticket":"`+ticket+`"`)), 3, "not found")
	cat.Expect(t, "party")
	ticket = add()
	cat.Call(t, "party_leave", with(p.PartyID))
	refused(t, "after a leave", ann.Call(t, "party_matchmaker_remove", with(p.PartyID, `"ticket":"`+ticket+`"`)), 3, "not found")

	ticket = add()
	own := addTicket(t, dan, `{`+three+`}`)
	tokens := map[string]bool{}
	for s, want := range map[*servertest.Socket]string{ann: ticket, ben: ticket, dan: own} {
		m := expectMatched(t, s)
		tokens[m.Token] = true
		if m.Ticket != want || len(m.Users) != 3 || (m.Self.PartyID == p.PartyID) != (want == ticket) || want == ticket && m.Self.StringProperties["team"] != "red" {
			t.Errorf("matched %+v", m)
		}
	}
	if len(tokens) != 1 {
		t.Errorf("%d tokens for one match", len(tokens))
	}
}

// The matchmaker matched hook returns a match, or nothing, which gives the players a
// token.
func TestMatchmakerMatchedHook(t *testing.T) {
	t.Parallel()
	for language, options := range matchedHooks {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			srv := servertest.Start(t, append(options, quick)...)
			testMatchedHook(t, srv, srv)
		})
	}
}

// matchedHooks are modules with the same hook.
var matchedHooks = map[string][]servertest.Option{
	"javascript": {servertest.Module("index.js", `
		function InitModule(ctx, logger, nk, initializer) {
			initializer.registerMatchmakerMatched((ctx, logger, nk, entries) => {
				if (ctx.executionMode !== "matchmaker") throw new Error("mode " + ctx.executionMode);
				if (!(Math.abs(entries[0].createTime - Date.now() / 1000) < 3600)) throw new Error("made at " + entries[0].createTime);
				if (entries[0].ticket.length !== 36) throw new Error("ticket " + entries[0].ticket);
				const how = entries[0].properties.how;
				if (how === "fail") throw new Error("no");
				if (how === "wrong") return "x";
				if (how === "none") return;
				return nk.matchCreate("arena", { players: entries.map((e) => e.presence.username).sort().join("+"), rank: entries[0].properties.rank });
			});
			initializer.registerRpc("explain", (ctx, logger, nk, ticket) => JSON.stringify(nk.matchmakerExplain(ticket)));
			const keep = (ctx, logger, nk, d, tick, state) => ({ state });
			initializer.registerMatch("arena", {
				matchInit: (ctx, logger, nk, params) => ({ state: {}, tickRate: 1, label: params.players + " " + params.rank }),
				matchJoinAttempt: (ctx, logger, nk, d, tick, state) => ({ state, accept: true }),
				matchJoin: keep, matchLeave: keep, matchLoop: keep, matchTerminate: keep, matchSignal: keep,
			});
		}`)},
	"lua": {servertest.Module("main.lua", `
		local nk = require("nakama")
		nk.register_matchmaker_matched(function(ctx, entries)
			if ctx.execution_mode ~= "matchmaker" then error("mode " .. ctx.execution_mode) end
			if not (math.abs(entries[1].create_time - nk.time() / 1000) < 3600) then error("made at " .. entries[1].create_time) end
			local how = entries[1].properties.how
			if how == "fail" then error("no") end
			if how == "wrong" then return "x" end
			if how == "none" then return nil end
			local names = {}
			for _, e in ipairs(entries) do names[#names + 1] = e.presence.username end
			table.sort(names)
			return nk.match_create("arena", { players = table.concat(names, "+"), rank = entries[1].properties.rank })
		end)
		nk.register_rpc(function(ctx, ticket) return nk.json_encode(nk.matchmaker_explain(ticket)) end, "explain")`),
		servertest.Module("arena.lua", `
		local keep = function(ctx, d, tick, state) return state end
		return {
			match_init = function(ctx, params) return {}, 1, params.players .. " " .. math.floor(params.rank) end,
			match_join_attempt = function(ctx, d, tick, state) return state, true end,
			match_join = keep, match_leave = keep, match_loop = keep, match_terminate = keep, match_signal = keep,
		}`)},
	"go": {servertest.Flags("--runtime.env", "matched=go", "--runtime.env", "rthooks=pass")}, // see goMatched and goRealtimeHooks
}

// testMatchedHook matches a player of each of two servers, which may be one or nodes of a
// cluster.
func testMatchedHook(t *testing.T, a, b *servertest.Server) {
	t.Helper()
	all := []*servertest.Socket{a.User(t, "ann").Socket(t), b.User(t, "ben").Socket(t)}
	srv := b
	body := func(how string) string {
		return `{"min_count":2,"max_count":2,"query":"+properties.how:` + how + `","string_properties":{"how":"` + how + `"},"numeric_properties":{"rank":3}}`
	}
	for _, how := range []string{"fail", "wrong", "none", "make"} {
		for _, s := range all {
			addTicket(t, s, body(how))
		}
		a, b := expectMatched(t, all[0]), expectMatched(t, all[1])
		if how != "make" {
			if a.Token == "" || a.Token != b.Token || a.MatchID != "" {
				t.Errorf("%s: %+v and %+v, want a token", how, a, b)
			}
			continue
		}
		if a.MatchID == "" || a.MatchID != b.MatchID || a.Token != "" {
			t.Fatalf("%s: %+v and %+v, want a match", how, a, b)
		}
		if got := all[1].Call(t, "match_join", `{"match_id":"`+a.MatchID+`"}`).Field("match", "label"); got != "ann+ben 3" {
			t.Errorf("joined a match labelled %q", got)
		}
	}

	ticket := addTicket(t, all[0], body("alone"))
	addTicket(t, all[1], `{"min_count":2,"max_count":2}`)
	testutil.Eventually(t, "the ticket is explained", func() bool {
		got, _ := srv.RPC(t, "explain", ticket)
		return strings.Contains(got, "properties.how:alone") && strings.Contains(got, `"query"`) && strings.Contains(got, ticket)
	})
	if _, a := srv.RPC(t, "explain", "x"); a.Code() != 5 {
		t.Errorf("an unknown ticket: %d %s, want code 5", a.Status, a.Body)
	}
}

// A ticket that has waited for too long is removed, and its player is notified.
func TestTicketTimeout(t *testing.T) {
	t.Parallel()
	srv := servertest.Start(t, servertest.Flags("--matchmaker.ticket_timeout_sec", "1"))
	ann := srv.User(t, "ann").Socket(t)
	ticket := addTicket(t, ann, `{"min_count":2,"max_count":2}`)
	e := decode[struct {
		Notifications []struct {
			ID, Subject, Content string
			Code                 int
		}
	}](t, ann.Expect(t, "notifications"), "notifications")
	n := e.Notifications[0]
	if n.Code != -100 || n.Subject != "matchmaker_ticket_timeout" || n.Content != `{"ticket":"`+ticket+`"}` || n.ID == "" {
		t.Errorf("told %+v", n)
	}
	refused(t, "remove it", ann.Call(t, "matchmaker_remove", `{"ticket":"`+ticket+`"}`), 3, "not found")
}

// The override and the processor of modules replace the forming of matches, also of players
// of two nodes.
func TestMatchmakerOverrideAndProcessor(t *testing.T) {
	t.Parallel()
	for name, module := range map[string]servertest.Option{
		"processor": servertest.Module("index.js", `
			function InitModule(ctx, logger, nk, initializer) {
				initializer.registerMatchmakerProcessor((ctx, logger, nk, entries) => {
					if (entries.length < 3 || ctx.executionMode !== "matchmaker_processor") return [];
					return [entries.filter((e) => e.presence.username !== "ben")];
				});
			}`),
		"override": servertest.Module("main.lua", `
			require("nakama").register_matchmaker_override(function(ctx, candidates)
				if ctx.execution_mode ~= "matchmaker_override" then return {} end
				for _, c in ipairs(candidates) do
					local ben = false
					for _, e in ipairs(c) do ben = ben or e.presence.username == "ben" end
					if not ben then return { c } end
				end
				return {}
			end)`),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := servertest.Start(t, module, quick)
			testChosen(t, srv, srv)
		})
		t.Run(name+" of two nodes", func(t *testing.T) {
			t.Parallel()
			database := storetest.Postgres(t)
			a := node(t, database, "a", module)
			testChosen(t, a, node(t, database, "b", module))
		})
	}
}

// testChosen expects that a module matches ann, of the first server, and cat, of the second,
// but not ben.
func testChosen(t *testing.T, a, b *servertest.Server) {
	t.Helper()
	ann, ben, cat := a.User(t, "ann").Socket(t), b.User(t, "ben").Socket(t), b.User(t, "cat").Socket(t)
	var tickets []string
	for _, s := range []*servertest.Socket{ben, ann, cat} {
		tickets = append(tickets, addTicket(t, s, `{"min_count":2,"max_count":2}`))
	}
	for _, s := range []*servertest.Socket{ann, cat} {
		m := expectMatched(t, s)
		var who []string
		for _, u := range m.Users {
			who = append(who, u.Presence.Username)
		}
		slices.Sort(who)
		if strings.Join(who, " ") != "ann cat" {
			t.Errorf("matched %v", who)
		}
	}
	acknowledged(t, "who was left out waits on", ben.Call(t, "matchmaker_remove", `{"ticket":"`+tickets[0]+`"}`))
}
