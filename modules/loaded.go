package modules

import (
	"kumi/modules/registry"
	"kumi/modules/script"
)

// describe returns a description of a script module's registrations.
func describe(runtime, name, path string, regs []script.Registration) registry.Loaded {
	l := registry.Loaded{Runtime: runtime, Name: name, Path: path}
	for i := range regs {
		r := &regs[i]
		switch r.Kind {
		case registry.RPC:
			l.RPCs = append(l.RPCs, r.Name)
		case registry.Before, registry.RealtimeBefore:
			l.Hooks = append(l.Hooks, "before "+r.Name)
		case registry.After, registry.RealtimeAfter:
			l.Hooks = append(l.Hooks, "after "+r.Name)
		case registry.BeforeChain, registry.RealtimeBeforeChain:
			l.Hooks = append(l.Hooks, "before "+r.Name+" (chain)")
		case registry.AfterChain, registry.RealtimeAfterChain:
			l.Hooks = append(l.Hooks, "after "+r.Name+" (chain)")
		case registry.HTTP, registry.ConsoleHTTP:
			l.Routes = append(l.Routes, r.Name)
		case registry.JobKind:
			l.Jobs = append(l.Jobs, r.Name)
		case registry.Match:
			l.Matches = append(l.Matches, r.Name)
		case registry.Custom, registry.SessionStart, registry.SessionEnd:
			l.Events++
		default:
			l.Hooks = append(l.Hooks, string(r.Kind))
		}
	}
	return l
}
