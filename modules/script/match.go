package script

import (
	"context"
	"fmt"
	"strings"

	"github.com/heroiclabs/nakama-common/runtime"

	"kumi/core"
	"kumi/internal/journal"
	"kumi/match"
	"kumi/presence"
	"kumi/store/fault"
	"kumi/vm"
)

// scriptMatch is one match written in a script. It owns a VM, in which the state stays
// from call to call as the value that the script made. It implements match.Handler, so
// its methods are called one at a time.
type scriptMatch struct {
	program *Program
	inst    vm.Instance
	local   *Local
	match   match.Dispatcher
	name    string
	module  string

	fns     [len(MatchFunctions)]vm.Ref
	journal *journal.Journal // of the VM; nil in tests

	scope *core.Scope
	state vm.Ref
	ctx   vm.Ref // one for the life of the match, so what the script adds to it stays
	fixed [4]vm.Ref
	args  []vm.Ref

	nulls any // what vm.Nuller remembers of the state
	at    int // index of the function called last
	usage vm.Usage

	incomplete bool // the log says what snapshots leave out

	outer, inner context.Context // the last context passed in, and the one made from it
}

var _ match.Editable = (*scriptMatch)(nil)

// MatchFactory makes the handlers of a script's matches.
func MatchFactory(p *Program, pool Pool, name, module string) match.Factory {
	return func(ctx context.Context, m match.Dispatcher) (match.Handler, error) {
		inst, err := pool.New(ctx)
		if err != nil {
			return nil, fmt.Errorf("make the VM of match handler %q: %w", name, err)
		}
		g := &scriptMatch{program: p, inst: inst, local: local(inst), match: m, name: name, module: module, journal: journal.Of(ctx)}
		if err := g.prepare(); err != nil {
			inst.Close()
			return nil, err
		}
		return g, nil
	}
}

func (g *scriptMatch) prepare() error {
	for i := range g.fns {
		if g.fns[i] = g.inst.Handler(matchKey(g.name, i)); g.fns[i] == nil && !OptionalMatchFunction(i) {
			return fault.Newf(fault.InvalidArgument, "match handler %q: %s not found or not a function", g.name, g.fn(i))
		}
	}
	p := g.program
	g.scope = &core.Scope{
		Env: p.scope.Env, Node: p.scope.Node, Version: p.scope.Version, ModuleVersion: p.scope.ModuleVersion, Mode: "match",
		MatchID: g.match.MatchID(), MatchNode: g.match.Node(),
	}
	g.usage.Name, g.usage.Module, g.usage.Match = "match handler "+g.name, g.module, g.scope.MatchID
	g.local.match = g
	g.local.log = nil // see Local.logger
	g.local.Registrar.release()
	// ctx is made once and updated later, so its properties must not be read lazily.
	g.ctx = g.inst.Object(emptyLayout, nil)
	src := &contextSource{Scope: g.scope, mode: "match", lua: p.lang == vm.Lua, modules: p.scope.ModuleVersion}
	for i := range contextFields {
		if !src.Has(i) {
			continue
		}
		v, err := src.Get(g.inst, i)
		if err != nil {
			return err
		}
		g.inst.SetNamed(g.ctx, contextFields[i].name.In(p.lang), v)
	}
	if p.lang == vm.JS {
		g.fixed[0] = g.inst.Functions(p.matchLogger)
		g.fixed[1] = g.local.object(g.inst, p.nk)
	}
	g.fixed[2] = g.inst.Functions(p.dispatcher)
	return nil
}

// fn returns the name of a handler function as the script spells it.
func (g *scriptMatch) fn(i int) string { return MatchFunctions[i].In(g.program.lang) }

// what names the function called last, for messages.
func (g *scriptMatch) what() string { return "match handler " + g.name + " " + g.fn(g.at) }

// refresh updates the label and the tick rate in ctx.
func (g *scriptMatch) refresh() {
	g.scope.HasMatchState = true
	g.scope.MatchLabel, g.scope.MatchTickRate = g.match.Label(), g.match.TickRate()
	lang := g.program.lang
	g.inst.SetNamed(g.ctx, nMatchLabel.In(lang), g.inst.FromStr(g.scope.MatchLabel))
	g.inst.SetNamed(g.ctx, nMatchTickRate.In(lang), g.inst.FromInt(int64(g.scope.MatchTickRate)))
}

