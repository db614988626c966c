package socket

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"
	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/api"
	"github.com/heroiclabs/nakama-common/rtapi"
	"google.golang.org/protobuf/types/known/timestamppb"

	"kumi/config"
	"kumi/core"
	"kumi/match"
	"kumi/match/matchmaker"
	"kumi/match/party"
	"kumi/presence"
	"kumi/presence/actor"
	"kumi/server/game"
	"kumi/server/metrics"
	"kumi/server/transport"
	"kumi/store/fault"
)

// Server accepts the sockets of clients at /ws and runs them. Its methods may be
// called from any goroutine.
type Server struct {
	transport.Deps
	tracker    *presence.Tracker
	router     *presence.Router
	sessions   *presence.Sessions
	matches    *match.Registry
	parties    *party.Registry
	matchmaker *matchmaker.Matchmaker
	// event reports that a session began, or that it ended and why.
	event  func(scope *core.Scope, ended bool, reason string)
	pool   *actor.Pool
	node   presence.NodeID
	limits socketLimits
	stats  *metrics.Sockets

	// opening has a place for each handshake that may be in progress. When a node ends,
	// all its players come to the others within seconds.
	opening chan struct{}

	mu       sync.Mutex
	sockets  int // connections that are not closed yet
	waiting  int // parked sessions
	draining bool
	stopping bool
	empty    chan struct{} // closed when the server stops and nothing is left to end
	emptied  bool

	suspending atomic.Bool // the server stops, and keeps its sessions
}

// socketLimits are the settings of sockets, read once.
type socketLimits struct {
	message, outgoing, pingBackoff                int
	pingPeriod, pongWait, writeWait, closeAckWait time.Duration
	resume                                        time.Duration // 0: a session ends with its connection
	singleSocket, singleMatch, singleParty        bool
	compression                                   websocket.CompressionMode
}

// maxOpening is how many handshakes may be in progress.
const maxOpening = 512

// idleWorkers is how many idle goroutines the pool of writers and clean-ups keeps.
const idleWorkers = 256

// Options are the parts of a Server; all fields must be set.
type Options struct {
	transport.Deps
	Game *game.Game
	// Event is called when a session began, and when it ended with the reason.
	Event func(scope *core.Scope, ended bool, reason string)
}

// Path is the path at which sockets are opened.
const Path = "/ws"

// New returns a Server that is ready to be used as an HTTP handler.
func New(o Options) *Server {
	c, g := o.Config, o.Game
	s := &Server{
		Deps: o.Deps, tracker: g.Tracker, router: g.Router, sessions: g.Sessions,
		matches: g.Matches, parties: g.Parties, matchmaker: g.Matchmaker, event: o.Event,
		pool: actor.NewPool(idleWorkers), node: presence.NodeHash(c.Name), empty: make(chan struct{}),
		opening: make(chan struct{}, maxOpening),
		limits: socketLimits{
			message: c.Socket.MaxMessageSizeBytes, outgoing: c.Socket.OutgoingQueueSize, pingBackoff: c.Socket.PingBackoffThreshold,
			pingPeriod: config.Milliseconds(c.Socket.PingPeriodMs), pongWait: config.Milliseconds(c.Socket.PongWaitMs),
			writeWait: config.Milliseconds(c.Socket.WriteWaitMs), closeAckWait: config.Milliseconds(c.Socket.CloseAckWaitMs),
			resume:       time.Duration(c.Session.ResumeSec) * time.Second,
			singleSocket: c.Session.SingleSocket, singleMatch: c.Session.SingleSocket && c.Session.SingleMatch,
			singleParty: c.Session.SingleSocket && c.Session.SingleParty,
		},
	}
	if c.Socket.Compression {
		s.limits.compression = websocket.CompressionNoContextTakeover
	}
	s.stats = o.Metrics.Sockets(g.Sessions, g.Tracker)
	return s
}

// ServeHTTP accepts a socket. It returns once the socket is open, which frees the
// goroutine and the buffers of net/http. It answers 400 to an unknown format, 401 to a
// missing or invalid token, and 503 while the server stops, during maintenance and while
// too many others are being opened.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	var format presence.Format
	switch query.Get("format") {
	case "", "json":
	case "protobuf":
		format = presence.Protobuf
	default:
		http.Error(w, "Invalid format parameter", http.StatusBadRequest)
		return
	}
	claims := s.admit(w, r)
	if claims == nil {
		return
	}
	if s.limits.resume > 0 {
		s.probe(claims, format)
		// It may have waited, and the token been revoked or maintenance begun.
		if claims = s.admit(w, r); claims == nil {
			return
		}
	}
	c := s.open(w, r, claims, format)
	if c == nil {
		return
	}
	c.opened() // which may wait for the client
	go c.read()
}

