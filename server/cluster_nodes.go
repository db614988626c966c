package server

import (
	"context"
	"slices"
	"time"

	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"kumi/cluster"
	"kumi/cluster/wire"
	"kumi/core/consolepb"
	"kumi/presence"
	"kumi/store/fault"
)

const (
	// tellWait is how long a log-out waits for the other nodes.
	tellWait = 500 * time.Millisecond
	// statusWait is how long a list of the nodes waits for one that does not answer, and
	// drainWait how long a node may take to begin to drain.
	statusWait, drainWait = 500 * time.Millisecond, 2 * time.Second
)

// serveNode adds what nodes ask of one another for operators and for log-outs.
func (s *Server) serveNode() {
	n := s.node.Node
	s.game.Core.OnRevoke(func(ctx context.Context, payload []byte) {
		ctx, cancel := context.WithTimeout(ctx, tellWait)
		defer cancel()
		for _, a := range cluster.CallAll[*emptypb.Empty](ctx, n, wire.Method_METHOD_REVOKE, wrapperspb.Bytes(payload)) {
			if a.Err != nil {
				s.log.Warn().Err(a.Err).Str("peer", a.Peer.Name).Msg("a node was not told of revoked tokens, it hears of them by the log")
			}
		}
	})
	cluster.HandleCall(n, wire.Method_METHOD_REVOKE, func(_ context.Context, _ presence.NodeID, in *wrapperspb.BytesValue) (*emptypb.Empty, error) {
		return &emptypb.Empty{}, s.game.Core.Revoked(in.Value)
	})
	cluster.HandleCall(n, wire.Method_METHOD_NODE_STATUS, func(context.Context, presence.NodeID, *emptypb.Empty) (*consolepb.StatusList_Status, error) {
		return s.status(), nil
	})
	cluster.HandleCall(n, wire.Method_METHOD_NODE_DRAIN, func(_ context.Context, from presence.NodeID, _ *emptypb.Empty) (*emptypb.Empty, error) {
		by := from.String()
		if p, ok := n.Peer(from); ok {
			by = p.Name
		}
		s.log.Info().Str("from", by).Msg("an operator drains this node")
		s.Drain()
		return &emptypb.Empty{}, nil
	})
}

// status is what this node does, for operators.
func (s *Server) status() *consolepb.StatusList_Status {
	if s.describe != nil {
		return s.describe()
	}
	g := s.game
	return &consolepb.StatusList_Status{
		Name: s.config.Name, State: s.state(), ServerVersion: Version, ModuleDigest: s.digest(),
		SessionCount: int32(g.Sessions.Count()), PresenceCount: int32(g.Tracker.Own()), MatchCount: int32(g.Matches.Count()), PartyCount: int32(g.Parties.Count()),
	}
}

// otherNodes returns the other nodes of the cluster, with what they say of themselves.
func (s *Server) otherNodes() (list []*consolepb.StatusList_Status) {
	if s.node == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), statusWait)
	defer cancel()
	for _, a := range cluster.CallAll[*consolepb.StatusList_Status](ctx, s.node.Node, wire.Method_METHOD_NODE_STATUS, &emptypb.Empty{}) {
		if a.Err != nil {
			continue
		}
		a.Out.DelayMs = float64(a.Took.Microseconds()) / 1000
		list = append(list, a.Out)
	}
	for _, p := range s.node.Peers() {
		if !slices.ContainsFunc(list, func(n *consolepb.StatusList_Status) bool { return n.Name == p.Name }) {
			list = append(list, &consolepb.StatusList_Status{
				Name: p.Name, State: p.State.String(), Health: consolepb.StatusHealth_STATUS_HEALTH_ERROR, ServerVersion: p.Version, ModuleDigest: p.Digest,
				SessionCount: int32(p.Sessions), MatchCount: int32(p.Matches),
			})
		}
	}
	return list
}

// drainNode asks for the end of a node of the cluster.
func (s *Server) drainNode(ctx context.Context, name string) error {
	if name == s.config.Name {
		s.log.Info().Msg("an operator drains this node")
		s.Drain()
		return nil
	}
	if s.node != nil {
		if p, ok := s.node.ByName(name); ok {
			ctx, cancel := context.WithTimeout(ctx, drainWait)
			defer cancel()
			return cluster.Call(ctx, s.node.Node, p.ID, wire.Method_METHOD_NODE_DRAIN, &emptypb.Empty{}, &emptypb.Empty{})
		}
	}
	return fault.New(fault.NotFound, "There is no node of that name.")
}
