package cluster

import (
	"context"

	"github.com/gofrs/uuid/v5"

	"kumi/cluster/wire"
	"kumi/match"
	"kumi/presence"
	"kumi/store/fault"
)

// errMalformed answers a call that cannot be read, such as one of a later version.
var errMalformed = fault.New(fault.InvalidArgument, "a call of another node cannot be read")

// Serve lets other nodes at a registry, which was made with m.
func (m *Matches) Serve(r *match.Registry) {
	m.registry = r
	HandleCall(m.n, wire.Method_METHOD_MATCH, m.onCall)
	HandleCall(m.n, wire.Method_METHOD_MATCH_LIST, func(_ context.Context, _ presence.NodeID, in *wire.MatchList) (*wire.MatchListed, error) {
		found, err := r.ListHere(readMatchFilter(in))
		if err != nil {
			return nil, err
		}
		out := &wire.MatchListed{}
		for i := range found {
			out.Matches = append(out.Matches, writeListedMatch(&found[i], m.n.Name()))
		}
		return out, nil
	})
	HandleCall(m.n, wire.Method_METHOD_MATCH_EXISTS, func(_ context.Context, _ presence.NodeID, in *wire.MatchExists) (*wire.MatchExisting, error) {
		id, err := uuid.FromBytes(in.Match)
		return &wire.MatchExisting{Exists: err == nil && r.HasRelayed(id)}, nil
	})
	HandleItem(m.n, wire.Kind_KIND_MATCH_INPUT, func(from presence.NodeID, in *wire.MatchInput) {
		if id, session, ok := matchAndSession(from, in.Match, in.Session); ok || in.Forwarded {
			r.Input(id, session, in.OpCode, in.Data, in.Reliable, in.Forwarded)
		}
	})
	HandleItem(m.n, wire.Kind_KIND_MATCH_DISMISS, func(from presence.NodeID, in *wire.MatchDismiss) {
		if id, session, ok := matchAndSession(from, in.Match, in.Session); ok {
			r.Dismissed(id, session, in.Admission)
		}
	})
	HandleItem(m.n, wire.Kind_KIND_MATCH_CANCEL, func(_ presence.NodeID, in *wire.MatchCancel) {
		if id, err := uuid.FromBytes(in.Match); err == nil {
			r.Cancel(id)
		}
	})
	HandleItem(m.n, wire.Kind_KIND_LEAVE, func(_ presence.NodeID, in *wire.Leave) {
		session, err := uuid.FromBytes(in.Session)
		subject, err2 := uuid.FromBytes(in.Subject)
		if err != nil || err2 != nil {
			return
		}
		stream := presence.Stream{Mode: uint8(in.Mode), Subject: subject, Label: in.Label}
		m.n.wait.Go(func() { r.Untrack(session, stream, in.Admission) }) // it may wait for the stream's events
	})
	m.serveMoves(r)
	m.n.OnBeat(func(b *wire.Beat) {
		if b.Info != nil {
			matches, late := r.Load()
			b.Info.Matches, b.Info.LateTicksPercent, b.Info.Digest = int64(matches), late, m.o.Digest()
		}
		b.Starting = r.Starting()
	}, nil)
	m.n.OnPeer(func(p Peer, _ State) {
		if p.State == Lost {
			r.NodeLost(p.Name)
		}
	})
}

func (m *Matches) onCall(ctx context.Context, from presence.NodeID, in *wire.MatchCall) (*wire.MatchAnswer, error) {
	c, err := readMatchCall(in)
	if err != nil {
		return nil, err
	}
	if c.Joiner != nil && presence.NodeOf(c.Joiner.Session) != from {
		return nil, errMalformed
	}
	a, err := m.registry.Answer(ctx, c)
	if err != nil {
		return nil, err
	}
	return writeMatchAnswer(a, m.n.Name()), nil
}

// matchAndSession reads the ids of a match and a session of the node that sends them.
func matchAndSession(from presence.NodeID, id, session []byte) (uuid.UUID, uuid.UUID, bool) {
	m, err := uuid.FromBytes(id)
	if err != nil {
		return m, m, false
	}
	s, err := uuid.FromBytes(session)
	return m, s, err == nil && presence.NodeOf(s) == from
}
