package nk

import (
	"github.com/heroiclabs/nakama-common/api"

	"kumi/core"
	"kumi/match"
	"kumi/vm"
)

var matchTable = []vm.Func[*core.Module]{
	{Name: vm.N("match_create"), Body: matchCreate},
	{Name: vm.N("match_get"), Body: matchGet},
	{Name: vm.N("match_list"), Body: matchList},
	{Name: vm.N("match_signal"), Body: signalMatch},
}

var matchShape = vm.NewShape(
	vm.Str("match_id", (*api.Match).GetMatchId),
	vm.Bool("authoritative", (*api.Match).GetAuthoritative),
	vm.StrWrap("label", (*api.Match).GetLabel),
	vm.Int("size", (*api.Match).GetSize),
	vm.Int("tick_rate", (*api.Match).GetTickRate),
	vm.Str("handler_name", (*api.Match).GetHandlerName),
)

func matchCreate(nk *core.Module, c *vm.Call) error {
	module := c.StrNonEmpty("module")
	params := c.OptMap("params")
	if err := c.Err(); err != nil {
		return err
	}
	id, err := nk.MatchCreate(c.Ctx, module, params)
	return c.ReturnStr("match_id", id, err)
}

func matchGet(nk *core.Module, c *vm.Call) error {
	id := c.Str("id")
	if err := c.Err(); err != nil {
		return err
	}
	m, err := nk.MatchGet(c.Ctx, id)
	if err == nil && m == nil {
		return c.ReturnRef("match", c.E.Nil(), nil)
	}
	return vm.Return(c, "match", matchShape, m, err)
}

func matchList(nk *core.Module, c *vm.Call) error {
	limit := c.OptInt("limit", 1)
	authoritative := c.OptBoolPtr("authoritative")
	label := c.OptStrPtr("label")
	min := size(c.OptIntPtr("min_size"))
	max := size(c.OptIntPtr("max_size"))
	query := c.OptStrPtr("query")
	if err := c.Err(); err != nil {
		return err
	}
	ms, err := nk.Matches(c.Ctx, match.ListFilter{
		Limit: int(limit), Authoritative: authoritative, Label: label, MinSize: min, MaxSize: max, Query: query,
	})
	return vm.ReturnList(c, "matches", matchShape, ms, err)
}

func size(n *int64) *int {
	if n == nil {
		return nil
	}
	i := int(*n)
	return &i
}

func signalMatch(nk *core.Module, c *vm.Call) error {
	id := c.Str("id")
	data := c.OptStr("data", "")
	if err := c.Err(); err != nil {
		return err
	}
	reply, err := nk.MatchSignal(c.Ctx, id, data)
	return c.ReturnStr("data", reply, err)
}
