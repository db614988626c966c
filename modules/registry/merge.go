package registry

import "kumi/hooks"

// Merge puts everything of from into into. What from has takes the place of
// what into had in the same slot, which hidden is told. Events add up, those of
// from first.
func Merge(into, from *Registries, hidden func(what string, by, was hooks.Origin)) {
	tell := func(what string, by hooks.Origin, was *hooks.Origin) {
		if was != nil {
			hidden(what, by, *was)
		}
	}
	for _, f := range from.RPC.All() {
		copied := *f
		if old := into.RPC.Set(&copied); old != nil {
			hidden(What(RPC, f.ID), hooks.Origin{Runtime: f.Runtime, Module: f.Module}, hooks.Origin{Runtime: old.Runtime, Module: old.Module})
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
	mergeSlot(&a.MatchmakerMatched, b.MatchmakerMatched, MatchmakerMatched, hidden)
	mergeSlot(&a.MatchmakerOverride, b.MatchmakerOverride, MatchmakerOverride, hidden)
	mergeSlot(&a.MatchmakerProcessor, b.MatchmakerProcessor, MatchmakerProcessor, hidden)
	mergeSlot(&a.TournamentEnd, b.TournamentEnd, TournamentEnd, hidden)
	mergeSlot(&a.TournamentReset, b.TournamentReset, TournamentReset, hidden)
	mergeSlot(&a.LeaderboardReset, b.LeaderboardReset, LeaderboardReset, hidden)
	mergeSlot(&a.Shutdown, b.Shutdown, Shutdown, hidden)

	into.Hooks.Events.Custom = append(clip(from.Hooks.Events.Custom), into.Hooks.Events.Custom...)
	into.Hooks.Events.SessionStart = append(clip(from.Hooks.Events.SessionStart), into.Hooks.Events.SessionStart...)
	into.Hooks.Events.SessionEnd = append(clip(from.Hooks.Events.SessionEnd), into.Hooks.Events.SessionEnd...)
	mergeSlot(&a.PurchaseApple, b.PurchaseApple, PurchaseApple, hidden)
	mergeSlot(&a.PurchaseGoogle, b.PurchaseGoogle, PurchaseGoogle, hidden)
	mergeSlot(&a.SubscriptionApple, b.SubscriptionApple, SubscriptionApple, hidden)
	mergeSlot(&a.SubscriptionGoogle, b.SubscriptionGoogle, SubscriptionGoogle, hidden)
	mergeChains(into.Hooks, from.Hooks)

	for name, slot := range from.Jobs {
		if old, ok := into.Jobs[name]; ok {
			hidden(What(JobKind, name), slot.Origin, old.Origin)
		}
		into.Jobs[name] = slot
	}
	into.HTTP = append(clip(from.HTTP), into.HTTP...)
	into.Indexes = append(into.Indexes, from.Indexes...)
	for name, slot := range from.Filters {
		if old, ok := into.Filters[name]; ok {
			hidden(What(IndexFilter, name), slot.Origin, old.Origin)
		}
		into.Filters[name] = slot
	}
}

func clip[T any](s []T) []T { return s[:len(s):len(s)] }

func mergeSlot[F any](into **hooks.Slot[F], from *hooks.Slot[F], kind Kind, hidden func(what string, by, was hooks.Origin)) {
	if from == nil {
		return
	}
	if *into != nil {
		hidden(What(kind, ""), from.Origin, (*into).Origin)
	}
	*into = from
}

// mergeChains puts the chains of from before those of into.
func mergeChains(into, from *hooks.Registry) {
	from.EachChain(func(kind hooks.Kind, name string, c *hooks.Chain) { into.Prepend(kind, name, c) })
}
