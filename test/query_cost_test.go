package test

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"time"

	"kumi/server/servertest"
)

// largeExpression becomes millions of instructions.
const largeExpression = "(a?){1000}"

// An expensive query does not delay the matchmaker for others, whichever call it comes
// with, and is not logged as an error of the server.
func TestQueriesOfClientsAreBounded(t *testing.T) {
	t.Parallel()
	var log servertest.Journal
	srv := servertest.Start(t, quick, log.Keep())
	all := players(t, srv, "ann", "ben", "cat", "dan")
	ann, ben := all[0], all[1]
	bomb := "/" + strings.Repeat(largeExpression, 30) + "b/"
	refused(t, "ticket", ann.Call(t, "matchmaker_add", `{"min_count":2,"max_count":2,"query":"+properties.s:`+bomb+`"}`), 0,
		"Error adding to matchmaker: matchmaker query invalid: query at character 15: the regular expression is too large")
	p := createParty(t, ann, `{"open":true,"max_size":3,"label":"{\"s\":\"`+strings.Repeat("a", 2000)+`\"}"}`)
	refused(t, "party's ticket", ann.Call(t, "party_matchmaker_add", with(p.PartyID, `"min_count":2,"max_count":2,"query":"+properties.s:`+bomb+`"`)), 3, "invalid")
	user := srv.User(t, "eve")
	for _, path := range []string{"/v2/party", "/v2/match"} {
		a := user.Do(t, "GET", path+"?query="+url.QueryEscape("+label.s:"+bomb), "")
		if a.Code() != 13 || !strings.Contains(a.Body, "1000") {
			t.Errorf("%s: %d %s, want code 13 and the limit", path, a.Status, a.Body)
		}
		if a = user.Do(t, "GET", path+"?query="+url.QueryEscape("+label.s:("), ""); a.Status != 200 {
			t.Errorf("%s: %d %s", path, a.Status, a.Body)
		}
	}

	// The largest that is let in, against the longest properties.
	long := `"string_properties":{"s":"` + strings.Repeat("a", 3500) + `"}`
	for range 3 {
		addTicket(t, ben, `{"min_count":2,"max_count":2,"query":"+properties.none:x",`+long+`}`)
		addTicket(t, ann, `{"min_count":2,"max_count":2,"query":"+properties.s:/`+strings.Repeat("(a?){40}", 4)+`b/",`+long+`}`)
	}
	start := time.Now()
	addTicket(t, all[2], `{"min_count":2,"max_count":2,"query":"+properties.m:x","string_properties":{"m":"x"}}`)
	addTicket(t, all[3], `{"min_count":2,"max_count":2,"query":"+properties.m:x","string_properties":{"m":"x"}}`)
	expectMatched(t, all[2])
	expectMatched(t, all[3])
	t.Logf("others were matched after %v", time.Since(start))

	if lines := log.Lines(`"level":"error"`); len(lines) > 0 {
		t.Errorf("logged as errors: %v", lines)
	}
	for _, texts := range [][]string{
		{`"level":"debug"`, "call refused", "ListParties"}, {`"level":"debug"`, "call refused", "ListMatches"},
		{`"level":"debug"`, "message refused", "MatchmakerAdd", "at character 15"}, {`"level":"debug"`, "message refused", "PartyMatchmakerAdd", "at character 15"},
	} {
		if len(log.Lines(texts...)) == 0 {
			t.Errorf("no log line has %q", texts)
		}
	}
}

// A Go module explains a ticket through an interface of its own.
func TestExplainInGo(t *testing.T) {
	t.Parallel()
	srv := servertest.Start(t, hookAll("go", "pass"))
	all := players(t, srv, "ann", "ben")
	ticket := addTicket(t, all[0], `{"min_count":2,"max_count":2,"query":"+properties.x:y"}`)
	addTicket(t, all[1], `{"min_count":2,"max_count":4}`)
	got, a := srv.RPC(t, "explain", ticket)
	var x struct {
		Ticket  string
		Active  bool
		Finds   []struct{ Reason, Counts string }
		Summary string
	}
	if err := json.Unmarshal([]byte(got), &x); err != nil || x.Ticket != ticket || !x.Active || len(x.Finds) != 1 || x.Finds[0].Reason != "count" ||
		x.Summary != "its search finds no other ticket: 1 ticket fails by count (it wants 2-4 players, it also fails +properties.x:y)" {
		t.Errorf("explained %+v from %q %s, %v", x, got, a.Body, err)
	}
	if _, a := srv.RPC(t, "explain", "x"); a.Code() != 5 {
		t.Errorf("an unknown ticket: %d %s, want code 5", a.Status, a.Body)
	}
}