var (
	nMatchLabel    = vm.N("match_label")
	nMatchTickRate = vm.N("match_tick_rate")
)

// invoke calls a handler function. A tick below 0 is the call of matchInit, which gets
// no dispatcher, tick and state.
func (g *scriptMatch) invoke(ctx context.Context, i int, self vm.Ref, tick int64, more ...vm.Ref) ([]vm.Ref, error) {
	if ctx != g.outer {
		g.outer, g.inner = ctx, core.WithScope(ctx, g.scope)
	}
	if tick >= 0 && !g.scope.HasMatchState {
		g.refresh()
	}
	args := append(g.args[:0], self)
	if g.program.lang == vm.JS {
		args = append(args, g.fixed[0], g.fixed[1])
	}
	if tick >= 0 {
		args = append(args, g.fixed[2], g.inst.FromInt(tick), g.state)
	}
	args = append(args, more...)
	g.args = args
	g.at = i
	if !g.journal.Playing() { // a replay is no call of the match
		countCall(g.inst, &g.usage)
	}
	out, err := g.inst.Invoke(g.inner, g.fns[i], args...)
	if err != nil {
		g.logFailure(i, err)
		return nil, err
	}
	return out, nil
}

// logFailure logs a failed call of a handler function.
func (g *scriptMatch) logFailure(i int, err error) {
	log, ok := match.ReplayLogger(g.match)
	if !ok {
		log = g.program.log
	}
	g.program.logFailure(g.inner, log, "match handler "+g.name+" "+g.fn(i), g.module, err)
}

// bad logs and returns the error of an invalid result.
func (g *scriptMatch) bad(i int, format string, args ...any) error {
	err := fault.Newf(fault.Internal, "match handler %q: %s %s", g.name, g.fn(i), fmt.Sprintf(format, args...))
	g.logFailure(i, err)
	return err
}

// result is what a handler function returned: the state and further values, which have
// a name in JavaScript and a position in Lua.
type result struct {
	g      *scriptMatch
	i      int
	out    []vm.Ref
	object vm.Ref
}

// results splits what a function returned; in Lua these may be at most max values. If
// the state is nil the match is over: alive is false then.
func (g *scriptMatch) results(i int, out []vm.Ref, max int) (r result, state vm.Ref, alive bool, err error) {
	e := g.inst
	r = result{g: g, i: i, out: out}
	if g.program.lang == vm.Lua {
		if len(out) > max {
			return r, nil, false, g.bad(i, "returned too many values, stopping match: %d instead of %d", len(out), max)
		}
		if len(out) == 0 || e.IsNil(out[0]) {
			return r, nil, false, nil
		}
		return r, out[0], true, nil
	}
	if len(out) == 0 || e.IsNil(out[0]) {
		return r, nil, false, nil
	}
	r.object = out[0]
	if !e.IsObject(out[0]) {
		return r, nil, false, g.bad(i, "must return an object with the match state under the key \"state\", but returned %s", kindOf(e, out[0]))
	}
	state = e.Field(out[0], &nState)
	if e.IsNil(state) {
		// {state: null} ends the match; an object with other keys instead is a mistake.
		first, has := "", false
		e.EachField(out[0], func(key string, _ vm.Ref) bool {
			if first == "" {
				first = key
			}
			has = has || key == nState.Camel
			return true
		})
		if first != "" && !has {
			return r, nil, false, g.bad(i, "returned an object without the key \"state\" (but with %q); the state goes into {state: …}", first)
		}
		return r, nil, false, nil
	}
	return r, state, true, nil
}

// keep sets the state of the match. Nakama turns undefined and holes of arrays into
// null between callbacks, and published games depend on it.
func (g *scriptMatch) keep(state vm.Ref) {
	g.state = state
	if n, ok := g.inst.(vm.Nuller); ok && g.program.stateNulls {
		g.nulls = n.NullState(state, g.nulls)
	}
}

