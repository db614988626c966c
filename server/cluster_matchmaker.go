package server

import (
	"context"
	"time"

	"kumi/cluster"
	"kumi/core"
	"kumi/server/game"
)

// connectMatchmaker gives a game that is to be made what connects its matchmaker with
// those of the other nodes. serveMatchmaker lets them at it.
func (s *Server) connectMatchmaker(o *game.Options) {
	if s.node == nil {
		return
	}
	s.node.matchmaking = cluster.NewMatchmaking(s.node.Node, s.digest)
	o.MatchmakerNetwork = s.node.matchmaking
	o.MatchmakerDecider = core.NewMatchmakerDecider(s.db, s.node.Self(), s.node.Epoch)
}

func (s *Server) serveMatchmaker() {
	if s.node != nil {
		s.node.matchmaking.Serve(s.game.Desk)
	}
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
