package test

import (
	"net/http"
	"strings"
	"testing"

	"kumi/internal/testutil"
	"kumi/server/servertest"
	"kumi/store/storetest"
)

// node starts a server as a node of the cluster on a database.
func node(t *testing.T, database, name string, options ...servertest.Option) *servertest.Server {
	t.Helper()
	return servertest.Start(t, append([]servertest.Option{servertest.Flags(
		"--name", name, "--database.address", database, "--cluster.listen", "127.0.0.1:0",
	), quick}, options...)...)
}

// Players of two nodes get the same match: one that a module made, or a token. Either
// node explains the tickets of both.
func TestMatchmakerOfTwoNodes(t *testing.T) {
	t.Parallel()
	for language, options := range matchedHooks {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			database := storetest.Postgres(t)
			a := node(t, database, "a", options...)
			testMatchedHook(t, a, node(t, database, "b", options...))
		})
	}
}

// When the node ends that forms the matches, another goes on with the tickets of all that
// are left; also the statistics are of all nodes.
func TestMatchmakerGoesOn(t *testing.T) {
	t.Parallel()
	database := storetest.Postgres(t)
	a := node(t, database, "a")
	b, c := node(t, database, "b"), node(t, database, "c")
	const two = `{"min_count":2,"max_count":2,"query":"+properties.k:`
	with := func(k, wants string) string { return two + wants + `","string_properties":{"k":"` + k + `"}}` }
	waiting := b.User(t, "ben").Socket(t)
	addTicket(t, waiting, with("ben", "cat"))
	addTicket(t, a.User(t, "ann").Socket(t), with("ann", "nobody"))
	for name, s := range map[string]*servertest.Server{"a": a, "b": b, "c": c} {
		testutil.Eventually(t, name+" knows two tickets", func() bool {
			answer := s.User(t, "eve").Do(t, http.MethodGet, "/v2/matchmaker/stats", "")
			return answer.Status == http.StatusOK && strings.Contains(answer.Body, `"ticket_count":2`)
		})
	}
	a.Close() // it has the lease, as it was the first
	cat := c.User(t, "cat").Socket(t)
	addTicket(t, cat, with("cat", "ben"))
	one, other := expectMatched(t, waiting), expectMatched(t, cat)
	if one.Token == "" || one.Token != other.Token || len(one.Users) != 2 {
		t.Errorf("told %+v and %+v", one, other)
	}
	testutil.Eventually(t, "no ticket is left", func() bool {
		answer := c.User(t, "eve").Do(t, http.MethodGet, "/v2/matchmaker/stats", "")
		return answer.Status == http.StatusOK && !strings.Contains(answer.Body, `"ticket_count":`)
	})
}

// A party whose members are on two nodes meets players of both. Each of the four is told,
// and they play in one relayed match.
func TestPartyOfTwoNodesMatches(t *testing.T) {
	t.Parallel()
	database := storetest.Postgres(t)
	a := node(t, database, "a")
	b := node(t, database, "b")
	ann, ben, cat, dan := a.User(t, "ann").Socket(t), b.User(t, "ben").Socket(t), a.User(t, "cat").Socket(t), b.User(t, "dan").Socket(t)
	made := createParty(t, ben, `{"open":true,"max_size":2}`) // at home on b
	acknowledged(t, "join a party of another node", ann.Call(t, "party_join", `{"party_id":"`+made.PartyID+`"}`))
	for got := ""; got != "+ann -"; {
		got = partyEvent(t, ben)
	}
	ben.Call(t, "party_matchmaker_add", `{"party_id":"`+made.PartyID+`","min_count":4,"max_count":4,"query":"*"}`)
	const four = `{"min_count":4,"max_count":4,"query":"*"}`
	addTicket(t, cat, four)
	addTicket(t, dan, four)
	all := []*servertest.Socket{ann, ben, cat, dan}
	var token string
	for _, s := range all {
		told := expectMatched(t, s)
		if token == "" {
			token = told.Token
		}
		if told.Token == "" || told.Token != token || len(told.Users) != 4 {
			t.Fatalf("told %+v", told)
		}
	}
	var match string
	for _, s := range all {
		match = s.Call(t, "match_join", `{"token":"`+token+`"}`).Field("match", "match_id")
	}
	for seen := ""; strings.Count(seen, "username") < 3; { // until ann sees the others
		seen += string(ann.Expect(t, "match_presence_event")["match_presence_event"])
	}
	ann.Send(t, `{"match_data_send":{"match_id":"`+match+`","op_code":"7","data":"aGl0"}}`)
	for _, s := range []*servertest.Socket{ben, cat, dan} {
		if e := s.Expect(t, "match_data"); !strings.Contains(string(e["match_data"]), "aGl0") {
			t.Errorf("heard %s", e["match_data"])
		}
	}
}