// get returns a further value by its name, or by its position from 1; nil if it is
// absent.
func (r result) get(n *vm.Name, position int) vm.Ref {
	e := r.g.inst
	var v vm.Ref
	if r.object != nil {
		v = e.Field(r.object, n)
	} else if position < len(r.out) {
		v = r.out[position]
	}
	if v == nil || e.IsNil(v) {
		return nil
	}
	return v
}

// str is get for a string; empty if it is absent.
func (r result) str(n *vm.Name, position int) (string, error) {
	v := r.get(n, position)
	switch {
	case v == nil:
		return "", nil
	case r.g.inst.IsStr(v):
		return r.g.inst.Str(v), nil
	}
	return "", r.g.bad(r.i, "returned %s as %s; expected a string", kindOf(r.g.inst, v), n.In(r.g.program.lang))
}

// Init implements match.Handler.
func (g *scriptMatch) Init(ctx context.Context, params map[string]any) (tickRate int, label string, err error) {
	e := g.inst
	var arg vm.Ref
	if len(params) == 0 && g.program.lang == vm.Lua {
		arg = e.Object(emptyLayout, nil)
	} else if arg, err = e.FromAny(params); err != nil {
		return 0, "", fmt.Errorf("pass the parameters to match handler %q: %w", g.name, err)
	}
	out, err := g.invoke(ctx, matchInit, g.ctx, -1, arg)
	if err != nil {
		return 0, "", err
	}
	r, state, alive, err := g.results(matchInit, out, 3)
	if err != nil {
		return 0, "", err
	}
	if !alive {
		return 0, "", g.bad(matchInit, "returned no state: initial state must not be nil")
	}
	rate := r.get(&nTickRate, 1)
	if rate == nil || !e.IsNum(rate) {
		return 0, "", g.bad(matchInit, "must return a %s: a whole number from 1 to 60", nTickRate.In(g.program.lang))
	}
	n, whole := e.Int(rate)
	if !whole || n < 1 || n > 60 {
		return 0, "", g.bad(matchInit, "returned an invalid %s: expected a whole number from 1 to 60", nTickRate.In(g.program.lang))
	}
	if label, err = r.str(&nLabel, 2); err != nil {
		return 0, "", err
	}
	if len(label) > match.MaxLabel {
		return 0, "", g.bad(matchInit, "returned a match label that is too long, must be 0-2048 bytes")
	}
	g.keep(state)
	return int(n), label, nil
}

// JoinAttempt implements match.Handler.
func (g *scriptMatch) JoinAttempt(ctx context.Context, tick int64, joiner *match.Joiner, metadata map[string]string) (match.Verdict, error) {
	e := g.inst
	meta, err := stringMap(e, metadata)
	if err != nil {
		return match.Verdict{}, err
	}
	if !g.scope.HasMatchState {
		g.refresh()
	}
	self, err := g.joinContext(joiner)
	if err != nil {
		return match.Verdict{}, err
	}
	out, err := g.invoke(ctx, matchJoinAttempt, self, tick, PlayerShape.Of(e, runtime.Presence(&joiner.Presence)), meta)
	if err != nil {
		return match.Verdict{}, err
	}
	r, state, alive, err := g.results(matchJoinAttempt, out, 3)
	if err != nil || !alive {
		return match.Verdict{}, err
	}
	accept := r.get(&nAccept, 1)
	if accept == nil || !e.IsBool(accept) {
		return match.Verdict{}, g.bad(matchJoinAttempt, "must say with a boolean %s whether the player may join", nAccept.In(g.program.lang))
	}
	reason, err := r.str(&nRejectMessage, 2)
	if err != nil {
		return match.Verdict{}, err
	}
	g.keep(state)
	return match.Verdict{Alive: true, Accept: e.Bool(accept), Reason: reason}, nil
}

// joinContext returns a copy of ctx with the properties of the joining player.
func (g *scriptMatch) joinContext(j *match.Joiner) (vm.Ref, error) {
	e, lang := g.inst, g.program.lang
	self := e.Object(emptyLayout, nil)
	e.EachField(g.ctx, func(key string, v vm.Ref) bool {
		e.SetNamed(self, key, v)
		return true
	})
	src := &contextSource{Scope: &core.Scope{
		UserID: j.UserID.String(), Username: j.Username, Vars: j.Vars, SessionExpiry: j.SessionExpiry,
		SessionID: j.Session.String(), ClientIP: j.ClientIP, ClientPort: j.ClientPort,
		MatchID: g.scope.MatchID,
	}, mode: "", lua: lang == vm.Lua}
	for _, i := range joinerFields {
		if !src.Has(i) {
			continue
		}
		v, err := src.Get(e, i)
		if err != nil {
			return nil, err
		}
		e.SetNamed(self, contextFields[i].name.In(lang), v)
	}
	return self, nil
}

