package socket

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/rtapi"

	"kumi/config"
	"kumi/modules"
	"kumi/presence"
	"kumi/rpc"
)

// A client that has the answer of its handshake is on its streams: what is sent to it
// from then on reaches it.
func TestTrackedBeforeAnswer(t *testing.T) {
	t.Parallel()
	r := newTestServer(t, nil)
	for range 100 {
		p := r.playerOf(uuid.Must(uuid.NewV4()), "ann", presence.JSON, "&status=true")
		if n := r.router.SendToStream(presence.NotificationsOf(p.user), streamed("hello")); n != 1 {
			t.Fatalf("%d sessions have notifications", n)
		}
		if !r.tracker.Online(p.user) {
			t.Fatal("the player is not online")
		}
	}
}

func TestHandshakeRefusals(t *testing.T) {
	t.Parallel()
	r := newTestServer(t, nil)
	good := url.QueryEscape(r.token(uuid.Must(uuid.NewV4()), "ann"))
	for _, c := range []struct {
		name, query, header string
		status              int
	}{
		{"no token", "", "", 401},
		{"bad token", "token=abc", "", 401},
		{"bad prefix", "token=" + good, "Basic abc", 401},
		{"bad header wins", "token=" + good, "Bearer abc", 401},
		{"bad format", "format=xml&token=" + good, "", 400},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := http.Header{}
			if c.header != "" {
				h.Set("Authorization", c.header)
			}
			ctx, cancel := context.WithTimeout(context.Background(), testWait)
			defer cancel()
			_, resp, err := websocket.Dial(ctx, r.url+"?"+c.query, &websocket.DialOptions{HTTPHeader: h})
			if err == nil || resp == nil {
				t.Fatalf("the handshake was not refused: %v", err)
			}
			if resp.StatusCode != c.status {
				t.Errorf("status %d, want %d", resp.StatusCode, c.status)
			}
			if kind := resp.Header.Get("Content-Type"); !strings.HasPrefix(kind, "text/plain") {
				t.Errorf("content type %q, want plain text", kind)
			}
			if body, _ := io.ReadAll(resp.Body); len(body) == 0 {
				t.Error("the body is empty")
			}
		})
	}
	if n := r.sessions.Count(); n != 0 {
		t.Errorf("%d sessions after refusals", n)
	}
}

func TestHeaderToken(t *testing.T) {
	t.Parallel()
	r := newTestServer(t, nil)
	ctx, cancel := context.WithTimeout(context.Background(), testWait)
	defer cancel()
	h := http.Header{"Authorization": {"Bearer " + r.token(uuid.Must(uuid.NewV4()), "ann")}, "Origin": {"https://elsewhere.example"}}
	conn, _, err := websocket.Dial(ctx, r.url+"?token=junk", &websocket.DialOptions{HTTPHeader: h})
	if err != nil {
		t.Fatalf("the header's token was not accepted: %v", err)
	}
	p := &player{t: t, conn: conn}
	if p.call(ping()).GetPong() == nil {
		t.Error("no pong")
	}
	_ = conn.CloseNow()
}

func TestOwnStatus(t *testing.T) {
	t.Parallel()
	bothFormats(t, func(t *testing.T, format presence.Format) {
		r := newTestServer(t, nil)
		user := uuid.Must(uuid.NewV4())
		p := r.playerOf(user, "ann", format, "&status=true")
		e := p.read().GetStatusPresenceEvent()
		if len(e.GetJoins()) != 1 || e.Joins[0].UserId != user.String() || e.Joins[0].Username != "ann" || e.Joins[0].Status == nil {
			t.Fatalf("first message is %v, want one's own status", e)
		}
		id := uuid.FromStringOrNil(e.Joins[0].SessionId)
		if id.Version() != 1 || !presence.OnNode(id, presence.NodeHash(r.Config.Name)) {
			t.Errorf("session id %s is not of version 1 with the node's hash", id)
		}
		if !r.tracker.Online(user) {
			t.Error("the user does not count as online")
		}
		// A second socket without status sees the first go.
		q := r.playerOf(user, "ann", format, "")
		q.call(ping())
		_ = p.conn.Close(websocket.StatusNormalClosure, "")
		left := q.expect("the leave", func(e *rtapi.Envelope) bool { return e.GetStatusPresenceEvent() != nil }).GetStatusPresenceEvent()
		if len(left.Leaves) != 1 || left.Leaves[0].SessionId != id.String() {
			t.Errorf("got %v, want the leave of the first socket", left)
		}
	})
}

