package script

import (
	"cmp"

	"kumi/hooks"
	"kumi/modules/registry"
	"kumi/vm"
)

// Chained hooks: all that are registered for a call run. See hooks.Chain.

// registerChains lists the functions that add hooks to chains. Their names follow
// those of the functions for single hooks.
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

// installChain appends a hook to its chain.
func installChain(p *Program, pool Pool, reg *Registration, from hooks.Origin, into *hooks.Registry) {
	table := chainTable(reg.Kind)
	if reg.Kind == registry.BeforeChain || reg.Kind == registry.RealtimeBeforeChain {
		n := newFunction(p, pool, reg, reg.Keys[0], "before", map[string]any{"api_id": reg.Name, "mode": "before"})
		into.AddBefore(table, reg.Name, hooks.Slot[hooks.Before]{Origin: from, Call: n.before})
		return
	}
	n := newFunction(p, pool, reg, reg.Keys[0], "after", map[string]any{"api_id": reg.Name, "mode": "after"})
	into.AddAfter(table, reg.Name, hooks.Slot[hooks.After]{Origin: from, Call: n.after})
}
