package socket

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/gofrs/uuid/v5"
	"github.com/golang-jwt/jwt/v5"
	"github.com/heroiclabs/nakama-common/rtapi"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"kumi/config"
	"kumi/modules"
	"kumi/presence"
	"kumi/rpc"
)

// parkingServer keeps sessions without a connection for that many seconds.
func parkingServer(t *testing.T, sec int, more ...func(c *config.Config, set *modules.Set)) *testServer {
	return newTestServer(t, func(c *config.Config, set *modules.Set) {
		c.Session.ResumeSec = sec
		for _, change := range more {
			change(c, set)
		}
	})
}

// dial opens a socket with a token that may have been used before.
func (r *testServer) dial(user uuid.UUID, token string, format presence.Format, more string) *player {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), testWait)
	defer cancel()
	conn, _, err := websocket.Dial(ctx, r.url+"?format="+format.String()+"&token="+url.QueryEscape(token)+more, nil)
	if err != nil {
		r.t.Fatalf("open socket: %v", err)
	}
	r.t.Cleanup(func() { _ = conn.CloseNow() })
	return &player{t: r.t, conn: conn, user: user, format: format}
}

// isParked reports whether a user has that many parked sessions.
func (r *testServer) isParked(user uuid.UUID, n int) func() bool {
	return func() bool {
		for _, o := range r.sessions.OfUser(user) {
			if o.(*session).lacksConnection() {
				n--
			}
		}
		return n == 0
	}
}

func (s *session) lacksConnection() bool {
	s.out.mu.Lock()
	defer s.out.mu.Unlock()
	return s.out.conn == nil
}

// self is the session id by which others know the player.
func (p *player) self(match string) string {
	p.t.Helper()
	return p.call(&rtapi.Envelope{Message: &rtapi.Envelope_MatchJoin{MatchJoin: &rtapi.MatchJoin{Id: &rtapi.MatchJoin_MatchId{MatchId: match}}}}).GetMatch().GetSelf().GetSessionId()
}

func matchData(match, text string) *rtapi.Envelope {
	return &rtapi.Envelope{Message: &rtapi.Envelope_MatchDataSend{MatchDataSend: &rtapi.MatchDataSend{MatchId: match, OpCode: 1, Data: []byte(text), Reliable: true}}}
}

func isMatchData(e *rtapi.Envelope) bool { return e.GetMatchData() != nil }

