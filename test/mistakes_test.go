package test

import (
	"strings"
	"testing"

	"kumi/server/servertest"
)

// Mistakes of clients are not logged as errors of the server, even where the protocol
// answers with code 13.
func TestMistakesOfClientsAreNoErrors(t *testing.T) {
	t.Parallel()
	var log servertest.Journal
	srv := servertest.Start(t, log.Keep())
	ann := srv.User(t, "ann")
	long := strings.Repeat("x", 600)
	mistakes := []struct {
		code               int
		method, path, body string
		names              string // what the text has to name
	}{
		{3, "PUT", "/v2/account", `{"display_name":"` + long + `"}`, "display_name"},
		{3, "PUT", "/v2/account", `{"avatar_url":"` + long + `"}`, "avatar_url"},
		{3, "PUT", "/v2/account", `{"location":"` + long + `"}`, "location"},
		{3, "PUT", "/v2/account", `{"timezone":"` + long + `"}`, "timezone"},
		{3, "PUT", "/v2/account", `{"lang_tag":"` + long + `"}`, "lang_tag"},
		{3, "PUT", "/v2/account", `{"lang_tag":""}`, "lang_tag"},
		{3, "POST", "/v2/group", `{"name":"` + long + `"}`, "field name has at most 255"},
		{3, "POST", "/v2/group", `{"name":"n","lang_tag":"` + long + `"}`, "field lang_tag"},
		{3, "PUT", "/v2/storage", `{"objects":[{"collection":"c","key":"` + long + `","value":"{}"}]}`, "field key has at most 128"},
		{3, "PUT", "/v2/storage", `{"objects":[{"collection":"` + long + `","key":"k","value":"{}"}]}`, "field collection"},
		{3, "PUT", "/v2/storage", `{"objects":[{"collection":"c","key":"k","value":"{\"a\":\"\\u0000\"}"}]}`, "zero byte"},
		{3, "GET", "/v2/group?cursor=x", "", "cursor"},
		{3, "GET", "/v2/notification?cacheable_cursor=x", "", "cursor"},
		{3, "GET", "/v2/party?cursor=x", "", "cursor"},
		{13, "DELETE", "/v2/notification?ids=x", "", ""},
		{13, "GET", "/v2/match?query=label.x:", "", "label.x"},
	}
	for _, c := range mistakes {
		if a := ann.Do(t, c.method, c.path, c.body); a.Code() != c.code || !strings.Contains(a.Get("message"), c.names) {
			t.Errorf("%s %s: %d %s, want code %d and %q", c.method, c.path, a.Status, a.Body, c.code, c.names)
		}
	}
	if lines := log.Lines(`"level":"error"`); len(lines) > 0 {
		t.Errorf("logged as errors:\n%s", strings.Join(lines, ""))
	}
	if lines := log.Lines(`"level":"debug"`, "call refused"); len(lines) != len(mistakes) {
		t.Errorf("refused calls in the log:\n%s", strings.Join(lines, ""))
	}
}
