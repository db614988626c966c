package registry

import (
	"fmt"

	"kumi/hooks"
)

// ShadowedText says that the registration what of a module is shadowed by another one.
func ShadowedText(what string, by, was hooks.Origin) string {
	return fmt.Sprintf("%s of the %s module %q is shadowed by that of the %s module %q", what, was.Runtime, was.Module, by.Runtime, by.Module)
}

// Merge adds everything in from to into. A registration in from replaces the one of
// the same slot in into, which is reported to shadowed. Event handlers accumulate,
// those of from first.
func Merge(into, from *Registries, shadowed func(what string, by, was hooks.Origin)) {
	tell := func(what string, by hooks.Origin, was *hooks.Origin) {
		if was != nil {
			shadowed(what, by, *was)
		}
	}
	for _, f := range from.RPC.All() {
		copied := *f
		if old := into.RPC.Set(&copied); old != nil {
			shadowed(What(RPC, f.ID), hooks.Origin{Runtime: f.Runtime, Module: f.Module}, hooks.Origin{Runtime: old.Runtime, Module: old.Module})
		}
	}
	from.Hooks.Each(func(kind hooks.Kind, name string, p *hooks.Pair) {
		before, after := Before, After
		if kind == hooks.Realtime {
			before, after = RealtimeBefore, RealtimeAfter
		}
		if p.Before != nil {
			tell(What(before, name), p.Before.Origin, OriginOf(into.Hooks.SetBefore(kind, name, *p.Before)))
		}
		if p.After != nil {
			tell(What(after, name), p.After.Origin, OriginOf(into.Hooks.SetAfter(kind, name, *p.After)))
		}
	})
	for name, slot := range from.matches {
		tell(What(Match, name), slot.Origin, into.SetMatch(name, slot))
	}

	a, b := &into.Hooks.Single, &from.Hooks.Single
	mergeSlot(&a.MatchmakerMatched, b.MatchmakerMatched, MatchmakerMatched, shadowed)
	mergeSlot(&a.MatchmakerOverride, b.MatchmakerOverride, MatchmakerOverride, shadowed)
	mergeSlot(&a.MatchmakerProcessor, b.MatchmakerProcessor, MatchmakerProcessor, shadowed)
	mergeSlot(&a.TournamentEnd, b.TournamentEnd, TournamentEnd, shadowed)
	mergeSlot(&a.TournamentReset, b.TournamentReset, TournamentReset, shadowed)
	mergeSlot(&a.LeaderboardReset, b.LeaderboardReset, LeaderboardReset, shadowed)
	mergeSlot(&a.Shutdown, b.Shutdown, Shutdown, shadowed)
	mergeSlot(&a.FleetCreated, b.FleetCreated, FleetCreated, shadowed)

	into.Hooks.Events.Custom = append(clip(from.Hooks.Events.Custom), into.Hooks.Events.Custom...)
	into.Hooks.Events.SessionStart = append(clip(from.Hooks.Events.SessionStart), into.Hooks.Events.SessionStart...)
	into.Hooks.Events.SessionEnd = append(clip(from.Hooks.Events.SessionEnd), into.Hooks.Events.SessionEnd...)
	mergeSlot(&a.PurchaseApple, b.PurchaseApple, PurchaseApple, shadowed)
	mergeSlot(&a.PurchaseGoogle, b.PurchaseGoogle, PurchaseGoogle, shadowed)
	mergeSlot(&a.SubscriptionApple, b.SubscriptionApple, SubscriptionApple, shadowed)
	mergeSlot(&a.SubscriptionGoogle, b.SubscriptionGoogle, SubscriptionGoogle, shadowed)
	mergeChains(into.Hooks, from.Hooks)

	for name, slot := range from.Jobs {
		if old, ok := into.Jobs[name]; ok {
			shadowed(What(JobKind, name), slot.Origin, old.Origin)
		}
		into.Jobs[name] = slot
	}
	into.HTTP = append(clip(from.HTTP), into.HTTP...)
	into.ConsoleHTTP = append(clip(from.ConsoleHTTP), into.ConsoleHTTP...)
	for name, slot := range from.Indexes {
		if old, ok := into.Indexes[name]; ok {
			shadowed(What(Index, name), slot.Origin, old.Origin)
		}
		into.Indexes[name] = slot
	}
	for name, slot := range from.Filters {
		if old, ok := into.Filters[name]; ok {
			shadowed(What(IndexFilter, name), slot.Origin, old.Origin)
		}
		into.Filters[name] = slot
	}
}

func clip[T any](s []T) []T { return s[:len(s):len(s)] }

func mergeSlot[F any](into **hooks.Slot[F], from *hooks.Slot[F], kind Kind, shadowed func(what string, by, was hooks.Origin)) {
	if from == nil {
		return
	}
	if *into != nil {
		shadowed(What(kind, ""), from.Origin, (*into).Origin)
	}
	*into = from
}

// mergeChains puts the chains of from before those of into.
func mergeChains(into, from *hooks.Registry) {
	from.EachChain(func(kind hooks.Kind, name string, c *hooks.Chain) { into.Prepend(kind, name, c) })
}
