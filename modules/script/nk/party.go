package nk

import (
	"cmp"

	"github.com/heroiclabs/nakama-common/api"

	"kumi/core"
	"kumi/modules/script"
	"kumi/vm"
)

var partyTable = []vm.Func[*core.Module]{
	{Name: vm.N("party_list"), Body: partyList},
}

// partyShape has in Lua, beside the proper names, the id as match_id and the size as
// maxSize, which modules expect.
var partyShape = script.NewPerLang(func(lang vm.Lang) *vm.Shape[*api.Party] {
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
		query = c.E.Str(v) // as in the published types, without show_hidden
	default:
		c.Invalid("show_hidden", "expected a boolean")
	}
	cursor := c.OptStr("cursor", "")
	if err := c.Err(); err != nil {
		return err
	}
	found, next, err := nk.PartyList(c.Ctx, int(limit), open, hidden, query, cursor)
	return cmp.Or(
		vm.ReturnList(c, "parties", partyShape.In(c.E), found, err),
		c.ReturnStr("cursor", next, nil))
}
