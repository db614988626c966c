package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/heroiclabs/nakama-common/runtime"

	"kumi/config"
	"kumi/core"
	"kumi/modules"
	"kumi/modules/httproute"
	"kumi/rpc"
	"kumi/store/fault"
	"kumi/vm"
)

func echo(_ context.Context, payload string) (string, error) { return payload, nil }

func TestRPCOverHTTP(t *testing.T) {
	t.Parallel()
	r := newTestServer(t, nil)
	token := r.user("device-of-the-user")
	r.rpc("Echo", echo)
	r.rpc("a/b", echo)
	r.rpc("empty", func(context.Context, string) (string, error) { return "", nil })
	r.rpc("coded", func(context.Context, string) (string, error) { return "", runtime.NewError("too poor", 9) })
	r.rpc("wild", func(context.Context, string) (string, error) { return "", runtime.NewError("wild", 99) })
	r.rpc("plain", func(context.Context, string) (string, error) { return "", errors.New("went wrong") })
	r.rpc("panic", func(context.Context, string) (string, error) { panic("secret") })
	r.set.Load().RPC.Set(&rpc.Function{ID: "js", Runtime: "javascript", Call: func(context.Context, string) (string, error) {
		return "", fmt.Errorf("calling: %w", &vm.ScriptError{Fault: fault.New(fault.Internal, "Error: bad at main.ts:3"), Stack: "main.ts:3:4"})
	}})
	r.set.Load().RPC.Set(&rpc.Function{ID: "jscoded", Runtime: "javascript", Call: func(context.Context, string) (string, error) {
		return "", &vm.ScriptError{Fault: fault.New(fault.NotFound, "gone"), Stack: "main.ts:3:4", Custom: true}
	}})

	const key = "?http_key=defaulthttpkey"
	tests := []struct {
		name, method, path, auth, body string
		status                         int
		want                           string
	}{
		{"session", "POST", "echo", "user", `"{\"a\":\"b\\n\"}"`, 200, `{"payload":"{\"a\":\"b\\n\"}"}`},
		{"any case", "POST", "eCHO", "user", `"x"`, 200, `{"payload":"x"}`},
		{"slash in the id", "POST", "a/B", "user", `"x"`, 200, `{"payload":"x"}`},
		{"GET has no payload", "GET", "echo?payload=x", "user", "", 200, `{"payload":""}`},
		{"empty body", "POST", "echo", "user", "", 200, `{"payload":""}`},
		{"empty result", "POST", "empty", "user", `"x"`, 200, `{"payload":""}`},
		{"http key", "POST", "echo" + key, "", `"x"`, 200, `{"payload":"x"}`},
		{"http key before session", "POST", "echo?http_key=wrong", "user", `"x"`, 401, `{"error":"HTTP key invalid","message":"HTTP key invalid","code":16}`},
		{"empty http key does not count", "POST", "echo?http_key=", "user", `"x"`, 200, `{"payload":"x"}`},
		{"http key by basic", "POST", "echo", basic("defaulthttpkey"), `"x"`, 200, `{"payload":"x"}`},
		{"wrong key by basic", "POST", "echo", basic("defaultkey"), `"x"`, 401, `{"error":"Auth token invalid","message":"Auth token invalid","code":16}`},
		{"nobody", "POST", "echo", "", `"x"`, 401, `{"error":"Auth token or HTTP key required","message":"Auth token or HTTP key required","code":16}`},
		{"bad token", "POST", "echo", "Authorization: Bearer x", `"x"`, 401, `{"error":"Auth token invalid","message":"Auth token invalid","code":16}`},
		{"unknown", "POST", "nothing", "user", `"x"`, 404, `{"error":"RPC function not found","message":"RPC function not found","code":5}`},
		{"no id", "POST", "", "user", `"x"`, 400, `{"error":"RPC ID must be set","message":"RPC ID must be set","code":3}`},
		{"not a string", "POST", "echo", "user", `{"a":1}`, 400, ""},
		{"null", "POST", "echo", "user", " null\n", 200, `{"payload":""}`},
		{"not JSON", "POST", "echo", "user", `"x`, 400, ""},
		{"white space", "POST", "echo", "user", " \n", 400, ""},
		{"more than a string", "POST", "echo", "user", `"x" 1`, 400, ""},
		{"escapes", "POST", "echo", "user", ` "\u00e9\/\ud83d\ude00\u0001" `, 200, `{"payload":"é/😀\u0001"}`},
		{"wrong bytes", "POST", "echo", "user", "\"\xff\\ud800\"", 200, `{"payload":"` + "\ufffd\ufffd" + `"}`},
		{"unwrap", "POST", "echo?unwrap", "user", `{"a":1}`, 200, `{"a":1}`},
		{"unwrap, any value", "POST", "echo?unwrap=false", "user", `{"a":1}`, 200, `{"a":1}`},
		{"unwrap, empty", "POST", "echo?unwrap=", "user", ``, 200, ``},
		{"coded error", "POST", "coded", "user", "", 400, `{"error":{},"message":"too poor","code":9}`},
		{"code out of range", "POST", "wild", "user", "", 500, `{"error":{},"message":"wild","code":13}`},
		{"plain error", "POST", "plain", "user", "", 500, `{"error":{},"message":"went wrong","code":13}`},
		{"panic", "POST", "panic", "user", "", 500, `{"error":{},"message":"the module failed unexpectedly","code":13}`},
		{"script error", "POST", "js", "user", "", 500, `{"error":{},"message":"Error: bad at main.ts:3","code":13}`},
		{"coded script error", "POST", "jscoded", "user", "", 404, `{"error":{},"message":"gone","code":5}`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var header []string
			if test.auth == "user" {
				header = append(header, bearer(token))
			} else if test.auth != "" {
				header = append(header, test.auth)
			}
			got := r.call(test.method, "/v2/rpc/"+test.path, test.body, header...)
			if got.status != test.status {
				t.Errorf("status %d, want %d: %s", got.status, test.status, got.body)
			}
			if (test.want != "" || test.status == 200) && got.body != test.want {
				t.Errorf("body\n  %s, want\n  %s", got.body, test.want)
			}
			if got.status != 200 && !json.Valid([]byte(got.body)) {
				t.Errorf("body is no JSON: %s", got.body)
			}
		})
	}
	log := r.log.String()
	if strings.Contains(log, "too poor") || !strings.Contains(log, "went wrong") || !strings.Contains(log, "secret") {
		t.Errorf("logged the wrong errors: %s", log)
	}
}

