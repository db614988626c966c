package test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"kumi/server/servertest"
)

// A notification reaches those that a filter finds, of whom operators know the number
// before.
func TestConsoleAudience(t *testing.T) {
	t.Parallel()
	onBothDatabases(t, func(t *testing.T, srv *servertest.Server) {
		admin := srv.ConsoleAdmin()
		ann, bob, eve := srv.User(t, "ann"), srv.User(t, "bob"), srv.User(t, "eve")
		ann.Do(t, http.MethodPut, "/v2/account", `{"lang_tag":"de"}`)
		bob.Do(t, http.MethodPut, "/v2/account", `{"lang_tag":"de"}`)
		group := ann.Do(t, http.MethodPost, "/v2/group", `{"name":"guild","open":true}`).Get("id")
		eve.Do(t, http.MethodPost, "/v2/group/"+group+"/join", "")
		hour := url.QueryEscape(time.Now().Add(time.Hour).UTC().Format(time.RFC3339))
		past := url.QueryEscape(time.Now().Add(-time.Hour).UTC().Format(time.RFC3339))
		for filter, count := range map[string]string{
			"": "3", "lang_tag=de": "2", "group_id=" + group: "2", "lang_tag=de&group_id=" + group: "1", "created_after=" + hour: "0",
			"created_before=" + hour: "3", "created_after=" + past: "3", "user_ids=" + ann.ID + "&user_ids=" + eve.ID: "2", "lang_tag=de&user_ids=" + eve.ID: "0",
			"user_ids=11111111-1111-4111-8111-111111111111": "0",
		} {
			if a := admin.Must(t, "GET", "/notification/audience?"+filter, nil); a.Get("count") != count {
				t.Errorf("%q reaches %s, want %s", filter, a.Body, count)
			}
		}
		want(t, admin.Do(t, "GET", "/notification/audience?group_id=x", nil), 400, 3, "group")

		socket := bob.Socket(t)
		sent := func(body string) servertest.Answer {
			t.Helper()
			id := admin.Must(t, "POST", "/notification/audience", body).Get("id")
			var last servertest.Answer
			servertest.Eventually(t, "all are sent", func() bool {
				last = admin.Must(t, "GET", "/notification/sending/"+id, nil)
				return last.Get("end_time") != ""
			})
			return last
		}
		a := sent(`{"audience":{"lang_tag":"de"},"subject":"Hallo","content":{"gold":1},"code":7,"persistent":true}`)
		if a.Get("total") != "2" || a.Get("sent") != "2" || a.Get("operator") != "admin" || a.Get("error_message") != "" {
			t.Errorf("the sending is %s", a.Body)
		}
		if text := string(socket.Expect(t, "notifications")["notifications"]); !strings.Contains(text, "Hallo") {
			t.Errorf("the notification is %s", text)
		}
		for user, count := range map[*servertest.User]int{ann: 1, bob: 1, eve: 0} {
			if a := user.Do(t, http.MethodGet, "/v2/notification", ""); strings.Count(a.Body, `"Hallo"`) != count {
				t.Errorf("%s has %s", user.Username, a.Body)
			}
		}
		a = sent(`{"audience":{"user_ids":["` + bob.ID + `"]},"subject":"now","code":8}`)
		if a.Get("sent") != "1" || !strings.Contains(string(socket.Expect(t, "notifications")["notifications"]), `"subject":"now"`) {
			t.Errorf("the sending is %s", a.Body)
		}
		if a := admin.Must(t, "GET", "/notification/sending", nil); strings.Count(a.Body, `"subject":`) != 2 || !strings.HasPrefix(a.Body, `{"sendings":[{"id":"`) || strings.Index(a.Body, `"now"`) > strings.Index(a.Body, `"Hallo"`) {
			t.Errorf("the sendings are %s", a.Body)
		}
		want(t, admin.Do(t, "GET", "/notification/sending/x", nil), 404, 5, "")
		want(t, admin.Do(t, "POST", "/notification/audience", `{"subject":"x","code":-1}`), 400, 3, "code")
	})
}
