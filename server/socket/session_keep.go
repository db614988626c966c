package socket

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/coder/websocket"
	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/runtime"

	"kumi/core"
	"kumi/match/party"
	"kumi/presence"
)

// With session.resume_sec a server that stops keeps its sessions, for the process that
// starts after it: Suspend parks all of them, Keep writes them to the database, and
// Restore makes them again, parked, with their presences, parties and messages.

// The kinds of rows of core.KeptSessions.
const (
	keptSession = "session"
	keptParty   = "party"
)

// kept is a session in the database. Newer code must read what older code wrote.
type kept struct {
	User      uuid.UUID         `json:"user"`
	Username  string            `json:"username"`
	Token     string            `json:"token"` // its id
	Format    string            `json:"format"`
	Vars      map[string]string `json:"vars,omitempty"`
	Expiry    int64             `json:"expiry"` // of the token, in Unix seconds
	Lang      string            `json:"lang"`
	IP        string            `json:"ip"`
	Port      string            `json:"port"`
	Presences []keptPresence    `json:"presences"`
	Follows   []uuid.UUID       `json:"follows,omitempty"`
	Queue     [][]byte          `json:"queue,omitempty"` // envelopes in the session's format
}

// keptPresence is a presence of a session, with its stream.
type keptPresence struct {
	Mode        uint8     `json:"mode"`
	Subject     uuid.UUID `json:"subject"`
	Subcontext  uuid.UUID `json:"subcontext"`
	Label       string    `json:"label"`
	Username    string    `json:"username"`
	Status      string    `json:"status,omitempty"`
	Hidden      bool      `json:"hidden,omitempty"`
	Persistence bool      `json:"persistence,omitempty"`
}

// Suspend accepts no more sockets and parks all sessions: each when what it has read is
// handled and answered, and all of them when ctx ends. Clients are told by close code 1012
// that the server restarts. It returns when all connections are closed, or with ctx's error
// when ctx ended first. Keep comes next. Without session.resume_sec it is Shutdown.
func (s *Server) Suspend(ctx context.Context) error {
	s.suspending.Store(s.limits.resume > 0)
	err := s.Shutdown(ctx)
	if !s.suspending.Load() {
		return err
	}
	s.sessions.Each(func(o presence.Session) bool {
		n := o.(*session)
		n.in.waitIdle(ctx) // those that were parked before count as closed
		if c := n.suspend(); c != nil {
			c.net.abort()
		}
		return true
	})
	return ctx.Err()
}

// leave ends the session of a server that stops, or parks it if the server restarts.
func (s *session) leave() {
	if !s.suspending.Load() {
		s.Close(presence.Shutdown)
		return
	}
	s.pool.Go((*suspender)(s))
}

// suspender is a session as a task of the pool: it parks the session once what is queued
// is written.
type suspender session

// Run implements actor.Runner.
func (t *suspender) Run() {
	s, o := (*session)(t), &t.out
	ctx, cancel := context.WithTimeout(s.ctx, s.limits.writeWait)
	defer cancel()
	s.Flush()
	o.mu.Lock()
	// Nobody may begin to write between this and detach: the close frame would come before
	// the end of that write.
	for o.conn != nil && o.writing && !o.ended && o.waitChange(ctx) {
	}
	c := s.suspended()
	o.mu.Unlock()
	if c == nil {
		return
	}
	if ctx.Err() != nil {
		c.net.abort() // a write to it has not ended
		return
	}
	// The peer has closeAckWait to answer.
	_ = c.net.SetReadDeadline(time.Now().Add(s.limits.closeAckWait))
	_ = c.ws.Close(websocket.StatusServiceRestart, presence.Shutdown.Text())
	_ = c.ws.CloseNow()
}

// suspend parks a session until it is kept, and returns the connection that it had; nil
// if it had none, or ends.
func (s *session) suspend() *connection {
	s.out.mu.Lock()
	defer s.out.mu.Unlock()
	return s.suspended()
}

// suspended is suspend. out.mu is held.
func (s *session) suspended() *connection {
	o := &s.out
	c := o.conn
	if c == nil || s.closing.Load() || o.ended || o.final != nil {
		return nil
	}
	s.detach(&parking{since: time.Now()}, presence.Shutdown)
	return c
}

// Keep writes the sessions of a server that was suspended. Their timers and contexts end,
// but nobody is told that they have ended. Calls that have not ended yet are cancelled. If
// the sessions cannot be written they end.
func (s *Server) Keep(ctx context.Context, store *core.KeptSessions) error {
	if !s.suspending.Load() {
		return nil
	}
	var rows []core.KeptSession
	var all []*session
	var errs []error
	row := func(id uuid.UUID, kind string, of any) {
		state, err := json.Marshal(of)
		if err != nil {
			errs = append(errs, fmt.Errorf("keep %s %s: %w", kind, id, err))
			return
		}
		rows = append(rows, core.KeptSession{ID: id, Kind: kind, State: state})
	}
	for _, p := range s.parties.Keep() {
		row(p.ID, keptParty, p)
	}
	s.sessions.Each(func(n presence.Session) bool { all = append(all, n.(*session)); return true })
	slices.SortFunc(all, func(a, b *session) int {
		if presence.Older(a.id, b.id) {
			return -1
		}
		return 1
	})
	all = slices.DeleteFunc(all, func(n *session) bool {
		k := n.keep(ctx)
		if k != nil {
			row(n.id, keptSession, k)
		}
		return k == nil
	})
	if err := store.Keep(ctx, rows, time.Now().Add(s.limits.resume)); err != nil {
		errs = append(errs, err)
		for _, n := range all {
			n.end(presence.Shutdown)
		}
		return errors.Join(errs...)
	}
	for _, n := range all {
		n.cancel()
	}
	s.Log.Info().Int("sessions", len(all)).Msg("sessions are kept until the server starts again")
	return errors.Join(errs...)
}