// Stack traces leave the server only where the operator wants it.
func TestRPCStackTrace(t *testing.T) {
	t.Parallel()
	r := newTestServer(t, func(cfg *config.Config) { cfg.Runtime.JSAPIStacktrace = true })
	for _, lang := range []string{"javascript", "lua"} {
		r.set.Load().RPC.Set(&rpc.Function{ID: lang, Runtime: lang, Call: func(context.Context, string) (string, error) {
			return "", &vm.ScriptError{Fault: fault.New(fault.Internal, "bad"), Stack: "main:3"}
		}})
	}
	for lang, want := range map[string]string{
		"javascript": `{"error":{"stackTrace":"main:3"},"message":"bad","code":13}`, "lua": `{"error":{},"message":"bad","code":13}`,
	} {
		if got := r.call("POST", "/v2/rpc/"+lang+"?http_key=defaulthttpkey", ""); got.body != want {
			t.Errorf("%s: %s, want %s", lang, got.body, want)
		}
	}
}

func TestRPCScope(t *testing.T) {
	t.Parallel()
	r := newTestServer(t, nil)
	token := r.user("device-of-the-user")
	var scope *core.Scope
	r.rpc("scope", func(ctx context.Context, _ string) (string, error) {
		s, mode := core.ScopeOf(ctx)
		scope = s
		return mode, nil
	})
	got := r.call("GET", "/v2/rpc/scope?payload=p&list=1&list=2", "", bearer(token), "X-Game: chess", "Grpc-Timeout: 1S")
	if got.body != `{"payload":"rpc"}` {
		t.Error(got)
	}
	if scope.UserID == "" || scope.Username == "" || scope.ClientIP != "127.0.0.1" || scope.ClientPort == "" || scope.TraceID == "" {
		t.Errorf("%+v", scope)
	}
	if d := cmp.Diff(map[string][]string{"payload": {"p"}, "list": {"1", "2"}}, scope.QueryParams); d != "" {
		t.Error(d)
	}
	if scope.Headers["X-Game"][0] != "chess" || scope.Headers["Grpc-Timeout"] != nil {
		t.Error(scope.Headers)
	}
	r.call("POST", "/v2/rpc/scope?http_key=defaulthttpkey&a=b", "")
	if scope.UserID != "" || scope.Username != "" {
		t.Errorf("a call with the HTTP key has a user: %+v", scope)
	}
	if d := cmp.Diff(map[string][]string{"a": {"b"}}, scope.QueryParams); d != "" {
		t.Error("http_key must not reach the module:", d)
	}
}