// A client whose connection broke comes back with its token: it is the same session, has
// what was sent meanwhile, each message once and in order, and nobody has seen it leave.
func TestResume(t *testing.T) {
	t.Parallel()
	bothFormats(t, func(t *testing.T, format presence.Format) {
		r := parkingServer(t, 600)
		user := uuid.Must(uuid.NewV4())
		token := r.token(user, "ann")
		ann := r.dial(user, token, format, "&status=true")
		ann.call(&rtapi.Envelope{Message: &rtapi.Envelope_StatusUpdate{StatusUpdate: &rtapi.StatusUpdate{Status: wrapperspb.String("in the cellar")}}})
		match := ann.call(&rtapi.Envelope{Message: &rtapi.Envelope_MatchCreate{MatchCreate: &rtapi.MatchCreate{}}}).GetMatch()
		party := ann.call(&rtapi.Envelope{Message: &rtapi.Envelope_PartyCreate{PartyCreate: &rtapi.PartyCreate{Open: true, MaxSize: 4}}}).GetParty()

		bob := r.player("bob", format)
		bob.self(match.MatchId)
		bob.call(&rtapi.Envelope{Message: &rtapi.Envelope_PartyJoin{PartyJoin: &rtapi.PartyJoin{PartyId: party.PartyId}}})
		bob.expect("the party", func(e *rtapi.Envelope) bool { return e.GetParty() != nil })

		const times, messages = 3, 20
		for range times {
			_ = ann.conn.CloseNow()
			eventually(t, "ann is parked", r.isParked(user, 1))
			for i := range messages {
				bob.send(matchData(match.MatchId, strconv.Itoa(i)))
			}
			bob.call(ping())
			ann = r.dial(user, token, format, "&status=true")
			for i := range messages {
				if got := string(ann.expect("what bob sent", isMatchData).GetMatchData().Data); got != strconv.Itoa(i) {
					t.Fatalf("message %d is %q", i, got)
				}
			}
			ann.send(matchData(match.MatchId, "back"))
			if from := bob.expect("what ann sent", isMatchData).GetMatchData().Presence.SessionId; from != match.Self.SessionId {
				t.Errorf("ann is session %s now, want %s", from, match.Self.SessionId)
			}
		}
		// It is the leader of its party still, and in the match without a new join.
		if e := ann.call(&rtapi.Envelope{Message: &rtapi.Envelope_PartyUpdate{PartyUpdate: &rtapi.PartyUpdate{PartyId: party.PartyId, Label: "{}", Open: true}}}); e.GetError() != nil {
			t.Errorf("the leader of the party: %v", e.GetError())
		}
		if id := ann.self(match.MatchId); id != match.Self.SessionId {
			t.Errorf("joined again as %s", id)
		}
		bob.call(ping())
		for _, e := range append(ann.pushed, bob.pushed...) {
			if len(e.GetMatchPresenceEvent().GetLeaves())+len(e.GetPartyPresenceEvent().GetLeaves())+len(e.GetStatusPresenceEvent().GetLeaves()) > 0 || isMatchData(e) {
				t.Errorf("got %v", e)
			}
		}
		if status := r.tracker.Get(uuid.FromStringOrNil(match.Self.SessionId), presence.StatusOf(user)); status == nil || status.Status != "in the cellar" {
			t.Errorf("the status is %v", status)
		}
		if n, m := r.begun.Load(), len(r.ended); n != 2 || m != 0 {
			t.Errorf("%d sessions began and %d ended, want 2 and 0", n, m)
		}
	})
}

// Replies are for the connection that the request came by. The cid of another one's
// request may be the same.
func TestResumeWithoutReplies(t *testing.T) {
	t.Parallel()
	bothFormats(t, func(t *testing.T, format presence.Format) {
		entered, release := make(chan struct{}), make(chan struct{})
		r := parkingServer(t, 600, func(_ *config.Config, set *modules.Set) {
			set.RPC.Set(&rpc.Function{ID: "slow", Call: func(context.Context, string) (string, error) {
				entered <- struct{}{}
				<-release
				return "late", nil
			}})
		})
		user := uuid.Must(uuid.NewV4())
		token := r.token(user, "ann")
		ann := r.dial(user, token, format, "")
		slow := callRPC("slow", "")
		slow.Cid = "1"
		for range 2 { // one ends while the session is parked, one on the next connection
			ann.send(slow)
		}
		<-entered
		_ = ann.conn.CloseNow()
		eventually(t, "ann is parked", r.isParked(user, 1))
		release <- struct{}{}
		<-entered
		ann = r.dial(user, token, format, "")
		again := callRPC("echo", "mine")
		again.Cid = "1"
		ann.send(again)
		close(release)
		if e := ann.read(); e.Cid != "1" || e.GetRpc().GetPayload() != "mine" {
			t.Errorf("got %v", e)
		}
		if e := ann.call(ping()); e.GetPong() == nil {
			t.Errorf("then %v", e)
		}
	})
}

// Replies that the connection did not take are dropped, too. What came before and after
// them is sent.
func TestResumeWithoutUnsentReplies(t *testing.T) {
	t.Parallel()
	r := parkingServer(t, 600)
	user := uuid.Must(uuid.NewV4())
	token := r.token(user, "ann")
	conn := r.pipeSocket(token)
	s := r.sessions.OfUser(user)[0].(*session)
	s.Queue(streamed("first"))
	// It fails where the reader begins so late that it writes what is queued first.
	go func() {
		_, _ = conn.Write(slices.Concat(clientFrame(0x81, `{"rpc":{"id":"echo"}}`), clientFrame(0x81, `{"cid":"1","ping":{}}`)))
	}()
	eventually(t, "the replies are being written", func() bool { return s.out.conn.net.writing() > 0 })
	s.Queue(streamed("second"))
	_ = conn.Close()
	eventually(t, "the session is parked", s.lacksConnection)
	in := bufio.NewReader(r.pipeSocket(token))
	for _, want := range []string{"first", "second"} {
		if text, err := nextFrame(in); err != nil || !strings.Contains(text, want) {
			t.Errorf("got %q, %v, want what was sent %s", text, err, want)
		}
	}
}

