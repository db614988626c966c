package testkit

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/coder/websocket"

	"kumi/store/fault"
)

// socket is a player's connection. A goroutine reads it into the list of messages. Its
// methods may be called from any goroutine of the bubble.
type socket struct {
	conn   *websocket.Conn
	cancel context.CancelFunc // cuts the connection
	ended  chan struct{}      // closed when the connection has ended

	mu      sync.Mutex
	paused  chan struct{} // closed when the reader may continue; nil: it need not wait
	last    int           // id of the last call
	replies map[string]chan json.RawMessage
	inbox   []*message
	dropped int           // messages that were forgotten because there were too many
	more    chan struct{} // closed, and made anew, when a message arrives
	err     error         // why it has ended
}

// message is what the server sent without having been asked. It is decoded when a test
// looks at it.
type message struct {
	kind string
	text []byte
	body map[string]any // decoded
	used bool           // received has returned it
}

// Limits of what a player keeps and waits for.
const (
	maxInbox     = 20_000
	maxMessage   = 16 << 20
	defaultWait  = 20 * time.Second // virtual
	replyTimeout = time.Minute      // virtual
)

// connect opens the player's socket.
func (p *player) connect() error {
	if !time.Now().Before(p.expires) {
		if err := p.signIn(); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	ws, res, err := websocket.Dial(ctx, "ws://"+address.String()+"/ws?status=true&format=json&token="+escape(p.token), &websocket.DialOptions{HTTPClient: p.client})
	if err != nil {
		cancel()
		if res != nil {
			return fault.Newf(fault.Unavailable, "open a socket for %s: the server answered %s", p.name, res.Status)
		}
		return fmt.Errorf("open a socket for %s: %w", p.name, err)
	}
	ws.SetReadLimit(maxMessage)
	s := &socket{conn: ws, cancel: cancel, ended: make(chan struct{}), replies: map[string]chan json.RawMessage{}, more: make(chan struct{})}
	if p.socket != nil {
		s.inbox = p.socket.inbox // a game has not forgotten what it got before
	}
	p.socket = s
	go s.read(ctx)
	return nil
}

func (s *socket) read(ctx context.Context) {
	defer close(s.ended)
	defer s.cancel()
	for {
		s.mu.Lock()
		paused := s.paused
		s.mu.Unlock()
		if paused != nil {
			select {
			case <-paused:
			case <-ctx.Done():
			}
		}
		_, text, err := s.conn.Read(ctx)
		if err != nil {
			s.mu.Lock()
			s.err = err
			s.wake()
			s.mu.Unlock()
			return
		}
		s.arrived(text)
	}
}

var cidPrefix = []byte(`{"cid":"`)

func (s *socket) arrived(text []byte) {
	if rest, ok := bytes.CutPrefix(text, cidPrefix); ok {
		id, _, _ := bytes.Cut(rest, []byte{'"'})
		s.mu.Lock()
		waiting := s.replies[string(id)]
		delete(s.replies, string(id))
		s.mu.Unlock()
		if waiting != nil {
			waiting <- text
		}
		return
	}
	kind, _, _ := bytes.Cut(bytes.TrimPrefix(text, []byte(`{"`)), []byte{'"'})
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.inbox) == maxInbox {
		s.inbox = append([]*message(nil), s.inbox[maxInbox/2:]...)
		s.dropped += maxInbox / 2
	}
	s.inbox = append(s.inbox, &message{kind: string(kind), text: text})
	s.wake()
}

// wake wakes those who wait for messages. mu is held.
func (s *socket) wake() {
	close(s.more)
	s.more = make(chan struct{})
}

// call sends a message and waits for the reply, unless there is none. It returns the value
// of the reply.
func (s *socket) call(kind string, body any, wait bool, reply string) (json.RawMessage, error) {
	s.mu.Lock()
	s.last++
	id := strconv.Itoa(s.last)
	answer := make(chan json.RawMessage, 1)
	if wait {
		s.replies[id] = answer
	}
	s.mu.Unlock()
	envelope := map[string]any{kind: body}
	if wait {
		envelope["cid"] = id
	}
	text, err := json.Marshal(envelope)
	if err != nil {
		return nil, err
	}
	if err := s.conn.Write(context.Background(), websocket.MessageText, text); err != nil {
		return nil, s.closed(err)
	}
	if !wait {
		return nil, nil
	}
	timeout := time.NewTimer(replyTimeout)
	defer timeout.Stop()
	select {
	case got := <-answer:
		return valueOf(got, reply)
	case <-s.ended:
		return nil, s.closed(s.err)
	case <-timeout.C:
		return nil, fault.Newf(fault.DeadlineExceeded, "the server did not answer %s within %v", kind, replyTimeout)
	}
}

