package party

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/heroiclabs/nakama-common/api"

	"kumi/store/query"
)

const (
	maxLabel   = 2048 // bytes
	emptyLabel = "{}"
)

// update validates the label, sets label and flags, and makes a new document
// for queries. p.mu is held, or the party is not published yet.
func (p *party) update(label string, open, hidden bool) error {
	if label == "" {
		label = emptyLabel
	}
	if len(label) > maxLabel {
		return errLabelTooLong
	}
	doc := query.NewDoc()
	if strings.TrimSpace(label) != "null" { // equivalent to an empty object
		if err := doc.AddJSON("label", label); err != nil {
			return errLabelNotAnObject
		}
	}
	doc.AddBool("open", open)
	doc.AddBool("hidden", hidden)
	doc.AddNumber("max_size", float64(p.maxSize))
	doc.AddNumber("create_time", float64(p.created))
	doc.AddKeyword("node", p.reg.o.Node)
	p.label, p.open, p.hidden, p.doc = label, open, hidden, doc
	return nil
}

// ListFilter selects the parties to list.
type ListFilter struct {
	Limit  int   // 0 and less: none
	Open   *bool // nil: open and closed
	Hidden bool  // include hidden ones
	// Query selects by label.*, open, hidden, max_size, create_time (Unix
	// milliseconds) and node; "" means everyone.
	Query string
	After *Position // the end of the previous page; nil: from the beginning
}

// Position is a position in a listing. It stays valid while parties come and
// go.
type Position struct {
	Score float64
	Seq   uint64
}

// List lists parties by query score, then newest first. next is nil on the
// last page. The error has code 3, for a query that does not parse or costs
// too much.
func (r *Registry) List(f ListFilter) (found []*api.Party, next *Position, err error) {
	q, err := query.Parse(f.Query)
	if err != nil {
		return nil, nil, fmt.Errorf("list parties: %w", err)
	}
	found = []*api.Party{}
	if f.Limit <= 0 {
		return found, nil, nil
	}
	var hits []hit
	steps := query.ListSteps
	r.mu.RLock()
	all := make([]*party, 0, len(r.parties))
	for _, p := range r.parties {
		all = append(all, p)
	}
	r.mu.RUnlock()
	for _, p := range all {
		p.mu.Lock()
		h := hit{party: p, open: p.open, hidden: p.hidden, label: p.label}
		doc, over := p.doc, p.over
		p.mu.Unlock()
		if over || h.hidden && !f.Hidden || f.Open != nil && *f.Open != h.open {
			continue
		}
		score, ok := q.MatchWithin(doc, &steps)
		if steps < 0 {
			return nil, nil, fmt.Errorf("list parties: %w", query.ErrCost)
		}
		h.at = Position{score, p.seq}
		if ok && (f.After == nil || h.at.compare(*f.After) > 0) {
			hits = append(hits, h)
		}
	}
	slices.SortFunc(hits, func(a, b hit) int { return a.at.compare(b.at) })
	if len(hits) > f.Limit {
		hits = hits[:f.Limit]
		next = &hits[f.Limit-1].at
	}
	for _, h := range hits {
		found = append(found, &api.Party{
			PartyId: h.party.text, Open: h.open, Hidden: h.hidden, MaxSize: int32(h.party.maxSize), Label: h.label,
		})
	}
	return found, next, nil
}

// hit is a snapshot of a listed party.
type hit struct {
	at           Position
	party        *party
	open, hidden bool
	label        string
}

// compare orders a listing.
func (a Position) compare(b Position) int {
	return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(b.Seq, a.Seq))
}