// The next connection waits until the writer of the last one has put back what it could
// not send.
func TestResumeAfterTheWriter(t *testing.T) {
	t.Parallel()
	s, _ := parkingServer(t, 600).loose()
	c := s.out.conn
	s.out.writing = true
	if !c.park(presence.ClosedByPeer) {
		t.Fatal("not parked")
	}
	next := &connection{session: s}
	took := make(chan bool)
	go func() { took <- s.take(next) }()
	eventually(t, "it waits", func() bool {
		s.out.mu.Lock()
		defer s.out.mu.Unlock()
		return s.out.changed != nil
	})
	s.out.mu.Lock()
	s.out.writing = false
	s.out.notify()
	s.out.mu.Unlock()
	if !<-took || s.out.conn != next {
		t.Error("it does not have the new connection")
	}
}

// These end a session as if it could not be parked: others see it leave at once.
func TestNotParked(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(p *player, s *session){
		"close frame":              func(p *player, _ *session) { _ = p.conn.Close(websocket.StatusNormalClosure, "") },
		"going away":               func(p *player, _ *session) { _ = p.conn.Close(websocket.StatusGoingAway, "") },
		"protocol error":           func(p *player, _ *session) { p.raw(websocket.MessageText, []byte("{")) },
		"disconnect":               func(_ *player, s *session) { s.Close(presence.Disconnected) },
		"disconnect while parked":  func(p *player, s *session) { p.park(s); s.Close(presence.Disconnected) },
		"drain while parked":       func(p *player, s *session) { p.park(s); s.drain() },
		"too many messages parked": func(p *player, s *session) { p.park(s); flood(s, s.limits.outgoing*hardFactor+1, 1) },
		"too many bytes parked":    func(p *player, s *session) { p.park(s); flood(s, 3, maxParked/2) },
		"out of time":              func(p *player, s *session) { p.park(s); s.out.parked.end.Reset(0) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := parkingServer(t, 600)
			user := uuid.Must(uuid.NewV4())
			token := r.token(user, "ann")
			p := r.dial(user, token, presence.JSON, "")
			p.call(ping())
			s := r.sessions.OfUser(user)[0].(*session)
			end(p, s)
			<-r.ended
			eventually(t, "it is gone", func() bool { return r.sessions.Count() == 0 && r.tracker.Total() == 0 })
			p = r.dial(user, token, presence.JSON, "")
			p.call(ping())
			if again := r.sessions.OfUser(user)[0].ID(); again == s.id {
				t.Error("the session is there again")
			}
		})
	}
}

// park cuts the connection and waits until the session is parked.
func (p *player) park(s *session) {
	p.t.Helper()
	_ = p.conn.CloseNow()
	eventually(p.t, "the session is parked", s.lacksConnection)
}

func flood(s *session, n, size int) {
	for range n {
		s.Send(streamed(strings.Repeat("x", size)))
	}
}

// A parked session is for the token that it began with, in its format.
func TestResumeNeedsTheToken(t *testing.T) {
	t.Parallel()
	r := parkingServer(t, 600)
	user := uuid.Must(uuid.NewV4())
	token := r.token(user, "ann")
	ann := r.dial(user, token, presence.JSON, "")
	ann.call(ping())
	s := r.sessions.OfUser(user)[0].(*session)
	ann.park(s)
	other := r.dial(user, r.token(user, "ann"), presence.JSON, "")
	other.call(ping())
	binary := r.dial(user, token, presence.Protobuf, "")
	binary.call(ping())
	if !s.lacksConnection() || r.sessions.Count() != 3 {
		t.Fatalf("there are %d sessions, want the parked one and two others", r.sessions.Count())
	}
	r.dial(user, token, presence.JSON, "").call(ping())
	if s.lacksConnection() || r.sessions.Count() != 3 {
		t.Errorf("there are %d sessions, parked: %v", r.sessions.Count(), s.lacksConnection())
	}
}