// keep returns what is kept of a parked session, which cannot be resumed any more. It
// returns nil for one that ends.
func (s *session) keep(ctx context.Context) *kept {
	s.in.end()
	queue, ok := s.lastQueue(ctx)
	if !ok {
		return nil
	}
	scope := s.scope()
	k := &kept{
		User: s.user, Username: s.username, Token: s.token, Format: s.format.String(),
		Vars: scope.Vars, Expiry: scope.SessionExpiry, Lang: scope.Lang, IP: scope.ClientIP, Port: scope.ClientPort,
		Follows: s.tracker.FollowsOf(s.id),
	}
	for _, on := range s.tracker.StreamsOf(s.id) {
		if p := s.tracker.Get(s.id, on); p != nil {
			k.Presences = append(k.Presences, keptPresence{on.Mode, on.Subject, on.Subcontext, on.Label, p.Username, p.Status, p.Hidden, p.Persistence})
		}
	}
	for _, m := range queue {
		if b, err := m.Bytes(s.format); err == nil {
			k.Queue = append(k.Queue, b)
		}
	}
	return k
}

// lastQueue ends the outbox of a parked session and returns what was queued. ok is false
// if the session has a connection or ends. The tracker's listeners send while it is
// locked, so the outbox must not be locked when the tracker is read.
func (s *session) lastQueue(ctx context.Context) (queue []*presence.Message, ok bool) {
	o := &s.out
	o.mu.Lock()
	defer o.mu.Unlock()
	// The last connection's writer puts back what it could not send.
	for o.conn == nil && o.writing && !o.ended && o.waitChange(ctx) {
	}
	if o.conn != nil || o.ended || s.closing.Load() || o.parked.end != nil && !o.parked.end.Stop() {
		return nil, false
	}
	o.ended = true
	return o.takeQueue(), true
}

// Restore makes the sessions again that were kept when the server stopped. They are parked
// for what is left of session.resume_sec. It is called once, before the matches are
// restored, which so find their members, and before clients can connect. What cannot be
// read is left out, and the log says why. Without session.resume_sec the sessions are
// deleted. Restored comes when the matches are there.
func (s *Server) Restore(ctx context.Context, store *core.KeptSessions) error {
	rows, until, err := store.Take(ctx)
	if err != nil || len(rows) == 0 || s.limits.resume == 0 { // it was set before the restart
		return err
	}
	var parties []*party.Kept
	var sessions []restoring
	for _, one := range rows {
		var err error
		switch one.Kind {
		case keptParty:
			p := new(party.Kept)
			if err = json.Unmarshal(one.State, p); err == nil {
				parties = append(parties, p)
			}
		case keptSession:
			r := restoring{id: one.ID}
			if err = json.Unmarshal(one.State, &r.kept); err == nil {
				sessions = append(sessions, r)
			}
		}
		if err != nil {
			s.Log.Error().Err(err).Stringer("id", one.ID).Str("kind", one.Kind).Msg("a kept session cannot be read")
		}
	}
	for _, r := range sessions {
		s.restore(r, until)
	}
	s.parties.Restore(parties)
	s.Log.Info().Int("sessions", len(sessions)).Int("parties", len(parties)).Msg("kept sessions were read")
	return nil
}

type restoring struct {
	id uuid.UUID
	kept
}

// Restored takes the sessions off the streams of matches that could not be restored.
func (s *Server) Restored(ctx context.Context) {
	var gone []presence.Stream
	s.tracker.Streams(presence.ModeMatchAuthoritative, func(stream presence.Stream, _ int) bool {
		if m, err := s.matches.Get(ctx, stream.MatchID()); m == nil && err == nil {
			gone = append(gone, stream)
		}
		return true
	})
	for _, stream := range gone {
		s.tracker.UntrackStream(stream, runtime.PresenceReasonUnknown)
	}
}

// restore makes a session, parked until the given time.
func (s *Server) restore(k restoring, until time.Time) {
	scope := s.Scope()
	scope.UserID, scope.Username, scope.Vars, scope.SessionExpiry = k.User.String(), k.Username, k.Vars, k.Expiry
	scope.SessionID, scope.Lang, scope.ClientIP, scope.ClientPort = k.id.String(), k.Lang, k.IP, k.Port
	format := presence.JSON
	if k.Format == presence.Protobuf.String() {
		format = presence.Protobuf
	}
	n := s.newSession(k.id, &core.Claims{UserID: k.User, Username: k.Username, TokenID: k.Token}, format, scope)
	n.out.writing = false
	for _, b := range k.Queue {
		n.out.queue = append(n.out.queue, presence.NewKept(b, format))
		n.out.bytes += len(b)
	}
	p := &parking{since: time.Now()}
	n.out.parked = p
	s.parked()
	s.sessions.Add(n)
	s.tracker.Follow(n.id, append(k.Follows, n.user)...)
	for _, on := range k.Presences {
		stream := presence.Stream{Mode: on.Mode, Subject: on.Subject, Subcontext: on.Subcontext, Label: on.Label}
		meta := presence.Meta{Username: on.Username, Status: on.Status, Hidden: on.Hidden, Persistence: on.Persistence}
		if err := s.tracker.Restore(n.id, stream, meta); err != nil {
			n.note(s.Log.Warn()).Err(err).Msg("a presence cannot be restored")
		}
	}
	n.out.mu.Lock()
	p.end = time.AfterFunc(time.Until(until), func() { n.expire(p, presence.ClosedByPeer) })
	n.out.mu.Unlock()
}
