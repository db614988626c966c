package server

import (
	"context"
	"time"

	"github.com/gofrs/uuid/v5"

	"kumi/cluster"
	"kumi/cluster/wire"
	"kumi/core"
	"kumi/presence"
	"kumi/server/game"
)

// clusterGame connects the parts of a game with those of the other nodes.
type clusterGame struct {
	matches    *cluster.Matches
	parties    *cluster.Parties
	matchmaker *cluster.Matchmaking
}

// connectGame makes the connections that the parts of a game are made with.
func (s *Server) connectGame(o *game.Options) {
	if s.node == nil {
		return
	}
	s.node.game.matches = cluster.NewMatches(s.node.Node, cluster.MatchOptions{Spread: s.config.Cluster.Placement == "spread", Digest: s.digest})
	s.node.game.parties = cluster.NewParties(s.node.Node)
	s.node.game.matchmaker = cluster.NewMatchmaking(s.node.Node, s.digest)
	o.OtherMatches, o.OtherParties = s.node.game.matches, s.node.game.parties
	o.MatchmakerNetwork = s.node.game.matchmaker
	o.MatchmakerDecider = core.NewMatchmakerDecider(s.db, s.node.Self(), s.node.Epoch)
}

// serveGame makes the other nodes reach the parts of the game, once it is made.
func (s *Server) serveGame() {
	if s.node == nil {
		return
	}
	s.node.copied = make(chan struct{}, 1)
	presences := cluster.SharePresences(s.node.Node, cluster.PresencesOptions{
		Tracker: s.game.Tracker, Router: s.game.Router, Ordered: s.game.Core.Ordered,
		Opened: func(from presence.NodeID, user, session uuid.UUID, replaces []uuid.UUID) {
			s.sockets.Opened(from, user, session, replaces)
		},
		Copied: func() {
			select {
			case s.node.copied <- struct{}{}:
			default: // once is enough for several nodes
			}
		},
	})
	s.metrics.Presences(presences.Stats)
	s.node.OnBeat(func(b *wire.Beat) {
		if b.Info != nil {
			b.Info.Sessions = int64(s.game.Sessions.Count())
		}
	}, nil)
	s.node.game.matches.Serve(s.game.Matches)
	s.node.game.parties.Serve(s.game.Parties)
	s.node.game.matchmaker.Serve(s.game.Desk)
	s.serveNode()
}

// catchUp does what another node may have told this one while it did not hear it. It
// reports whether it could.
func (s *Server) catchUp(ctx context.Context) bool {
	err := s.game.Core.CatchUp(ctx)
	if err != nil && ctx.Err() == nil {
		s.log.Warn().Err(err).Msg("could not find out what has changed while another node was not heard, trying again")
	}
	return err == nil
}

// digest is that of the running modules.
func (s *Server) digest() string {
	if set := s.set.Load(); set != nil {
		return set.Digest
	}
	return ""
}

// resignTime is how long a server that ends waits for matches that are being formed.
const resignTime = 5 * time.Second

// resign lets another node lead the matchmaker, if this one does.
func (s *Server) resign(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, resignTime)
	defer cancel()
	s.game.Desk.Resign(ctx)
}
