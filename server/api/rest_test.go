package api

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/heroiclabs/nakama-common/api"
	"github.com/heroiclabs/nakama-common/runtime"
	"google.golang.org/protobuf/proto"

	"kumi/config"
	"kumi/core"
	"kumi/store/fault"
)

// scenario is one request and everything that is to come of it.
type scenario struct {
	name         string
	hooks        func(r *testServer) // registers hooks
	method, path string
	auth         string // "key", "user", or the header's value
	body         string
	status       int
	want         string   // the body, if set
	contains     []string // parts of the body
	fired        map[string]int
}

func (s scenario) run(r *testServer, user string) {
	r.Helper()
	r.reset()
	if s.hooks != nil {
		s.hooks(r)
	}
	var header []string
	switch s.auth {
	case "":
	case "key":
		header = []string{basic("defaultkey")}
	case "user":
		header = []string{bearer(user)}
	default:
		header = []string{"Authorization: " + s.auth}
	}
	got := r.call(s.method, s.path, s.body, header...)
	if got.status != s.status {
		r.Errorf("status %d, want %d; body %s", got.status, s.status, got.body)
	}
	if s.want != "" && got.body != s.want {
		r.Errorf("body\n  %s, want\n  %s", got.body, s.want)
	}
	for _, part := range s.contains {
		if !strings.Contains(got.body, part) {
			r.Errorf("body %s\n  lacks %s", got.body, part)
		}
	}
	if s.fired == nil {
		s.fired = map[string]int{}
	}
	if d := cmp.Diff(s.fired, r.counts()); d != "" {
		r.Errorf("hooks fired (-want +got):\n%s", d)
	}
}

func runScenarios(t *testing.T, scenarios []scenario) {
	t.Helper()
	r := newTestServer(t, nil)
	user := r.user("device-of-the-user")
	for _, s := range scenarios {
		t.Run(s.name, func(t *testing.T) {
			r.TB = t
			s.run(r, user)
		})
	}
	r.TB = t
}

