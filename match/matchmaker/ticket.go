package matchmaker

import (
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/runtime"

	"kumi/presence"
	"kumi/store/fault"
	"kumi/store/query"
)

// Request is what a ticket asks for. Add keeps its slices and maps; they must
// not be modified afterwards.
type Request struct {
	PartyID   string               // "" for a single session
	Presences []*presence.Presence // one player, or all members of the party
	// Query selects other tickets by properties.<key>, min_count, max_count, party_id,
	// ticket and created_at (Unix nanoseconds); "" means everyone.
	Query              string
	MinCount, MaxCount int // match size, including the own players
	CountMultiple      int // match size must be a multiple of it; 0: any
	StringProperties   map[string]string
	NumericProperties  map[string]float64 // take precedence over string properties of the same key
}

// Ticket is a request in the pool. Its exported fields are immutable.
type Ticket struct {
	Request
	ID        string
	CreatedAt int64 // Unix nanoseconds, never less than that of a ticket added before

	query    *query.Query
	doc      *query.Doc
	needed   []query.Term  // exact texts that every hit has
	ranges   []query.Range // ranges that every hit's numbers are in
	maxScore float64       // upper bound of a hit's score
	multiple int           // at least 1
	entries  []Entry

	removed   atomic.Bool  // no longer in the pool
	intervals atomic.Int32 // searches so far

	// In a cluster, guarded by Matchmaker.mu.
	home  presence.NodeID // which keeps it; in a leader's pool and in matches of a Desk
	taken atomic.Bool     // in a leader's pool: in a match that is not settled yet
	held  *held           // at home: the match it is locked for, or nil
	known bool            // at home: offered to the present leader
	since int64           // at home: passes of the present leader before it was offered

	// Owned by the pass, guarded by Matchmaker.pass.
	slot  uint32 // position in the index, or noSlot
	steps int    // budget left for its query in this pass

	overBudget atomic.Bool // its query exceeded its budget in the last pass

	once   sync.Once
	merged map[string]any
}

const noSlot = ^uint32(0)

// Entry is one player of a ticket.
type Entry struct {
	Presence *presence.Presence
	Ticket   *Ticket
}

var _ runtime.MatchmakerEntry = (*Entry)(nil)

// GetPresence implements runtime.MatchmakerEntry.
func (e *Entry) GetPresence() runtime.Presence { return e.Presence }

// GetTicket implements runtime.MatchmakerEntry: the id.
func (e *Entry) GetTicket() string { return e.Ticket.ID }

// GetPartyId implements runtime.MatchmakerEntry; "" outside a party.
func (e *Entry) GetPartyId() string { return e.Ticket.PartyID }

// GetCreateTime implements runtime.MatchmakerEntry: Unix nanoseconds.
func (e *Entry) GetCreateTime() int64 { return e.Ticket.CreatedAt }

// GetProperties implements runtime.MatchmakerEntry: string and numeric
// properties in one map, made on first use and shared by the ticket's players.
func (e *Entry) GetProperties() map[string]any {
	t := e.Ticket
	t.once.Do(func() {
		t.merged = make(map[string]any, len(t.StringProperties)+len(t.NumericProperties))
		for key, value := range t.StringProperties {
			t.merged[key] = value
		}
		for key, value := range t.NumericProperties {
			t.merged[key] = value
		}
	})
	return t.merged
}

// CheckCounts validates the match sizes that a client asks for. Its errors
// carry fault.InvalidArgument and texts that clients see; multiple is nil if
// none was given.
func CheckCounts(minCount, maxCount int, multiple *int) error {
	switch {
	case minCount < 2:
		return fault.New(fault.InvalidArgument, "Invalid minimum count, must be >= 2")
	case maxCount < minCount:
		return fault.New(fault.InvalidArgument, "Invalid maximum count, must be >= minimum count")
	case multiple == nil:
		return nil
	case *multiple < 1:
		return fault.New(fault.InvalidArgument, "Invalid count multiple, must be >= 1")
	case minCount%*multiple != 0:
		return fault.New(fault.InvalidArgument, "Invalid count multiple for minimum count, must divide")
	case maxCount%*multiple != 0:
		return fault.New(fault.InvalidArgument, "Invalid count multiple for maximum count, must divide")
	}
	return nil
}

