package golang

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/heroiclabs/nakama-common/runtime"

	"kumi/core"
	"kumi/internal/journal"
	"kumi/match"
	"kumi/presence"
	"kumi/store/fault"
	"kumi/vm"
)

// goMatch is one match written in Go. It holds the state between calls. It implements
// match.Handler, so its methods are called one at a time. A panic ends only this
// match.
type goMatch struct {
	*call
	game   runtime.Match
	match  match.Dispatcher
	state  any
	now    *core.Scope
	nk     *nakama
	db     *sql.DB
	logger *core.Logger
	end    context.CancelFunc // nk.end, made once

	outer, inner context.Context // the last context passed in, and the one made from it
}

var _ match.Handler = (*goMatch)(nil)

type newGoMatch = func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule) (runtime.Match, error)

func goMatches(m *goModule, name string, fn newGoMatch) match.Factory {
	return func(ctx context.Context, d match.Dispatcher) (_ match.Handler, err error) {
		c := m.call("match handler "+strconv.Quote(name), "match", map[string]any{"mid": d.MatchID()})
		j := journal.Of(ctx)
		g := &goMatch{call: c, match: d, nk: newNakama(m.nk, j), db: databaseOf(m.db, j), logger: c.logger}
		g.end = g.nk.end
		if log, ok := match.ReplayLogger(d); ok {
			g.logger = core.NewLogger(log)
		}
		g.now = &core.Scope{
			Env: m.scope.Env, Node: m.scope.Node, Version: m.scope.Version, Mode: "match",
			MatchID: d.MatchID(), MatchNode: d.Node(),
		}
		defer g.recovered(&err)
		g.nk.begin() // until the first call has ended
		game, err := fn(core.WithScope(ctx, g.now), g.logger, g.db, g.nk)
		if err != nil {
			return nil, fmt.Errorf("make %s: %w", g.what, err)
		}
		if game == nil {
			return nil, fault.Newf(fault.Internal, "make %s: the module returned nil", g.what)
		}
		g.game = game
		if durable, ok := game.(MatchSnapshotter); ok {
			return durableGoMatch{g, durable}, nil
		}
		return g, nil
	}
}

// in returns the context for a call and a function to call when it has returned.
func (g *goMatch) in(ctx context.Context) (context.Context, context.CancelFunc) {
	if rate := g.match.TickRate(); rate > 0 && (!g.now.HasMatchState || g.now.MatchLabel != g.match.Label()) {
		next := *g.now
		next.HasMatchState, next.MatchLabel, next.MatchTickRate = true, g.match.Label(), rate
		g.now, g.outer = &next, nil
	}
	if ctx != g.outer {
		g.outer, g.inner = ctx, core.WithScope(ctx, g.now)
	}
	g.nk.begin()
	if g.tick > 0 {
		d := vm.NewTimeLimit(g.inner, time.Now().Add(g.tick))
		return d, func() { d.End(); g.nk.end() }
	}
	return g.inner, g.end
}

// keep stores the state that a call returned. A nil state ends the match.
func (g *goMatch) keep(state any) (alive bool) {
	if state == nil {
		return false
	}
	g.state = state
	return true
}

// Init implements match.Handler.
func (g *goMatch) Init(ctx context.Context, params map[string]any) (rate int, label string, err error) {
	ctx, end := g.in(ctx)
	defer end()
	defer g.recovered(&err)
	state, rate, label := g.game.MatchInit(ctx, g.logger, g.db, g.nk, params)
	switch {
	case state == nil:
		return 0, "", fault.Newf(fault.Internal, "%s: MatchInit returned no state; the initial state must not be nil", g.what)
	case rate < 1 || rate > 60:
		return 0, "", fault.Newf(fault.Internal, "%s: MatchInit returned tick rate %d, it must be between 1 and 60", g.what, rate)
	case len(label) > match.MaxLabel:
		return 0, "", fault.Newf(fault.Internal, "%s: MatchInit returned a label of %d bytes; at most %d are allowed", g.what, len(label), match.MaxLabel)
	}
	g.state = state
	return rate, label, nil
}

