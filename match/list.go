package match

import (
	"context"
	"fmt"

	"github.com/heroiclabs/nakama-common/api"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"kumi/presence"
	"kumi/store/query"
)

// ListFilter says which matches to list. Nil fields do not filter.
type ListFilter struct {
	Limit            int   // none for 0 and less
	Authoritative    *bool // nil: authoritative first, then relayed
	Label            *string
	Query            *string // takes the place of Label
	MinSize, MaxSize *int    // inclusive
}

// List lists matches: with a query those that answer it best first, and always
// the newest first. Relayed matches have no label, so they are listed only where
// neither label nor query is asked for. Code 3 for a query that does not parse
// or that costs too much.
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

// Get describes a match; it is nil when there is none with that id on this
// node. A relayed match has only its id and size. The error is ErrIDInvalid.
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
