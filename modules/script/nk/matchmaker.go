package nk

import (
	"time"

	"github.com/heroiclabs/nakama-common/runtime"

	"kumi/core"
	"kumi/match/matchmaker"
	"kumi/modules/script"
	"kumi/vm"
)

var matchmakerTable = []vm.Func[*core.Module]{
	{Name: vm.N("matchmaker_explain"), Body: matchmakerExplain},
	{Name: vm.N("matchmaker_tickets"), Body: matchmakerTickets},
	{Name: vm.N("matchmaker_remove"), Body: matchmakerRemove},
}

// ticketShape is a waiting ticket.
var ticketShape = vm.NewShape(
	vm.Str("ticket", func(t *matchmaker.Ticket) string { return t.ID }),
	vm.StrOpt("party_id", func(t *matchmaker.Ticket) string { return t.PartyID }),
	vm.List("presences", script.PlayerShape, func(t *matchmaker.Ticket) []runtime.Presence {
		list := make([]runtime.Presence, len(t.Presences))
		for i, p := range t.Presences {
			list[i] = p
		}
		return list
	}),
	vm.Str("query", func(t *matchmaker.Ticket) string { return t.Query }),
	vm.Int("min_count", func(t *matchmaker.Ticket) int { return t.MinCount }),
	vm.Int("max_count", func(t *matchmaker.Ticket) int { return t.MaxCount }),
	vm.Int("count_multiple", func(t *matchmaker.Ticket) int { return max(1, t.CountMultiple) }),
	vm.Value("string_properties", func(t *matchmaker.Ticket) any { return anyMap(t.StringProperties) }),
	vm.Value("numeric_properties", func(t *matchmaker.Ticket) any { return anyMap(t.NumericProperties) }),
	vm.Int("create_time", func(t *matchmaker.Ticket) int64 { return t.CreatedAt / int64(time.Second) }),
)

// anyMap never returns nil, so that scripts get an empty object.
func anyMap[V any](m map[string]V) map[string]any {
	out := make(map[string]any, len(m))
	for key, value := range m {
		out[key] = value
	}
	return out
}

func matchmakerTickets(nk *core.Module, c *vm.Call) error {
	limit := c.OptInt("limit", 100)
	user := c.OptUUID("user_id", "")
	if err := c.Err(); err != nil {
		return err
	}
	found, err := nk.Tickets(c.Ctx, int(limit), user)
	return vm.ReturnList(c, "tickets", ticketShape, found, err)
}

func matchmakerRemove(nk *core.Module, c *vm.Call) error {
	ticket := c.StrNonEmpty("ticket")
	if err := c.Err(); err != nil {
		return err
	}
	return nk.MatchmakerRemove(c.Ctx, ticket)
}

// ticketClass are the tickets with the same relation to the explained one.
var ticketClass = vm.NewShape(
	vm.Str("reason", func(x *matchmaker.Class) string { return string(x.Reason) }),
	vm.Value("clauses", func(x *matchmaker.Class) any {
		clauses := make([]any, len(x.Clauses))
		for i, text := range x.Clauses {
			clauses[i] = text
		}
		return clauses
	}),
	vm.StrOpt("counts", func(x *matchmaker.Class) string { return x.Counts }),
	vm.Int("tickets", func(x *matchmaker.Class) int { return x.Tickets }),
	vm.Int("players", func(x *matchmaker.Class) int { return x.Players }),
	vm.Str("example", func(x *matchmaker.Class) string { return x.Example }),
)

var explanationShape = vm.NewShape(
	vm.Str("ticket", func(x *matchmaker.Explanation) string { return x.Ticket.ID }),
	vm.Int("waited_ms", func(x *matchmaker.Explanation) int64 { return x.Waited.Milliseconds() }),
	vm.Int("searches", func(x *matchmaker.Explanation) int { return x.Searches }),
	vm.Bool("active", func(x *matchmaker.Explanation) bool { return x.Active }),
	vm.Int("others", func(x *matchmaker.Explanation) int { return x.Others }),
	vm.List("finds", ticketClass, func(x *matchmaker.Explanation) []*matchmaker.Class { return pointers(x.Finds) }),
	vm.List("found_by", ticketClass, func(x *matchmaker.Explanation) []*matchmaker.Class { return pointers(x.FoundBy) }),
	vm.Bool("cut_short", func(x *matchmaker.Explanation) bool { return x.OverBudget }),
	vm.Str("summary", func(x *matchmaker.Explanation) string { return x.Summary }),
)

func pointers[T any](list []T) []*T {
	out := make([]*T, len(list))
	for i := range list {
		out[i] = &list[i]
	}
	return out
}

func matchmakerExplain(nk *core.Module, c *vm.Call) error {
	ticket := c.StrNonEmpty("ticket")
	if err := c.Err(); err != nil {
		return err
	}
	x, err := nk.ExplainTicket(c.Ctx, ticket)
	return vm.Return(c, "explanation", explanationShape, x, err)
}