// admit returns the claims of a request's token. They are nil if the request was refused
// and answered.
func (s *Server) admit(w http.ResponseWriter, r *http.Request) *core.Claims {
	claims, ok := s.authenticate(r.Header.Get("Authorization"), r.URL.Query().Get("token"))
	if !ok {
		http.Error(w, "Missing or invalid token", http.StatusUnauthorized)
		return nil
	}
	if err := s.Core.MayBegin(uuid.Nil); err != nil {
		http.Error(w, fault.MessageOf(err, "Server is under maintenance"), http.StatusServiceUnavailable)
		return nil
	}
	return claims
}

// open accepts a socket, unless too many others are being opened or the server stops. It
// returns nil if the request was refused and answered.
func (s *Server) open(w http.ResponseWriter, r *http.Request, claims *core.Claims, format presence.Format) *connection {
	select {
	case s.opening <- struct{}{}:
		defer func() { <-s.opening }()
	default:
		refuse(w, "Too many sockets are being opened")
		return nil
	}
	if !s.enter() {
		refuse(w, "Server is shutting down")
		return nil
	}
	c := s.accept(w, r, claims, format)
	if c == nil {
		s.left()
	}
	return c
}

// refuse answers that the client may try again, here or at another node.
func refuse(w http.ResponseWriter, why string) {
	w.Header().Set("Retry-After", "1")
	http.Error(w, why, http.StatusServiceUnavailable)
}

// authenticate checks the session token. The header takes precedence over the
// parameter.
func (s *Server) authenticate(header, param string) (*core.Claims, bool) {
	token := param
	if header != "" {
		var bearer bool
		if token, bearer = strings.CutPrefix(header, "Bearer "); !bearer {
			return nil, false
		}
	}
	if token == "" {
		return nil, false
	}
	claims, err := s.Core.Tokens().VerifySession(token)
	return claims, err == nil
}

// accept answers the handshake and makes the connection that of a session: of a parked
// one of the same token, or a new one.
func (s *Server) accept(w http.ResponseWriter, r *http.Request, claims *core.Claims, format presence.Format) *connection {
	id, err := presence.NewSessionID(s.node)
	if err != nil {
		s.Log.Error().Err(err).Msg("make session id")
		http.Error(w, "Could not open a session", http.StatusInternalServerError)
		return nil
	}
	query := r.URL.Query()
	lang := query.Get("lang")
	if lang == "" {
		lang = "en"
	}
	scope := s.Scope()
	scope.UserID, scope.Username, scope.Vars, scope.SessionExpiry = claims.UserID.String(), claims.Username, claims.Vars, claims.ExpiresAt
	scope.SessionID, scope.Lang = id.String(), strings.Clone(lang)
	scope.ClientIP, scope.ClientPort = transport.HTTPClientAddress(r, s.Config.Socket.ProxyCount)
	online, _ := strconv.ParseBool(query.Get("status"))

	c := new(connection)
	c.net = &netConn{writeWait: s.limits.writeWait, sent: &s.Metrics.Messages.Sent, beforeRead: c.writeQueued}
	c.ws, err = websocket.Accept(upgrade{w, c.net}, r, &websocket.AcceptOptions{
		InsecureSkipVerify: true, // any Origin may connect: the token decides
		CompressionMode:    s.limits.compression,
		OnPongReceived:     func(context.Context, []byte) { c.alive() },
	})
	if err != nil {
		s.Log.Debug().Err(err).Msg("socket was not accepted")
		return nil
	}
	c.ws.SetReadLimit(int64(s.limits.message))
	_ = c.net.SetReadDeadline(time.Now().Add(s.limits.pongWait))
	c.ping, c.slow = time.AfterFunc(time.Hour, c.sendPing), time.AfterFunc(time.Hour, c.standIn)
	c.slow.Stop()
	if s.limits.resume == 0 || !s.resume(c, claims, format, scope, online) {
		n := s.newSession(id, claims, format, scope)
		c.session, n.out.conn = n, c
		s.begin(n, online)
	}
	c.ping.Reset(s.limits.pingPeriod)
	if c.closing.Load() {
		c.ping.Stop()
	}
	return c
}

// newSession makes a session that is not registered. Its writers wait until its connection
// is opened.
func (s *Server) newSession(id uuid.UUID, claims *core.Claims, format presence.Format, scope *core.Scope) *session {
	n := &session{
		Server: s, id: id, user: claims.UserID, username: claims.Username, token: claims.TokenID,
		format: format, kind: websocket.MessageText,
	}
	if format == presence.Protobuf {
		n.kind = websocket.MessageBinary
	}
	n.caller.Store(scope)
	n.ctx, n.cancel = context.WithCancel(context.Background())
	n.out.writing = true
	return n
}

