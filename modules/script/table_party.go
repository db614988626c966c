package script

import (
	"github.com/heroiclabs/nakama-common/api"

	"kumi/core"
	"kumi/match/matchmaker"
	"kumi/vm"
)

var partyTable = []vm.Func[*core.Module]{
	{Name: vm.N("party_list"), Body: partyList},
	{Name: vm.N("matchmaker_explain"), Body: matchmakerExplain},
}

// partyShape has the id of the party as match_id in Lua, and maxSize, which is
// how modules know them there, beside their proper names.
var partyShape = newPerLang(func(lang vm.Lang) *vm.Shape[*api.Party] {
	fields := []vm.Property[*api.Party]{
		vm.Str("party_id", (*api.Party).GetPartyId),
		vm.Bool("open", (*api.Party).GetOpen),
		vm.Int("max_size", (*api.Party).GetMaxSize),
		vm.Str("label", (*api.Party).GetLabel),
		vm.Bool("hidden", (*api.Party).GetHidden),
	}
	if lang == vm.Lua {
		fields = append(fields,
			vm.Str("match_id", (*api.Party).GetPartyId),
			vm.Int("maxSize", (*api.Party).GetMaxSize))
	}
	return vm.NewShape(fields...)
})

func partyList(nk *core.Module, c *vm.Call) error {
	limit := c.OptInt("limit", 10)
	open := c.OptBoolPtr("open")
	hidden, query := false, ""
	switch v := c.Any("show_hidden"); {
	case c.E.IsNil(v):
		query = c.OptStr("query", "")
	case c.E.IsBool(v):
		hidden = c.E.Bool(v)
		query = c.OptStr("query", "")
	case c.E.IsStr(v):
		query = c.E.Str(v) // as the published types have it, without show_hidden
	default:
		c.Invalid("show_hidden", "expected a boolean")
	}
	cursor := c.OptStr("cursor", "")
	if err := c.Err(); err != nil {
		return err
	}
	found, next, err := nk.PartyList(c.Ctx, int(limit), open, hidden, query, cursor)
	return firstErr(
		vm.ReturnList(c, "parties", partyShape.in(c.E), found, err),
		c.ReturnStr("cursor", next, nil))
}

// ticketClass is tickets that are in one relation to the explained one.
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
	vm.Bool("cut_short", func(x *matchmaker.Explanation) bool { return x.Cut }),
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
