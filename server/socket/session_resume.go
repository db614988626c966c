package socket

import (
	"context"
	"slices"
	"time"

	"kumi/core"
	"kumi/presence"
)

// With session.resume_sec a session whose connection broke is parked for that long: it
// stays on its streams, and what is sent to it is queued. A client that connects again
// with a token of the same id takes it over. Clients that close their socket, and
// sessions that the server ends, are not parked.
//
// What was written to a connection is not sent again: the server cannot know how much
// of it the client has read. What the connection did not take is in the queue, so it is
// sent once, on the next connection.

// parking is the time that a session has no connection.
type parking struct {
	lost  *connection // that broke; nil if the server parked the session for a restart
	since time.Time
	end   *time.Timer // nil while the server stops
}

// maxParked is how many bytes may be queued for a parked session. Beyond that, and
// beyond hardFactor times the configured number of messages, it ends as that of a slow
// client.
const maxParked = 1 << 20

// lost ends a connection that broke. Its session is parked or, if it cannot be, ends for
// the reason; parked is whether the session goes on without this connection. Any
// goroutine may call it, more than once.
func (c *connection) lost(reason presence.CloseReason) (parked bool) {
	if c.park(reason) {
		c.net.abort() // so that a write or read that is in progress ends
		return true
	}
	c.Close(reason)
	return false
}

// closed ends the session of a connection by which the client's close frame came. The
// session may have been parked for a write that failed before the frame was read.
func (c *connection) closed() {
	if c.last() {
		c.Close(presence.ClosedByPeer)
	}
}

// last reports whether the session has had no other connection after this one.
func (c *connection) last() bool {
	o := &c.out
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.conn == c || o.conn == nil && o.parked.lost == c
}

// replaced reports whether the session goes on without this connection.
func (c *connection) replaced() bool {
	c.out.mu.Lock()
	defer c.out.mu.Unlock()
	return c.out.conn != c
}

// park takes the connection away from the session and reports whether the session goes
// on without it.
func (c *connection) park(reason presence.CloseReason) bool {
	o, s := &c.out, c.session
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case o.conn != c:
		return true
	case s.limits.resume == 0 || s.draining.Load() && !s.suspending.Load() || s.closing.Load() || o.ended || o.final != nil:
		return false
	}
	p := &parking{lost: c, since: time.Now()}
	p.end = time.AfterFunc(s.limits.resume, func() { s.expire(p, reason) })
	s.detach(p, reason)
	return true
}

// detach parks the session, whose connection ended for the reason. out.mu is held.
func (s *session) detach(p *parking, reason presence.CloseReason) {
	o := &s.out
	o.conn.ping.Stop()
	queue := o.takeQueue()
	o.conn, o.parked = nil, p
	o.putBack(queue, s.format)
	o.notify()
	s.stats.Closed(reason)
	s.parked()
	s.note(s.Log.Debug()).Stringer("reason", reason).Msg("session is parked")
}

// expire ends a session that is still parked.
func (s *session) expire(p *parking, reason presence.CloseReason) {
	o := &s.out
	o.mu.Lock()
	expired := o.conn == nil && o.parked == p
	if expired {
		o.ended, o.queue = true, nil // so that it cannot be resumed any more
	}
	o.mu.Unlock()
	if expired {
		s.Close(reason)
	}
}

// lastConnection is the connection of a session that is closing. It is nil if the session
// is parked, which then cannot be resumed any more.
func (s *session) lastConnection() *connection {
	o := &s.out
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.conn == nil {
		if o.parked.end != nil {
			o.parked.end.Stop()
		}
		o.ended, o.queue = true, nil
		o.notify()
	}
	return o.conn
}

// putBack queues messages that were not sent before those that came after them, without
// replies: their requests ended with their connection, and on the next one a cid may
// be used again. mu is held.
func (o *outbox) putBack(unsent []*presence.Message, format presence.Format) {
	kept := make([]*presence.Message, 0, len(unsent)+len(o.queue))
	for _, m := range unsent {
		b, err := m.Bytes(format)
		if err != nil {
			continue
		}
		if e, err := presence.Decode(b, format); err == nil && e.Cid == "" && e.GetRpc() == nil {
			kept = append(kept, m)
			o.bytes += len(b)
		}
	}
	o.queue = append(kept, o.queue...)
}

