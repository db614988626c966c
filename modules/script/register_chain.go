package script

import (
	"cmp"

	"kumi/hooks"
	"kumi/modules/registry"
	"kumi/vm"
)

// Hooks in chains: unlike those of slots they add up. See hooks.Chain.

// registerChains lists the functions that add to chains; the names differ like
// those of hooks in slots.
func registerChains(lang vm.Lang) []vm.Func[registering] {
	before, after := vm.N("register_before_chain"), vm.N("register_after_chain")
	if lang == vm.Lua {
		before, after = vm.N("register_req_before_chain"), vm.N("register_req_after_chain")
	}
	return []vm.Func[registering]{
		{Name: before, Body: registerChain(registry.BeforeChain)},
		{Name: after, Body: registerChain(registry.AfterChain)},
		{Name: vm.N("register_rt_before_chain"), Body: registerChain(registry.RealtimeBeforeChain)},
		{Name: vm.N("register_rt_after_chain"), Body: registerChain(registry.RealtimeAfterChain)},
	}
}

func registerChain(kind registry.Kind) func(registering, *vm.Call) error {
	return func(_ registering, c *vm.Call) error {
		name, fn := nameAndHandler(c, "name")
		r, err := registrar(c)
		if err := cmp.Or(c.Err(), err); err != nil {
			return err
		}
		table := chainTable(kind)
		exact, ok := hooks.Canonical(table, name)
		if !ok {
			return unknownHook(table, name)
		}
		return r.accumulate(c, Registration{Kind: kind, Name: exact}, fn)
	}
}

func chainTable(k registry.Kind) hooks.Kind {
	if k == registry.RealtimeBeforeChain || k == registry.RealtimeAfterChain {
		return hooks.Realtime
	}
	return hooks.API
}

// installChain adds a hook to the end of its chain.
func installChain(p *Program, pool Pool, reg *Registration, from hooks.Origin, into *hooks.Registry) {
	table := chainTable(reg.Kind)
	if reg.Kind == registry.BeforeChain || reg.Kind == registry.RealtimeBeforeChain {
		n := newEntry(p, pool, reg, reg.Keys[0], "before", map[string]any{"api_id": reg.Name, "mode": "before"})
		into.AddBefore(table, reg.Name, hooks.Slot[hooks.Before]{Origin: from, Call: n.before})
		return
	}
	n := newEntry(p, pool, reg, reg.Keys[0], "after", map[string]any{"api_id": reg.Name, "mode": "after"})
	into.AddAfter(table, reg.Name, hooks.Slot[hooks.After]{Origin: from, Call: n.after})
}
