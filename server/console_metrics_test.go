package server_test

import (
	"strings"
	"testing"

	"kumi/server/servertest"
)

// Calls of the console are counted by name and code, with what they took.
func TestConsoleMetrics(t *testing.T) {
	t.Parallel()
	srv := servertest.Start(t, servertest.Console())
	admin := srv.ConsoleAdmin()
	admin.Must(t, "GET", "/status", nil)
	admin.Must(t, "GET", "/status", nil)
	admin.Do(t, "GET", "/account/x", nil)
	text := srv.MetricsText()
	for _, part := range []string{`console_count{call="GetStatus",code="OK"`, `console_count{call="GetAccount",code="InvalidArgument"`, `console_latency_count{call="GetStatus"`} {
		if !strings.Contains(text, part) {
			t.Errorf("there is no %s", part)
		}
	}
}
