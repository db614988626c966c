package cluster

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"kumi/internal/testutil"
	"kumi/server/servertest"
)

// client is a player with a socket. It keeps everything that the server sends to it.
type client struct {
	*servertest.User
	t       testing.TB
	node    *node
	conn    *websocket.Conn
	session string

	mu      sync.Mutex
	changed *sync.Cond
	cid     int
	seen    []envelope
	ended   error
	endedAt time.Time
	lines   map[string]heard // by channel, of the first looked envelopes
	looked  int
}

// envelope is what a client got.
type envelope struct {
	at   time.Time
	kind string
	raw  json.RawMessage
	cid  string
}

// presence is a member of a channel, match, party or stream.
type presence struct {
	UserID    string `json:"user_id"`
	SessionID string `json:"session_id"`
}

// change is a presence event of any kind.
type change struct {
	Channel string `json:"channel_id"`
	Match   string `json:"match_id"`
	Party   string `json:"party_id"`
	Joins   []presence
	Leaves  []presence
}

// connect signs a player in at a node and opens a socket, which shows a status if asked.
func (n *node) connect(name string, status bool) *client {
	n.all.t.Helper()
	return n.open(n.User(n.all.t, name), status)
}

// open opens a socket at a node for a player who signed in anywhere.
func (n *node) open(user *servertest.User, status bool) *client {
	n.all.t.Helper()
	c, err := n.dial(user, status)
	if err != nil {
		n.all.t.Fatalf("open a socket of %s at node %s: %v", user.Username, n.name, err)
	}
	return c
}

// dial is open for any goroutine.
func (n *node) dial(user *servertest.User, status bool) (*client, error) {
	t := n.all.t
	ctx, cancel := context.WithTimeout(t.Context(), testutil.Wait)
	defer cancel()
	conn, _, err := websocket.Dial(ctx, n.WS+"?format=json&status="+strconv.FormatBool(status)+"&token="+url.QueryEscape(user.Token), nil)
	if err != nil {
		return nil, err
	}
	conn.SetReadLimit(1 << 20)
	c := &client{User: user, t: t, node: n, conn: conn}
	c.changed = sync.NewCond(&c.mu)
	t.Cleanup(func() { _ = conn.CloseNow() })
	go c.read()
	return c, nil
}

func (c *client) read() {
	for {
		_, text, err := c.conn.Read(context.Background())
		c.mu.Lock()
		if err != nil {
			c.ended, c.endedAt = err, time.Now()
			c.changed.Broadcast()
			c.mu.Unlock()
			return
		}
		var all map[string]json.RawMessage
		if err := json.Unmarshal(text, &all); err != nil {
			c.t.Errorf("%s got %q: %v", c.Username, text, err)
		}
		e := envelope{at: time.Now()}
		for kind, raw := range all {
			if kind == "cid" {
				_ = json.Unmarshal(raw, &e.cid)
			} else {
				e.kind, e.raw = kind, raw
			}
		}
		c.seen = append(c.seen, e)
		c.changed.Broadcast()
		c.mu.Unlock()
	}
}

// send sends an envelope of a kind, with an id for its answer, which it returns.
func (c *client) send(kind, body string) (cid string, err error) {
	c.mu.Lock()
	c.cid++
	cid = strconv.Itoa(c.cid)
	c.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), testutil.Wait)
	defer cancel()
	return cid, c.conn.Write(ctx, websocket.MessageText, []byte(`{"cid":"`+cid+`","`+kind+`":`+body+`}`))
}

// call sends an envelope and returns the answer, which may be an error.
func (c *client) call(kind, body string) envelope {
	c.t.Helper()
	cid, err := c.send(kind, body)
	if err != nil {
		c.t.Fatalf("%s sends %s: %v", c.Username, kind, err)
	}
	return c.wait("the answer to "+kind, func(e *envelope) bool { return e.cid == cid })
}

// must is call for what has to succeed.
func (c *client) must(kind, body string) envelope {
	c.t.Helper()
	e := c.call(kind, body)
	if e.kind == "error" {
		c.t.Fatalf("%s: %s %s failed: %s", c.Username, kind, body, e.raw)
	}
	return e
}

// wait waits for an envelope, which may have arrived before.
func (c *client) wait(what string, is func(*envelope) bool) envelope {
	c.t.Helper()
	deadline := time.Now().Add(testutil.Wait)
	stop := time.AfterFunc(testutil.Wait, c.changed.Broadcast)
	defer stop.Stop()
	c.mu.Lock()
	defer c.mu.Unlock()
	for next := 0; ; c.changed.Wait() {
		for ; next < len(c.seen); next++ {
			if is(&c.seen[next]) {
				return c.seen[next]
			}
		}
		if c.ended != nil || time.Now().After(deadline) {
			c.t.Fatalf("%s never got %s; the socket ended with %v", c.Username, what, c.ended)
		}
	}
}

// closed reports whether the socket has ended.
func (c *client) closed() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ended != nil
}

// all returns everything of a kind that has arrived.
func (c *client) all(kind string) (found []envelope) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, e := range c.seen {
		if e.kind == kind {
			found = append(found, e)
		}
	}
	return found
}

// decode reads an envelope's value.
func decode[T any](t testing.TB, e envelope) (v T) {
	t.Helper()
	if err := json.Unmarshal(e.raw, &v); err != nil {
		t.Fatalf("%s: %v", e.raw, err)
	}
	return v
}

// join joins a room and returns the channel's id.
func (c *client) join(room string) string {
	c.t.Helper()
	joined := decode[struct {
		ID   string
		Self presence
	}](c.t, c.must("channel_join", fmt.Sprintf(`{"type":1,"target":%q,"persistence":false}`, room)))
	c.session = joined.Self.SessionID
	return joined.ID
}

// leaves returns when the client was told that a session left a channel.
func (c *client) leaves(channel, session string) (at []time.Time) {
	for _, e := range c.all("channel_presence_event") {
		if ev := decode[change](c.t, e); ev.Channel == channel {
			for _, p := range ev.Leaves {
				if p.SessionID == session {
					at = append(at, e.at)
				}
			}
		}
	}
	return at
}

// joins is leaves for joins.
func (c *client) joins(channel, session string) (at []time.Time) {
	for _, e := range c.all("channel_presence_event") {
		if ev := decode[change](c.t, e); ev.Channel == channel {
			for _, p := range ev.Joins {
				if p.SessionID == session {
					at = append(at, e.at)
				}
			}
		}
	}
	return at
}
