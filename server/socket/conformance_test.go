package socket

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/gofrs/uuid/v5"

	"kumi/config"
	"kumi/modules"
	"kumi/presence"
	"kumi/rpc"
)

// clientFrame is a frame as clients send it. first is its first byte.
func clientFrame(first byte, payload string) []byte {
	b := []byte{first}
	switch n := len(payload); {
	case n < 126:
		b = append(b, 0x80|byte(n))
	case n < 1<<16:
		b = binary.BigEndian.AppendUint16(append(b, 0x80|126), uint16(n))
	default:
		b = binary.BigEndian.AppendUint64(append(b, 0x80|127), uint64(n))
	}
	key := [4]byte{0xa1, 0x07, 0x33, 0xfe}
	b = append(b, key[:]...)
	at := len(b)
	b = append(b, payload...)
	for i := range len(payload) {
		b[at+i] ^= key[i%4]
	}
	return b
}

// bareSocket opens a socket whose bytes the test writes and reads itself.
func (r *testServer) bareSocket() net.Conn {
	r.t.Helper()
	u, _ := url.Parse(r.url)
	conn, err := net.Dial("tcp", u.Host)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(testWait))
	request := "GET /ws?token=" + url.QueryEscape(r.token(uuid.Must(uuid.NewV4()), "ann")) + " HTTP/1.1\r\nHost: x\r\n" +
		"Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
	// The first message comes with the request.
	if _, err := conn.Write(append([]byte(request), clientFrame(0x81, `{"cid":"0","ping":{}}`)...)); err != nil {
		r.t.Fatal(err)
	}
	head := make([]byte, 0, 1024)
	for !bytes.HasSuffix(head, []byte("\r\n\r\n")) {
		var one [1]byte
		if _, err := conn.Read(one[:]); err != nil {
			r.t.Fatalf("after %q: %v", head, err)
		}
		head = append(head, one[0])
	}
	// The key and its answer are the example of the protocol's specification.
	if !bytes.HasPrefix(head, []byte("HTTP/1.1 101 ")) || !bytes.Contains(head, []byte("\r\nSec-Websocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n")) {
		r.t.Fatalf("answered %q", head)
	}
	if got := readFrame(r.t, conn); got != "\x81"+`{"cid":"0","pong":{}}` {
		r.t.Fatalf("got %q", got)
	}
	return conn
}

// readFrame reads a frame of the server: its first byte, and its payload.
func readFrame(t testing.TB, conn net.Conn) string {
	t.Helper()
	var head [2]byte
	if _, err := io.ReadFull(conn, head[:]); err != nil {
		t.Fatalf("read frame: %v", err)
	}
	payload := make([]byte, head[1])
	if _, err := io.ReadFull(conn, payload); err != nil {
		t.Fatalf("read frame: %v", err)
	}
	return string(append(head[:1], payload...))
}

func TestMessageInParts(t *testing.T) {
	t.Parallel()
	conn := newTestServer(t, nil).bareSocket()
	whole := `{"cid":"7","rpc":{"id":"echo","payload":"ab"}}`
	var sent []byte
	for i, part := range []string{whole[:10], "", whole[10:30], whole[30:]} {
		first := byte(0)
		if i == 0 {
			first = 0x01
		}
		if i == 3 {
			first |= 0x80
		}
		sent = append(sent, clientFrame(first, part)...)
		sent = append(sent, clientFrame(0x89, "are you there")...)
	}
	sent = append(sent, clientFrame(0x81, `{"cid":"8","ping":{}}`)...)
	// Byte by byte is the worst that a network does.
	for i := range sent {
		if _, err := conn.Write(sent[i : i+1]); err != nil {
			t.Fatal(err)
		}
	}
	got := map[string]int{}
	for range 6 {
		got[readFrame(t, conn)]++
	}
	if got["\x8aare you there"] != 4 || got["\x81"+whole] != 1 || got["\x81"+`{"cid":"8","pong":{}}`] != 1 {
		t.Errorf("got %v", got)
	}
}