// joinerFields are the positions of the properties that a join attempt adds to ctx.
var joinerFields = func() (at []int) {
	for _, name := range []string{"user_id", "username", "vars", "user_session_exp", "session_id", "client_ip", "client_port"} {
		i, ok := contextLayout.Position(vm.Lua, name)
		if !ok {
			panic("no context field " + name)
		}
		at = append(at, i)
	}
	return at
}()

// step calls a function that returns nothing but the state.
func (g *scriptMatch) step(ctx context.Context, i int, tick int64, arg vm.Ref) (alive bool, err error) {
	out, err := g.invoke(ctx, i, g.ctx, tick, arg)
	if err != nil {
		return false, err
	}
	_, state, alive, err := g.results(i, out, 1)
	if alive {
		g.keep(state)
	}
	return alive, err
}

// Join implements match.Handler.
func (g *scriptMatch) Join(ctx context.Context, tick int64, joins []*presence.Presence) (bool, error) {
	return g.step(ctx, matchJoin, tick, moves(g.inst, joins))
}

// Leave implements match.Handler.
func (g *scriptMatch) Leave(ctx context.Context, tick int64, leaves []*presence.Presence) (bool, error) {
	return g.step(ctx, matchLeave, tick, moves(g.inst, leaves))
}

func moves(e vm.Engine, list []*presence.Presence) vm.Ref {
	refs := make([]vm.Ref, len(list))
	for i, p := range list {
		refs[i] = moveShape.Of(e, runtime.Presence(p))
	}
	return e.List(refs)
}

// Loop implements match.Handler.
func (g *scriptMatch) Loop(ctx context.Context, tick int64, messages []*match.Data) (bool, error) {
	return g.step(ctx, matchLoop, tick, messageShape.ListOf(g.inst, messages))
}

// Terminate implements match.Handler.
func (g *scriptMatch) Terminate(ctx context.Context, tick int64, graceSeconds int) (bool, error) {
	return g.step(ctx, matchTerminate, tick, g.inst.FromInt(int64(graceSeconds)))
}

// Signal implements match.Handler.
func (g *scriptMatch) Signal(ctx context.Context, tick int64, data string) (alive bool, reply string, err error) {
	out, err := g.invoke(ctx, matchSignal, g.ctx, tick, g.inst.FromStr(data))
	if err != nil {
		return false, "", err
	}
	r, state, alive, err := g.results(matchSignal, out, 2)
	if err != nil {
		return false, "", err
	}
	if reply, err = r.str(&nData, 1); err == nil {
		err = g.program.checkSize("match handler "+g.name+" "+g.fn(matchSignal), len(reply))
	}
	if err != nil {
		return false, "", err
	}
	if alive {
		g.keep(state)
	}
	return alive, reply, nil
}

// State implements match.Handler.
func (g *scriptMatch) State(context.Context) (string, error) {
	if g.state == nil {
		return "", nil
	}
	return vm.Preview(g.inst, g.state, maxShownState), nil
}

// PatchState implements match.Editable.
func (g *scriptMatch) PatchState(_ context.Context, patch string) error {
	if strings.TrimSpace(patch) == "null" {
		return fault.New(fault.InvalidArgument, "The state cannot be null, which would end the match.")
	}
	state, err := vm.Patch(g.inst, g.state, patch)
	if err != nil {
		return fault.Wrap(fault.CodeOf(err), "The state was not changed: "+fault.Text(err), err)
	}
	g.keep(state)
	return nil
}

// Runtime is the name of the script's language.
func (g *scriptMatch) Runtime() string { return g.program.lang.String() }

// maxShownState is the maximum size of a state that State returns, in bytes.
const maxShownState = 1 << 20

// Close implements match.Handler.
func (g *scriptMatch) Close() { g.inst.Close() }