func TestPing(t *testing.T) {
	t.Parallel()
	bothFormats(t, func(t *testing.T, format presence.Format) {
		p := newTestServer(t, nil).player("ann", format)
		if e := p.call(ping()); e.GetPong() == nil {
			t.Errorf("got %v, want a pong", e)
		}
		p.send(&rtapi.Envelope{Message: &rtapi.Envelope_Pong{Pong: &rtapi.Pong{}}}) // no reply
		p.send(ping())
		if e := p.read(); e.Cid != "" || e.GetPong() == nil {
			t.Errorf("got %v, want a pong without cid", e)
		}
	})
}

func TestBadInput(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		kind   websocket.MessageType
		frame  string
		code   rtapi.Error_Code // of an error before the close, -1: none
		reason string
	}{
		{"not JSON", websocket.MessageText, `{`, -1, "received malformed payload"},
		{"unknown field", websocket.MessageText, `{"cid":"1","ping":{"x":1}}`, -1, "received malformed payload"},
		{"unknown kind", websocket.MessageText, `{"cid":"1","zap":{}}`, -1, "received malformed payload"},
		{"binary frame", websocket.MessageBinary, `{"ping":{}}`, -1, "received malformed payload"},
		{"empty frame", websocket.MessageText, ``, -1, "received malformed payload"},
		{"no message", websocket.MessageText, `{"cid":"7"}`, rtapi.Error_MISSING_PAYLOAD, "error processing message"},
		{"server's kind", websocket.MessageText, `{"cid":"7","match_data":{}}`, rtapi.Error_UNRECOGNIZED_PAYLOAD, "error processing message"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := newTestServer(t, nil)
			p := r.player("ann", presence.JSON)
			p.raw(c.kind, []byte(c.frame))
			code, reason := p.closed()
			if code != websocket.StatusNormalClosure || reason != c.reason {
				t.Errorf("closed with %d %q, want 1000 %q", code, reason, c.reason)
			}
			switch {
			case c.code < 0 && len(p.pushed) > 0:
				t.Errorf("got %v before the close, want nothing", p.pushed)
			case c.code >= 0 && (len(p.pushed) != 1 || p.pushed[0].Cid != "7" || p.pushed[0].GetError().GetCode() != int32(c.code)):
				t.Errorf("got %v before the close, want error %d with the cid", p.pushed, c.code)
			}
			eventually(t, "the session is gone", func() bool { return r.sessions.Count() == 0 && r.tracker.Total() == 0 })
		})
	}
}

func TestOversizedMessage(t *testing.T) {
	t.Parallel()
	r := newTestServer(t, nil)
	p := r.player("ann", presence.JSON)
	big := `{"cid":"1","rpc":{"id":"echo","payload":"` + strings.Repeat("x", 4096) + `"}}`
	p.raw(websocket.MessageText, []byte(big))
	if code, _ := p.closed(); code != websocket.StatusMessageTooBig {
		t.Errorf("closed with %d, want 1009", code)
	}
	if why := <-r.ended; why != presence.TooBig.Text() {
		t.Errorf("session ended for %q", why)
	}
	// One that just fits is fine.
	q := r.player("bob", presence.JSON)
	fits := `{"cid":"1","rpc":{"id":"echo","payload":"` + strings.Repeat("x", 4096-44) + `"}}`
	if len(fits) != 4096 {
		t.Fatalf("the test's message has %d bytes", len(fits))
	}
	q.raw(websocket.MessageText, []byte(fits))
	if e := q.read(); len(e.GetRpc().GetPayload()) != 4096-44 {
		t.Errorf("got %v", e)
	}
}