func TestRPCContentType(t *testing.T) {
	t.Parallel()
	r := newTestServer(t, nil)
	r.rpc("echo", echo)
	const path = "/v2/rpc/echo?unwrap&http_key=defaulthttpkey"
	if got := r.call("POST", path, "<a/>", "Content-Type: text/xml"); got.header.Get("Content-Type") != "text/xml" {
		t.Error(got)
	}
	if got := r.call("POST", path, "a"); got.header.Get("Content-Type") != "text/plain" {
		t.Error(got)
	}
}

// A call that began before a reload ends on the set it began with.
func TestRPCAcrossReload(t *testing.T) {
	t.Parallel()
	r := newTestServer(t, nil)
	began, release := make(chan struct{}), make(chan struct{})
	r.rpc("which", func(context.Context, string) (string, error) {
		close(began)
		<-release
		return "old", nil
	})
	done := make(chan answer)
	go func() { done <- r.call("GET", "/v2/rpc/which?http_key=defaulthttpkey", "") }()
	<-began
	next := &modules.Set{RPC: rpc.NewRegistry(), Hooks: r.set.Load().Hooks}
	next.RPC.Set(&rpc.Function{ID: "which", Call: func(context.Context, string) (string, error) { return "new", nil }})
	r.set.Store(next)
	if got := r.call("GET", "/v2/rpc/which?http_key=defaulthttpkey", ""); got.body != `{"payload":"new"}` {
		t.Error(got)
	}
	close(release)
	if got := <-done; got.body != `{"payload":"old"}` {
		t.Error(got)
	}
}

func TestModuleRoutes(t *testing.T) {
	t.Parallel()
	r := newTestServer(t, nil)
	say := func(text string) http.HandlerFunc {
		return func(w http.ResponseWriter, q *http.Request) {
			_, _ = fmt.Fprintf(w, "%s %s %s", text, q.PathValue("id"), q.PathValue("rest"))
		}
	}
	old := r.set.Load()
	route := func(pattern string, handler http.HandlerFunc, methods ...string) httproute.Route {
		rt, err := httproute.New(pattern, methods...)
		if err != nil {
			t.Fatal(err)
		}
		rt.Handler = handler
		return rt
	}
	r.set.Store(&modules.Set{RPC: old.RPC, Hooks: old.Hooks, HTTP: []httproute.Route{
		route("/game/{id}", say("one"), "GET"),
		route("/game/{id:[0-9]{2}}", say("two digits")),
		route("/files/{rest:.*}", say("file")),
		route("/v2/account", say("instead"), "GET"),
		route("/panic", func(http.ResponseWriter, *http.Request) { panic("secret") }),
	}})
	for _, test := range []struct {
		method, path string
		status       int
		want         string
	}{
		{"GET", "/game/42", 200, "one 42 "},
		{"POST", "/game/42", 200, "two digits 42 "},
		{"POST", "/game/4", 404, `{"code":5,"message":"Not Found"}`},
		{"GET", "/game/a/b", 404, ""},
		{"GET", "/files/a/b.txt", 200, "file  a/b.txt"},
		{"GET", "/v2/account", 200, "instead  "},
		{"DELETE", "/v2/account", 401, ""},
		{"GET", "/panic", 500, `{"code":13,"message":"An internal error occurred."}`},
	} {
		got := r.call(test.method, test.path, "")
		if got.status != test.status || test.want != "" && got.body != test.want {
			t.Errorf("%s %s: %d %q, want %d %q", test.method, test.path, got.status, got.body, test.status, test.want)
		}
	}
	r.reset() // as a reload does
	if got := r.call("GET", "/game/42", ""); got.status != 404 {
		t.Error("the route outlived its set:", got)
	}
}
