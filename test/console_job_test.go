package test

import (
	"strings"
	"testing"

	"kumi/server/servertest"
)

// Operators see what jobs did and when they run next, and have them run now.
func TestConsoleJobs(t *testing.T) {
	t.Parallel()
	onBothDatabases(t, func(t *testing.T, srv *servertest.Server) {
		admin := srv.ConsoleAdmin()
		job := func(name string) servertest.Answer {
			t.Helper()
			list := admin.Must(t, "GET", "/job", nil).Body
			at := strings.Index(list, `{"name":"`+name+`"`)
			if at < 0 {
				t.Fatalf("no job %s in %s", name, list)
			}
			one, _, _ := strings.Cut(list[at:], "}")
			return servertest.Answer{Body: one + "}"}
		}
		servertest.Eventually(t, "jobs run here", func() bool { // a moment after the console's port is open
			return strings.Contains(admin.Must(t, "GET", "/job", nil).Body, `"name":"nightly"`)
		})
		servertest.Eventually(t, "the schedule is stored", func() bool { return job("nightly").Get("next_time") != "" })
		if a := job("nightly"); a.Get("schedule") != "0 4 * * *" || a.Get("runs") != "0" || a.Get("registered") != "true" || a.Get("last_time") != "" {
			t.Errorf("at first: %s", a.Body)
		}
		if a := admin.Must(t, "POST", "/job/nightly/run", ""); a.Get("id") == "" {
			t.Errorf("the run is %s", a.Body)
		}
		admin.Must(t, "POST", "/job/mail/run", `{"payload":"bad"}`)
		admin.Must(t, "POST", "/job/quoting/run", "")
		servertest.Eventually(t, "the jobs have run", func() bool { return job("nightly").Get("runs") == "1" && job("mail").Get("runs") == "1" })
		if a := job("nightly"); a.Get("last_time") == "" || a.Get("failures") != "0" || a.Get("failed_time") != "" || a.Get("next_time") == "" {
			t.Errorf("after a run: %s", a.Body)
		}
		if a := job("mail"); a.Get("failures") != "1" || a.Get("failed_time") == "" || !strings.Contains(a.Get("error_message"), "no such address") || a.Get("queued") != "1" || a.Get("retrying") != "1" {
			t.Errorf("after a failure: %s", a.Body)
		}
		// An error may quote what no database takes.
		servertest.Eventually(t, "the failure is counted", func() bool { return job("quoting").Get("failures") == "1" })
		if a := job("quoting"); !strings.Contains(a.Get("error_message"), "no \ufffdsuch") {
			t.Errorf("after a failure that quotes a zero byte: %s", a.Body)
		}
		want(t, admin.Do(t, "POST", "/job/nothing/run", ""), 404, 5, "nothing")
	}, servertest.Module("index.js", `
		function InitModule(ctx, logger, nk, initializer) {
			initializer.registerJob("nightly", () => {}, "0 4 * * *");
			initializer.registerJob("mail", (ctx, logger, nk, payload) => { if (payload === "bad") throw new Error("no such address"); });
			initializer.registerJob("quoting", () => { throw new Error("no \u0000such"); });
		}`))
}
