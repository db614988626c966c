package console

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"

	"kumi/core"
	"kumi/server/transport"
	"kumi/store/fault"
)

// livePath is where a page opens its socket.
const livePath = prefix + "/live"

// The close codes of a page's socket, beside those of the protocol.
const (
	// closeProtocol: the page sent something that is not a request.
	closeProtocol websocket.StatusCode = 4400
	// closeToken: the token is not valid, or not any more, or did not come in time.
	closeToken websocket.StatusCode = 4401
)

const (
	liveLogin = 10 * time.Second // from the opening of a socket to its token
	liveWrite = 20 * time.Second // for a page to take one message
	livePing  = 30 * time.Second // between two pings
	// liveCheck is how often the token of a socket is checked. Changes that this server
	// makes are noticed at once.
	liveCheck    = 10 * time.Second
	liveRequest  = 64 << 10 // bytes of a request
	liveTopics   = 64       // subscriptions of one socket
	liveFarewell = 2 * time.Second
)

// pages are the open sockets. Each has a few goroutines; without a page there is nothing.
type pages struct {
	ctx   context.Context // ends when the server stops
	stop  context.CancelFunc
	count atomic.Int64
	work  sync.WaitGroup
	mu    sync.Mutex // guards the start of work against its end
}

func (p *pages) init() { p.ctx, p.stop = context.WithCancel(context.Background()) }

// enter counts a new page, unless the server stops.
func (p *pages) enter() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ctx.Err() != nil {
		return false
	}
	p.count.Add(1)
	p.work.Add(1)
	return true
}

func (p *pages) leave() {
	p.count.Add(-1)
	p.work.Done()
}

// Pages returns how many pages have an open socket.
func (s *Server) Pages() int { return int(s.pages.count.Load()) }

// Close closes the sockets of all pages and refuses new ones. It may be called more than
// once.
func (s *Server) Close() {
	s.pages.mu.Lock()
	s.pages.stop()
	s.pages.mu.Unlock()
	s.pages.work.Wait()
	s.Console.Close()
}

// page is one open socket. The goroutine of its HTTP request reads; write and guard have
// one each.
type page struct {
	*Server
	ws     *websocket.Conn
	from   core.Visitor
	ctx    context.Context // ends with the socket
	cancel context.CancelFunc
	wake   chan struct{} // there may be something to write

	mu     sync.Mutex
	topics map[int64]*subscription
}

// request is a message from a page. Exactly one field is set.
type request struct {
	Token     *string `json:"token"`
	Subscribe *struct {
		ID    int64           `json:"id"`
		Topic string          `json:"topic"`
		Args  json.RawMessage `json:"args"`
	} `json:"subscribe"`
	Unsubscribe *struct {
		ID int64 `json:"id"`
	} `json:"unsubscribe"`
}

// fields returns how many fields are set.
func (q *request) fields() (n int) {
	for _, set := range []bool{q.Token != nil, q.Subscribe != nil, q.Unsubscribe != nil} {
		if set {
			n++
		}
	}
	return n
}

// live serves the socket of a page. A page of another site is refused: its Origin is not
// the host that it asks.
func (s *Server) live(w http.ResponseWriter, r *http.Request) {
	if !s.pages.enter() {
		s.fail(w, r, fault.New(fault.Unavailable, "The server is stopping."))
		return
	}
	defer s.pages.leave()
	ws, err := websocket.Accept(w, r, nil)
	if err != nil {
		return // Accept has sent the response
	}
	ws.SetReadLimit(liveRequest)
	p := &page{Server: s, ws: ws, from: visitorOf(r, s.Config.Socket.ProxyCount), wake: make(chan struct{}, 1), topics: map[int64]*subscription{}}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	defer p.cancel()
	defer context.AfterFunc(s.pages.ctx, func() { p.close(websocket.StatusGoingAway, "The server is stopping.") })()
	defer func() { _ = ws.CloseNow() }()

	var work sync.WaitGroup
	if p.login() {
		work.Go(p.write)
		work.Go(p.guard)
		work.Go(p.ping)
		p.read()
	}
	p.cancel()
	work.Wait()
}