// Of two parked sessions of a token the one parked last is resumed first.
func TestResumeTheLast(t *testing.T) {
	t.Parallel()
	r := parkingServer(t, 600)
	user := uuid.Must(uuid.NewV4())
	token := r.token(user, "ann")
	one := r.dial(user, token, presence.JSON, "")
	one.call(ping())
	one.conn.CloseRead(t.Context()) // answers pings
	two := r.dial(user, token, presence.JSON, "")
	two.call(ping())
	all := r.sessions.OfUser(user)
	if len(all) != 2 {
		t.Fatalf("a living session was taken over: there are %d", len(all))
	}
	two.park(all[1].(*session))
	one.park(all[0].(*session))
	one = r.dial(user, token, presence.JSON, "")
	one.call(ping())
	if all[0].(*session).lacksConnection() || !all[1].(*session).lacksConnection() {
		t.Error("the one that was parked first was resumed")
	}
	r.dial(user, token, presence.JSON, "").call(ping())
	if all[1].(*session).lacksConnection() || r.sessions.Count() != 2 {
		t.Errorf("the other one was not resumed, there are %d sessions", r.sessions.Count())
	}
}

// Tokens without an id, which other programs may sign, are those of any device of the user.
func TestResumeNeedsTheTokenID(t *testing.T) {
	t.Parallel()
	r := parkingServer(t, 600)
	user := uuid.Must(uuid.NewV4())
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{"uid": user.String(), "usn": "ann", "exp": time.Now().Unix() + 600}).
		SignedString([]byte(r.Config.Session.EncryptionKey))
	if err != nil {
		t.Fatal(err)
	}
	phone := r.dial(user, token, presence.JSON, "")
	phone.call(ping())
	s := r.sessions.OfUser(user)[0].(*session)
	phone.park(s)
	r.dial(user, token, presence.JSON, "").call(ping())
	if !s.lacksConnection() || r.sessions.Count() != 2 {
		t.Errorf("the parked session was taken over; there are %d", r.sessions.Count())
	}
}

// silentSocket opens a socket whose client answers no ping.
func (r *testServer) silentSocket(user uuid.UUID, token string) *session {
	r.t.Helper()
	r.dial(user, token, presence.JSON, "")
	eventually(r.t, "it is there", func() bool { return r.sessions.Count() == 1 })
	return r.sessions.OfUser(user)[0].(*session)
}

// probed waits until a ping was written to a silent socket since sent.
func (r *testServer) probed(sent uint64) {
	r.t.Helper()
	eventually(r.t, "the old connection is tested", func() bool { return r.Metrics.Messages.Sent.Load() > sent })
}

// A token that is revoked while the old connection is tested opens no socket.
func TestResumeRevokedMeanwhile(t *testing.T) {
	t.Parallel()
	r := parkingServer(t, 600)
	user := uuid.Must(uuid.NewV4())
	token := r.token(user, "ann")
	s := r.silentSocket(user, token)
	sent := r.Metrics.Messages.Sent.Load()
	status := make(chan int, 1)
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), testWait)
		defer cancel()
		conn, answer, err := websocket.Dial(ctx, r.url+"?token="+url.QueryEscape(token), nil)
		if err == nil {
			_ = conn.CloseNow()
		}
		status <- answer.StatusCode
	}()
	r.probed(sent)
	if err := r.Core.Logout(t.Context(), user, "", ""); err != nil {
		t.Fatal(err)
	}
	s.Close(presence.Disconnected)
	if got := <-status; got != http.StatusUnauthorized {
		t.Errorf("answered %d, want 401", got)
	}
}

