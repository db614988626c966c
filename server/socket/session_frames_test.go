package socket

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
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

func TestNextFrame(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, 7, 8, 9, 125, 126, 1000, 65535, 65536} {
		text := strings.Repeat("märchen", n/8+1)[:n]
		whole := clientFrame(0x81, text)
		for _, cut := range []int{0, 1, 2, 3, 5, 9, len(whole) - 1} {
			if cut >= len(whole) {
				continue
			}
			if _, size, err := nextFrame(bytes.Clone(whole[:cut]), n); err != nil || size <= cut || size > len(whole) {
				t.Errorf("%d of %d bytes: more is needed up to %d, error %v", cut, len(whole), size, err)
			}
		}
		f, size, err := nextFrame(append(bytes.Clone(whole), 0x81), n)
		if err != nil || size != len(whole) || f.kind != opText || !f.final || string(f.payload) != text {
			t.Errorf("frame of %d bytes: %d of kind %d, error %v", n, size, f.kind, err)
		}
		if n > 0 {
			if _, _, err := nextFrame(bytes.Clone(whole), n-1); !errors.Is(err, errTooBig) {
				t.Errorf("frame of %d bytes over the limit: %v", n, err)
			}
		}
	}
	for _, c := range []struct {
		name  string
		bytes []byte
		want  error
	}{
		{"reserved bit", clientFrame(0xc1, ""), errReserved},
		{"data of unknown kind", clientFrame(0x83, ""), errKind},
		{"control of unknown kind", clientFrame(0x8b, ""), errKind},
		{"no mask", []byte{0x81, 0}, errUnmasked},
		{"ping in parts", clientFrame(0x09, ""), errControl},
		{"long ping", clientFrame(0x89, strings.Repeat("x", 126)), errControl},
		{"negative length", []byte{0x81, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0}, errLength},
		{"length that fits no memory", []byte{0x81, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, errTooBig},
	} {
		if _, _, err := nextFrame(c.bytes, 1000); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
}

// Whatever comes in, however it is cut, gives the same frames.
func FuzzNextFrame(f *testing.F) {
	f.Add(clientFrame(0x81, "hello"), 3)
	f.Add(append(clientFrame(0x01, "a"), clientFrame(0x80, "b")...), 1)
	f.Add([]byte{0x82, 0xfe, 0, 3, 1, 2, 3, 4, 5, 6, 7}, 5)
	f.Fuzz(func(t *testing.T, b []byte, cut int) {
		const limit = 4096
		whole, size, err := nextFrame(bytes.Clone(b), limit)
		if err != nil {
			return
		}
		if size > limit+maxHeader {
			t.Fatalf("asks for %d bytes", size)
		}
		if size > len(b) {
			return
		}
		if len(whole.payload) > limit || whole.kind > opPong {
			t.Fatalf("took %+v", whole)
		}
		if cut = max(0, min(cut, size-1)); cut < size {
			if _, more, err := nextFrame(bytes.Clone(b[:cut]), limit); err != nil || more <= cut || more > size {
				t.Fatalf("with %d of %d bytes: needs %d, error %v", cut, size, more, err)
			}
		}
	})
}

func TestReadClose(t *testing.T) {
	t.Parallel()
	with := func(code uint16, reason string) []byte {
		return append(binary.BigEndian.AppendUint16(nil, code), reason...)
	}
	for _, c := range []struct {
		payload []byte
		want    closeCode
		bad     bool
	}{
		{nil, closeNoCode, false}, {with(1000, "bye"), closeNormal, false}, {with(1011, ""), 1011, false}, {with(4999, ""), 4999, false},
		{[]byte{3}, 0, true}, {with(999, ""), 0, true}, {with(1005, ""), 0, true}, {with(1006, ""), 0, true}, {with(1015, ""), 0, true},
		{with(2000, ""), 0, true}, {with(5000, ""), 0, true}, {with(1000, "\xff"), 0, true},
	} {
		if code, err := readClose(c.payload); code != c.want || (err != nil) != c.bad {
			t.Errorf("%q: %d, %v", c.payload, code, err)
		}
	}
}

// bareSocket opens a socket whose bytes the test writes and reads itself.
func (r *realm) bareSocket() net.Conn {
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
	conn := newRealm(t, nil).bareSocket()
	whole := `{"cid":"7","rpc":{"id":"echo","payload":"ab"}}`
	var sent []byte
	for i, part := range []string{whole[:10], "", whole[10:30], whole[30:]} {
		first := byte(0)
		if i == 0 {
			first = opText
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
		code  closeCode
		ended string
	}{
		{"reserved bit", clientFrame(0xc1, "{}"), closeProtocol, "malformed"},
		{"no mask", []byte{0x81, 2, '{', '}'}, closeProtocol, "malformed"},
		{"continues nothing", clientFrame(0x80, "{}"), closeProtocol, "malformed"},
		{"begins within a message", append(clientFrame(0x01, "{"), clientFrame(0x81, "{}")...), closeProtocol, "malformed"},
		{"close code that is none", clientFrame(0x88, "\x03\xed"), closeProtocol, "malformed"},
		{"too big at once", clientFrame(0x81, strings.Repeat("x", 5000)), closeTooBig, "too_big"},
		{"too big in parts", append(clientFrame(0x01, strings.Repeat("x", 4000)), clientFrame(0x80, strings.Repeat("x", 97))...), closeTooBig, "too_big"},
		{"close", clientFrame(0x88, "\x0f\xa1bye"), 4001, "peer"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := newRealm(t, nil)
			conn := r.bareSocket()
			// What came before is answered, and what comes after changes nothing.
			sent := append(clientFrame(0x81, `{"cid":"1","ping":{}}`), c.bytes...)
			sent = append(sent, clientFrame(0x81, `{"cid":"2","ping":{}}`)...)
			if _, err := conn.Write(sent); err != nil {
				t.Fatal(err)
			}
			if got := readFrame(t, conn); got != "\x81"+`{"cid":"1","pong":{}}` {
				t.Errorf("got %q first", got)
			}
			got := readFrame(t, conn)
			if got[0] != 0x88 || len(got) < 3 || closeCode(binary.BigEndian.Uint16([]byte(got[1:]))) != c.code {
				t.Errorf("got %q, want a close frame with %d", got, c.code)
			}
			if why := <-r.ended; why != c.ended {
				t.Errorf("session ended for %q, want %q", why, c.ended)
			}
			_ = conn.Close()
		})
	}
}

func TestUpgradeRefused(t *testing.T) {
	t.Parallel()
	ask := func(change func(*http.Request)) *httptest.ResponseRecorder {
		r := httptest.NewRequest(http.MethodGet, "/ws", nil)
		r.Header = http.Header{
			"Connection": {"Upgrade"}, "Upgrade": {"WebSocket"}, "Sec-Websocket-Version": {"13"}, "Sec-Websocket-Key": {"dGhlIHNhbXBsZSBub25jZQ=="},
		}
		change(r)
		w := httptest.NewRecorder()
		if _, _, err := upgrade(w, r); err == nil {
			t.Error("a recorder was taken over")
		}
		return w
	}
	for name, c := range map[string]struct {
		change func(*http.Request)
		want   int
	}{
		"right":           {func(*http.Request) {}, http.StatusSwitchingProtocols},
		"no upgrade":      {func(r *http.Request) { r.Header.Del("Upgrade") }, http.StatusUpgradeRequired},
		"no connection":   {func(r *http.Request) { r.Header.Set("Connection", "keep-alive") }, http.StatusUpgradeRequired},
		"HTTP/1.0":        {func(r *http.Request) { r.ProtoMinor = 0 }, http.StatusUpgradeRequired},
		"POST":            {func(r *http.Request) { r.Method = http.MethodPost }, http.StatusMethodNotAllowed},
		"other version":   {func(r *http.Request) { r.Header.Set("Sec-WebSocket-Version", "8") }, http.StatusBadRequest},
		"no key":          {func(r *http.Request) { r.Header.Del("Sec-WebSocket-Key") }, http.StatusBadRequest},
		"short key":       {func(r *http.Request) { r.Header.Set("Sec-WebSocket-Key", "c2hvcnQ=") }, http.StatusBadRequest},
		"key twice":       {func(r *http.Request) { r.Header.Add("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==") }, http.StatusBadRequest},
		"key not Base64":  {func(r *http.Request) { r.Header.Set("Sec-WebSocket-Key", "?") }, http.StatusBadRequest},
		"in a long list":  {func(r *http.Request) { r.Header["Connection"] = []string{"close", "keep-alive , upgrade"} }, http.StatusSwitchingProtocols},
		"not in the list": {func(r *http.Request) { r.Header["Connection"] = []string{"upgraded"} }, http.StatusUpgradeRequired},
	} {
		if w := ask(c.change); w.Code != c.want {
			t.Errorf("%s: answered %d, want %d", name, w.Code, c.want)
		}
	}
}

// What came with a slow call's message is not lost to who reads next.
func TestReadTogetherWithSlowCall(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	r := newRealm(t, func(_ *config.Config, set *modules.Set) {
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
	r := newRealm(t, nil)
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
	if why := <-r.ended; why != "peer" {
		t.Errorf("session ended for %q", why)
	}
}
