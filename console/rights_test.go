package console_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"kumi/console"
	"kumi/core/acl"
	"kumi/server/servertest"
)

// Each call is made with each single right: it is refused unless the right is the one in
// its row.
func TestRights(t *testing.T) {
	t.Parallel()
	srv := servertest.Start(t, servertest.Console(), servertest.Flags("--console.password", "another password"))
	admin := srv.ConsoleLogin(t, "admin", "another password")
	parameter := regexp.MustCompile(`\{\w+\}`)
	admin.Add(t, "ann", "correct horse battery", `{"USER":{"read":true}}`)
	for _, resource := range acl.Resources() {
		for _, right := range []*acl.Right{resource.Read(), resource.Write(), resource.Delete()} {
			admin.Must(t, "PUT", "/user/ann", `{"acl":{"`+right.Resource.String()+`":{"`+right.Level.String()+`":true}}}`)
			ann := srv.ConsoleLogin(t, "ann", "correct horse battery")
			for _, call := range console.Calls() {
				if call.Open {
					continue
				}
				a := ann.Do(t, call.Verb, parameter.ReplaceAllString(call.Path, "x"), "{}")
				refused := a.Status == 403 && strings.Contains(a.Body, "needs the right")
				if allowed := call.Right == nil || *call.Right == *right; refused == allowed {
					t.Errorf("%s with %s: %d %s", call.Name, right, a.Status, a.Body)
				}
			}
			live := ann.Live(t)
			for i, topic := range console.Topics() {
				live.Subscribe(int64(i), topic.Name, "")
				m := live.Next()
				for m.ID != int64(i) {
					m = live.Next()
				}
				refused := m.Error != nil && m.Error.Code == 7 && strings.Contains(m.Error.Message, "needs the right")
				if allowed := topic.Right == nil || *topic.Right == *right; refused == allowed {
					t.Errorf("topic %s with %s: %s %v", topic.Name, right, m.Data, m.Error)
				}
			}
		}
	}
}

// Without a log-in only the calls that make one are possible.
func TestLoginRequired(t *testing.T) {
	t.Parallel()
	srv := servertest.Start(t, servertest.Console())
	visitor := srv.ConsoleVisitor()
	for _, call := range console.Calls() {
		a := visitor.Do(t, call.Verb, call.Path, "{}")
		if refused := a.Status == 401 && strings.Contains(a.Body, "Console authentication required."); refused == call.Open {
			t.Errorf("%s without a log-in: %d %s", call.Name, a.Status, a.Body)
		}
	}
}

// Calls that change something are recorded, and need the right to.
func TestChangesAreAudited(t *testing.T) {
	t.Parallel()
	exports, queries := []string{"ExportAccount", "ExportGroup"}, []string{"QueryStorageIndex"}
	for _, call := range console.Calls() {
		if call.Open {
			continue
		}
		changes := call.Verb != "GET" && !slices.Contains(queries, call.Name) || slices.Contains(exports, call.Name)
		if changes != call.Audited {
			t.Errorf("%s: changes something %v, is recorded %v", call.Name, changes, call.Audited)
		}
		if changes && call.Verb != "GET" && (call.Right == nil || call.Right.Level == acl.Read) {
			t.Errorf("%s changes something and needs only %v", call.Name, call.Right)
		}
	}
}