func TestREST(t *testing.T) {
	t.Parallel()
	const device = "/v2/account/authenticate/device"
	runScenarios(t, []scenario{
		{name: "liveness", method: "GET", path: "/", status: 200},
		{name: "healthcheck", method: "GET", path: "/healthcheck", status: 200, want: "{}"},
		{name: "unknown path", method: "GET", path: "/v2/nothing", status: 404, want: `{"code":5,"message":"Not Found"}`},
		{name: "trailing slash", method: "GET", path: "/v2/account/", auth: "user", status: 404},
		{name: "wrong method", method: "PATCH", path: "/v2/account", status: 501, want: `{"code":12,"message":"Method Not Allowed"}`},
		{name: "wrong method of a path with parameters", method: "POST", path: "/v2/storage/a/b", status: 501},
		{name: "wrong method of an RPC", method: "PUT", path: "/v2/rpc/echo", status: 501},
		{name: "provider not configured", method: "POST", path: "/v2/account/link/steam", body: "{}", auth: "user", status: 400, contains: []string{`"code":9`, "Steam authentication is not configured."}},
		{name: "store not configured", method: "POST", path: "/v2/iap/purchase/apple", body: `{"receipt":"x"}`, auth: "user", status: 400, contains: []string{`"code":9`, "Apple IAP is not configured."}},

		{name: "server key missing", method: "POST", path: device, body: `{"id":"device-0001"}`, status: 401, contains: []string{`"code":16`, "required"}},
		{name: "server key wrong", method: "POST", path: device, body: `{"id":"device-0001"}`, auth: "Basic d3Jvbmc6", status: 401, contains: []string{"invalid"}},
		{name: "server key without colon", method: "POST", path: device, auth: "Basic ZGVmYXVsdGtleQ==", status: 401},
		{name: "server key with a password", method: "POST", path: device, body: `{"id":"device-0001"}`, auth: "Basic ZGVmYXVsdGtleTpwYXNz", status: 200},
		{name: "server key in the wrong scheme", method: "POST", path: device, auth: "basic ZGVmYXVsdGtleTo=", status: 401},
		{name: "token missing", method: "GET", path: "/v2/account", status: 401, contains: []string{`"code":16`}},
		{name: "token wrong", method: "GET", path: "/v2/account", auth: "Bearer x.y.z", status: 401},
		{name: "token in the wrong scheme", method: "GET", path: "/v2/account", auth: "key", status: 401},

		{name: "authenticate", method: "POST", path: device, body: `{"id":"device-0002"}`, auth: "key", status: 200, contains: []string{`"created":true,"token":"`, `"refresh_token":"`}},
		{name: "authenticate again", method: "POST", path: device, body: `{"id":"device-0002"}`, auth: "key", status: 200, contains: []string{`{"token":"`}},
		{name: "authenticate without creating", method: "POST", path: device + "?create=false", body: `{"id":"device-0003"}`, auth: "key", status: 404, contains: []string{`"code":5`}},
		{name: "bad query value", method: "POST", path: device + "?create=perhaps", body: `{"id":"device-0003"}`, auth: "key", status: 400, contains: []string{`"code":3`, "create", "perhaps"}},
		{name: "unknown query parameter", method: "POST", path: device + "?colour=red&", body: `{"id":"device-0002"}`, auth: "key", status: 200},
		{name: "query parameter twice", method: "POST", path: device + "?create=true&create=true", body: `{"id":"device-0002"}`, auth: "key", status: 400},
		{name: "no body", method: "POST", path: device, auth: "key", status: 400, contains: []string{`"code":3`}},
		{name: "malformed body", method: "POST", path: device, body: `{"id":`, auth: "key", status: 400, contains: []string{`"code":3`}},
		{name: "wrong type in body", method: "POST", path: device, body: `{"id":7}`, auth: "key", status: 400},
		{name: "malformed body comes before authentication", method: "POST", path: device, body: `{"id":`, status: 400},
		{name: "unknown field in body", method: "POST", path: device, body: `{"id":"device-0002","colour":"red"}`, auth: "key", status: 200},
		{name: "bad UTF-8 in body", method: "POST", path: device, body: "{\"id\":\"\xff\"}", auth: "key", status: 400},

		{name: "account", method: "GET", path: "/v2/account", auth: "user", status: 200, contains: []string{`{"user":{"id":"`, `"devices":[{"id":"device-of-the-user"}]`}},
		{name: "update account, proto names", method: "PUT", path: "/v2/account", auth: "user", body: `{"display_name":"Ada"}`, status: 200, want: "{}"},
		{name: "update account, JSON names", method: "PUT", path: "/v2/account", auth: "user", body: `{"displayName":"Ada L"}`, status: 200, want: "{}"},
		{name: "account was updated", method: "GET", path: "/v2/account", auth: "user", status: 200, contains: []string{`"display_name":"Ada L"`}},
		{name: "users, nobody asked for", method: "GET", path: "/v2/user", auth: "user", status: 200, want: "{}"},
		{name: "users, bad id", method: "GET", path: "/v2/user?ids=x", auth: "user", status: 400},

		{name: "write storage", method: "PUT", path: "/v2/storage", auth: "user", body: `{"objects":[{"collection":"c","key":"k","value":"{\"a\":1}","permission_read":2}]}`, status: 200, contains: []string{`{"acks":[{"collection":"c","key":"k","version":"`}},
		{name: "read storage of nobody", method: "POST", path: "/v2/storage", auth: "user", body: `{"object_ids":[{"collection":"c","key":"none"}]}`, status: 200, want: "{}"},
		{name: "list storage", method: "GET", path: "/v2/storage/c?limit=10", auth: "user", status: 200, contains: []string{`"key":"k"`}},
		{name: "list storage, bad limit", method: "GET", path: "/v2/storage/c?limit=ten", auth: "user", status: 400},
		{name: "list storage, bad user", method: "GET", path: "/v2/storage/c/not-a-user", auth: "user", status: 400},
		{name: "the collection named delete", method: "GET", path: "/v2/storage/delete", auth: "user", status: 200, want: "{}"},
		{name: "delete storage", method: "PUT", path: "/v2/storage/delete", auth: "user", body: `{"objectIds":[{"collection":"c","key":"k"}]}`, status: 200, want: "{}"},
		{name: "event", method: "POST", path: "/v2/event", auth: "user", body: `{"name":"won","properties":{"a":"b"}}`, status: 200, want: "{}"},
	})
}

