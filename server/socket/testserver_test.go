package socket

import (
	"context"
	"errors"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/rtapi"
	"github.com/rs/zerolog"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"kumi/config"
	"kumi/core"
	"kumi/hooks"
	"kumi/match"
	"kumi/modules"
	"kumi/presence"
	"kumi/rpc"
	"kumi/server/game"
	"kumi/server/metrics"
	"kumi/server/transport"
)

// testWait is longer than anything a test waits for.
const testWait = 20 * time.Second

// testServer is the socket server alone: no database, modules written in Go.
type testServer struct {
	*Server
	t      testing.TB
	url    string
	loaded *modules.Set
	ended  chan string // reasons of session-end events
	begun  atomic.Int32
}

func newTestServer(t testing.TB, change func(c *config.Config, set *modules.Set)) *testServer {
	t.Helper()
	cfg := config.Default()
	r := &testServer{t: t, ended: make(chan string, 100)}
	r.loaded = &modules.Set{RPC: rpc.NewRegistry(), Hooks: hooks.New(), Matches: map[string]match.Factory{}}
	r.loaded.RPC.Set(&rpc.Function{ID: "echo", Call: func(_ context.Context, in string) (string, error) { return in, nil }})
	if change != nil {
		change(cfg, r.loaded)
	}
	counts := metrics.New(cfg, nil)
	g, err := game.New(game.Options{
		Config: cfg, Logger: zerolog.Nop(), Scope: new(core.Scope),
		Hooks: func() *hooks.Registry { return r.loaded.Hooks },
	})
	if err != nil {
		t.Fatal(err)
	}
	g.Matches.SetHandlers(func(name string) (match.Factory, bool) { f, ok := r.loaded.Matches[name]; return f, ok })
	r.Server = New(Options{
		Deps: transport.Deps{
			Config: cfg, Log: zerolog.Nop(), Core: g.Core, Set: func() *modules.Set { return r.loaded },
			Metrics: counts, Env: map[string]string{}, Version: "test",
		},
		Game: g,
		Event: func(_ *core.Scope, ended bool, reason string) {
			if ended {
				r.ended <- reason
			} else {
				r.begun.Add(1)
			}
		},
	})
	srv := httptest.NewServer(r.Server)
	r.url = "ws" + strings.TrimPrefix(srv.URL, "http") + "/ws"
	t.Cleanup(func() {
		g.Matchmaker.Stop()
		g.Matches.Stop(context.Background(), 0)
		ctx, cancel := context.WithTimeout(context.Background(), testWait)
		defer cancel()
		if err := r.Shutdown(ctx); err != nil {
			t.Errorf("shutdown: %v", err)
		}
		srv.Close()
		g.Tracker.Close()
	})
	return r
}

func (r *testServer) token(user uuid.UUID, name string) string {
	r.t.Helper()
	s, _, err := r.Core.StartSession(r.t.Context(), core.Identity{UserID: user, Username: name}, map[string]string{"team": "blue"})
	if err != nil {
		r.t.Fatalf("make token: %v", err)
	}
	return s.Token
}

// player is a client.
type player struct {
	t      testing.TB
	conn   *websocket.Conn
	user   uuid.UUID
	format presence.Format
	cid    int
	pushed []*rtapi.Envelope
}

func (r *testServer) player(name string, format presence.Format) *player {
	r.t.Helper()
	return r.playerOf(uuid.Must(uuid.NewV4()), name, format, "")
}

func (r *testServer) playerOf(user uuid.UUID, name string, format presence.Format, more string) *player {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), testWait)
	defer cancel()
	conn, _, err := websocket.Dial(ctx, r.url+"?format="+format.String()+"&token="+url.QueryEscape(r.token(user, name))+more, nil)
	if err != nil {
		r.t.Fatalf("open socket: %v", err)
	}
	conn.SetReadLimit(1 << 20)
	r.t.Cleanup(func() { _ = conn.CloseNow() })
	return &player{t: r.t, conn: conn, user: user, format: format}
}