func TestSlowCallHoldsBackOnlyItsSession(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	r := newTestServer(t, func(_ *config.Config, set *modules.Set) {
		set.RPC.Set(&rpc.Function{ID: "slow", Call: func(context.Context, string) (string, error) { <-release; return "done", nil }})
	})
	p := r.player("ann", presence.JSON)
	// Pipelined: what is answered before the slow call must not wait for it.
	p.raw(websocket.MessageText, []byte(`{"cid":"1","ping":{}}`))
	p.raw(websocket.MessageText, []byte(`{"cid":"2","rpc":{"id":"slow"}}`))
	p.raw(websocket.MessageText, []byte(`{"cid":"3","ping":{}}`))
	if e := p.read(); e.Cid != "1" {
		t.Fatalf("got %v first", e)
	}
	// The protocol's ping is answered while the call runs.
	ctx, cancel := context.WithTimeout(context.Background(), testWait)
	defer cancel()
	answered := make(chan error, 1)
	go func() { answered <- p.conn.Ping(ctx) }()
	replies := make(chan string, 2)
	go func() {
		for range 2 {
			e, err := p.next()
			if err != nil {
				replies <- err.Error()
				return
			}
			replies <- e.Cid
		}
	}()
	if err := <-answered; err != nil {
		t.Fatalf("ping was not answered: %v", err)
	}
	q := r.player("bob", presence.JSON)
	if q.call(ping()).GetPong() == nil {
		t.Error("another session was held back")
	}
	close(release)
	if a, b := <-replies, <-replies; a != "2" || b != "3" {
		t.Errorf("replies came as %s, %s: order is lost", a, b)
	}
}

func TestSlowConsumer(t *testing.T) {
	t.Parallel()
	r := newTestServer(t, func(c *config.Config, _ *modules.Set) { c.Socket.OutgoingQueueSize = 4 })
	slow, fine := r.player("slow", presence.JSON), r.player("fine", presence.JSON)
	slow.call(ping())
	fine.call(ping())
	victim := r.sessions.OfUser(slow.user)[0]

	big := presence.NewMessage(&rtapi.Envelope{Message: &rtapi.Envelope_StreamData{StreamData: &rtapi.StreamData{Data: strings.Repeat("x", 1<<16)}}})
	eventually(t, "the session that does not read is closed", func() bool {
		victim.Send(big)
		return r.sessions.Get(victim.ID()) == nil
	})
	if why := <-r.ended; why != presence.QueueFull.Text() && why != presence.WriteTimeout.Text() {
		t.Errorf("session ended for %q", why)
	}
	if fine.call(ping()).GetPong() == nil {
		t.Error("the other session suffered")
	}
}

func TestSilentPeer(t *testing.T) {
	t.Parallel()
	r := newTestServer(t, func(c *config.Config, _ *modules.Set) {
		c.Socket.PingPeriodMs, c.Socket.PongWaitMs, c.Socket.CloseAckWaitMs = 100, 1500, 20
	})
	// One that reads answers pings, and stays.
	answering := r.player("bob", presence.JSON)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() { _, _, _ = answering.conn.Read(ctx) }()
	// One that never reads answers none. When it is closed, the wait has passed
	// for the other one too.
	silent := r.player("ann", presence.JSON)
	if why := <-r.ended; why != presence.ReadTimeout.Text() {
		t.Errorf("session ended for %q", why)
	}
	if len(r.sessions.OfUser(silent.user)) != 0 {
		t.Error("the silent session is still there")
	}
	if len(r.sessions.OfUser(answering.user)) != 1 {
		t.Error("a session that answers pings was closed")
	}
}

