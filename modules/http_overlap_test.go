package modules

import (
	"bytes"
	"strings"
	"testing"

	"github.com/rs/zerolog"
)

// Go's routes come first and hide those of scripts.
func TestRoutesOverlapAcrossRuntimes(t *testing.T) {
	t.Parallel()
	route := func(runtime, pattern string) HTTPRoute {
		rt, err := NewHTTPRoute(pattern)
		if err != nil {
			t.Fatal(err)
		}
		rt.Runtime, rt.Module = runtime, runtime+"-module"
		return rt
	}
	var log bytes.Buffer
	l := &loading{Options: Options{Logger: zerolog.New(&log), OwnRoutes: func() []OwnRoute {
		return []OwnRoute{{Method: "GET", Pattern: "/v2/own/{id}", Name: "Own"}}
	}}}
	l.overlaps([]HTTPRoute{route("go", "/v2/own/{x}"), route("go", "/shop/{item}"), route("lua", "/shop/{thing}"), route("javascript", "/other")})
	want := []string{
		`HTTP route \"/v2/own/{x}\" of the go module \"go-module\" takes the place of the server's own GET /v2/own/{id} (Own)`,
		`HTTP route \"/shop/{thing}\" of the lua module \"lua-module\" is hidden by HTTP route \"/shop/{item}\" of the go module`,
	}
	lines := strings.Split(strings.TrimSpace(log.String()), "\n")
	if len(lines) != len(want) {
		t.Fatalf("the log is\n%s", log.String())
	}
	for i := range want {
		if !strings.Contains(lines[i], want[i]) {
			t.Errorf("the log says %s, want %s", lines[i], want[i])
		}
	}
}
