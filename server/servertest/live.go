package servertest

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"

	"github.com/coder/websocket"
)

// Live is the socket of one of the console's pages.
type Live struct {
	t  testing.TB
	ws *websocket.Conn
}

// LiveMessage is what the server sends to a page.
type LiveMessage struct {
	ID    int64
	Data  json.RawMessage
	Error *struct {
		Code    int
		Message string
	}
}

// Live opens the socket of a page and sends the operator's token.
func (o *Operator) Live(t testing.TB) *Live {
	t.Helper()
	l := o.LiveWith(t, nil)
	l.Send(map[string]string{"token": o.Token()})
	return l
}

// LiveWith opens the socket of a page, without a token.
func (o *Operator) LiveWith(t testing.TB, options *websocket.DialOptions) *Live {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), wait)
	defer cancel()
	ws, _, err := websocket.Dial(ctx, "ws://"+o.server.ConsoleAddr().String()+"/v2/console/live", options)
	if err != nil {
		t.Fatalf("open the socket of a page: %v", err)
	}
	t.Cleanup(func() { _ = ws.CloseNow() })
	ws.SetReadLimit(-1)
	return &Live{t, ws}
}

// Send sends a request, which is encoded as JSON unless it is a string.
func (l *Live) Send(request any) {
	l.t.Helper()
	text, ok := request.(string)
	if !ok {
		encoded, err := json.Marshal(request)
		if err != nil {
			l.t.Fatal(err)
		}
		text = string(encoded)
	}
	ctx, cancel := context.WithTimeout(l.t.Context(), wait)
	defer cancel()
	if err := l.ws.Write(ctx, websocket.MessageText, []byte(text)); err != nil {
		l.t.Fatalf("send %s: %v", text, err)
	}
}

// Subscribe subscribes to a topic; args are JSON, or empty.
func (l *Live) Subscribe(id int64, topic, args string) {
	l.t.Helper()
	if args == "" {
		args = "{}"
	}
	l.Send(fmt.Sprintf(`{"subscribe":{"id":%d,"topic":%q,"args":%s}}`, id, topic, args))
}

// Next returns the next message.
func (l *Live) Next() (m LiveMessage) {
	l.t.Helper()
	ctx, cancel := context.WithTimeout(l.t.Context(), wait)
	defer cancel()
	_, text, err := l.ws.Read(ctx)
	if err == nil {
		err = json.Unmarshal(text, &m)
	}
	if err != nil {
		l.t.Fatalf("read the socket of a page: %v", err)
	}
	return m
}

// Data returns the next data of a subscription, decoded into T.
func Data[T any](l *Live, id int64) (data T) {
	l.t.Helper()
	for {
		m := l.Next()
		if m.ID != id {
			continue
		}
		if m.Error != nil {
			l.t.Fatalf("subscription %d failed: %+v", id, *m.Error)
		}
		if err := json.Unmarshal(m.Data, &data); err != nil {
			l.t.Fatalf("%s: %v", m.Data, err)
		}
		return data
	}
}

// Until reads data of a subscription until a condition is true of it, and returns it.
func Until[T any](l *Live, id int64, is func(T) bool) T {
	l.t.Helper()
	for {
		if data := Data[T](l, id); is(data) {
			return data
		}
	}
}

// Refused returns the code of the error that ended a subscription.
func (l *Live) Refused(id int64) int {
	l.t.Helper()
	for {
		switch m := l.Next(); {
		case m.ID != id:
		case m.Error == nil:
			l.t.Fatalf("subscription %d got %s", id, m.Data)
		default:
			return m.Error.Code
		}
	}
}

// Closed waits until the server closes the socket, and returns the code.
func (l *Live) Closed() int {
	l.t.Helper()
	ctx, cancel := context.WithTimeout(l.t.Context(), wait)
	defer cancel()
	for {
		if _, _, err := l.ws.Read(ctx); err != nil {
			code := websocket.CloseStatus(err)
			if code < 0 {
				l.t.Fatalf("the socket was not closed with a code: %v", err)
			}
			return int(code)
		}
	}
}
