package match

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/heroiclabs/nakama-common/api"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"kumi/presence"
	"kumi/store/query"
)

// ListFilter selects the matches to list. Nil fields do not filter.
type ListFilter struct {
	Limit            int   // 0 and less: none
	Authoritative    *bool // nil: authoritative matches first, then relayed ones
	Label            *string
	Query            *string // overrides Label
	MinSize, MaxSize *int    // inclusive
	// Node selects authoritative matches of one node; empty: of all.
	Node string
}

// List lists matches, ordered by query score, then newest first. Relayed
// matches have no label, so they are listed only without a label and a query.
// Code 3 for a query that does not parse or costs too much. Matches of nodes that
// do not answer in time are missing.
func (r *Registry) List(ctx context.Context, f ListFilter) ([]*api.Match, error) {
	q, err := f.parse()
	if err != nil {
		return nil, err
	}
	out := []*api.Match{}
	if f.Limit <= 0 {
		return out, nil
	}
	wantRelayed := f.Label == nil && f.Query == nil && (f.Authoritative == nil || !*f.Authoritative)
	if f.Authoritative == nil || *f.Authoritative {
		if out, err = r.listAuthoritative(ctx, &f, q, out); err != nil {
			return nil, err
		}
	}
	if wantRelayed && len(out) < f.Limit {
		r.tracker.Streams(presence.ModeMatchRelayed, func(s presence.Stream, n int) bool {
			if f.fits(n) {
				out = append(out, &api.Match{MatchId: s.MatchID(), Size: int32(n)})
			}
			return len(out) < f.Limit
		})
	}
	return out, nil
}

// parse returns the filter's query, nil if it has none or one that matches all.
func (f *ListFilter) parse() (*query.Query, error) {
	if f.Query == nil {
		return nil, nil
	}
	f.Label = nil
	q, err := query.Parse(*f.Query)
	if err != nil {
		return nil, fmt.Errorf("list matches: %w", err)
	}
	if q.MatchesAll() {
		return nil, nil
	}
	return q, nil
}

// listAuthoritative appends the authoritative matches of all nodes to out.
func (r *Registry) listAuthoritative(ctx context.Context, f *ListFilter, q *query.Query, out []*api.Match) ([]*api.Match, error) {
	node := f.Node
	if node == "" && q != nil {
		node = q.NeededText("node")
	}
	var others []Listed
	if r.o.Elsewhere != nil && node != r.o.Node {
		var err error
		if others, err = r.o.Elsewhere.List(ctx, node, f); err != nil {
			return nil, fmt.Errorf("list matches: %w", err)
		}
	}
	if node != "" && node != r.o.Node {
		return appendListed(out, others, f.Limit), nil
	}
	hits, err := r.authoritative(f, q)
	if err != nil {
		return nil, fmt.Errorf("list matches: %w", err)
	}
	if len(others) > 0 {
		return appendListed(out, append(listed(hits), others...), f.Limit), nil
	}
	for _, h := range hits {
		out = append(out, h.match.listing())
	}
	return out, nil
}

// ListHere lists authoritative matches of this node, for another one. Errors as in List.
func (r *Registry) ListHere(f ListFilter) ([]Listed, error) {
	q, err := f.parse()
	if err != nil || f.Limit <= 0 {
		return nil, err
	}
	hits, err := r.authoritative(&f, q)
	return listed(hits), err
}

func listed(hits []hit) []Listed {
	list := make([]Listed, len(hits))
	for i, h := range hits {
		list[i] = Listed{Match: h.match.listing(), Score: h.score, Created: h.match.created}
	}
	return list
}

// appendListed appends the first of what several nodes listed, in order.
func appendListed(out []*api.Match, all []Listed, limit int) []*api.Match {
	slices.SortStableFunc(all, func(a, b Listed) int {
		return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(b.Created, a.Created))
	})
	for _, l := range all[:min(len(all), limit)] {
		out = append(out, l.Match)
	}
	return out
}

func (f *ListFilter) fits(size int) bool {
	return (f.MinSize == nil || size >= *f.MinSize) && (f.MaxSize == nil || size <= *f.MaxSize)
}

func (m *Match) listing() *api.Match {
	return &api.Match{
		MatchId: m.text, Authoritative: true, Label: wrapperspb.String(m.Label()),
		Size: m.size.Load(), TickRate: m.rate.Load(), HandlerName: m.name,
	}
}

// Get describes a match; it returns nil if there is none with that id. A relayed
// match has only an id and a size. The error is ErrIDInvalid, or code 14 for a
// match of a node that cannot be reached.
func (r *Registry) Get(ctx context.Context, id string) (*api.Match, error) {
	matchID, node, err := ParseID(id)
	if err != nil {
		return nil, err
	}
	if node == "" {
		stream := presence.RelayedMatch(matchID)
		n := r.tracker.Count(stream)
		if n == 0 {
			return nil, nil
		}
		return &api.Match{MatchId: stream.MatchID(), Size: int32(n)}, nil
	}
	if m := r.find(matchID, node); m != nil {
		return m.listing(), nil
	}
	a, err := r.call(ctx, node, &Call{Op: OpGet, Match: matchID})
	switch {
	case errors.Is(err, ErrNotFound):
		return nil, nil
	case err != nil:
		return nil, err
	}
	return a.Match, nil
}
