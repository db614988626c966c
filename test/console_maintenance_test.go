package test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/coder/websocket"
	"github.com/heroiclabs/nakama-common/api"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"kumi/server/servertest"
	"kumi/store/storetest"
)

// During maintenance players are told, nobody new comes in, and servers and operators go
// on; then everything is as before.
func TestConsoleMaintenance(t *testing.T) {
	t.Parallel()
	onBothDatabases(t, func(t *testing.T, srv *servertest.Server) {
		admin, ann, bob := srv.ConsoleAdmin(), srv.User(t, "ann"), srv.User(t, "bob")
		socket := ann.Socket(t)
		device := func(server *servertest.Server) servertest.Answer {
			return server.Do(t, http.MethodPost, "/v2/account/authenticate/device?create=true", servertest.ServerKey, `{"id":"device-of-eve"}`)
		}
		refresh := func(u *servertest.User) servertest.Answer {
			return srv.Do(t, http.MethodPost, "/v2/account/session/refresh", servertest.ServerKey, `{"token":"`+u.Refresh+`"}`)
		}
		if a := admin.Must(t, "GET", "/maintenance", nil); a.Get("active") != "false" {
			t.Errorf("at first: %s", a.Body)
		}
		want(t, admin.Do(t, "POST", "/maintenance", `{"disconnect_after_sec":-1}`), 400, 3, "disconnect_after_sec")
		a := admin.Must(t, "POST", "/maintenance", `{"message":"Back at noon."}`)
		if a.Get("active") != "true" || a.Get("message") != "Back at noon." || a.Get("operator") != "admin" || !strings.Contains(a.Body, `"disconnect_time":null`) {
			t.Errorf("it begins with %s", a.Body)
		}
		if text := string(socket.Expect(t, "notifications")["notifications"]); !strings.Contains(text, "Back at noon.") || !strings.Contains(text, `"code":-101`) {
			t.Errorf("the notification is %s", text)
		}
		want(t, device(srv), 503, 14, "Back at noon.")
		want(t, refresh(bob), 503, 14, "Back at noon.")
		if a := refresh(ann); a.Status != http.StatusOK { // she is still playing
			t.Errorf("a refresh: %d %s", a.Status, a.Body)
		}
		if a := ann.Do(t, http.MethodGet, "/v2/account", ""); a.Status != http.StatusOK {
			t.Errorf("a call of an open session: %d %s", a.Status, a.Body)
		}
		_, response, err := websocket.Dial(t.Context(), srv.WS+"?token="+url.QueryEscape(bob.Token), nil)
		if err == nil || response == nil || response.StatusCode != http.StatusServiceUnavailable {
			t.Errorf("a new socket: %v", err)
		}
		if err := grpcSignIn(t, srv); status.Code(err) != codes.Unavailable || !strings.Contains(err.Error(), "Back at noon.") {
			t.Errorf("over gRPC: %v", err)
		}
		// Servers, module code and operators are not players.
		if text, a := srv.RPC(t, "sign_in", ""); text != "made" {
			t.Errorf("a function: %d %s", a.Status, a.Body)
		}
		if a := admin.Must(t, "POST", "/api/endpoints/AuthenticateCustom", map[string]string{"body": `{"account":{"id":"custom-of-op"}}`}); a.Get("error_message") != "" {
			t.Errorf("an operator signs in: %s", a.Body)
		}

		a = admin.Must(t, "POST", "/maintenance", `{"disconnect_after_sec":0}`)
		if !strings.Contains(a.Body, `"disconnect_time":"20`) || a.Get("message") == "" {
			t.Errorf("it goes on with %s", a.Body)
		}
		socket.Closed(t)
		want(t, device(srv), 503, 14, "maintenance")

		admin.Must(t, "DELETE", "/maintenance", nil)
		if a := device(srv); a.Status != http.StatusOK {
			t.Errorf("after it: %d %s", a.Status, a.Body)
		}
		bob.Socket(t)
	}, servertest.Module("index.js", `
		function InitModule(ctx, logger, nk, initializer) {
			initializer.registerRpc("sign_in", (ctx, logger, nk) => nk.authenticateCustom("custom-of-module", "made", true).username);
		}`))
}

func grpcSignIn(t *testing.T, srv *servertest.Server) error {
	t.Helper()
	conn, err := grpc.NewClient(srv.GRPC, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	ctx := metadata.AppendToOutgoingContext(context.WithoutCancel(t.Context()), "authorization", servertest.ServerKey)
	in := &api.AuthenticateDeviceRequest{Account: &api.AccountDevice{Id: "device-of-eve"}}
	return conn.Invoke(ctx, "/nakama.api.Nakama/AuthenticateDevice", in, &api.Session{})
}

// Maintenance outlives a server, and all servers on the database see it begin and end.
func TestConsoleMaintenanceOnAllServers(t *testing.T) {
	t.Parallel()
	address := servertest.Flags("--database.address", storetest.Postgres(t))
	one, two := servertest.Start(t, servertest.Console(), address), servertest.Start(t, servertest.Console(), address)
	socket := two.User(t, "ann").Socket(t)
	one.ConsoleAdmin().Must(t, "POST", "/maintenance", `{"message":"Back at noon.","disconnect_after_sec":1}`)
	if text := string(socket.Expect(t, "notifications")["notifications"]); !strings.Contains(text, "Back at noon.") {
		t.Errorf("the notification is %s", text)
	}
	socket.Closed(t)
	three := servertest.Start(t, servertest.Console(), address)
	for _, server := range []*servertest.Server{two, three} {
		a := server.Do(t, http.MethodPost, "/v2/account/authenticate/device", servertest.ServerKey, `{"id":"device-of-eve"}`)
		want(t, a, 503, 14, "Back at noon.")
	}
	three.ConsoleAdmin().Must(t, "DELETE", "/maintenance", nil)
	servertest.Eventually(t, "the other servers open", func() bool {
		for _, server := range []*servertest.Server{one, two} {
			if server.Do(t, http.MethodPost, "/v2/account/authenticate/device", servertest.ServerKey, `{"id":"device-of-eve"}`).Status != http.StatusOK {
				return false
			}
		}
		return true
	})
}
