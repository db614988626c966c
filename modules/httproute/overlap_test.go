package httproute

import (
	"fmt"
	"slices"
	"testing"
)

// Go's routes come first and hide those of scripts.
func TestOverlaps(t *testing.T) {
	t.Parallel()
	of := func(runtime, pattern string) Route {
		rt, err := New(pattern)
		if err != nil {
			t.Fatal(err)
		}
		rt.Runtime, rt.Module = runtime, runtime+"-module"
		return rt
	}
	var got []string
	Overlaps(
		[]Route{of("go", "/v2/own/{x}"), of("go", "/v2/first"), of("go", "/shop/{item}"), of("lua", "/shop/{thing}"), of("javascript", "/other")},
		[]Own{{Method: "GET", Pattern: "/v2/own/{id}", Name: "Own"}, {Pattern: "/v2/first", Name: "First", First: true}},
		func(rt *Route, text string, replaces bool) {
			got = append(got, fmt.Sprintf("%s %t %s", rt.Runtime, replaces, text))
		})
	want := []string{
		`go true HTTP route "/v2/own/{x}" of the go module "go-module" replaces the server's own GET /v2/own/{id} (Own)`,
		`go false HTTP route "/v2/first" of the go module "go-module" is never called for /v2/first (First): the server's own comes first`,
		`lua false HTTP route "/shop/{thing}" of the lua module "lua-module" is shadowed by HTTP route "/shop/{item}" of the go module "go-module", which comes before it`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
