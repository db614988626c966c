package api

import (
	"os"
	"strings"
	"testing"

	"kumi/hooks"
)

// Every method of the protocol is a row, and every hook name belongs to one.
func TestTableIsComplete(t *testing.T) {
	t.Parallel()
	seen := map[string]int{}
	bindings := 0
	for _, r := range table() {
		seen[r.name]++
		bindings += len(r.bindings)
		if len(r.bindings) == 0 {
			t.Errorf("%s has no HTTP binding", r.name)
		}
		if _, ok := hooks.LookupMethod(r.name); !ok && r.name != "Healthcheck" {
			t.Errorf("%s is no name that hooks know", r.name)
		}
	}
	for name, n := range seen {
		if n != 1 {
			t.Errorf("%s is listed %d times", name, n)
		}
	}
	for _, m := range hooks.Methods {
		if seen[m.Name] == 0 {
			t.Errorf("hook method %s is no row", m.Name)
		}
	}
	// The protocol has 85 methods with 88 bindings; the RPC endpoint is one
	// with two, and has its own code.
	if len(seen) != 84 || bindings != 86 {
		t.Errorf("%d methods with %d bindings, want 84 with 86", len(seen), bindings)
	}
}

// A hook gets and gives the messages that the row decodes and answers.
func TestRowsHaveTheMessagesOfTheirHooks(t *testing.T) {
	t.Parallel()
	for _, r := range table() {
		if r.hook == nil || r.hook.In == nil {
			continue
		}
		got := r.request().ProtoReflect().Descriptor().FullName()
		if want := r.hook.In().ProtoReflect().Descriptor().FullName(); got != want {
			t.Errorf("%s decodes %s, its hook takes %s", r.name, got, want)
		}
	}
}

// Each row has the verb, the path and the body of the published service.
func TestTableFitsThePublishedService(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("testdata/bindings.txt")
	if err != nil {
		t.Fatal(err)
	}
	published := map[string]bool{}
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); !strings.HasPrefix(line, "#") {
			published[line] = true
		}
	}
	// The RPC endpoint is no row: it takes its bodies in two forms.
	delete(published, "RpcFunc GET /v2/rpc/{id}")
	delete(published, "RpcFunc POST /v2/rpc/{id} payload")
	check := func(name string, bindings []binding) {
		for _, b := range bindings {
			line := strings.TrimSpace(name + " " + b.verb + " " + b.pattern + " " + b.body)
			if !published[line] && name != "ValidatePurchaseSamsung" { // of another version of the service
				t.Errorf("%s: not so in the published service", line)
			}
			delete(published, line)
		}
	}
	for _, r := range table() {
		check(r.name, r.bindings)
	}
	for line := range published {
		t.Errorf("%s: not in the table", line)
	}
}