func TestProtocolViolations(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		bytes []byte
		code  websocket.StatusCode
		ended presence.CloseReason
	}{
		{"reserved bit", clientFrame(0xc1, "{}"), websocket.StatusProtocolError, presence.MalformedPayload},
		{"no mask", []byte{0x81, 2, '{', '}'}, websocket.StatusProtocolError, presence.MalformedPayload},
		{"continues nothing", clientFrame(0x80, "{}"), websocket.StatusProtocolError, presence.MalformedPayload},
		{"begins within a message", append(clientFrame(0x01, "{"), clientFrame(0x81, "{}")...), websocket.StatusProtocolError, presence.MalformedPayload},
		{"close code that is none", clientFrame(0x88, "\x03\xed"), websocket.StatusProtocolError, presence.MalformedPayload},
		{"too big at once", clientFrame(0x81, strings.Repeat("x", 5000)), websocket.StatusMessageTooBig, presence.TooBig},
		{"too big in parts", append(clientFrame(0x01, strings.Repeat("x", 4000)), clientFrame(0x80, strings.Repeat("x", 97))...), websocket.StatusMessageTooBig, presence.TooBig},
		{"text that is not UTF-8", clientFrame(0x81, "{\"cid\":\"\xff\",\"ping\":{}}"), websocket.StatusInvalidFramePayloadData, presence.MalformedPayload},
		{"close", clientFrame(0x88, "\x0f\xa1bye"), 4001, presence.ClosedByPeer},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := newTestServer(t, nil)
			conn := r.bareSocket()
			// What comes after changes nothing.
			if _, err := conn.Write(append(c.bytes, clientFrame(0x81, `{"cid":"2","ping":{}}`)...)); err != nil {
				t.Fatal(err)
			}
			got := readFrame(t, conn)
			if got[0] != 0x88 || len(got) < 3 || websocket.StatusCode(binary.BigEndian.Uint16([]byte(got[1:]))) != c.code {
				t.Errorf("got %q, want a close frame with %d", got, c.code)
			}
			if why := <-r.ended; why != c.ended.Text() {
				t.Errorf("session ended for %q, want %q", why, c.ended.Text())
			}
			_ = conn.Close()
		})
	}
}

func TestUpgradeRefused(t *testing.T) {
	t.Parallel()
	srv := newTestServer(t, nil)
	token := url.QueryEscape(srv.token(uuid.Must(uuid.NewV4()), "ann"))
	for name, c := range map[string]struct {
		change func(*http.Request)
		want   int
	}{
		"right":           {func(*http.Request) {}, http.StatusInternalServerError}, // accepted, but a recorder cannot be taken over
		"no upgrade":      {func(r *http.Request) { r.Header.Del("Upgrade") }, http.StatusUpgradeRequired},
		"no connection":   {func(r *http.Request) { r.Header.Set("Connection", "keep-alive") }, http.StatusUpgradeRequired},
		"HTTP/1.0":        {func(r *http.Request) { r.ProtoMinor = 0 }, http.StatusUpgradeRequired},
		"POST":            {func(r *http.Request) { r.Method = http.MethodPost }, http.StatusMethodNotAllowed},
		"other version":   {func(r *http.Request) { r.Header.Set("Sec-WebSocket-Version", "8") }, http.StatusBadRequest},
		"no key":          {func(r *http.Request) { r.Header.Del("Sec-WebSocket-Key") }, http.StatusBadRequest},
		"short key":       {func(r *http.Request) { r.Header.Set("Sec-WebSocket-Key", "c2hvcnQ=") }, http.StatusBadRequest},
		"key twice":       {func(r *http.Request) { r.Header.Add("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==") }, http.StatusBadRequest},
		"key not Base64":  {func(r *http.Request) { r.Header.Set("Sec-WebSocket-Key", "?") }, http.StatusBadRequest},
		"in a long list":  {func(r *http.Request) { r.Header["Connection"] = []string{"close, keep-alive , upgrade"} }, http.StatusInternalServerError},
		"not in the list": {func(r *http.Request) { r.Header["Connection"] = []string{"upgraded"} }, http.StatusUpgradeRequired},
	} {
		r := httptest.NewRequest(http.MethodGet, "/ws?token="+token, nil)
		r.Header = http.Header{
			"Connection": {"Upgrade"}, "Upgrade": {"WebSocket"}, "Sec-Websocket-Version": {"13"}, "Sec-Websocket-Key": {"dGhlIHNhbXBsZSBub25jZQ=="},
		}
		c.change(r)
		w := httptest.NewRecorder()
		srv.ServeHTTP(w, r)
		if w.Code != c.want {
			t.Errorf("%s: answered %d, want %d", name, w.Code, c.want)
		}
	}
	if n := srv.Open(); n != 0 {
		t.Errorf("%d sockets are open", n)
	}
}

