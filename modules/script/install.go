package script

import (
	"github.com/heroiclabs/nakama-common/runtime"
	"github.com/rs/zerolog"

	"kumi/core"
	"kumi/hooks"
	"kumi/match"
	"kumi/rpc"
)

// Registries are what a program's registrations become.
type Registries struct {
	RPC     *rpc.Registry
	Hooks   *hooks.Registry
	Matches map[string]hooks.Slot[match.Factory]
	HTTP    []Route
	Jobs    map[string]hooks.Slot[core.Job]
	// Indexes and their filters are kept for operations that use them.
	Indexes []StorageIndex
	Filters map[string]hooks.Slot[hooks.IndexFilter]
}

// NewRegistries returns empty registries.
func NewRegistries() *Registries {
	return &Registries{RPC: rpc.NewRegistry(), Hooks: hooks.New(), Matches: map[string]hooks.Slot[match.Factory]{},
		Jobs: map[string]hooks.Slot[core.Job]{}, Filters: map[string]hooks.Slot[hooks.IndexFilter]{}}
}

// Install turns what a program's first VM registered into functions of the
// registries. A second registration of the same slot takes the place of the
// first one, which hidden is told.
func Install(p *Program, pool Pool, regs []Registration, into *Registries, hidden func(what string, by, was hooks.Origin)) {
	language := p.lang.String()
	for i := range regs {
		reg := &regs[i]
		from := hooks.Origin{Runtime: language, Module: reg.Module}
		var was *hooks.Origin
		switch reg.Kind {
		case RPC:
			n := newEntry(p, pool, reg, reg.Keys[0], "rpc", map[string]any{"rpc_id": reg.Name})
			if old := into.RPC.Set(&rpc.Function{ID: reg.Name, Runtime: language, Module: reg.Module, Call: n.rpc}); old != nil {
				was = &hooks.Origin{Runtime: old.Runtime, Module: old.Module}
			}
		case Before, RealtimeBefore:
			n := newEntry(p, pool, reg, reg.Keys[0], "before", map[string]any{"api_id": reg.Name, "mode": "before"})
			was = origin(into.Hooks.SetBefore(hookTable(reg.Kind), reg.Name, hooks.Slot[hooks.Before]{Origin: from, Call: n.before}))
		case After, RealtimeAfter:
			n := newEntry(p, pool, reg, reg.Keys[0], "after", map[string]any{"api_id": reg.Name, "mode": "after"})
			was = origin(into.Hooks.SetAfter(hookTable(reg.Kind), reg.Name, hooks.Slot[hooks.After]{Origin: from, Call: n.after}))
		case Match:
			if old, ok := into.Matches[reg.Name]; ok {
				was = &old.Origin
			}
			into.Matches[reg.Name] = hooks.Slot[match.Factory]{Origin: from, Call: MatchFactory(p, pool, reg.Name, reg.Module)}
		case Custom, SessionStart, SessionEnd:
			n := newEntry(p, pool, reg, reg.Keys[0], "event", nil)
			list := &into.Hooks.Events.Custom
			switch reg.Kind {
			case SessionStart:
				list = &into.Hooks.Events.SessionStart
			case SessionEnd:
				list = &into.Hooks.Events.SessionEnd
			}
			*list = append(*list, hooks.Slot[hooks.Event]{Origin: from, Call: n.event})
		case Index:
			into.Indexes = append(into.Indexes, *reg.Index)
			unused(p.log, reg)
		case IndexFilter:
			n := newEntry(p, pool, reg, reg.Keys[0], "storage_index_filter", map[string]any{"index": reg.Name})
			if old, ok := into.Filters[reg.Name]; ok {
				was = &old.Origin
			}
			into.Filters[reg.Name] = hooks.Slot[hooks.IndexFilter]{Origin: from, Call: n.indexed}
			unused(p.log, reg)
		case BeforeChain, AfterChain, RealtimeBeforeChain, RealtimeAfterChain:
			installChain(p, pool, reg, from, into.Hooks)
		case JobKind:
			was = installJob(p, pool, reg, from, into.Jobs)
		case HTTP:
			into.HTTP = append(into.HTTP, installHTTP(p, pool, reg))
		default:
			was = installSingle(p, pool, reg, from, &into.Hooks.Single)
		}
		if was != nil && hidden != nil {
			hidden(reg.describe(), from, *was)
		}
	}
}

// unused says that a registration has nothing behind it yet.
func unused(log zerolog.Logger, reg *Registration) {
	log.Warn().Str("registration", reg.describe()).Str("module", reg.Module).
		Msg("registered and kept, but this version of the server has nothing that would use it")
}

func hookTable(k Kind) hooks.Kind {
	if k == RealtimeBefore || k == RealtimeAfter {
		return hooks.Realtime
	}
	return hooks.API
}

func origin[F any](s *hooks.Slot[F]) *hooks.Origin {
	if s == nil {
		return nil
	}
	return &s.Origin
}

// put fills the slot of a single and says what was in it.
func put[F any](slot **hooks.Slot[F], from hooks.Origin, call F) *hooks.Origin {
	was := origin(*slot)
	*slot = &hooks.Slot[F]{Origin: from, Call: call}
	return was
}

func installSingle(p *Program, pool Pool, reg *Registration, from hooks.Origin, s *hooks.Singles) *hooks.Origin {
	mode := string(reg.Kind)
	if reg.Kind == MatchmakerMatched {
		mode = "matchmaker" // as modules know it
	}
	n := newEntry(p, pool, reg, reg.Keys[0], mode, nil)
	switch reg.Kind {
	case MatchmakerMatched:
		return put(&s.MatchmakerMatched, from, n.matched)
	case MatchmakerOverride:
		return put(&s.MatchmakerOverride, from, n.override)
	case MatchmakerProcessor:
		return put(&s.MatchmakerProcessor, from, n.process)
	case TournamentEnd:
		return put(&s.TournamentEnd, from, n.tournament)
	case TournamentReset:
		return put(&s.TournamentReset, from, n.tournament)
	case LeaderboardReset:
		return put(&s.LeaderboardReset, from, n.leaderboard)
	case Shutdown:
		return put(&s.Shutdown, from, n.shutdown)
	case PurchaseApple:
		unused(p.log, reg)
		return put(&s.PurchaseApple, from, purchased[*runtime.AppleNotificationData](n))
	case PurchaseGoogle:
		unused(p.log, reg)
		return put(&s.PurchaseGoogle, from, purchased[*runtime.PurchaseV2GoogleResponse](n))
	case SubscriptionApple:
		unused(p.log, reg)
		return put(&s.SubscriptionApple, from, subscribed[*runtime.AppleNotificationData](n))
	case SubscriptionGoogle:
		unused(p.log, reg)
		return put(&s.SubscriptionGoogle, from, subscribed[*runtime.SubscriptionV2GoogleResponse](n))
	}
	return nil
}