func TestSingleSocket(t *testing.T) {
	t.Parallel()
	r := newTestServer(t, func(c *config.Config, _ *modules.Set) { c.Session.SingleSocket = true })
	user := uuid.Must(uuid.NewV4())
	first := r.playerOf(user, "ann", presence.JSON, "")
	first.call(ping())
	second := r.playerOf(user, "ann", presence.JSON, "")
	code, reason := first.closed()
	if code != websocket.StatusNormalClosure || reason == "" {
		t.Errorf("closed with %d %q", code, reason)
	}
	if len(first.pushed) != 1 {
		t.Fatalf("got %v before the close", first.pushed)
	}
	n := first.pushed[0].GetNotifications().GetNotifications()
	if len(n) != 1 || n[0].Code != -7 || n[0].Subject != "single_socket" || n[0].Content != "{}" || n[0].Persistent {
		t.Errorf("got %v, want the notice", n)
	}
	if second.call(ping()).GetPong() == nil {
		t.Error("the newer socket was closed")
	}
}

func TestShutdown(t *testing.T) {
	t.Parallel()
	r := newTestServer(t, nil)
	p := r.player("ann", presence.JSON)
	p.call(ping())
	done := make(chan error, 1)
	go func() { done <- r.Shutdown(context.Background()) }()
	if code, reason := p.closed(); code != websocket.StatusNormalClosure || reason != "server shutting down" {
		t.Errorf("closed with %d %q", code, reason)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
	if _, _, err := websocket.Dial(context.Background(), r.url+"?token="+r.token(p.user, "ann"), nil); err == nil {
		t.Error("a socket was accepted while stopping")
	}
}

func TestAbruptEnd(t *testing.T) {
	t.Parallel()
	r := newTestServer(t, nil)
	p := r.player("ann", presence.JSON)
	p.call(ping())
	_ = p.conn.CloseNow()
	if why := <-r.ended; why != presence.ClosedByPeer.Text() {
		t.Errorf("session ended for %q", why)
	}
	eventually(t, "nothing is left of it", func() bool { return r.sessions.Count() == 0 && r.tracker.Total() == 0 })
}

// A client that sends far more than is handled waits; it is not cut, however long that
// takes, and nothing is lost.
func TestFlood(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	r := newTestServer(t, func(c *config.Config, set *modules.Set) {
		c.Socket.PingBackoffThreshold = 1000 // messages that were read before count as no sign of life
		set.RPC.Set(&rpc.Function{ID: "slow", Call: func(context.Context, string) (string, error) { <-release; return "", nil }})
	})
	p := r.player("ann", presence.JSON)
	p.call(ping())
	const n = 3 * maxInbox
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), testWait)
		defer cancel()
		_ = p.conn.Write(ctx, websocket.MessageText, []byte(`{"cid":"0","rpc":{"id":"slow"}}`))
		for i := 1; i < n; i++ {
			_ = p.conn.Write(ctx, websocket.MessageText, []byte(`{"cid":"`+strconv.Itoa(i)+`","ping":{}}`))
		}
	}()
	s := r.sessions.OfUser(p.user)[0].(*session)
	eventually(t, "the reader waits for room", func() bool {
		s.in.mu.Lock()
		defer s.in.mu.Unlock()
		return s.in.changed != nil
	})
	s.out.mu.Lock()
	_ = s.out.conn.net.SetReadDeadline(time.Now()) // as if the wait for a pong had passed
	s.out.mu.Unlock()
	close(release)
	for i := range n {
		if e := p.read(); e.Cid != strconv.Itoa(i) {
			t.Fatalf("reply %s where %d is due", e.Cid, i)
		}
	}
}

