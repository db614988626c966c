package servertest

import (
	"context"
	"encoding/json"
	"net/url"
	"strconv"
	"testing"
	"time"

	"github.com/coder/websocket"

	"kumi/presence"
)

// Socket is a player's socket. It may be used by one goroutine.
type Socket struct {
	conn   *websocket.Conn
	format presence.Format
	cid    int
	// pushed are the envelopes that arrived while another one was awaited.
	pushed []Envelope
}

// Envelope is a decoded envelope: its keys with their raw values.
type Envelope map[string]json.RawMessage

// Socket opens a JSON socket for the player and closes it when the test ends.
func (u *User) Socket(t testing.TB) *Socket {
	t.Helper()
	return u.SocketOf(t, presence.JSON)
}

// SocketOf is Socket in either format. What is sent and received is given as JSON.
func (u *User) SocketOf(t testing.TB, format presence.Format) *Socket {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), wait)
	defer cancel()
	conn, _, err := websocket.Dial(ctx, u.server.WS+"?format="+format.String()+"&token="+url.QueryEscape(u.Token), nil)
	if err != nil {
		t.Fatalf("open socket of %s: %v", u.Username, err)
	}
	conn.SetReadLimit(1 << 20)
	t.Cleanup(func() { _ = conn.CloseNow() })
	return &Socket{conn: conn, format: format}
}

// Call sends an envelope of one kind and returns the value of its reply, which may be
// of the kind "error".
func (s *Socket) Call(t testing.TB, kind, body string) Envelope {
	t.Helper()
	s.cid++
	cid := strconv.Itoa(s.cid)
	s.Send(t, `{"cid":"`+cid+`","`+kind+`":`+body+`}`)
	for {
		e := s.read(t)
		if string(e["cid"]) == `"`+cid+`"` {
			return e
		}
		s.pushed = append(s.pushed, e)
	}
}

// Send sends text as one frame.
func (s *Socket) Send(t testing.TB, text string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), wait)
	defer cancel()
	kind, frame := websocket.MessageText, []byte(text)
	if s.format == presence.Protobuf {
		kind, frame = websocket.MessageBinary, recode(t, frame, presence.JSON, presence.Protobuf)
	}
	if err := s.conn.Write(ctx, kind, frame); err != nil {
		t.Fatalf("write %s: %v", text, err)
	}
}

// Expect returns the next pushed envelope of a kind. Envelopes of other kinds are kept
// for later.
func (s *Socket) Expect(t testing.TB, kind string) Envelope {
	t.Helper()
	for i, e := range s.pushed {
		if _, ok := e[kind]; ok {
			s.pushed = append(s.pushed[:i], s.pushed[i+1:]...)
			return e
		}
	}
	for began := time.Now(); time.Since(began) < wait; {
		e := s.read(t)
		if _, ok := e[kind]; ok {
			return e
		}
		s.pushed = append(s.pushed, e)
	}
	t.Fatalf("no %s came, but %d other envelopes", kind, len(s.pushed))
	return nil
}

// Pushed returns an envelope of a kind if one has arrived already.
func (s *Socket) Pushed(kind string) (Envelope, bool) {
	for i, e := range s.pushed {
		if _, ok := e[kind]; ok {
			s.pushed = append(s.pushed[:i], s.pushed[i+1:]...)
			return e, true
		}
	}
	return nil, false
}

// Closed waits for the server to close the socket and returns the status code.
func (s *Socket) Closed(t testing.TB) websocket.StatusCode {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), wait)
	defer cancel()
	for {
		if _, _, err := s.conn.Read(ctx); err != nil {
			if ctx.Err() != nil {
				t.Fatal("the server did not close the socket")
			}
			return websocket.CloseStatus(err)
		}
	}
}

// HangUp closes the connection without a close frame.
func (s *Socket) HangUp() { _ = s.conn.CloseNow() }

// Close closes the socket as a client does.
func (s *Socket) Close() { _ = s.conn.Close(websocket.StatusNormalClosure, "") }

func (s *Socket) read(t testing.TB) Envelope {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), wait)
	defer cancel()
	_, text, err := s.conn.Read(ctx)
	if err != nil {
		t.Fatalf("read from socket: %v", err)
	}
	if s.format == presence.Protobuf {
		text = recode(t, text, presence.Protobuf, presence.JSON)
	}
	var e Envelope
	if err := json.Unmarshal(text, &e); err != nil {
		t.Fatalf("the server sent %q: %v", text, err)
	}
	return e
}

// recode writes an envelope in another format.
func recode(t testing.TB, frame []byte, from, to presence.Format) []byte {
	t.Helper()
	e, err := presence.Decode(frame, from)
	if err == nil {
		frame, err = presence.Encode(e, to)
	}
	if err != nil {
		t.Fatalf("write %q in the other format: %v", frame, err)
	}
	return frame
}

// Field returns a string field of the value of a kind.
func (e Envelope) Field(kind, key string) string {
	var v map[string]any
	_ = json.Unmarshal(e[kind], &v)
	s, _ := v[key].(string)
	return s
}