func TestHooksOverREST(t *testing.T) {
	t.Parallel()
	both := func(method string) map[string]int { return map[string]int{"before " + method: 1, "after " + method: 1} }
	runScenarios(t, []scenario{
		{
			name: "both run", hooks: func(r *testServer) { r.before("GetUsers", nil); r.after("GetUsers", nil) },
			method: "GET", path: "/v2/user", auth: "user", status: 200, fired: both("GetUsers"),
		},
		{
			name: "no hook without authentication", hooks: func(r *testServer) { r.before("GetUsers", nil); r.after("GetUsers", nil) },
			method: "GET", path: "/v2/user", status: 401,
		},
		{
			name: "nil rejects", hooks: func(r *testServer) {
				r.before("GetUsers", func(context.Context, proto.Message) (proto.Message, error) { return nil, nil })
				r.after("GetUsers", nil)
			},
			method: "GET", path: "/v2/user", auth: "user", status: 404,
			want: `{"code":5,"message":"Requested resource was not found."}`, fired: map[string]int{"before GetUsers": 1},
		},
		{
			name: "typed nil rejects", hooks: func(r *testServer) {
				r.before("GetUsers", func(context.Context, proto.Message) (proto.Message, error) { return (*api.GetUsersRequest)(nil), nil })
			},
			method: "GET", path: "/v2/user", auth: "user", status: 404, fired: map[string]int{"before GetUsers": 1},
		},
		{
			name: "nil of a call without a body goes on", hooks: func(r *testServer) {
				r.before("GetAccount", func(_ context.Context, in proto.Message) (proto.Message, error) {
					if in != nil {
						return nil, errors.New("a body from nowhere")
					}
					return nil, nil
				})
				r.after("GetAccount", func(_ context.Context, out, in proto.Message) error {
					if _, ok := out.(*api.Account); !ok || in != nil {
						r.Errorf("after hook got %T and %T", out, in)
					}
					return nil
				})
			},
			method: "GET", path: "/v2/account", auth: "user", status: 200, fired: both("GetAccount"),
		},
		{
			name: "another message is refused", hooks: func(r *testServer) {
				r.before("GetUsers", func(context.Context, proto.Message) (proto.Message, error) { return &api.Event{}, nil })
			},
			method: "GET", path: "/v2/user", auth: "user", status: 500, contains: []string{"GetUsersRequest"}, fired: map[string]int{"before GetUsers": 1},
		},
		{
			name: "coded error", hooks: func(r *testServer) {
				r.before("GetUsers", func(context.Context, proto.Message) (proto.Message, error) {
					return nil, runtime.NewError("not today", 9)
				})
			},
			method: "GET", path: "/v2/user", auth: "user", status: 400, want: `{"code":9,"message":"not today"}`, fired: map[string]int{"before GetUsers": 1},
		},
		{
			name: "plain error", hooks: func(r *testServer) {
				r.before("GetUsers", func(context.Context, proto.Message) (proto.Message, error) { return nil, errors.New("oh \"no\"\n") })
			},
			method: "GET", path: "/v2/user", auth: "user", status: 500, want: `{"code":13,"message":"oh \"no\"\n"}`, fired: map[string]int{"before GetUsers": 1},
		},
		{
			name: "panic", hooks: func(r *testServer) {
				r.before("GetUsers", func(context.Context, proto.Message) (proto.Message, error) { panic("secret") })
			},
			method: "GET", path: "/v2/user", auth: "user", status: 500, want: `{"code":13,"message":"the module failed unexpectedly"}`, fired: map[string]int{"before GetUsers": 1},
		},
		{
			name: "after hook's error is not shown", hooks: func(r *testServer) {
				r.after("GetUsers", func(context.Context, proto.Message, proto.Message) error { return runtime.NewError("no", 7) })
			},
			method: "GET", path: "/v2/user", auth: "user", status: 200, want: "{}", fired: map[string]int{"after GetUsers": 1},
		},
		{
			name: "after hook's panic is not shown", hooks: func(r *testServer) {
				r.after("GetUsers", func(context.Context, proto.Message, proto.Message) error { panic("secret") })
			},
			method: "GET", path: "/v2/user", auth: "user", status: 200, want: "{}", fired: map[string]int{"after GetUsers": 1},
		},
		{
			name: "after hook only on success", hooks: func(r *testServer) { r.before("GetUsers", nil); r.after("GetUsers", nil) },
			method: "GET", path: "/v2/user?ids=x", auth: "user", status: 400, fired: map[string]int{"before GetUsers": 1},
		},
		{
			name: "the request goes on as changed", hooks: func(r *testServer) {
				r.before("WriteStorageObjects", func(_ context.Context, in proto.Message) (proto.Message, error) {
					w := in.(*api.WriteStorageObjectsRequest)
					w.Objects[0].Key = "changed"
					return w, nil
				})
				r.after("WriteStorageObjects", func(_ context.Context, out, in proto.Message) error {
					if in.(*api.WriteStorageObjectsRequest).Objects[0].Key != "changed" || out.(*api.StorageObjectAcks).Acks[0].Key != "changed" {
						r.Error("after hook does not see the changed request")
					}
					return nil
				})
			},
			method: "PUT", path: "/v2/storage", auth: "user", body: `{"objects":[{"collection":"c","key":"k","value":"{}"}]}`,
			status: 200, contains: []string{`"key":"changed"`}, fired: both("WriteStorageObjects"),
		},
	})
}