// A client that reads all it gets may send as much as it likes at once.
func TestBurst(t *testing.T) {
	t.Parallel()
	r := newTestServer(t, func(c *config.Config, _ *modules.Set) { c.Socket.OutgoingQueueSize = 4 })
	p := r.player("ann", presence.JSON)
	const n = 5000
	text := strings.Repeat("x", 500)
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), testWait)
		defer cancel()
		for i := range n {
			_ = p.conn.Write(ctx, websocket.MessageText, []byte(`{"cid":"`+strconv.Itoa(i)+`","rpc":{"id":"echo","payload":"`+text+`"}}`))
		}
	}()
	for i := range n {
		if e := p.read(); e.Cid != strconv.Itoa(i) || e.GetRpc().GetPayload() != text {
			t.Fatalf("got %v where reply %d is due", e, i)
		}
	}
}

// A call that runs when the server stops ends and is answered, unless it takes
// too long. What its client sends then is not handled.
func TestShutdownDuringCall(t *testing.T) {
	t.Parallel()
	for _, patient := range []bool{true, false} {
		t.Run("patient="+strconv.FormatBool(patient), func(t *testing.T) {
			t.Parallel()
			running, release := make(chan struct{}), make(chan struct{})
			r := newTestServer(t, func(_ *config.Config, set *modules.Set) {
				set.RPC.Set(&rpc.Function{ID: "slow", Call: func(ctx context.Context, _ string) (string, error) {
					close(running)
					select {
					case <-release:
						return "done", nil
					case <-ctx.Done():
						return "", ctx.Err()
					}
				}})
			})
			p := r.player("ann", presence.JSON)
			p.raw(websocket.MessageText, []byte(`{"cid":"1","rpc":{"id":"slow"}}`))
			<-running
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			stopped := make(chan error, 1)
			go func() { stopped <- r.Shutdown(ctx) }()
			s := r.sessions.OfUser(p.user)[0].(*session)
			eventually(t, "the session is told", s.draining.Load)
			p.raw(websocket.MessageText, []byte(`{"cid":"2","ping":{}}`))
			want := 0
			if patient {
				close(release)
				want = 1
			} else {
				cancel()
			}
			if code, reason := p.closed(); code != websocket.StatusNormalClosure || reason != "server shutting down" {
				t.Errorf("closed with %d %q", code, reason)
			}
			if len(p.pushed) != want || want == 1 && p.pushed[0].GetRpc().GetPayload() != "done" {
				t.Errorf("got %v, want %d answers", p.pushed, want)
			}
			if err := <-stopped; (err == nil) != patient {
				t.Errorf("shutdown: %v", err)
			}
		})
	}
}

func TestCompression(t *testing.T) {
	t.Parallel()
	for _, on := range []bool{true, false} {
		r := newTestServer(t, func(c *config.Config, _ *modules.Set) { c.Socket.Compression = on })
		ctx, cancel := context.WithTimeout(context.Background(), testWait)
		defer cancel()
		conn, resp, err := websocket.Dial(ctx, r.url+"?token="+url.QueryEscape(r.token(uuid.Must(uuid.NewV4()), "ann")),
			&websocket.DialOptions{CompressionMode: websocket.CompressionNoContextTakeover})
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(resp.Header.Get("Sec-WebSocket-Extensions"), "permessage-deflate"); got != on {
			t.Errorf("on %v: agreed on compression %v", on, got)
		}
		p := &player{t: t, conn: conn}
		text := strings.Repeat("compress me ", 300)
		if got := p.call(callRPC("echo", text)).GetRpc().GetPayload(); got != text {
			t.Errorf("on %v: %d bytes came back as %d", on, len(text), len(got))
		}
		// The limit is that of the message, not of what it is compressed to.
		p.raw(websocket.MessageText, []byte(`{"rpc":{"id":"echo","payload":"`+strings.Repeat("x", 5000)+`"}}`))
		if code, _ := p.closed(); code != websocket.StatusMessageTooBig {
			t.Errorf("on %v: closed with %d", on, code)
		}
		// The session has counted the answer before it sent that it closes.
		if sent := r.Metrics.Messages.Sent.Load(); on != (sent < uint64(len(text))/4) {
			t.Errorf("on %v: %d bytes were sent for a text of %d", on, sent, len(text))
		}
	}
}
