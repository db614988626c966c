package match

import (
	"context"
	"slices"

	"github.com/heroiclabs/nakama-common/api"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"kumi/presence"
	"kumi/store/fault"
)

// ListFilter says which matches to list. Nil fields do not filter.
type ListFilter struct {
	Limit            int   // none for 0 and less
	Authoritative    *bool // nil: authoritative first, then relayed
	Label            *string
	Query            *string // takes the place of Label
	MinSize, MaxSize *int    // inclusive
}

// List lists matches, the newest first. Relayed matches have no label, so they
// are listed only where neither label nor query is asked for. Code 12 for a
// query other than "" and "*".
func (r *Registry) List(_ context.Context, f ListFilter) ([]*api.Match, error) {
	if f.Query != nil {
		if q := *f.Query; q != "" && q != "*" {
			return nil, fault.New(fault.Unimplemented, "match label queries are not available yet, only \"*\" is")
		}
		f.Label = nil
	}
	if f.Limit <= 0 {
		return []*api.Match{}, nil
	}
	wantAuthoritative := f.Authoritative == nil || *f.Authoritative
	wantRelayed := f.Label == nil && f.Query == nil && (f.Authoritative == nil || !*f.Authoritative)
	var out []*api.Match
	if wantAuthoritative {
		r.mu.RLock()
		found := make([]*Match, 0, len(r.matches))
		for _, m := range r.matches {
			if (f.Label == nil || m.Label() == *f.Label) && f.fits(int(m.size.Load())) {
				found = append(found, m)
			}
		}
		r.mu.RUnlock()
		slices.SortFunc(found, func(a, b *Match) int {
			if a.seq > b.seq {
				return -1
			}
			return 1
		})
		if len(found) > f.Limit {
			found = found[:f.Limit]
		}
		for _, m := range found {
			out = append(out, m.listing())
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
