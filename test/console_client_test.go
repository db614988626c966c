package test

import (
	"net/http"
	"strings"
	"testing"

	"kumi/server/servertest"
)

// The client API, sockets included, is on the console's port too, so that pages can play.
func TestClientAPIOnConsolePort(t *testing.T) {
	t.Parallel()
	srv := servertest.Start(t, servertest.Console(), servertest.Flags("--session.token_expiry_sec", "3600"),
		servertest.Module("index.js", `function InitModule(ctx, logger, nk, initializer) {
			initializer.registerHttp("/shop", () => "open");
			initializer.registerRpc("echo", (ctx, logger, nk, payload) => payload);
		}`))
	client := *srv
	client.URL = "http://" + srv.ConsoleAddr().String() + "/client"
	client.WS = strings.Replace(client.URL, "http", "ws", 1) + "/ws"

	ann := client.User(t, "ann")
	a := ann.Do(t, http.MethodGet, "/v2/account", "")
	if a.Status != http.StatusOK || a.Get("user.username") != "ann" {
		t.Errorf("the account is %d %s", a.Status, a.Body)
	}
	if policy := a.Header.Get("Content-Security-Policy"); !strings.Contains(policy, "sandbox") {
		t.Errorf("the policy is %q", policy)
	}
	if text, a := ann.RPC(t, "echo", "hello"); text != "hello" {
		t.Errorf("the function returned %d %s", a.Status, a.Body)
	}
	if a := client.Do(t, http.MethodGet, "/shop", "", ""); a.Status != http.StatusNotFound {
		t.Errorf("a route of a module: %d %s", a.Status, a.Body)
	}
	ann.Socket(t).Call(t, "status_update", `{"status":"here"}`)
	if a := client.Do(t, http.MethodGet, "/v2/account", servertest.ServerKey, ""); a.Status != http.StatusUnauthorized {
		t.Errorf("without a session: %d %s", a.Status, a.Body)
	}

	settings := srv.ConsoleAdmin().Must(t, "GET", "/client", nil)
	for name, value := range map[string]string{"server_key": "defaultkey", "token_expiry_sec": "3600", "refresh_token_expiry_sec": "3600"} {
		if settings.Get(name) != value {
			t.Errorf("%s is %q", name, settings.Get(name))
		}
	}
}
