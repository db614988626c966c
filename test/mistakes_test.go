package test

import (
	"strings"
	"testing"

	"kumi/server/servertest"
)

// What a client does wrong is no error of the server, also where the protocol
// answers it with code 13.
func TestMistakesOfClientsAreNoErrors(t *testing.T) {
	t.Parallel()
	var log servertest.Journal
	srv := servertest.Start(t, log.Keep())
	ann := srv.User(t, "ann")
	long := strings.Repeat("x", 600)
	for _, c := range []struct{ method, path, body string }{
		{"PUT", "/v2/account", `{"display_name":"` + long + `"}`},
		{"PUT", "/v2/account", `{"lang_tag":""}`},
		{"POST", "/v2/group", `{"name":"` + long + `"}`},
		{"PUT", "/v2/storage", `{"objects":[{"collection":"c","key":"` + long + `","value":"{}"}]}`},
		{"PUT", "/v2/storage", `{"objects":[{"collection":"c","key":"k","value":"{\"a\":\"\\u0000\"}"}]}`},
		{"GET", "/v2/group?cursor=x", ""},
		{"GET", "/v2/notification?cacheable_cursor=x", ""},
		{"DELETE", "/v2/notification?ids=x", ""},
		{"GET", "/v2/match?query=label.x:", ""},
		{"GET", "/v2/party?cursor=x", ""},
	} {
		if a := ann.Do(t, c.method, c.path, c.body); a.Status != 500 || a.Code() != 13 {
			t.Errorf("%s %s: %d %s, want 500 with code 13", c.method, c.path, a.Status, a.Body)
		}
	}
	if lines := log.Lines(`"level":"error"`); len(lines) > 0 {
		t.Errorf("logged as errors:\n%s", strings.Join(lines, ""))
	}
	if lines := log.Lines(`"level":"debug"`, "call refused"); len(lines) != 10 {
		t.Errorf("refused calls in the log:\n%s", strings.Join(lines, ""))
	}
}