// probeWait is how long a client may take to answer a ping when another connection with
// its token is opened, before its own one counts as broken.
const probeWait = 2 * time.Second

// maxProbes is how many connections of a token are tested, one after the other, before
// the next one is accepted.
const maxProbes = 3

// probe tests the newest session of a token before another connection with that token is
// accepted: where the network changed, the server may not have noticed yet that the old
// connection is broken. One that does not answer is parked. A client that answers
// keeps its session, as two may use one token.
func (s *Server) probe(claims *core.Claims, format presence.Format) {
	for range maxProbes {
		c := s.newest(claims, format)
		if c == nil || c.answers() {
			return
		}
		if c.replaced() {
			continue // another attempt of the client was first, and may be given up by now
		}
		if c.ctx.Err() == nil {
			c.lost(presence.ReadTimeout)
		}
		return
	}
}

// newest returns the connection of the newest session of a token. It is nil if there is
// none, or a parked session to be resumed.
func (s *Server) newest(claims *core.Claims, format presence.Format) (c *connection) {
	for _, n := range s.sessionsOf(claims, format) {
		n.out.mu.Lock()
		c = n.out.conn
		n.out.mu.Unlock()
		if c == nil {
			return nil
		}
	}
	return c
}

// answers sends a ping and reports whether a pong comes within probeWait.
func (c *connection) answers() bool {
	ctx, cancel := context.WithTimeout(c.ctx, probeWait)
	defer cancel()
	answered := make(chan error, 1)
	go func() { answered <- c.ws.Ping(ctx) }() // may wait longer for a write
	select {
	case err := <-answered:
		return err == nil
	case <-ctx.Done():
		return false
	}
}

// sessionsOf returns the sessions of a token, oldest first. Tokens without an id, which
// other programs may sign, do not tell the devices of a user apart: they have none.
func (s *Server) sessionsOf(claims *core.Claims, format presence.Format) (all []*session) {
	if claims.TokenID == "" {
		return nil
	}
	for _, o := range s.sessions.OfUser(claims.UserID) {
		if n := o.(*session); n.token == claims.TokenID && n.format == format {
			all = append(all, n)
		}
	}
	return all
}

// resume gives a connection that was accepted to the parked session of its token, of
// several to that which was parked last. It is false if there is none. scope and online
// are those of the new connection.
func (s *Server) resume(c *connection, claims *core.Claims, format presence.Format, scope *core.Scope, online bool) bool {
	type candidate struct {
		*session
		since time.Time
	}
	var parked []candidate
	for _, n := range s.sessionsOf(claims, format) {
		n.out.mu.Lock()
		if n.out.conn == nil {
			parked = append(parked, candidate{n, n.out.parked.since})
		}
		n.out.mu.Unlock()
	}
	slices.SortStableFunc(parked, func(a, b candidate) int { return b.since.Compare(a.since) })
	for _, n := range parked {
		c.session = n.session
		if !n.take(c) {
			continue
		}
		again := *scope
		again.SessionID = n.scope().SessionID
		n.caller.Store(&again)
		if status := presence.StatusOf(n.user); online && s.tracker.Get(n.id, status) == nil {
			_, _, _ = s.tracker.Track(n.id, status, presence.Meta{Username: n.username}) // fails if the session ends
		}
		s.stats.Opened()
		s.stats.Resumed()
		n.note(s.Log.Debug()).Dur("parked", time.Since(n.since)).Msg("session is resumed")
		return true
	}
	return false
}

// take gives a parked session a connection, which the caller must open. It is false
// if the session is not parked any more.
func (s *session) take(c *connection) bool {
	ctx, cancel := context.WithTimeout(s.ctx, s.limits.writeWait)
	defer cancel()
	o := &s.out
	o.mu.Lock()
	defer o.mu.Unlock()
	// The old connection's writer puts back what it could not send.
	for o.conn == nil && o.writing && !o.ended && o.waitChange(ctx) {
	}
	if o.conn != nil || o.writing || o.ended || s.closing.Load() || s.draining.Load() || o.parked.end == nil || !o.parked.end.Stop() {
		return false
	}
	o.conn, o.writing = c, true // until opened
	s.unparked()
	return true
}