// Hooks see who calls; those of an authentication see the new user only after.
func TestHookScope(t *testing.T) {
	t.Parallel()
	r := newTestServer(t, nil)
	var before, after *core.Scope
	var modes []string
	r.before("AuthenticateCustom", func(ctx context.Context, in proto.Message) (proto.Message, error) {
		s, mode := core.ScopeOf(ctx)
		before, modes = s, append(modes, mode)
		return in, nil
	})
	r.after("AuthenticateCustom", func(ctx context.Context, _, _ proto.Message) error {
		s, mode := core.ScopeOf(ctx)
		after, modes = s, append(modes, mode)
		return nil
	})
	got := r.call("POST", "/v2/account/authenticate/custom?username=ada", `{"id":"custom-0001","vars":{"a":"b"}}`,
		basic("defaultkey"), "X-Forwarded-For: 203.0.113.7, 198.51.100.1")
	if got.status != 200 {
		t.Fatal(got.body)
	}
	if d := cmp.Diff([]string{"before", "after"}, modes); d != "" {
		t.Error(d)
	}
	if before.UserID != "" || before.ClientIP != "203.0.113.7" || before.Env["stage"] != "test" || before.Node != "nakama" || before.Version != "v1" || len(before.TraceID) != 32 {
		t.Errorf("before: %+v", before)
	}
	if before.Headers != nil || before.QueryParams != nil || before.SessionID != "" {
		t.Errorf("before has what only RPCs and sockets have: %+v", before)
	}
	if after.Username != "ada" || after.UserID == "" || after.Vars["a"] != "b" || after.SessionExpiry == 0 {
		t.Errorf("after: %+v", after)
	}
}

func TestSessionsOverREST(t *testing.T) {
	t.Parallel()
	r := newTestServer(t, nil)
	first := r.call("POST", "/v2/account/authenticate/email?username=ada", `{"email":"Ada@example.org","password":"password","vars":{"k":"v"}}`, basic("defaultkey")).session(t)
	again := r.call("POST", "/v2/account/session/refresh", `{"token":"`+first.RefreshToken+`"}`, basic("defaultkey")).session(t)
	if got := r.call("GET", "/v2/account", "", bearer(again.Token)); got.status != 200 || !strings.Contains(got.body, `"email":"ada@example.org"`) {
		t.Error(got)
	}
	if got := r.call("POST", "/v2/account/link/device", `{"id":"device-of-ada"}`, bearer(again.Token)); got.body != "{}" {
		t.Error(got)
	}
	if got := r.call("POST", "/v2/account/unlink/email", `{"email":"ada@example.org"}`, bearer(again.Token)); got.body != "{}" {
		t.Error(got)
	}
	if got := r.call("POST", "/v2/account/unlink/device", `{"id":"device-of-ada"}`, bearer(again.Token)); got.status != 403 {
		t.Error("the last identity could be unlinked", got)
	}
	if got := r.call("POST", "/v2/session/logout", "{}", bearer(again.Token)); got.body != "{}" {
		t.Error(got)
	}
	if got := r.call("POST", "/v2/account/session/refresh", `{"token":"nonsense"}`, basic("defaultkey")); got.status != 401 || got.header.Get("Www-Authenticate") == "" {
		t.Error(got)
	}
}

