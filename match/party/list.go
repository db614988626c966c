package party

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gofrs/uuid/v5"
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
	doc.AddNumber("create_time", float64(p.created/int64(time.Millisecond)))
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
	Score   float64
	Created int64 // Unix nanoseconds
	ID      uuid.UUID
}

// compare orders a listing: by score, then newest first.
func (a Position) compare(b Position) int {
	return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(b.Created, a.Created), bytes.Compare(a.ID[:], b.ID[:]))
}

// List lists parties by query score, then newest first. next is nil on the
// last page. The error has code 3, for a query that does not parse or costs
// too much. Parties of nodes that do not answer in time are missing.
func (r *Registry) List(ctx context.Context, f ListFilter) (found []*api.Party, next *Position, err error) {
	q, err := query.Parse(f.Query)
	if err != nil {
		return nil, nil, fmt.Errorf("list parties: %w", err)
	}
	found = []*api.Party{}
	if f.Limit <= 0 {
		return found, nil, nil
	}
	var all []Listed
	node := q.NeededText("node")
	if node == "" || node == r.o.Node {
		if all, err = r.list(&f, q); err != nil {
			return nil, nil, err
		}
	}
	if r.o.Elsewhere != nil && node != r.o.Node {
		others, err := r.o.Elsewhere.List(ctx, node, &f)
		if err != nil {
			return nil, nil, fmt.Errorf("list parties: %w", err)
		}
		all = append(all, others...)
		slices.SortFunc(all, byPosition)
	}
	if len(all) > f.Limit {
		all = all[:f.Limit]
		next = &all[f.Limit-1].At
	}
	for _, l := range all {
		found = append(found, l.Party)
	}
	return found, next, nil
}

// ListHere lists parties of this node, for another one: one more than the limit, which so
// sees whether there is another page. Errors as in List.
func (r *Registry) ListHere(f ListFilter) ([]Listed, error) {
	q, err := query.Parse(f.Query)
	if err != nil {
		return nil, fmt.Errorf("list parties: %w", err)
	}
	if f.Limit <= 0 {
		return nil, nil
	}
	return r.list(&f, q)
}

// list lists parties of this node, one more than the limit.
func (r *Registry) list(f *ListFilter, q *query.Query) ([]Listed, error) {
	r.mu.RLock()
	all := make([]*party, 0, len(r.parties))
	for _, p := range r.parties {
		all = append(all, p)
	}
	r.mu.RUnlock()
	var hits []Listed
	steps := query.ListSteps
	for _, p := range all {
		p.mu.Lock()
		open, hidden, label, doc, over := p.open, p.hidden, p.label, p.doc, p.over
		p.mu.Unlock()
		if over || hidden && !f.Hidden || f.Open != nil && *f.Open != open {
			continue
		}
		score, ok := q.MatchWithin(doc, &steps)
		if steps < 0 {
			return nil, fmt.Errorf("list parties: %w", query.ErrCost)
		}
		at := Position{score, p.created, p.id}
		if ok && (f.After == nil || at.compare(*f.After) > 0) {
			hits = append(hits, Listed{At: at, Party: &api.Party{
				PartyId: p.text, Open: open, Hidden: hidden, MaxSize: int32(p.maxSize), Label: label,
			}})
		}
	}
	slices.SortFunc(hits, byPosition)
	return hits[:min(len(hits), f.Limit+1)], nil
}

func byPosition(a, b Listed) int { return a.At.compare(b.At) }