// A client that changed its network connects again before the server knows that the old
// connection is broken.
func TestResumeHalfOpen(t *testing.T) {
	t.Parallel()
	r := parkingServer(t, 600)
	user := uuid.Must(uuid.NewV4())
	token := r.token(user, "ann")
	silent := r.dial(user, token, presence.JSON, "") // it reads nothing, so it answers no ping
	eventually(t, "it is there", func() bool { return r.sessions.Count() == 1 })
	s := r.sessions.OfUser(user)[0].(*session)
	p := r.dial(user, token, presence.JSON, "")
	p.call(ping())
	if r.sessions.Count() != 1 || s.lacksConnection() {
		t.Errorf("there are %d sessions, want the one with its new connection", r.sessions.Count())
	}
	if _, err := silent.next(); err == nil {
		t.Error("the old connection goes on")
	}
	if n := r.Open(); n != 1 {
		eventually(t, "one connection is left", func() bool { return r.Open() == 1 })
	}
}

// An attempt to resume that comes while another one tests the old connection may have been
// given up when the other one has tested it.
func TestResumeTwoAttempts(t *testing.T) {
	t.Parallel()
	r := parkingServer(t, 600)
	user := uuid.Must(uuid.NewV4())
	token := r.token(user, "ann")
	claims, err := r.Core.Tokens().VerifySession(token)
	if err != nil {
		t.Fatal(err)
	}
	s := r.silentSocket(user, token)
	old, sent := s.out.conn, r.Metrics.Messages.Sent.Load()
	tested := make(chan struct{})
	go func() { defer close(tested); r.probe(claims, presence.JSON) }()
	r.probed(sent)
	old.park(presence.ReadTimeout) // by the attempt before
	r.dial(user, token, presence.JSON, "")
	old.net.abort()
	<-tested
	if !s.lacksConnection() {
		t.Error("the session is the other attempt's, and silent")
	}
}

// What the library refuses to write, as its connection is closed, is not lost.
func TestResumeAfterRefusedWrite(t *testing.T) {
	t.Parallel()
	s, _ := parkingServer(t, 600).loose()
	_ = s.out.conn.ws.CloseNow()
	for _, text := range []string{"first", "second"} {
		s.Queue(streamed(text))
	}
	s.Flush()
	eventually(t, "the session is parked", s.lacksConnection)
	if !s.take(&connection{session: s}) {
		t.Fatal("it cannot be resumed")
	}
	if len(s.out.queue) != 2 {
		t.Errorf("%d messages are queued, want 2", len(s.out.queue))
	}
}

// Messages and errors of an old connection do not reach a session that has a new one.
func TestOldConnectionIsIgnored(t *testing.T) {
	t.Parallel()
	s, _ := parkingServer(t, 600).loose()
	old := s.out.conn
	if !old.accepts(websocket.MessageText, takeReadBuffer()) {
		t.Error("refused before the session was parked")
	}
	old.park(presence.ClosedByPeer)
	if !s.take(&connection{session: s}) {
		t.Fatal("it cannot be resumed")
	}
	if old.accepts(websocket.MessageText, takeReadBuffer()) {
		t.Error("a message is handled after those of the new connection")
	}
	old.readFailed(websocket.ErrMessageTooBig)
	if s.closing.Load() {
		t.Error("the session ended for a message of its old connection")
	}
}

// With single_socket a parked session is one of the sockets that a new login closes.
func TestParkedSingleSocket(t *testing.T) {
	t.Parallel()
	r := parkingServer(t, 600, func(c *config.Config, _ *modules.Set) { c.Session.SingleSocket = true })
	user := uuid.Must(uuid.NewV4())
	ann := r.dial(user, r.token(user, "ann"), presence.JSON, "")
	ann.call(ping())
	ann.park(r.sessions.OfUser(user)[0].(*session))
	r.playerOf(user, "ann", presence.JSON, "").call(ping())
	if why := <-r.ended; why != presence.Replaced.Text() || r.sessions.Count() != 1 {
		t.Errorf("ended for %q, %d sessions are left", why, r.sessions.Count())
	}
}

