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
