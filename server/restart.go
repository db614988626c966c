package server

import (
	"context"
	"time"

	"kumi/core"
)

// keepDeadline bounds the writing of sessions, for which the context of Stop may have no
// time left.
const keepDeadline = 10 * time.Second

// keptSessions is where sessions are kept over a restart; nil: they end with the server. The
// players of a node of a cluster go to the other nodes.
func (s *Server) keptSessions() *core.KeptSessions {
	if s.node != nil || s.db == nil || s.ports == nil || s.config.Session.ResumeSec == 0 {
		return nil
	}
	return core.NewKeptSessions(s.db, s.config.Name)
}

// stopSockets closes the sockets. Their sessions end, or are kept by keepSessions.
func (s *Server) stopSockets(ctx context.Context) error {
	if s.keptSessions() == nil {
		return s.sockets.Shutdown(ctx)
	}
	return s.sockets.Suspend(ctx)
}

// keepSessions writes the sessions that wait for their clients, when nothing else changes
// them any more.
func (s *Server) keepSessions() error {
	store := s.keptSessions()
	if store == nil || s.sockets == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), keepDeadline)
	defer cancel()
	return s.sockets.Keep(ctx, store)
}

// restoreSessions makes the sessions of before a planned restart again.
func (s *Server) restoreSessions(ctx context.Context) {
	if s.node != nil {
		return
	}
	if err := s.sockets.Restore(ctx, core.NewKeptSessions(s.db, s.config.Name)); err != nil {
		s.log.Error().Err(err).Msg("the sessions of before the restart cannot be restored")
	}
}