func TestConstantHeaders(t *testing.T) {
	t.Parallel()
	r := newTestServer(t, func(c *config.Config) { c.Socket.ResponseHeaders = []string{"x-served-by=kumi", "Vary=nothing"} })
	got := r.call("GET", "/healthcheck", "")
	want := map[string]string{
		"Cache-Control": "no-store, no-cache, must-revalidate", "Vary": "Accept-Encoding",
		"Content-Type": "application/json", "Grpc-Metadata-Content-Type": "application/grpc", "X-Served-By": "kumi",
	}
	for name, value := range want {
		if got.header.Get(name) != value {
			t.Errorf("%s: %q, want %q", name, got.header.Get(name), value)
		}
	}
	if got := r.call("GET", "/v2/account", ""); got.header.Get("Www-Authenticate") != "Auth token required" || got.header.Get("Grpc-Metadata-Content-Type") != "" {
		t.Error(got.header)
	}
}

func TestBodyLimit(t *testing.T) {
	t.Parallel()
	r := newTestServer(t, func(c *config.Config) { c.Socket.MaxRequestSizeBytes = 100 })
	const want = `{"code":3,"message":"http: request body too large"}`
	body := `{"id":"` + strings.Repeat("x", 200) + `"}`
	for _, path := range []string{"/v2/account/authenticate/device", "/v2/rpc/echo?http_key=defaulthttpkey"} {
		r.rpc("echo", func(_ context.Context, payload string) (string, error) { return payload, nil })
		if got := r.call("POST", path, body, basic("defaultkey")); got.status != 400 || got.body != want {
			t.Error(path, got)
		}
		// Without a known length.
		req, _ := http.NewRequestWithContext(t.Context(), "POST", r.http.URL+path, struct{ *strings.Reader }{strings.NewReader(body)})
		req.Header.Set("Authorization", strings.TrimPrefix(basic("defaultkey"), "Authorization: "))
		req.ContentLength = -1
		resp, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != 400 {
			t.Error(path, resp.Status)
		}
	}
}

// Errors of the server's own are logged in full and shown as little.
func TestInternalErrorsStayInside(t *testing.T) {
	t.Parallel()
	r := newTestServer(t, nil)
	for _, row := range r.api.rows {
		if row.name == "GetUsers" {
			row.handle = func(*call, proto.Message) (proto.Message, error) { return nil, errors.New("disk on fire") }
		}
		if row.name == "GetAccount" {
			row.handle = func(*call, proto.Message) (proto.Message, error) { panic("disk on fire again") }
		}
	}
	token := r.user("device-of-the-user")
	for _, path := range []string{"/v2/user", "/v2/account"} {
		got := r.call("GET", path, "", bearer(token))
		if got.status != 500 || strings.Contains(got.body, "fire") {
			t.Error(got)
		}
	}
	if log := r.log.String(); !strings.Contains(log, "disk on fire\"") || !strings.Contains(log, "disk on fire again") {
		t.Errorf("log lacks the causes: %s", log)
	}
}

func TestDeadline(t *testing.T) {
	t.Parallel()
	r := newTestServer(t, func(c *config.Config) { c.Socket.IdleTimeoutMs = 520 })
	for _, row := range r.api.rows {
		if row.name == "GetUsers" {
			row.handle = func(c *call, _ proto.Message) (proto.Message, error) {
				<-c.ctx.Done()
				return nil, fault.Wrap(fault.Internal, "error while trying to read users", c.ctx.Err())
			}
		}
	}
	r.rpc("slow", func(ctx context.Context, _ string) (string, error) {
		<-ctx.Done()
		return "", ctx.Err()
	})
	token := r.user("device-of-the-user")
	if got := r.call("GET", "/v2/user", "", bearer(token)); got.status != 504 || !strings.Contains(got.body, `"code":4`) {
		t.Error(got)
	}
	if got := r.call("GET", "/v2/rpc/slow", "", bearer(token)); got.status != 504 || !strings.Contains(got.body, `"code":4`) {
		t.Error(got)
	}
}

func TestLate(t *testing.T) {
	t.Parallel()
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	failed := fault.New(fault.Internal, "error while trying to read users")
	if err := late(gone, failed); fault.CodeOf(err) != fault.Canceled || statusOf(fault.CodeOf(err)) != 499 {
		t.Error(err)
	}
	if err := late(gone, fault.New(fault.NotFound, "no")); fault.CodeOf(err) != fault.NotFound {
		t.Error(err)
	}
	if err := late(t.Context(), failed); fault.CodeOf(err) != fault.Internal {
		t.Error(err)
	}
}
