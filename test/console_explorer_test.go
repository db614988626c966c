package test

import (
	"encoding/json"
	"strings"
	"testing"

	"kumi/core/consolepb"
	"kumi/server/servertest"

	"google.golang.org/protobuf/encoding/protojson"
)

// Operators make every call of the client API, as users and as nobody, with hooks.
func TestConsoleCallsClientAPI(t *testing.T) {
	t.Parallel()
	onBothDatabases(t, func(t *testing.T, srv *servertest.Server) {
		admin, ann := srv.ConsoleAdmin(), srv.User(t, "ann")
		var list consolepb.ApiEndpointList
		if err := protojson.Unmarshal([]byte(admin.Must(t, "GET", "/api/endpoints", nil).Body), &list); err != nil {
			t.Fatal(err)
		}
		templates := map[string]string{}
		for i, e := range list.Endpoints {
			templates[e.Method] = e.BodyTemplate
			if !json.Valid([]byte(e.BodyTemplate)) || i > 0 && list.Endpoints[i-1].Method >= e.Method {
				t.Errorf("%s has the template %s", e.Method, e.BodyTemplate)
			}
		}
		if len(templates) < 75 || templates["Healthcheck"] != "" || len(list.RpcEndpoints) != 1 {
			t.Errorf("%d methods, functions %v", len(templates), list.RpcEndpoints)
		}
		if want := `{"account":{"email":"","password":"","vars":{"":""}},"create":false,"username":""}`; templates["AuthenticateEmail"] != want {
			t.Errorf("the template is %s", templates["AuthenticateEmail"])
		}

		call := func(method string, body any) servertest.Answer {
			t.Helper()
			return admin.Must(t, "POST", "/api/endpoints/"+method, body)
		}
		as := func(user, body string, vars map[string]string) map[string]any {
			return map[string]any{"user_id": user, "body": body, "session_vars": vars}
		}
		a := call("AuthenticateCustom", as("", `{"account":{"id":"some-custom-id"},"username":"bob"}`, map[string]string{"from": "console"}))
		if body := a.Get("body"); !strings.Contains(body, `"token":`) || a.Get("error_message") != "" {
			t.Errorf("a sign-in: %s", a.Body)
		}
		if a := call("AuthenticateCustom", as("", `{"account":{"id":"x"}}`, nil)); !strings.Contains(a.Get("error_message"), "Custom ID") {
			t.Errorf("a bad id: %s", a.Body)
		}
		if a := call("GetAccount", as(ann.ID, "", nil)); !strings.Contains(a.Get("body"), `"username":"ann"`) {
			t.Errorf("an account: %s", a.Body)
		}
		call("UpdateAccount", as(ann.ID, `{"location":"here"}`, map[string]string{"from": "console"}))
		if a := call("GetAccount", as(ann.ID, "{}", nil)); !strings.Contains(a.Get("body"), `"location":"here by ann from console of admin"`) {
			t.Errorf("the hook was not called: %s", a.Body)
		}
		if a := call("GetAccount", as(ann.ID, "{", nil)); a.Get("error_message") == "" {
			t.Errorf("a bad body: %s", a.Body)
		}
		want(t, admin.Do(t, "POST", "/api/endpoints/GetAccount", "{}"), 400, 3, "user_id")
		want(t, admin.Do(t, "POST", "/api/endpoints/Nothing", as(ann.ID, "", nil)), 404, 5, "Nothing")
		want(t, admin.Do(t, "POST", "/api/endpoints/GetAccount", as("11111111-1111-4111-8111-111111111111", "", nil)), 404, 5, "")

		log := admin.Must(t, "GET", "/audit/log?action=4", nil).Body
		if !strings.Contains(log, "here") || strings.Contains(log, "some-custom-id") {
			t.Errorf("the log is %s", log)
		}
	}, servertest.Module("index.js", `
		function InitModule(ctx, logger, nk, initializer) {
			initializer.registerRpc("echo", (ctx, logger, nk, payload) => payload);
			initializer.registerBeforeUpdateAccount((ctx, logger, nk, data) => {
				data.location += " by " + ctx.username + " from " + ctx.vars.from + " of " + ctx.operator;
				return data;
			});
		}`))
}