// close ends the socket with a code that the page can tell. It may be called from any
// goroutine, and more than once.
func (p *page) close(code websocket.StatusCode, reason string) {
	if len(reason) > 120 { // of the 123 that fit
		reason = reason[:120]
	}
	forced := time.AfterFunc(liveFarewell, p.cancel) // unless the page answers before
	defer forced.Stop()
	_ = p.ws.Close(code, reason)
	p.cancel()
}

// next reads a request. It closes the socket if there is none.
func (p *page) next() (q request, ok bool) {
	kind, text, err := p.ws.Read(p.ctx)
	if err != nil {
		return q, false
	}
	if kind != websocket.MessageText {
		err = errors.New("requests are texts of JSON")
	} else if err = json.Unmarshal(text, &q); err == nil && q.fields() != 1 {
		err = errors.New("a request has one of token, subscribe and unsubscribe")
	}
	if err != nil {
		p.close(closeProtocol, err.Error())
		return q, false
	}
	return q, true
}

// login waits for the token, which must be the first request.
func (p *page) login() bool {
	late := time.AfterFunc(liveLogin, func() { p.close(closeToken, "No token came.") })
	defer late.Stop()
	q, ok := p.next()
	if !ok {
		return false
	}
	if q.Token == nil {
		p.close(closeProtocol, "The first request must have the token.")
		return false
	}
	p.from.Authorization = "Bearer " + *q.Token
	_, ok = p.check()
	return ok
}

// check checks the token, and closes the socket if it is not valid. While the database
// cannot be read, the last check counts.
func (p *page) check() (until time.Time, ok bool) {
	op, err := p.Console.Allow(p.ctx, p.from, "live", nil)
	switch fault.CodeOf(err) {
	case fault.OK:
		return op.Until, true
	case fault.Unauthenticated, fault.PermissionDenied:
		p.close(closeToken, fault.MessageOf(err, "Token invalid."))
		return until, false
	}
	if p.ctx.Err() == nil {
		p.logFailure("live", err)
	}
	return until, true
}

// guard closes the socket when its token ends.
func (p *page) guard() {
	for {
		changed := p.Console.OperatorsChanged()
		until, ok := p.check()
		if !ok {
			return
		}
		wait := liveCheck
		if !until.IsZero() {
			wait = min(wait, max(time.Until(until), 0)+time.Millisecond)
		}
		timer := time.NewTimer(wait)
		select {
		case <-changed:
		case <-timer.C:
		case <-p.ctx.Done():
			timer.Stop()
			return
		}
		timer.Stop()
	}
}

// ping notices a page that has gone without a word.
func (p *page) ping() {
	ticker := time.NewTicker(livePing)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
		case <-p.ctx.Done():
			return
		}
		ctx, cancel := context.WithTimeout(p.ctx, liveWrite)
		err := p.ws.Ping(ctx)
		cancel()
		if err != nil {
			p.cancel()
			return
		}
	}
}

// read handles requests until the socket ends.
func (p *page) read() {
	for {
		q, ok := p.next()
		if !ok {
			return
		}
		switch {
		case q.Subscribe != nil:
			if err := p.subscribe(q.Subscribe.ID, q.Subscribe.Topic, q.Subscribe.Args); err != nil {
				p.refuse(q.Subscribe.ID, err) // here, so a page that does not read is not read from
			}
		case q.Unsubscribe != nil:
			p.unsubscribe(q.Unsubscribe.ID)
		default:
			p.close(closeProtocol, "The token was sent already.")
			return
		}
	}
}

// refuse tells the page that a subscription has ended.
func (p *page) refuse(id int64, err error) {
	p.logFailure("live", err)
	code := fault.CodeOf(err)
	p.send(answer{ID: id, Error: &answerError{int(code), fault.MessageOf(err, transport.GenericMessage(code))}})
}

// answer is a message to a page.
type answer struct {
	ID    int64           `json:"id"`
	Data  json.RawMessage `json:"data,omitempty"`
	Error *answerError    `json:"error,omitempty"`
}

type answerError struct {
	Code    int    `json:"code"` // of gRPC
	Message string `json:"message"`
}

func (p *page) send(a answer) {
	text, err := json.Marshal(a)
	if err == nil {
		ctx, cancel := context.WithTimeout(p.ctx, liveWrite)
		defer cancel()
		err = p.ws.Write(ctx, websocket.MessageText, text)
	}
	if err != nil {
		p.cancel()
	}
}
