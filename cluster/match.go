package cluster

import (
	"cmp"
	"context"
	"sync"
	"time"

	"github.com/gofrs/uuid/v5"

	"kumi/cluster/wire"
	"kumi/match"
	"kumi/presence"
)

// existsTimeout is how long a search for a relayed match waits for the other nodes. At most
// existsMax ask at a time: clients can name any match, and must not use up the calls.
const (
	existsTimeout = 250 * time.Millisecond
	existsMax     = 64
)

// Matches connects the matches of this node and those of the others. It is the
// match.Elsewhere of this node's registry. Its methods may be called from any goroutine,
// Serve before the node starts.
type Matches struct {
	n        *Node
	o        MatchOptions
	registry *match.Registry
	lists    lists[*wire.MatchListed]
	asking   chan struct{} // has an element for each search of Exists
	holds    holds
	heirs    sync.Mutex
	given    map[string]int // matches that each node was asked to take; heirs guards it
}

var _ match.Elsewhere = (*Matches)(nil)

// MatchOptions say where new matches are placed.
type MatchOptions struct {
	// Spread places new matches on the less loaded of two random nodes. Otherwise they
	// stay here, unless this node drains or its ticks are late.
	Spread bool
	// Digest returns the digest of this node's modules: matches are placed only on nodes
	// with the same.
	Digest func() string
}

// NewMatches makes the connection of a registry that is made with it, and then served.
func NewMatches(n *Node, o MatchOptions) *Matches {
	return &Matches{n: n, o: o, lists: lists[*wire.MatchListed]{n: n, method: wire.Method_METHOD_MATCH_LIST}, asking: make(chan struct{}, existsMax)}
}

// Known implements match.Elsewhere.
func (m *Matches) Known(node string) bool {
	_, ok := m.n.ByName(node)
	return ok
}

// Call implements match.Elsewhere.
func (m *Matches) Call(ctx context.Context, node string, c *match.Call) (*match.Answer, error) {
	p, ok := m.n.ByName(node)
	if !ok {
		return nil, match.ErrNotFound
	}
	in, err := writeMatchCall(c)
	if err != nil {
		return nil, err
	}
	if c.Home != p.Name {
		in.Home = c.Home
	}
	out := &wire.MatchAnswer{}
	if err := Call(ctx, m.n, p.ID, wire.Method_METHOD_MATCH, in, out); err != nil {
		return nil, err
	}
	return readMatchAnswer(out, presence.AuthoritativeMatch(c.Match, cmp.Or(c.Home, p.Name)))
}

// Input implements match.Elsewhere.
func (m *Matches) Input(node string, id, session uuid.UUID, d *match.DataSend) {
	if p, ok := m.n.ByName(node); ok {
		m.n.Send(p.ID, wire.Kind_KIND_MATCH_INPUT, &wire.MatchInput{
			Match: id[:], Session: session[:], OpCode: d.OpCode, Data: d.Data, Reliable: d.Reliable,
			Forwarded: presence.NodeOf(session) != m.n.Self(),
		}, d.Reliable)
	}
}

// Dismiss implements match.Elsewhere.
func (m *Matches) Dismiss(node string, id, session uuid.UUID, admission uint64) {
	if p, ok := m.n.ByName(node); ok {
		m.n.Send(p.ID, wire.Kind_KIND_MATCH_DISMISS, &wire.MatchDismiss{Match: id[:], Session: session[:], Admission: admission}, true)
	}
}

// Cancel implements match.Elsewhere.
func (m *Matches) Cancel(node string, id uuid.UUID) {
	if p, ok := m.n.ByName(node); ok {
		m.n.Send(p.ID, wire.Kind_KIND_MATCH_CANCEL, &wire.MatchCancel{Match: id[:]}, true)
	}
}

// Untrack implements match.Elsewhere.
func (m *Matches) Untrack(session uuid.UUID, stream presence.Stream, admission uint64) {
	m.n.sendLeave(session, stream, admission)
}

// List implements match.Elsewhere.
func (m *Matches) List(ctx context.Context, node string, f *match.ListFilter) ([]match.Listed, error) {
	parts, err := m.lists.of(ctx, node, writeMatchFilter(f))
	if err != nil {
		return nil, err
	}
	var found []match.Listed
	for _, part := range parts {
		for _, l := range part.list.Matches {
			if one, ok := readListedMatch(l, part.node); ok {
				found = append(found, one)
			}
		}
	}
	return found, nil
}

// Exists implements match.Elsewhere.
func (m *Matches) Exists(ctx context.Context, id uuid.UUID) bool {
	ctx, cancel := context.WithTimeout(ctx, existsTimeout)
	defer cancel()
	select {
	case m.asking <- struct{}{}:
		defer func() { <-m.asking }()
	case <-ctx.Done():
		return false
	}
	peers := m.n.Peers()
	answers := scatter[*wire.MatchExisting](ctx, m.n, peers, wire.Method_METHOD_MATCH_EXISTS, &wire.MatchExists{Match: id[:]})
	for range peers {
		if a := <-answers; a.err == nil && a.out.Exists {
			return true
		}
	}
	return false
}

// sendLeave makes a session of another node leave the stream of a match or party.
func (n *Node) sendLeave(session uuid.UUID, s presence.Stream, admission uint64) {
	n.Send(presence.NodeOf(session), wire.Kind_KIND_LEAVE, &wire.Leave{
		Session: session[:], Mode: uint32(s.Mode), Subject: s.Subject[:], Label: s.Label, Admission: admission,
	}, true)
}