// begin registers a session and puts it on the streams that every session is on.
func (s *Server) begin(n *session, online bool) {
	var replaces []uuid.UUID
	if s.limits.singleSocket {
		replaces = s.tracker.SessionsElsewhere(n.user)
	}
	s.sessions.Add(n, replaces...)
	s.tracker.Follow(n.id, n.user)
	_, _, err := s.tracker.Track(n.id, presence.NotificationsOf(n.user), presence.Meta{Hidden: true, Username: n.username})
	if err == nil && online {
		_, _, err = s.tracker.Track(n.id, presence.StatusOf(n.user), presence.Meta{Username: n.username})
	}
	if err != nil {
		n.note(n.Log.Debug()).Err(err).Msg("session ended while it began")
	}
	s.stats.Opened()
	s.event(n.scope(), false, "")
	if s.limits.singleSocket {
		for _, o := range s.sessions.OfUser(n.user) {
			if o.ID() == n.id {
				break // sessions are in the order in which they began
			}
			o.Close(presence.Replaced, singleSocketNotice())
		}
	}
	// Shutdown drains the sessions that it finds; this one may have come later.
	s.mu.Lock()
	stopping := s.stopping
	s.mu.Unlock()
	if stopping {
		n.drain()
	}
}

// Opened is called when a session of another node opened that replaces others of the same
// user, as far as its node knew of them. Of two that did not know of each other the older
// one closes, so that one is left even if both nodes learn of it at the same time. The
// older one may have begun just when its node heard of the newer one, and have missed that;
// so the newer one's node has it closed, too. It does not block.
func (s *Server) Opened(_ presence.NodeID, user, session uuid.UUID, replaces []uuid.UUID) {
	if !s.limits.singleSocket {
		return
	}
	for _, o := range s.sessions.OfUser(user) {
		if slices.Contains(replaces, o.ID()) || presence.Older(o.ID(), session) {
			o.Close(presence.Replaced, singleSocketNotice())
		} else if older := s.router.Session(session); older != nil {
			older.Close(presence.Replaced, singleSocketNotice())
		}
	}
}

// singleSocketNotice is the notification to a client whose session is replaced.
func singleSocketNotice() *presence.Message {
	return presence.NewMessage(&rtapi.Envelope{Message: &rtapi.Envelope_Notifications{Notifications: &rtapi.Notifications{
		Notifications: []*api.Notification{{
			Id: uuid.Must(uuid.NewV4()).String(), Subject: "single_socket", Content: "{}", Code: -7, CreateTime: timestamppb.New(time.Now().Truncate(time.Second)),
		}},
	}}})
}

// enter counts a new connection, unless the server stops.
func (s *Server) enter() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopping || s.draining {
		return false
	}
	s.sockets++
	return true
}

// parked counts a session without a connection, which a server that stops has to end, until
// unparked.
func (s *Server) parked() {
	s.mu.Lock()
	s.waiting++
	s.mu.Unlock()
	s.stats.Parked()
}

// unparked counts a parked session that has a connection again, or ended.
func (s *Server) unparked() {
	s.stats.Unparked()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting--
	s.checkEmpty()
}

// left counts a closed connection.
func (s *Server) left() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sockets--
	s.checkEmpty()
}

// checkEmpty tells Shutdown when nothing is left that it has to end. mu is held.
func (s *Server) checkEmpty() {
	if s.stopping && !s.emptied && s.sockets == 0 && (s.waiting == 0 || s.suspending.Load()) {
		s.emptied = true
		close(s.empty)
	}
}

// Shutdown accepts no more sockets and closes those that are open: each when what
// it has read is handled and answered, and all of them when ctx ends. It returns
// when all connections are closed, or with ctx's error when ctx ended first.
func (s *Server) Shutdown(ctx context.Context) error {
	s.mu.Lock()
	s.stopping = true
	s.checkEmpty()
	s.mu.Unlock()
	s.sessions.Each(func(n presence.Session) bool { n.(*session).drain(); return true })
	defer s.pool.Close()
	select {
	case <-s.empty:
		return nil
	case <-ctx.Done():
		if !s.suspending.Load() {
			s.sessions.Each(func(n presence.Session) bool { n.Close(presence.Shutdown); return true })
		}
		return ctx.Err()
	}
}

// Open is the number of connections that are not closed yet, whose sessions may have
// ended, and of parked sessions.
func (s *Server) Open() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sockets + s.waiting
}
