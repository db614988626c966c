package script

import (
	"context"

	"kumi/match"
	"kumi/presence"
	"kumi/vm"
)

var _ match.Snapshotter = (*scriptMatch)(nil)

// Snapshot implements match.Snapshotter. The state is written as plain data. If the handler
// has a match_restore function and no match_snapshot, values that are no plain data are left
// out, which the log lists once; otherwise they make the snapshot fail.
func (g *scriptMatch) Snapshot(ctx context.Context, tick int64) ([]byte, error) {
	state := g.state
	if g.fns[matchSnapshot] != nil {
		out, err := g.invoke(ctx, matchSnapshot, g.ctx, tick)
		if err != nil {
			return nil, err
		}
		var alive bool
		if _, state, alive, err = g.results(matchSnapshot, out, 1); err != nil {
			return nil, err
		}
		if !alive {
			return nil, g.bad(matchSnapshot, "returned no state")
		}
	}
	lenient := g.fns[matchRestore] != nil && g.fns[matchSnapshot] == nil
	image, lost, err := g.inst.(vm.Imager).Image(state, lenient, nil)
	if len(lost) > 0 && !g.incomplete {
		g.incomplete = true
		g.program.log.Info().Str("match_id", g.match.MatchID()).Str("function", "match handler "+g.name).
			Msg("snapshots of the match are incomplete: " + vm.ListUntransferable(lost))
	}
	return image, err
}

// Restore implements match.Snapshotter.
func (g *scriptMatch) Restore(ctx context.Context, tick int64, image []byte, members []*presence.Presence) (alive bool, err error) {
	state, err := g.inst.(vm.Imager).FromImage(image)
	if err != nil {
		return false, err
	}
	g.state = state
	if g.fns[matchRestore] != nil {
		out, err := g.invoke(ctx, matchRestore, g.ctx, tick)
		if err != nil {
			return false, err
		}
		if _, state, alive, err = g.results(matchRestore, out, 1); err != nil {
			return false, err
		}
		if !alive {
			return false, g.bad(matchRestore, "returned no state")
		}
	}
	g.keep(state)
	if g.fns[matchRestored] == nil {
		return true, nil
	}
	return g.step(ctx, matchRestored, tick, moves(g.inst, members))
}

// ModuleVersion is the version of the code that the match runs.
func (g *scriptMatch) ModuleVersion() string { return g.program.scope.ModuleVersion }
