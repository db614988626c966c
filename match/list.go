package match

import (
	"context"
	"fmt"

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
}

// List lists matches, ordered by query score, then newest first. Relayed
// matches have no label, so they are listed only without a label and a query.
// Code 3 for a query that does not parse or costs too much.
func (r *Registry) List(_ context.Context, f ListFilter) ([]*api.Match, error) {
	var q *query.Query
	if f.Query != nil {
		var err error
		if q, err = query.Parse(*f.Query); err != nil {
			return nil, fmt.Errorf("list matches: %w", err)
		}
		if q.MatchesAll() {
			q = nil
		}
		f.Label = nil
	}
	out := []*api.Match{}
	if f.Limit <= 0 {
		return out, nil
	}
	wantAuthoritative := f.Authoritative == nil || *f.Authoritative
	wantRelayed := f.Label == nil && f.Query == nil && (f.Authoritative == nil || !*f.Authoritative)
	if wantAuthoritative {
		hits, err := r.authoritative(&f, q)
		if err != nil {
			return nil, fmt.Errorf("list matches: %w", err)
		}
		for _, h := range hits {
			out = append(out, h.match.listing())
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

func (f *ListFilter) fits(size int) bool {
	return (f.MinSize == nil || size >= *f.MinSize) && (f.MaxSize == nil || size <= *f.MaxSize)
}

func (m *Match) listing() *api.Match {
	return &api.Match{
		MatchId: m.text, Authoritative: true, Label: wrapperspb.String(m.Label()),
		Size: m.size.Load(), TickRate: m.rate.Load(), HandlerName: m.name,
	}
}

// Get describes a match; it returns nil if there is none with that id on this
// node. A relayed match has only an id and a size. The error is ErrIDInvalid.
func (r *Registry) Get(_ context.Context, id string) (*api.Match, error) {
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
	m := r.find(matchID, node)
	if m == nil {
		return nil, nil
	}
	return m.listing(), nil
}
