package cluster

import (
	"context"
	"errors"

	"github.com/heroiclabs/nakama-common/runtime"

	"kumi/cluster/wire"
	"kumi/presence"
)

// Act implements presence.Peers.
func (p *Presences) Act(ctx context.Context, node presence.NodeID, c presence.SessionCall) (bool, error) {
	if _, ok := p.node.Peer(node); !ok {
		return false, presence.ErrNoNode
	}
	in := &wire.SessionCall{
		Do: wire.SessionAction(c.Do), Session: c.Session[:], User: c.User[:], Stream: writeStream(c.Stream),
		Username: []byte(c.Meta.Username), Status: []byte(c.Meta.Status), Reason: uint32(c.Meta.Reason),
	}
	if c.Meta.Hidden {
		in.Flags |= opHidden
	}
	if c.Meta.Persistence {
		in.Flags |= opPersistence
	}
	for i := range c.Users {
		in.Users = append(in.Users, c.Users[i][:])
	}
	out := new(wire.SessionAnswer)
	if err := Call(ctx, p.node, node, wire.Method_METHOD_SESSION, in, out); err != nil {
		return false, err
	}
	switch out.Failure {
	case wire.SessionFailure_SESSION_FAILURE_NOT_FOUND:
		return false, presence.ErrNoSession
	case wire.SessionFailure_SESSION_FAILURE_CLOSING:
		return false, presence.ErrSessionEnded
	}
	return out.Done, nil
}

// act does what another node asks.
func (p *Presences) act(_ context.Context, _ presence.NodeID, in *wire.SessionCall) (*wire.SessionAnswer, error) {
	c := presence.SessionCall{
		Do: presence.SessionAction(in.Do), Session: readID(in.Session), User: readID(in.User), Stream: readStream(in.GetStream()),
		Meta: presence.Meta{
			Hidden: in.Flags&opHidden != 0, Persistence: in.Flags&opPersistence != 0,
			Username: string(in.Username), Status: string(in.Status), Reason: runtime.PresenceReason(in.Reason),
		},
	}
	for _, id := range in.Users {
		c.Users = append(c.Users, readID(id))
	}
	done, err := p.tracker.ActHere(c)
	switch {
	case errors.Is(err, presence.ErrNoSession):
		return &wire.SessionAnswer{Failure: wire.SessionFailure_SESSION_FAILURE_NOT_FOUND}, nil
	case errors.Is(err, presence.ErrSessionEnded):
		return &wire.SessionAnswer{Failure: wire.SessionFailure_SESSION_FAILURE_CLOSING}, nil
	}
	return &wire.SessionAnswer{Done: done}, err
}
