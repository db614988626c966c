package modules

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/google/go-cmp/cmp"
	"github.com/rs/zerolog"

	"kumi/config"
	"kumi/core"
	"kumi/internal/testutil"
	"kumi/match"
	"kumi/presence"
	"kumi/server/game"
	"kumi/server/game/gametest"
	"kumi/store"
	"kumi/store/storetest"
)

func TestMain(m *testing.M) { storetest.Main(m) }

// testServer is a server without ports: a core on SQLite and modules loaded from
// files that the test wrote.
type testServer struct {
	*Set
	core     *core.Core
	matches  *match.Registry
	tracker  *presence.Tracker
	sessions *presence.Sessions
	db       *store.DB
	options  Options
	log      *testutil.Log
}

const testNode = "node1"

// newTestServer writes files, by name, and loads them.
func newTestServer(t testing.TB, files map[string]string) *testServer {
	t.Helper()
	w := emptyTestServer(t, files)
	if err := w.load(); err != nil {
		t.Fatalf("load: %v", err)
	}
	return w
}

// emptyTestServer is newTestServer before the load.
func emptyTestServer(t testing.TB, files map[string]string, more ...func(*game.Options)) *testServer {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	cfg, _, err := config.Parse([]string{"--name", testNode, "--runtime.env", "mood=fine"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	cfg.Runtime.Path, cfg.Session.EncryptionKey = dir, "key"
	w := &testServer{log: &testutil.Log{}, db: storetest.SQLite(t)}
	log := zerolog.New(w.log)
	o := game.Options{Config: cfg, DB: w.db, Logger: log}
	for _, f := range more {
		f(&o)
	}
	g := gametest.New(t, o)
	w.core, w.matches, w.tracker, w.sessions = g.Core, g.Matches, g.Tracker, g.Sessions
	w.options = Options{
		Path: dir, Core: w.core, Config: cfg, DB: w.db, Logger: log, Matches: w.matches,
		Env: map[string]string{"mood": "fine"}, Node: testNode, Version: "test",
		CallTimeout: time.Minute, TickTimeout: time.Minute,
		JSMin: 1, JSMax: 4, LuaMin: 1, LuaMax: 4, JSReadOnlyGlobals: true, LuaReadOnlyGlobals: true,
	}
	t.Cleanup(func() {
		w.matches.Stop(context.Background(), 0)
		if w.Set != nil {
			w.Set.Close()
		}
	})
	return w
}

func (w *testServer) load() (err error) {
	w.Set, err = Load(context.Background(), w.options)
	return err
}

// scope is a call as of a client's session.
func (w *testServer) scope(user, name string) *core.Scope {
	return &core.Scope{
		Env: w.options.Env, Mode: "rpc", Node: testNode, Version: "test",
		UserID: user, Username: name, Vars: map[string]string{"v": "1"}, SessionExpiry: 1700000000,
		ClientIP: "127.0.0.1", ClientPort: "4242",
	}
}

// call calls an RPC as the server.
func (w *testServer) call(t testing.TB, id, payload string) (string, error) {
	t.Helper()
	fn := w.RPC.Lookup(id)
	if fn == nil {
		t.Fatalf("no RPC %q is registered", id)
	}
	return fn.Call(core.WithScope(t.Context(), &core.Scope{Env: w.options.Env, Mode: "rpc", Node: testNode, Version: "test"}), payload)
}

// wantJSON compares JSON texts by what they say.
func wantJSON(t testing.TB, what, got, want string) {
	t.Helper()
	var g, w any
	if err := json.Unmarshal([]byte(got), &g); err != nil {
		t.Errorf("%s: got %s, which is not JSON", what, got)
		return
	}
	if err := json.Unmarshal([]byte(want), &w); err != nil {
		t.Fatalf("%s: the test wants %s, which is not JSON", what, want)
	}
	if diff := cmp.Diff(w, g); diff != "" {
		t.Errorf("%s: got %s, want %s\n%s", what, got, want, diff)
	}
}

// session is a socket that keeps what it is sent.
type session struct {
	id, user uuid.UUID
	name     string
	mu       sync.Mutex
	got      []*presence.Message
	closed   chan presence.CloseReason
	arrived  chan struct{}
}

// connect opens a socket for a user.
func (w *testServer) connect(t testing.TB, name string) *session {
	t.Helper()
	who, err := w.core.AuthenticateDevice(t.Context(), "device-of-"+name, name, true)
	if err != nil {
		t.Fatal(err)
	}
	id, err := presence.NewSessionID(presence.NodeHash(testNode))
	if err != nil {
		t.Fatal(err)
	}
	s := &session{id: id, user: who.UserID, name: name, closed: make(chan presence.CloseReason, 1), arrived: make(chan struct{}, 1)}
	w.sessions.Add(s)
	t.Cleanup(func() { w.tracker.End(id, 0); w.sessions.Remove(id) })
	return s
}

func (s *session) ID() uuid.UUID           { return s.id }
func (s *session) UserID() uuid.UUID       { return s.user }
func (s *session) Username() string        { return s.name }
func (s *session) Format() presence.Format { return presence.JSON }
func (s *session) Send(m *presence.Message) {
	s.mu.Lock()
	s.got = append(s.got, m)
	s.mu.Unlock()
	select {
	case s.arrived <- struct{}{}:
	default:
	}
}
func (s *session) Close(r presence.CloseReason, _ ...*presence.Message) {
	select {
	case s.closed <- r:
	default:
	}
}

// wait waits for a message that contains all texts and gives it.
func (s *session) wait(t testing.TB, texts ...string) string {
	t.Helper()
	deadline := time.NewTimer(10 * time.Second)
	defer deadline.Stop()
	seen := 0
	for {
		s.mu.Lock()
		fresh := s.got[seen:]
		seen = len(s.got)
		s.mu.Unlock()
	next:
		for _, m := range fresh {
			b, err := m.Bytes(presence.JSON)
			if err != nil {
				t.Fatal(err)
			}
			for _, text := range texts {
				if !strings.Contains(string(b), text) {
					continue next
				}
			}
			return string(b)
		}
		select {
		case <-s.arrived:
		case <-deadline.C:
			t.Fatalf("%s was never sent a message with %q", s.name, texts)
		}
	}
}
