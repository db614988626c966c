package modules

import "kumi/modules/script"

// describe says for people what a script module registered.
func describe(runtime, name, path string, regs []script.Registration) Loaded {
	l := Loaded{Runtime: runtime, Name: name, Path: path}
	for i := range regs {
		r := &regs[i]
		switch r.Kind {
		case script.RPC:
			l.RPCs = append(l.RPCs, r.Name)
		case script.Before, script.RealtimeBefore:
			l.Hooks = append(l.Hooks, "before "+r.Name)
		case script.After, script.RealtimeAfter:
			l.Hooks = append(l.Hooks, "after "+r.Name)
		case script.BeforeChain, script.RealtimeBeforeChain:
			l.Hooks = append(l.Hooks, "before "+r.Name+" (chain)")
		case script.AfterChain, script.RealtimeAfterChain:
			l.Hooks = append(l.Hooks, "after "+r.Name+" (chain)")
		case script.HTTP:
			l.Routes = append(l.Routes, r.Name)
		case script.JobKind:
			l.Jobs = append(l.Jobs, r.Name)
		case script.Match:
			l.Matches = append(l.Matches, r.Name)
		case script.Custom, script.SessionStart, script.SessionEnd:
			l.Events++
		default:
			l.Hooks = append(l.Hooks, string(r.Kind))
		}
	}
	return l
}
