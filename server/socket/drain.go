package socket

import (
	"context"
	"time"

	"kumi/presence"
)

// drainStep is the time between waves of closed sockets.
const drainStep = 100 * time.Millisecond

// Drain accepts no more sockets and closes those that are open evenly until the given
// time, so that their players do not come to other nodes all at once. Players in a match of
// this node stay as long as it runs. It returns when no socket is left, at that time, or when ctx
// ends; Shutdown closes the rest. It is for a node whose players can go elsewhere.
func (s *Server) Drain(ctx context.Context, until time.Time) {
	s.mu.Lock()
	s.draining = true
	s.mu.Unlock()
	tick := time.NewTicker(drainStep)
	defer tick.Stop()
	for left := time.Until(until); left > 0; left = time.Until(until) {
		// Rounded up, so that the last wave is not the largest.
		wave := (s.sessions.Count()*int(drainStep) + int(left) - 1) / int(left)
		if s.Open() == 0 {
			return
		}
		s.sessions.Each(func(n presence.Session) bool {
			if one := n.(*session); wave > 0 && !one.draining.Load() && !s.plays(n) {
				one.drain()
				wave--
			}
			return wave > 0
		})
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// plays reports whether a session is in a match of this node.
func (s *Server) plays(n presence.Session) bool {
	for _, on := range s.tracker.StreamsOf(n.ID()) {
		if on.Mode == presence.ModeMatchAuthoritative && s.matches.Owner(on) == s.tracker.Node() {
			return true
		}
	}
	return false
}
