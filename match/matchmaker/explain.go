package matchmaker

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/heroiclabs/nakama-common/runtime"

	"kumi/store/fault"
)

// Reason is why one ticket cannot play with another.
type Reason string

// The reasons, in the order in which they are checked.
const (
	ReasonParty   Reason = "party"   // both belong to one party
	ReasonCount   Reason = "count"   // its sizes are not within those of the searcher
	ReasonQuery   Reason = "query"   // the searcher's query does not accept it
	ReasonMutual  Reason = "mutual"  // its query does not accept the searcher (RevPrecision)
	ReasonSession Reason = "session" // they have a session in common
	ReasonRoom    Reason = "room"    // together they exceed the searcher's maximum
	ReasonFits    Reason = "fits"    // none: they can play together
	ReasonCost    Reason = "cost"    // not checked: the budget was used up
)

// Class is a group of tickets with the same relation to the explained one.
type Class struct {
	Reason  Reason
	Clauses []string // failing clauses of a query, as written; for ReasonCount those of the searcher
	Counts  string   // for ReasonCount: the sizes the found tickets accept
	Tickets int
	Players int
	Example string // id of the oldest such ticket
}

// maxClasses bounds the classes that Explain distinguishes; further ones are
// counted by reason only.
const maxClasses = 100

// Explanation says why a ticket has not matched yet.
type Explanation struct {
	Ticket     *Ticket
	Waited     time.Duration
	Searches   int  // passes in which it searched
	Active     bool // it has searches left
	Others     int  // other tickets in the pool
	OverBudget bool // its query exceeded its budget in the last pass
	// Finds is how other tickets relate to its search, FoundBy how it relates to the
	// searches of the active ones. The largest class comes first.
	Finds, FoundBy []Class
	Summary        string // one sentence
}

// Explain compares a ticket with every other in the pool. It costs about as
// much as one exhaustive search, within bounds, and holds no lock meanwhile.
// It fails with fault.NotFound (runtime.ErrMatchmakerTicketNotFound).
func (m *Matchmaker) Explain(ticket string) (*Explanation, error) {
	m.mu.Lock()
	t := m.tickets[ticket]
	pool := slices.Clone(m.order.all())
	m.mu.Unlock()
	if t == nil {
		return nil, sentinel(fault.NotFound, runtime.ErrMatchmakerTicketNotFound)
	}
	x := &Explanation{
		Ticket: t, Waited: time.Duration(m.o.Now().UnixNano() - t.CreatedAt),
		Searches: int(t.intervals.Load()), Active: t.searches(m.o.MaxIntervals), OverBudget: t.overBudget.Load(),
	}
	steps := maxExplainSteps
	var finds, foundBy classes
	for _, other := range pool {
		if other == t || other.removed.Load() {
			continue
		}
		x.Others++
		finds.add(m.relation(t, other, &steps), other)
		if other.searches(m.o.MaxIntervals) {
			foundBy.add(m.relation(other, t, &steps), other)
		}
	}
	x.Finds, x.FoundBy = finds.sorted(), foundBy.sorted()
	x.Summary = x.summary()
	return x, nil
}

// relation returns the class, without tickets, of other in a search by t.
func (m *Matchmaker) relation(t, other *Ticket, steps *int) Class {
	if t.sameParty(other) {
		return Class{Reason: ReasonParty}
	}
	failing := t.query.Failing(other.doc, steps)
	var failingBack []string
	if m.o.RevPrecision {
		failingBack = other.query.Failing(t.doc, steps)
	}
	switch {
	case *steps < 0 && (t.query.Costly() || m.o.RevPrecision && other.query.Costly()):
		return Class{Reason: ReasonCost}
	case !t.inRange(other):
		return Class{Reason: ReasonCount, Counts: fmt.Sprintf("%d-%d", other.MinCount, other.MaxCount), Clauses: failing}
	case failing != nil:
		return Class{Reason: ReasonQuery, Clauses: failing}
	case failingBack != nil:
		return Class{Reason: ReasonMutual, Clauses: failingBack}
	case t.sharesSession(other):
		return Class{Reason: ReasonSession}
	case t.size()+other.size() > t.MaxCount:
		return Class{Reason: ReasonRoom}
	}
	return Class{Reason: ReasonFits}
}

// classes groups tickets by class.
type classes struct {
	byKey map[string]*Class
}

func (c *classes) add(class Class, t *Ticket) {
	if c.byKey == nil {
		c.byKey = map[string]*Class{}
	}
	key := string(class.Reason) + "\x00" + class.Counts + strings.Join(class.Clauses, "\x00")
	found := c.byKey[key]
	if found == nil && len(c.byKey) >= maxClasses {
		class = Class{Reason: class.Reason}
		key = string(class.Reason)
		found = c.byKey[key]
	}
	if found == nil {
		class.Example = t.ID
		found = &class
		c.byKey[key] = found
	}
	found.Tickets++
	found.Players += t.size()
}

func (c *classes) sorted() []Class {
	list := make([]Class, 0, len(c.byKey))
	for _, class := range c.byKey {
		list = append(list, *class)
	}
	slices.SortFunc(list, func(a, b Class) int {
		return cmp.Or(cmp.Compare(b.Tickets, a.Tickets), cmp.Compare(a.Reason, b.Reason),
			cmp.Compare(a.Counts, b.Counts), slices.Compare(a.Clauses, b.Clauses))
	})
	return list
}

// fitting counts the tickets and players with ReasonFits.
func fitting(list []Class) (tickets, players int) {
	for _, class := range list {
		if class.Reason == ReasonFits {
			tickets, players = tickets+class.Tickets, players+class.Players
		}
	}
	return tickets, players
}
