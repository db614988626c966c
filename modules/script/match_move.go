package script

import (
	"context"

	"kumi/match"
	"kumi/store/fault"
	"kumi/vm"
)

var _ match.Movable = (*game)(nil)

// Move implements match.Movable. The state goes over as plain data. Where the
// new code has a match_reload function that makes the new state of it, and what
// cannot be carried as it is may be left out, as the function can put it back;
// else the state must be carried whole.
func (g *game) Move(ctx context.Context, tick int64, to match.Handler) (moved bool, err error) {
	next, ok := to.(*game)
	if !ok || next.program.lang != g.program.lang {
		return false, fault.New(fault.FailedPrecondition, "the match handler is in another language now")
	}
	if next.program == g.program {
		return false, nil
	}
	carrier, ok := next.inst.(vm.Carrier)
	if !ok {
		return false, fault.New(fault.Unimplemented, "this engine cannot take over state")
	}
	converts := next.fns[MatchReload] != nil
	state, lost, err := carrier.Carry(g.inst, g.state, converts)
	if err != nil {
		return false, err
	}
	if len(lost) > 0 {
		next.program.log.Info().Str("match_id", g.match.MatchID()).Str("function", "match handler "+g.name).
			Msg("what " + next.fn(MatchReload) + " gets of the state is not all there was: " + vm.ListUncarried(lost))
	}
	next.state = state
	if !converts {
		return true, nil
	}
	out, err := next.invoke(ctx, MatchReload, next.ctx, tick)
	if err != nil {
		return false, err
	}
	_, state, alive, err := next.results(MatchReload, out, 1)
	if err != nil {
		return false, err
	}
	if !alive {
		return false, next.bad(MatchReload, "gave no state")
	}
	next.state = state
	return true, nil
}
