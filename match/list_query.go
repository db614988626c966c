package match

import (
	"cmp"
	"slices"
	"time"

	"kumi/store/query"
)

// matchDoc is the document that queries see of a match: its label and a few
// fields beside it. It is valid for one label and one tick rate.
type matchDoc struct {
	label *string
	rate  int32
	doc   query.Doc
}

// queryDoc returns the match's document. It is made when the match is created
// and, after a change of the label, by the first listing that needs it: a game
// may change its label on every tick.
func (m *Match) queryDoc() *matchDoc {
	label, rate := m.label.Load(), m.rate.Load()
	if c := m.docCache.Load(); c != nil && c.label == label && c.rate == rate {
		return c
	}
	c := &matchDoc{label: label, rate: rate}
	doc := &c.doc
	_ = doc.AddJSON("label", *label) // any text may be a label; objects are indexed by field
	doc.AddKeyword("label_string", *label)
	doc.AddKeyword("handler_name", m.name)
	doc.AddKeyword("node", m.reg.o.Node) // where it runs, so that one node can be asked
	doc.AddNumber("tick_rate", float64(rate))
	doc.AddNumber("create_time", float64(m.created/int64(time.Millisecond)))
	m.docCache.Store(c)
	return c
}

// hit is a match that passed the filter.
type hit struct {
	match *Match
	score float64
}

// before orders hits by score, then newest first.
func (h hit) before(other hit) bool {
	return h.score > other.score || h.score == other.score && h.match.created > other.match.created
}

// topHits keeps the first limit hits in order, as a heap with the last of them
// at the top.
type topHits struct {
	limit int
	hits  []hit
}

func (b *topHits) add(h hit) {
	if len(b.hits) < b.limit {
		b.hits = append(b.hits, h)
		for at := len(b.hits) - 1; at > 0; {
			above := (at - 1) / 2
			if !b.hits[above].before(b.hits[at]) {
				return
			}
			b.hits[above], b.hits[at] = b.hits[at], b.hits[above]
			at = above
		}
		return
	}
	if !h.before(b.hits[0]) {
		return
	}
	b.hits[0] = h
	for at := 0; ; {
		below := 2*at + 1
		if below >= len(b.hits) {
			return
		}
		if right := below + 1; right < len(b.hits) && b.hits[below].before(b.hits[right]) {
			below = right
		}
		if !b.hits[at].before(b.hits[below]) {
			return
		}
		b.hits[at], b.hits[below] = b.hits[below], b.hits[at]
		at = below
	}
}

// sorted gives the hits in order.
func (b *topHits) sorted() []hit {
	slices.SortFunc(b.hits, func(x, y hit) int {
		if x.score != y.score {
			return cmp.Compare(y.score, x.score)
		}
		return cmp.Compare(y.match.created, x.match.created)
	})
	return b.hits
}

// authoritative returns the matches that pass the filter; a nil query matches
// all. Error query.ErrCost for a query that costs too much.
func (r *Registry) authoritative(f *ListFilter, q *query.Query) ([]hit, error) {
	r.mu.RLock()
	all := make([]*Match, 0, len(r.matches))
	for _, m := range r.matches {
		all = append(all, m)
	}
	r.mu.RUnlock()
	found := topHits{limit: f.Limit}
	steps := query.ListSteps
	for _, m := range all {
		if f.Label != nil && m.Label() != *f.Label || !f.fits(int(m.size.Load())) {
			continue
		}
		h := hit{match: m}
		if q != nil {
			var ok bool
			if h.score, ok = q.MatchWithin(&m.queryDoc().doc, &steps); !ok {
				if steps < 0 {
					return nil, query.ErrCost
				}
				continue
			}
		}
		found.add(h)
	}
	return found.sorted(), nil
}
