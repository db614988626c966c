package api

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/heroiclabs/nakama-common/api"
	"github.com/rs/zerolog"
	"google.golang.org/protobuf/proto"

	"kumi/config"
	"kumi/core"
	"kumi/hooks"
	"kumi/internal/testutil"
	"kumi/modules"
	"kumi/rpc"
	"kumi/server/game"
	"kumi/server/game/gametest"
	"kumi/server/metrics"
	"kumi/server/transport"
	"kumi/store/storetest"
)

// testServer is an API over a real core on SQLite, with hooks and RPCs made by hand.
type testServer struct {
	testing.TB
	config  *config.Config
	core    *core.Core
	metrics *metrics.Metrics
	api     *Server
	http    *httptest.Server
	set     atomic.Pointer[modules.Set]
	log     testutil.Log

	mu    sync.Mutex
	fired map[string]int
}

// newTestServer starts an API. configure, if not nil, changes the settings first.
func newTestServer(t testing.TB, configure func(*config.Config)) *testServer {
	t.Helper()
	r := &testServer{TB: t, config: config.Default(), fired: map[string]int{}}
	if configure != nil {
		configure(r.config)
	}
	db := storetest.SQLite(t)
	r.reset()
	r.metrics = metrics.New(r.config, db.Stats)
	r.core = gametest.New(t, game.Options{
		Config: r.config, DB: db, Metrics: r.metrics,
		Hooks: func() *hooks.Registry { return r.set.Load().Hooks },
	}).Core
	r.api = New(transport.Deps{
		Config: r.config, Log: zerolog.New(&r.log), Core: r.core, Set: r.set.Load, Metrics: r.metrics,
		Env: map[string]string{"stage": "test"}, Version: "v1",
	})
	r.http = httptest.NewServer(r.api.Handler())
	t.Cleanup(r.http.Close)
	return r
}

// reset begins an empty set of modules.
func (r *testServer) reset() {
	r.set.Store(&modules.Set{RPC: rpc.NewRegistry(), Hooks: hooks.New()})
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fired = map[string]int{}
}

func (r *testServer) count(what string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fired[what]++
}

func (r *testServer) counts() map[string]int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return maps.Clone(r.fired)
}

// before registers a before hook; nil passes the request on.
func (r *testServer) before(method string, hook hooks.Before) {
	r.set.Load().Hooks.SetBefore(hooks.API, method, hooks.Slot[hooks.Before]{
		Origin: hooks.Origin{Runtime: "go", Module: "test"},
		Call: func(ctx context.Context, in proto.Message) (proto.Message, error) {
			r.count("before " + method)
			if hook == nil {
				return in, nil
			}
			return hook(ctx, in)
		},
	})
}

func (r *testServer) after(method string, hook hooks.After) {
	r.set.Load().Hooks.SetAfter(hooks.API, method, hooks.Slot[hooks.After]{
		Origin: hooks.Origin{Runtime: "go", Module: "test"},
		Call: func(ctx context.Context, out, in proto.Message) error {
			r.count("after " + method)
			if hook == nil {
				return nil
			}
			return hook(ctx, out, in)
		},
	})
}

func (r *testServer) rpc(id string, f rpc.Func) {
	r.set.Load().RPC.Set(&rpc.Function{ID: id, Runtime: "go", Module: "test", Call: f})
}

// user signs a new user in and returns the session token.
func (r *testServer) user(device string) string {
	r.Helper()
	id, err := r.core.AuthenticateDevice(r.Context(), device, "", true)
	if err != nil {
		r.Fatal(err)
	}
	session, _, err := r.core.StartSession(r.Context(), id, nil)
	if err != nil {
		r.Fatal(err)
	}
	return session.Token
}

// call makes a request; header entries are "Name: value".
func (r *testServer) call(method, path, body string, header ...string) answer {
	r.Helper()
	req, err := http.NewRequestWithContext(r.Context(), method, r.http.URL+path, strings.NewReader(body))
	if err != nil {
		r.Fatal(err)
	}
	req.Header.Set("Accept-Encoding", "identity")
	for _, h := range header {
		name, value, _ := strings.Cut(h, ": ")
		req.Header.Set(name, value)
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		r.Fatal(err)
	}
	defer resp.Body.Close()
	content, err := io.ReadAll(resp.Body)
	if err != nil {
		r.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header, string(content)}
}

type answer struct {
	status int
	header http.Header
	body   string
}

func bearer(token string) string { return "Authorization: Bearer " + token }

func basic(user string) string {
	return "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"))
}

// session reads an authentication's answer.
func (a answer) session(t testing.TB) *api.Session {
	t.Helper()
	var s api.Session
	if err := json.Unmarshal([]byte(a.body), &s); err != nil || s.Token == "" {
		t.Fatalf("no session in %q: %v", a.body, err)
	}
	return &s
}

// newRequest makes a request that was never on a wire, and may be odder than
// one that was.
func newRequest(verb, path, query, body string) *http.Request {
	return &http.Request{
		Method: verb, URL: &url.URL{Path: path, RawQuery: query}, Header: http.Header{},
		Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)),
	}
}
