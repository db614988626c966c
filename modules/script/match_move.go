package script

import (
	"context"

	"kumi/match"
	"kumi/store/fault"
	"kumi/vm"
)

var _ match.Movable = (*scriptMatch)(nil)

// Move implements match.Movable. The state is transferred as plain data. If
// the new code has a match_reload function, which makes the new state, values
// that cannot be transferred are left out; otherwise they make the move fail.
func (g *scriptMatch) Move(ctx context.Context, tick int64, to match.Handler) (moved bool, err error) {
	next, ok := to.(*scriptMatch)
	if !ok || next.program.lang != g.program.lang {
		return false, fault.New(fault.FailedPrecondition, "the match handler is now in another language")
	}
	if next.program == g.program {
		return false, nil
	}
	from, target := g.inst.(vm.Imager), next.inst.(vm.Imager)
	converts := next.fns[matchReload] != nil
	image, lost, err := from.Image(g.state, converts, nil)
	if err != nil {
		return false, err
	}
	state, err := target.FromImage(image)
	if err != nil {
		return false, err
	}
	if len(lost) > 0 {
		next.program.log.Info().Str("match_id", g.match.MatchID()).Str("function", "match handler "+g.name).
			Msg("the state passed to " + next.fn(matchReload) + " is incomplete: " + vm.ListUntransferable(lost))
	}
	next.state = state
	if !converts {
		return true, nil
	}
	out, err := next.invoke(ctx, matchReload, next.ctx, tick)
	if err != nil {
		return false, err
	}
	_, state, alive, err := next.results(matchReload, out, 1)
	if err != nil {
		return false, err
	}
	if !alive {
		return false, next.bad(matchReload, "returned no state")
	}
	next.state = state
	return true, nil
}
