package cluster

import (
	"context"

	"github.com/gofrs/uuid/v5"

	"kumi/cluster/wire"
	"kumi/match/party"
	"kumi/presence"
)

// Parties connects the parties of this node and those of the others. It is the
// party.Elsewhere of this node's registry. Its methods may be called from any goroutine,
// Serve before the node starts.
type Parties struct {
	n        *Node
	registry *party.Registry
	lists    lists[*wire.PartyListed]
}

var _ party.Elsewhere = (*Parties)(nil)

// NewParties makes the connection of a registry that is made with it, and then served.
// The items that make sessions leave are handled by Matches.
func NewParties(n *Node) *Parties {
	return &Parties{n: n, lists: lists[*wire.PartyListed]{n: n, method: wire.Method_METHOD_PARTY_LIST}}
}

// Known implements party.Elsewhere.
func (p *Parties) Known(node string) bool {
	_, ok := p.n.ByName(node)
	return ok
}

// Call implements party.Elsewhere.
func (p *Parties) Call(ctx context.Context, node string, c *party.Call) (*party.Answer, error) {
	peer, ok := p.n.ByName(node)
	if !ok {
		return nil, party.ErrNotFound
	}
	out := &wire.PartyAnswer{}
	if err := Call(ctx, p.n, peer.ID, wire.Method_METHOD_PARTY, writePartyCall(c), out); err != nil {
		return nil, err
	}
	return readPartyAnswer(out, c, peer.Name)
}

// Enter implements party.Elsewhere.
func (p *Parties) Enter(ctx context.Context, e *party.Entry) error {
	in := &wire.PartyEntry{
		Party: e.Party[:], Node: e.Node, Session: e.Session[:], Username: []byte(e.Username), Admission: e.Admission, Single: e.Single,
	}
	return Call(ctx, p.n, presence.NodeOf(e.Session), wire.Method_METHOD_PARTY_ENTER, in, &wire.PartyEntered{})
}

// Untrack implements party.Elsewhere.
func (p *Parties) Untrack(session uuid.UUID, stream presence.Stream, admission uint64) {
	p.n.sendLeave(session, stream, admission)
}

// List implements party.Elsewhere.
func (p *Parties) List(ctx context.Context, node string, f *party.ListFilter) ([]party.Listed, error) {
	parts, err := p.lists.of(ctx, node, writePartyFilter(f))
	if err != nil {
		return nil, err
	}
	var found []party.Listed
	for _, part := range parts {
		for _, l := range part.list.Parties {
			if one, ok := readListedParty(l, part.node); ok {
				found = append(found, one)
			}
		}
	}
	return found, nil
}

// Serve lets other nodes at a registry, which was made with p.
func (p *Parties) Serve(r *party.Registry) {
	p.registry = r
	HandleCall(p.n, wire.Method_METHOD_PARTY, p.onCall)
	HandleCall(p.n, wire.Method_METHOD_PARTY_ENTER, func(_ context.Context, from presence.NodeID, in *wire.PartyEntry) (*wire.PartyEntered, error) {
		e, err := readPartyEntry(in)
		if err != nil {
			return nil, err
		}
		if presence.NodeHash(e.Node) != from {
			return nil, errMalformed
		}
		return &wire.PartyEntered{}, r.Enter(e)
	})
	HandleCall(p.n, wire.Method_METHOD_PARTY_LIST, func(_ context.Context, _ presence.NodeID, in *wire.PartyList) (*wire.PartyListed, error) {
		f, err := readPartyFilter(in)
		if err != nil {
			return nil, err
		}
		found, err := r.ListHere(f)
		if err != nil {
			return nil, err
		}
		out := &wire.PartyListed{}
		for i := range found {
			out.Parties = append(out.Parties, writeListedParty(&found[i]))
		}
		return out, nil
	})
	p.n.OnPeer(func(peer Peer, _ State) {
		if peer.State == Lost {
			r.NodeLost(peer.Name)
		}
	})
}

func (p *Parties) onCall(ctx context.Context, from presence.NodeID, in *wire.PartyCall) (*wire.PartyAnswer, error) {
	c, err := readPartyCall(in)
	if err != nil {
		return nil, err
	}
	asks := c.Session
	if c.Joiner != nil {
		asks = c.Joiner.Session
	}
	if presence.NodeOf(asks) != from {
		return nil, errMalformed
	}
	a, err := p.registry.Answer(ctx, c)
	if err != nil {
		return nil, err
	}
	return writePartyAnswer(a), nil
}
