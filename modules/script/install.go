package script

import (
	"github.com/heroiclabs/nakama-common/runtime"

	"kumi/core"
	"kumi/hooks"
	"kumi/match"
	"kumi/modules/registry"
	"kumi/rpc"
)

// Install adds what a program's first VM registered to the registries. A later
// registration of the same slot replaces the earlier one, which is reported to
// shadowed.
func Install(p *Program, pool Pool, regs []Registration, into *registry.Registries, shadowed func(what string, by, was hooks.Origin)) {
	language := p.lang.String()
	for i := range regs {
		reg := &regs[i]
		from := hooks.Origin{Runtime: language, Module: reg.Module}
		var was *hooks.Origin
		switch reg.Kind {
		case registry.RPC:
			n := newFunction(p, pool, reg, reg.Keys[0], "rpc", map[string]any{"rpc_id": reg.Name})
			if old := into.RPC.Set(&rpc.Function{ID: reg.Name, Runtime: language, Module: reg.Module, Call: n.rpc}); old != nil {
				was = &hooks.Origin{Runtime: old.Runtime, Module: old.Module}
			}
		case registry.Before, registry.RealtimeBefore:
			n := newFunction(p, pool, reg, reg.Keys[0], "before", map[string]any{"api_id": reg.Name, "mode": "before"})
			was = registry.OriginOf(into.Hooks.SetBefore(hookTable(reg.Kind), reg.Name, hooks.Slot[hooks.Before]{Origin: from, Call: n.before}))
		case registry.After, registry.RealtimeAfter:
			n := newFunction(p, pool, reg, reg.Keys[0], "after", map[string]any{"api_id": reg.Name, "mode": "after"})
			was = registry.OriginOf(into.Hooks.SetAfter(hookTable(reg.Kind), reg.Name, hooks.Slot[hooks.After]{Origin: from, Call: n.after}))
		case registry.Match:
			was = into.SetMatch(reg.Name, hooks.Slot[match.Factory]{Origin: from, Call: MatchFactory(p, pool, reg.Name, reg.Module)})
		case registry.Custom, registry.SessionStart, registry.SessionEnd:
			n := newFunction(p, pool, reg, reg.Keys[0], "event", nil)
			list := &into.Hooks.Events.Custom
			switch reg.Kind {
			case registry.SessionStart:
				list = &into.Hooks.Events.SessionStart
			case registry.SessionEnd:
				list = &into.Hooks.Events.SessionEnd
			}
			*list = append(*list, hooks.Slot[hooks.Event]{Origin: from, Call: n.event})
		case registry.Index:
			if old, ok := into.Indexes[reg.Name]; ok {
				was = &old.Origin
			}
			into.Indexes[reg.Name] = hooks.Slot[core.StorageIndex]{Origin: from, Call: *reg.Index}
		case registry.IndexFilter:
			n := newFunction(p, pool, reg, reg.Keys[0], "storage_index_filter", map[string]any{"index": reg.Name})
			if old, ok := into.Filters[reg.Name]; ok {
				was = &old.Origin
			}
			into.Filters[reg.Name] = hooks.Slot[hooks.IndexFilter]{Origin: from, Call: n.indexed}
		case registry.BeforeChain, registry.AfterChain, registry.RealtimeBeforeChain, registry.RealtimeAfterChain:
			installChain(p, pool, reg, from, into.Hooks)
		case registry.JobKind:
			was = installJob(p, pool, reg, from, into.Jobs)
		case registry.HTTP:
			into.HTTP = append(into.HTTP, installHTTP(p, pool, reg))
		case registry.ConsoleHTTP:
			into.ConsoleHTTP = append(into.ConsoleHTTP, installHTTP(p, pool, reg))
		default:
			was = installSingle(p, pool, reg, from, &into.Hooks.Single)
		}
		if was != nil && shadowed != nil {
			shadowed(reg.Describe(), from, *was)
		}
	}
}

func hookTable(k registry.Kind) hooks.Kind {
	if k == registry.RealtimeBefore || k == registry.RealtimeAfter {
		return hooks.Realtime
	}
	return hooks.API
}

// put fills a slot of hooks.Singles and returns the origin of what it replaced, or
// nil.
func put[F any](slot **hooks.Slot[F], from hooks.Origin, call F) *hooks.Origin {
	was := registry.OriginOf(*slot)
	*slot = &hooks.Slot[F]{Origin: from, Call: call}
	return was
}

func installSingle(p *Program, pool Pool, reg *Registration, from hooks.Origin, s *hooks.Singles) *hooks.Origin {
	mode := string(reg.Kind)
	if reg.Kind == registry.MatchmakerMatched {
		mode = "matchmaker" // the execution mode that Nakama reports
	}
	n := newFunction(p, pool, reg, reg.Keys[0], mode, nil)
	switch reg.Kind {
	case registry.MatchmakerMatched:
		return put(&s.MatchmakerMatched, from, n.matched)
	case registry.MatchmakerOverride:
		return put(&s.MatchmakerOverride, from, n.override)
	case registry.MatchmakerProcessor:
		return put(&s.MatchmakerProcessor, from, n.process)
	case registry.TournamentEnd:
		return put(&s.TournamentEnd, from, n.tournament)
	case registry.TournamentReset:
		return put(&s.TournamentReset, from, n.tournament)
	case registry.LeaderboardReset:
		return put(&s.LeaderboardReset, from, n.leaderboard)
	case registry.Shutdown:
		return put(&s.Shutdown, from, n.shutdown)
	case registry.FleetCreated:
		return put(&s.FleetCreated, from, n.fleetCreated)
	case registry.PurchaseApple:
		return put(&s.PurchaseApple, from, purchased[*runtime.AppleNotificationData](n))
	case registry.PurchaseGoogle:
		return put(&s.PurchaseGoogle, from, purchased[*runtime.PurchaseV2GoogleResponse](n))
	case registry.SubscriptionApple:
		return put(&s.SubscriptionApple, from, subscribed[*runtime.AppleNotificationData](n))
	case registry.SubscriptionGoogle:
		return put(&s.SubscriptionGoogle, from, subscribed[*runtime.SubscriptionV2GoogleResponse](n))
	}
	return nil
}