// What came with a slow call's message is not lost to who reads next.
func TestReadTogetherWithSlowCall(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	r := newTestServer(t, func(_ *config.Config, set *modules.Set) {
		set.RPC.Set(&rpc.Function{ID: "slow", Call: func(context.Context, string) (string, error) { <-release; return "", nil }})
	})
	conn := r.bareSocket()
	var sent []byte
	for _, text := range []string{`{"cid":"1","ping":{}}`, `{"cid":"2","rpc":{"id":"slow"}}`, `{"cid":"3","ping":{}}`} {
		sent = append(sent, clientFrame(0x81, text)...)
	}
	sent = append(sent, clientFrame(0x89, "?")...)
	sent = append(sent, clientFrame(0x01, `{"cid":"4",`)...) // the rest comes later
	if _, err := conn.Write(sent); err != nil {
		t.Fatal(err)
	}
	got := map[string]bool{readFrame(t, conn): true, readFrame(t, conn): true}
	if !got["\x81"+`{"cid":"1","pong":{}}`] || !got["\x8a?"] {
		t.Errorf("got %v while the call runs", got)
	}
	if _, err := conn.Write(clientFrame(0x80, `"ping":{}}`)); err != nil {
		t.Fatal(err)
	}
	close(release)
	for _, want := range []string{`{"cid":"2","rpc":{"id":"slow"}}`, `{"cid":"3","pong":{}}`, `{"cid":"4","pong":{}}`} {
		if got := readFrame(t, conn); got != "\x81"+want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	// The one that took over reads on as the first did.
	if _, err := conn.Write(clientFrame(0x81, `{"cid":"5","ping":{}}`)); err != nil {
		t.Fatal(err)
	}
	if got := readFrame(t, conn); got != "\x81"+`{"cid":"5","pong":{}}` {
		t.Errorf("got %q at last", got)
	}
}

// A connection that cannot be waited for without a buffer works as well.
func TestSocketOverTLS(t *testing.T) {
	t.Parallel()
	r := newTestServer(t, nil)
	srv := httptest.NewTLSServer(r.Server)
	t.Cleanup(srv.Close)
	ctx, cancel := context.WithTimeout(context.Background(), testWait)
	defer cancel()
	conn, _, err := websocket.Dial(ctx, "wss"+strings.TrimPrefix(srv.URL, "https")+"/ws?token="+url.QueryEscape(r.token(uuid.Must(uuid.NewV4()), "ann")), &websocket.DialOptions{HTTPClient: srv.Client()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.CloseNow() })
	p := &player{t: t, conn: conn}
	for _, n := range []int{10, 4000} {
		text := strings.Repeat("x", n)
		if got := p.call(callRPC("echo", text)).GetRpc().GetPayload(); got != text {
			t.Errorf("%d bytes came back as %d", n, len(got))
		}
	}
	if err := conn.Close(websocket.StatusNormalClosure, ""); err != nil {
		t.Errorf("close: %v", err)
	}
	if why := <-r.ended; why != presence.ClosedByPeer.Text() {
		t.Errorf("session ended for %q", why)
	}
}