// newTicket validates a request and compiles its query. The caller sets ID and
// CreatedAt.
func newTicket(r Request) (*Ticket, error) {
	var multiple *int
	if r.CountMultiple != 0 {
		multiple = &r.CountMultiple
	}
	if err := CheckCounts(r.MinCount, r.MaxCount, multiple); err != nil {
		return nil, err
	}
	if len(r.Presences) == 0 {
		return nil, fault.New(fault.InvalidArgument, "matchmaker ticket without a presence")
	}
	seen := make(map[uuid.UUID]struct{}, len(r.Presences))
	for _, p := range r.Presences {
		if _, twice := seen[p.Session]; twice {
			return nil, fault.Wrap(fault.InvalidArgument, runtime.ErrMatchmakerDuplicateSession.Error(), runtime.ErrMatchmakerDuplicateSession)
		}
		seen[p.Session] = struct{}{}
	}
	q, err := query.Parse(r.Query)
	if err != nil {
		return nil, fault.Wrap(fault.InvalidArgument, runtime.ErrMatchmakerQueryInvalid.Error()+": "+fault.MessageOf(err, ""), queryError{err, r.Query})
	}
	t := &Ticket{
		Request: r, slot: noSlot, multiple: max(1, r.CountMultiple), steps: query.Unbounded,
		query: q, maxScore: q.MaxScore(), needed: q.Needed(),
	}
	t.ranges = mergeRanges(q.Ranges())
	t.enter()
	return t, nil
}

// enter makes the entries.
func (t *Ticket) enter() {
	t.entries = make([]Entry, len(t.Presences))
	for i, p := range t.Presences {
		t.entries[i] = Entry{Presence: p, Ticket: t}
	}
}

// queryError is both the runtime package's error value and the parser's. Its
// text goes to the log, after the parser's.
type queryError struct {
	cause error
	query string
}

func (e queryError) Error() string   { return "in " + strconv.Quote(shorten(e.query)) }
func (e queryError) Unwrap() []error { return []error{runtime.ErrMatchmakerQueryInvalid, e.cause} }

// describe builds the document that the queries of others are matched against.
func (t *Ticket) describe() {
	doc := query.NewDoc()
	for key, text := range t.StringProperties {
		if _, wins := t.NumericProperties[key]; !wins {
			doc.AddString(propertyField+key, text)
		}
	}
	for key, number := range t.NumericProperties {
		doc.AddNumber(propertyField+key, number)
	}
	doc.AddNumber(minField, float64(t.MinCount))
	doc.AddNumber(maxField, float64(t.MaxCount))
	doc.AddNumber("created_at", float64(t.CreatedAt))
	doc.AddKeyword(ticketField, t.ID)
	if t.PartyID != "" {
		doc.AddKeyword("party_id", t.PartyID)
	}
	t.doc = doc
}

const (
	propertyField = "properties."
	minField      = "min_count"
	maxField      = "max_count"
	ticketField   = "ticket"
)

// size returns the number of players.
func (t *Ticket) size() int { return len(t.entries) }

// accepts reports whether the ticket accepts a match of that many players.
func (t *Ticket) accepts(players int) bool {
	return players >= t.MinCount && players <= t.MaxCount && players%t.multiple == 0
}

// searches reports whether the ticket has searches left.
func (t *Ticket) searches(maxIntervals int) bool {
	n := int(t.intervals.Load())
	return n == 0 || n < maxIntervals && t.MinCount != t.MaxCount
}

// inRange reports whether the sizes other accepts are within those t accepts.
func (t *Ticket) inRange(other *Ticket) bool {
	return other.MinCount >= t.MinCount && other.MaxCount <= t.MaxCount
}

// sameParty reports whether both belong to one party.
func (t *Ticket) sameParty(other *Ticket) bool {
	return t.PartyID != "" && t.PartyID == other.PartyID
}

// sharesSession reports whether the tickets have a session in common.
func (t *Ticket) sharesSession(other *Ticket) bool {
	for i := range t.entries {
		id := &t.entries[i].Presence.Session
		for k := range other.entries {
			if *id == other.entries[k].Presence.Session {
				return true
			}
		}
	}
	return false
}

// finds reports whether the ticket's query accepts other, within the budget of
// this pass.
func (t *Ticket) finds(other *Ticket) bool {
	_, ok := t.query.MatchWithin(other.doc, &t.steps)
	return ok
}

// mergeRanges intersects the ranges of each field, since a ticket has at most
// one number per field. Ranges that a text may match too are not merged.
func mergeRanges(ranges []query.Range) []query.Range {
	merged := ranges[:0]
	at := map[string]int{}
	for _, r := range ranges {
		i, found := at[r.Field]
		if !found || r.Text != "" {
			if r.Text == "" {
				at[r.Field] = len(merged)
			}
			merged = append(merged, r)
			continue
		}
		m := &merged[i]
		if r.Low > m.Low || r.Low == m.Low && r.LowOpen {
			m.Low, m.LowOpen = r.Low, r.LowOpen
		}
		if r.High < m.High || r.High == m.High && r.HighOpen {
			m.High, m.HighOpen = r.High, r.HighOpen
		}
	}
	return merged
}