// JoinAttempt implements match.Handler.
func (g *goMatch) JoinAttempt(ctx context.Context, tick int64, j *match.Joiner, metadata map[string]string) (v match.Verdict, err error) {
	ctx, end := g.in(ctx)
	defer end()
	defer g.recovered(&err)
	scope := *g.now
	scope.UserID, scope.Username, scope.Vars, scope.SessionExpiry = j.GetUserId(), j.Username, j.Vars, j.SessionExpiry
	scope.SessionID, scope.Lang, scope.ClientIP, scope.ClientPort = j.GetSessionId(), j.Lang, j.ClientIP, j.ClientPort
	state, accept, reason := g.game.MatchJoinAttempt(core.WithScope(ctx, &scope), g.logger, g.db, g.nk, g.match, tick, g.state, &j.Presence, metadata)
	if !g.keep(state) {
		return match.Verdict{}, nil
	}
	return match.Verdict{Alive: true, Accept: accept, Reason: reason}, nil
}

func presences(list []*presence.Presence) []runtime.Presence {
	out := make([]runtime.Presence, len(list))
	for i, p := range list {
		out[i] = p
	}
	return out
}

// Join implements match.Handler.
func (g *goMatch) Join(ctx context.Context, tick int64, joins []*presence.Presence) (alive bool, err error) {
	ctx, end := g.in(ctx)
	defer end()
	defer g.recovered(&err)
	return g.keep(g.game.MatchJoin(ctx, g.logger, g.db, g.nk, g.match, tick, g.state, presences(joins))), nil
}

// Leave implements match.Handler.
func (g *goMatch) Leave(ctx context.Context, tick int64, leaves []*presence.Presence) (alive bool, err error) {
	ctx, end := g.in(ctx)
	defer end()
	defer g.recovered(&err)
	return g.keep(g.game.MatchLeave(ctx, g.logger, g.db, g.nk, g.match, tick, g.state, presences(leaves))), nil
}

// Loop implements match.Handler.
func (g *goMatch) Loop(ctx context.Context, tick int64, messages []*match.Data) (alive bool, err error) {
	ctx, end := g.in(ctx)
	defer end()
	defer g.recovered(&err)
	var in []runtime.MatchData
	if len(messages) > 0 {
		in = make([]runtime.MatchData, len(messages))
		for i, m := range messages {
			in[i] = m
		}
	}
	return g.keep(g.game.MatchLoop(ctx, g.logger, g.db, g.nk, g.match, tick, g.state, in)), nil
}

// Terminate implements match.Handler.
func (g *goMatch) Terminate(ctx context.Context, tick int64, graceSeconds int) (alive bool, err error) {
	ctx, end := g.in(ctx)
	defer end()
	defer g.recovered(&err)
	return g.keep(g.game.MatchTerminate(ctx, g.logger, g.db, g.nk, g.match, tick, g.state, graceSeconds)), nil
}

// Signal implements match.Handler.
func (g *goMatch) Signal(ctx context.Context, tick int64, data string) (alive bool, reply string, err error) {
	ctx, end := g.in(ctx)
	defer end()
	defer g.recovered(&err)
	state, reply := g.game.MatchSignal(ctx, g.logger, g.db, g.nk, g.match, tick, g.state, data)
	return g.keep(state), reply, nil
}

// State implements match.Handler. It returns JSON, or Go's %+v notation if the state
// cannot be converted to JSON.
func (g *goMatch) State(context.Context) (_ string, err error) {
	defer g.recovered(&err)
	if text, err := json.Marshal(g.state); err == nil {
		return string(text), nil
	}
	return fmt.Sprintf("%+v", g.state), nil
}

// AppendState implements match.Recordable with the state as JSON, of which it cannot be made
// again.
func (g *goMatch) AppendState(_ context.Context, dst []byte) (_ []byte, whole bool, err error) {
	defer g.recovered(&err)
	text, err := json.Marshal(g.state)
	return append(dst, text...), false, err
}

// SetState implements match.Recordable.
func (g *goMatch) SetState(context.Context, []byte) error {
	return fault.New(fault.Unimplemented, "the state of a match in Go cannot be set from a recording")
}

// Runtime is "go".
func (g *goMatch) Runtime() string { return "go" }

// Close implements match.Handler.
func (g *goMatch) Close() { g.state = nil }
