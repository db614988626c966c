package script

import (
	"kumi/hooks"
	"kumi/vm"
)

// Hooks in chains: unlike those of slots they add up. See hooks.Chain.

// The kinds of chained hooks. Their keys end with a number.
const (
	BeforeChain         Kind = "before_chain"
	AfterChain          Kind = "after_chain"
	RealtimeBeforeChain Kind = "rt_before_chain"
	RealtimeAfterChain  Kind = "rt_after_chain"
)

// registerChains lists the functions that add to chains; the names differ like
// those of hooks in slots.
func registerChains(lang vm.Lang) []vm.Func[registering] {
	before, after := vm.N("register_before_chain"), vm.N("register_after_chain")
	if lang == vm.Lua {
		before, after = vm.N("register_req_before_chain"), vm.N("register_req_after_chain")
	}
	return []vm.Func[registering]{
		{Name: before, Body: registerChain(BeforeChain)},
		{Name: after, Body: registerChain(AfterChain)},
		{Name: vm.N("register_rt_before_chain"), Body: registerChain(RealtimeBeforeChain)},
		{Name: vm.N("register_rt_after_chain"), Body: registerChain(RealtimeAfterChain)},
	}
}

func registerChain(kind Kind) func(registering, *vm.Call) error {
	return func(_ registering, c *vm.Call) error {
		name, fn := nameAndHandler(c, "name")
		r, err := registrar(c)
		if err := firstErr(c.Err(), err); err != nil {
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

func chainTable(k Kind) hooks.Kind {
	if k == RealtimeBeforeChain || k == RealtimeAfterChain {
		return hooks.Realtime
	}
	return hooks.API
}

// installChain adds a hook to the end of its chain.
func installChain(p *Program, pool Pool, reg *Registration, from hooks.Origin, into *hooks.Registry) {
	table := chainTable(reg.Kind)
	if reg.Kind == BeforeChain || reg.Kind == RealtimeBeforeChain {
		n := newEntry(p, pool, reg, reg.Keys[0], "before", map[string]any{"api_id": reg.Name, "mode": "before"})
		into.AddBefore(table, reg.Name, hooks.Slot[hooks.Before]{Origin: from, Call: n.before})
		return
	}
	n := newEntry(p, pool, reg, reg.Keys[0], "after", map[string]any{"api_id": reg.Name, "mode": "after"})
	into.AddAfter(table, reg.Name, hooks.Slot[hooks.After]{Origin: from, Call: n.after})
}

// mergeChains puts the chains of from before those of into.
func mergeChains(into, from *hooks.Registry) {
	from.EachChain(func(kind hooks.Kind, name string, c *hooks.Chain) { into.Prepend(kind, name, c) })
}