func (p *player) send(env *rtapi.Envelope) {
	p.t.Helper()
	var b []byte
	var err error
	kind := websocket.MessageText
	if p.format == presence.Protobuf {
		kind = websocket.MessageBinary
		b, err = proto.Marshal(env)
	} else {
		b, err = protojson.MarshalOptions{UseProtoNames: true}.Marshal(env)
	}
	if err != nil {
		p.t.Fatal(err)
	}
	p.raw(kind, b)
}

func (p *player) raw(kind websocket.MessageType, b []byte) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), testWait)
	defer cancel()
	if err := p.conn.Write(ctx, kind, b); err != nil {
		p.t.Fatalf("write: %v", err)
	}
}

// call sends a message and gives the reply to it, keeping what is pushed.
func (p *player) call(env *rtapi.Envelope) *rtapi.Envelope {
	p.t.Helper()
	p.cid++
	env.Cid = strconv.Itoa(p.cid)
	p.send(env)
	for {
		e := p.read()
		if e.Cid == env.Cid {
			return e
		}
		if e.Cid != "" {
			p.t.Fatalf("reply to %s while waiting for the one to %s: %v", e.Cid, env.Cid, e)
		}
		p.pushed = append(p.pushed, e)
	}
}

// expect gives the next pushed message for which is is true, keeping others.
func (p *player) expect(what string, is func(*rtapi.Envelope) bool) *rtapi.Envelope {
	p.t.Helper()
	for i, e := range p.pushed {
		if is(e) {
			p.pushed = append(p.pushed[:i], p.pushed[i+1:]...)
			return e
		}
	}
	for {
		e, err := p.next()
		if err != nil {
			p.t.Fatalf("waiting for %s: %v", what, err)
		}
		if is(e) {
			return e
		}
		p.pushed = append(p.pushed, e)
	}
}

func (p *player) read() *rtapi.Envelope {
	p.t.Helper()
	e, err := p.next()
	if err != nil {
		p.t.Fatalf("read: %v", err)
	}
	return e
}

func (p *player) next() (*rtapi.Envelope, error) {
	ctx, cancel := context.WithTimeout(context.Background(), testWait)
	defer cancel()
	kind, b, err := p.conn.Read(ctx)
	if err != nil {
		return nil, err
	}
	env := new(rtapi.Envelope)
	if p.format == presence.Protobuf {
		if kind != websocket.MessageBinary {
			return nil, errors.New("a protobuf socket got a text frame")
		}
		return env, proto.Unmarshal(b, env)
	}
	if kind != websocket.MessageText {
		return nil, errors.New("a JSON socket got a binary frame")
	}
	return env, protojson.Unmarshal(b, env)
}

// closed waits for the server's close frame, keeping what comes before it.
func (p *player) closed() (websocket.StatusCode, string) {
	p.t.Helper()
	for {
		e, err := p.next()
		if err == nil {
			p.pushed = append(p.pushed, e)
			continue
		}
		var ce websocket.CloseError
		if !errors.As(err, &ce) {
			p.t.Fatalf("the connection ended without a close frame: %v", err)
		}
		return ce.Code, ce.Reason
	}
}

// eventually waits for something that happens on its own.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(testWait)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("it did not come about that %s", what)
		}
		time.Sleep(time.Millisecond)
	}
}

func ping() *rtapi.Envelope {
	return &rtapi.Envelope{Message: &rtapi.Envelope_Ping{Ping: &rtapi.Ping{}}}
}

func bothFormats(t *testing.T, f func(t *testing.T, format presence.Format)) {
	for _, format := range []presence.Format{presence.JSON, presence.Protobuf} {
		t.Run(format.String(), func(t *testing.T) {
			t.Parallel()
			f(t, format)
		})
	}
}
