package socket

import (
	"context"
	"net/http"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/gofrs/uuid/v5"

	"kumi/presence"
)

// A node that is drained closes its sockets over the whole time, refuses new ones, and
// lets those play on that are in one of its matches.
func TestDrain(t *testing.T) {
	t.Parallel()
	r := newTestServer(t, nil)
	token := r.token(uuid.Must(uuid.NewV4()), "late")
	playing := r.player("playing", presence.JSON)
	match := presence.AuthoritativeMatch(uuid.Must(uuid.NewV4()), r.tracker.Node())
	if _, _, err := r.tracker.Track(r.sessions.OfUser(playing.user)[0].ID(), match, presence.Meta{}); err != nil {
		t.Fatal(err)
	}
	const others, over = 20, 2 * time.Second
	var mu sync.Mutex
	var closed []time.Duration
	var wait sync.WaitGroup
	start := time.Now()
	for range others {
		p := r.player("idle", presence.JSON)
		wait.Go(func() {
			_, _, err := p.conn.Read(t.Context())
			if websocket.CloseStatus(err) != websocket.StatusNormalClosure {
				t.Errorf("the socket ended with %v", err)
			}
			mu.Lock()
			defer mu.Unlock()
			closed = append(closed, time.Since(start))
		})
	}
	start = time.Now()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); r.Drain(ctx, start.Add(over)) }()
	wait.Wait()
	if spread := closed[others-1] - closed[0]; spread < over/2 {
		t.Errorf("the sockets were closed within %s, want them spread over %s", spread, over)
	}
	_, resp, err := websocket.Dial(t.Context(), r.url+"?token="+url.QueryEscape(token), nil)
	if err == nil || resp == nil || resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") == "" {
		t.Errorf("a new socket got %v, %v", resp, err)
	}
	if n := r.sessions.Count(); n != 1 {
		t.Errorf("%d sessions are left, want the one that plays", n)
	}
	cancel()
	<-done
}

// More handshakes at once than the server takes are told to come again.
func TestManyHandshakes(t *testing.T) {
	t.Parallel()
	r := newTestServer(t, nil)
	token := url.QueryEscape(r.token(uuid.Must(uuid.NewV4()), "ann"))
	for range maxOpening {
		r.opening <- struct{}{}
	}
	_, resp, err := websocket.Dial(t.Context(), r.url+"?token="+token, nil)
	if err == nil || resp == nil || resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") == "" {
		t.Errorf("got %v, %v, want 503 with Retry-After", resp, err)
	}
	<-r.opening
	conn, _, err := websocket.Dial(t.Context(), r.url+"?token="+token, nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.CloseNow()
}
