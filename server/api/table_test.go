package api

import (
	"testing"

	"kumi/hooks"
)

// Every method of the protocol is either a row or listed as not built, never
// both, and every hook name belongs to one.
func TestTableIsComplete(t *testing.T) {
	t.Parallel()
	seen := map[string]int{}
	bindings := 0
	for _, r := range append(table(), pendingRows()...) {
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
			t.Errorf("hook method %s is neither a row nor pending", m.Name)
		}
	}
	// The protocol has 85 methods with 88 bindings; the RPC endpoint is one
	// with two, and has its own code.
	if len(seen) != 84 || bindings != 86 {
		t.Errorf("%d methods with %d bindings, want 84 with 86", len(seen), bindings)
	}
}

// A hook gets and gives the messages that the row decodes and answers.
func TestRowsFitTheirHooks(t *testing.T) {
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