// closed is the error of a call on a connection that has ended.
func (s *socket) closed(err error) error {
	if status := websocket.CloseStatus(err); status != -1 {
		var e websocket.CloseError
		errors.As(err, &e)
		return fault.Newf(fault.Unavailable, "the server closed the socket: %d %s", status, e.Reason)
	}
	return fault.New(fault.Unavailable, "the socket is not connected")
}

// valueOf returns the value of a reply, or its error.
func valueOf(text json.RawMessage, reply string) (json.RawMessage, error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(text, &fields); err != nil {
		return nil, err
	}
	if failed, ok := fields["error"]; ok {
		var e struct {
			Code    int
			Message string
		}
		if err := json.Unmarshal(failed, &e); err != nil {
			return nil, err
		}
		return nil, fault.New(realtimeCode(e.Code), e.Message)
	}
	if reply == "" {
		return nil, nil
	}
	v, ok := fields[reply]
	if !ok {
		return nil, fmt.Errorf("the server answered %s, not %s", text, reply)
	}
	return v, nil
}

// realtimeCode is the code of an error that has one of the numbers of rtapi.Error.
func realtimeCode(n int) fault.Code {
	switch n {
	case 3:
		return fault.InvalidArgument
	case 4:
		return fault.NotFound
	case 5:
		return fault.PermissionDenied
	}
	return fault.Internal
}

// drop cuts the connection, as a network does that fails.
func (s *socket) drop() {
	s.cancel()
	_ = s.conn.CloseNow()
	<-s.ended
}

// close ends the connection as a client does that leaves.
func (s *socket) close() {
	_ = s.conn.Close(websocket.StatusNormalClosure, "")
	<-s.ended
}

// slow makes the player stop reading what the server sends, or go on. One more
// message may be read.
func (s *socket) slow(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case on && s.paused == nil:
		s.paused = make(chan struct{})
	case !on && s.paused != nil:
		close(s.paused)
		s.paused = nil
	}
}

// next waits for the next message of a kind that matches and was not returned before.
func (s *socket) next(kind string, where any, within time.Duration) (*message, error) {
	timeout := time.NewTimer(within)
	defer timeout.Stop()
	for {
		s.mu.Lock()
		for _, m := range s.inbox {
			if !m.used && m.matches(kind, where) {
				m.used = true
				s.mu.Unlock()
				return m, nil
			}
		}
		more, err := s.more, s.err
		s.mu.Unlock()
		if err != nil {
			return nil, s.closed(err)
		}
		select {
		case <-more:
		case <-timeout.C:
			return nil, errNothing
		}
	}
}

var errNothing = errors.New("nothing was received")

// matches tells whether a message has a kind, or any if it is empty, and all the
// properties of where, unless that is nil.
func (m *message) matches(kind string, where any) bool {
	if kind != "" && m.kind != kind {
		return false
	}
	return where == nil || len(missing("", where, m.value())) == 0
}

// value returns the message's body. The data of matches and parties is text, and beside it
// is what that is as JSON.
func (m *message) value() map[string]any {
	if m.body != nil {
		return m.body
	}
	var fields map[string]json.RawMessage
	m.body = map[string]any{}
	if json.Unmarshal(m.text, &fields) != nil {
		return m.body
	}
	_ = json.Unmarshal(fields[m.kind], &m.body)
	decoded(m.body)
	if data, ok := m.body["data"].(string); ok {
		if b, err := base64.StdEncoding.DecodeString(data); err == nil && utf8.Valid(b) {
			m.body["data"] = string(b)
			var x any
			if json.Unmarshal(b, &x) == nil {
				m.body["json"] = x
			}
		}
	}
	return m.body
}