// pipeSocket opens a socket over a pipe, which has no buffer: what the server has
// written is what the client has read.
func (r *testServer) pipeSocket(token string) net.Conn {
	r.t.Helper()
	conn, peer := net.Pipe()
	q := httptest.NewRequest(http.MethodGet, "/ws?token="+url.QueryEscape(token), nil)
	q.Header = http.Header{
		"Connection": {"Upgrade"}, "Upgrade": {"websocket"}, "Sec-Websocket-Version": {"13"}, "Sec-Websocket-Key": {"dGhlIHNhbXBsZSBub25jZQ=="},
	}
	go r.ServeHTTP(response{httptest.NewRecorder(), conn}, q)
	var head []byte
	for b := make([]byte, 1); !strings.HasSuffix(string(head), "\r\n\r\n"); head = append(head, b[0]) {
		if _, err := peer.Read(b); err != nil {
			r.t.Fatal(err)
		}
	}
	r.t.Cleanup(func() { _ = peer.Close() })
	return peer
}

// Connections are cut after any byte while others send. What the client has of all of
// them are all messages, each once and in order.
func TestResumeLosesNothing(t *testing.T) {
	t.Parallel()
	const messages = 4000
	seed := rand.Uint64()
	random := rand.New(rand.NewPCG(seed, 0))
	r := parkingServer(t, 600)
	user := uuid.Must(uuid.NewV4())
	token := r.token(user, "ann")
	conn := r.pipeSocket(token)
	s := r.sessions.OfUser(user)[0].(*session)
	go func() {
		for i := range messages {
			for {
				s.out.mu.Lock()
				n := len(s.out.queue)
				s.out.mu.Unlock()
				if n < s.limits.outgoing {
					break
				}
				runtime.Gosched()
			}
			s.Send(streamed(fmt.Sprintf("<%d>%s", i, strings.Repeat(".", i%300))))
		}
	}()
	next, cuts := 0, 0
	for next < messages {
		left := random.IntN(20_000)
		in := bufio.NewReader(&cutReader{conn, &left})
		_ = conn.SetReadDeadline(time.Now().Add(testWait))
		for {
			text, err := nextFrame(in)
			if err != nil && left > 0 {
				t.Fatalf("after %d messages and %d cuts: %v; seed %d", next, cuts, err, seed)
			} else if err != nil {
				break
			}
			if !strings.Contains(text, fmt.Sprintf("<%d>", next)) {
				t.Fatalf("message %d after %d cuts is %.80q; seed %d", next, cuts, text, seed)
			}
			if next++; next == messages {
				break
			}
		}
		if next < messages {
			_ = conn.Close()
			cuts++
			eventually(t, "the session is parked", s.lacksConnection)
			conn = r.pipeSocket(token)
		}
	}
	if cuts < 10 || r.sessions.Count() != 1 {
		t.Errorf("%d cuts, %d sessions", cuts, r.sessions.Count())
	}
}

// cutReader reads that many bytes and no more.
type cutReader struct {
	net.Conn
	left *int
}

func (c *cutReader) Read(p []byte) (int, error) {
	if *c.left == 0 {
		return 0, net.ErrClosed
	}
	n, err := c.Conn.Read(p[:min(len(p), *c.left)])
	*c.left -= n
	return n, err
}

// nextFrame reads the payload of a short frame of a server.
func nextFrame(in *bufio.Reader) (string, error) {
	var head [4]byte
	if _, err := io.ReadFull(in, head[:2]); err != nil {
		return "", err
	}
	n := int(head[1])
	if n == 126 {
		if _, err := io.ReadFull(in, head[2:]); err != nil {
			return "", err
		}
		n = int(head[2])<<8 | int(head[3])
	}
	b := make([]byte, n)
	_, err := io.ReadFull(in, b)
	return string(b), err
}
