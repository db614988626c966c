package test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"kumi/server/servertest"
)

// figures are metrics as the console returns them.
type figures struct {
	Times  []int64
	Series []struct {
		Name, Unit string
		Values     []float64
	}
}

// of returns the values of a series.
func (f figures) of(name string) []float64 {
	for _, s := range f.Series {
		if s.Name == name {
			return s.Values
		}
	}
	return nil
}

// A page gets the figures so far, and then each new point.
func TestConsoleMetrics(t *testing.T) {
	t.Parallel()
	srv := servertest.Start(t, servertest.Console(), servertest.Module("index.js", `
		function InitModule(ctx, logger, nk, initializer) { initializer.registerRpc("echo", (ctx, logger, nk, payload) => payload); }
	`))
	admin := srv.ConsoleLogin(t, "admin", "password")
	live := admin.Live(t)
	live.Subscribe(1, "metrics", `{"names":["sessions","requests","request_p99","messages_in","messages_out","heap","goroutines","cpu","db_statements"]}`)
	if first := servertest.Data[figures](live, 1); len(first.Series) != 9 || len(first.Times) > 1 {
		t.Errorf("the first message is %+v", first)
	}
	ann := srv.User(t, "ann")
	socket := ann.Socket(t)
	ann.RPC(t, "echo", `"{}"`)
	socket.Call(t, "rpc", `{"id":"echo","payload":"{}"}`)
	f := servertest.Until(live, 1, func(f figures) bool { return f.of("sessions")[0] == 1 && f.of("messages_in")[0] > 0 })
	for _, name := range []string{"requests", "request_p99", "messages_out", "heap", "goroutines", "cpu", "db_statements"} {
		if values := f.of(name); len(values) != 1 || values[0] <= 0 {
			t.Errorf("%s is %v", name, values)
		}
	}
	live.Subscribe(2, "metrics", `{"names":["weather"]}`)
	if code := refusal(live, 2); code != 3 {
		t.Errorf("a name that is none: code %d", code)
	}
	want(t, admin.Do(t, "GET", "/metrics?names=weather", nil), 400, 3, "weather")
	want(t, admin.Do(t, "GET", "/metrics?from=nonsense", nil), 400, 3, "")
	var all figures
	admin.Must(t, "GET", "/metrics", nil).Decode(t, &all)
	if n := len(all.Times); n == 0 || len(all.of("vm_js_in_use")) != n || len(all.Series) < 20 {
		t.Errorf("all figures: %+v", all)
	}
}

// With console.metrics_database the figures of the last day survive a restart.
func TestConsoleMetricsAreStored(t *testing.T) {
	t.Parallel()
	minute := time.Now().Add(-10 * time.Minute).Truncate(time.Minute).Unix()
	onBothDatabases(t, func(t *testing.T, srv *servertest.Server) {
		var stored figures
		srv.ConsoleAdmin().Must(t, "GET", "/metrics?step=60&names=sessions", nil).Decode(t, &stored)
		if !slices.Equal(stored.Times, []int64{minute}) || !slices.Equal(stored.of("sessions"), []float64{7}) {
			t.Errorf("restored: %+v", stored)
		}
	}, servertest.Flags("--console.metrics_database"), servertest.Module("index.js", fmt.Sprintf(`
		function InitModule(ctx, logger, nk, initializer) {
			nk.sqlExec("CREATE TABLE IF NOT EXISTS kumi_metric (node VARCHAR(128) NOT NULL, at BIGINT NOT NULL, figures TEXT NOT NULL, PRIMARY KEY (node, at))");
			const add = (node, at, figures) => nk.sqlExec("INSERT INTO kumi_metric (node, at, figures) VALUES ($1, $2, $3)", [node, at, figures]);
			add("nakama", %[1]d, '{"sessions":7,"of_an_older_version":1}');
			add("other", %[1]d, '{"sessions":9}');
		}`, minute)))
}
