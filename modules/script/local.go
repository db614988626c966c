package script

import (
	"context"

	"github.com/gofrs/uuid/v5"
	"github.com/rs/zerolog"

	"kumi/core"
	"kumi/match"
	"kumi/presence"
	"kumi/vm"
)

// Local is the Go state of one VM: what every vm.Call of that VM carries. Make
// it with Program.NewLocal.
type Local struct {
	// Registrar collects what the VM registers.
	Registrar *Registrar
	// Module names the module whose code is being evaluated, for registrations
	// and logs. The loader keeps it right while modules load.
	Module string
	// Replay is true while the VM repeats an initialization that another VM did
	// for real.
	Replay bool

	program *Program
	log     *core.Logger // of the call that runs; see logger
	game    *game        // in the VM of a match
	now     *entry       // whose call runs
	objects map[*vm.Library]vm.Ref
	args    []vm.Ref
	env     vm.Ref // Lua: the env table of every ctx
	ids     map[uuid.UUID]vm.Ref
	senders map[*presence.Presence]vm.Ref
}

// maxIDs is how many identifiers a VM caches the text of.
const maxIDs = 1024

// idText is an identifier as a script's string. The VM of a match meets the same
// ones in every tick, so it keeps them.
func idText(e vm.Engine, id uuid.UUID) vm.Ref {
	l := localOfMatch(e)
	if l == nil {
		return e.FromStr(id.String())
	}
	text, ok := l.ids[id]
	if !ok {
		if l.ids == nil || len(l.ids) >= maxIDs {
			l.ids = map[uuid.UUID]vm.Ref{}
		}
		text = e.FromStr(id.String())
		l.ids[id] = text
	}
	return text
}

// sender is who sent a message. Messages of one client have the same object, as
// long as scripts only read it.
func sender(e vm.Engine, d *match.Data) (vm.Ref, error) {
	l := localOfMatch(e)
	r, ok := e.(vm.Recorder)
	if l == nil || !ok {
		return PlayerShape.Of(e, d.Presence), nil
	}
	if who, ok := l.senders[d.Presence]; ok && r.Pristine(who) {
		return who, nil
	}
	if l.senders == nil || len(l.senders) >= maxIDs {
		l.senders = map[*presence.Presence]vm.Ref{}
	}
	who := PlayerShape.Of(e, d.Presence)
	l.senders[d.Presence] = who
	return who, nil
}

// localOfMatch is the state of the VM of a match, nil for another one.
func localOfMatch(e vm.Engine) *Local {
	if inst, ok := e.(vm.Instance); ok {
		if l, ok := inst.Local().(*Local); ok && l.game != nil {
			return l
		}
	}
	return nil
}

// logger is that of the call that runs. A match's is made when it first logs
// something.
func (l *Local) logger() *core.Logger {
	if l.log == nil {
		l.log = l.program.logger
		if l.game != nil {
			l.log = l.log.WithField("mid", l.game.match.MatchID()).(*core.Logger)
		}
	}
	return l.log
}

// Line begins a log line of what runs now; it is nil, as good as any, when the
// level is not logged. ctx is that of the running call.
func (l *Local) Line(ctx context.Context, level zerolog.Level) *zerolog.Event {
	e := l.logger().Event(level)
	if !e.Enabled() {
		return nil
	}
	return l.note(e, ctx)
}

// note adds to a log line which module and function it comes from, and for whom
// they run.
func (l *Local) note(e *zerolog.Event, ctx context.Context) *zerolog.Event {
	switch {
	case l == nil:
	case l.Registrar.Open():
		if l.Module != "" {
			e.Str("module", l.Module)
		}
		if l.program.lang == vm.JS {
			e.Str("function", "InitModule")
		}
	case l.game != nil:
		e.Str("module", l.game.module).Str("function", l.game.what())
	case l.now != nil:
		e.Str("module", l.now.module).Str("function", l.now.what)
	}
	if ctx == nil {
		return e
	}
	noteScope(e, ctx)
	return e
}

// Running names the function whose call runs, and its module; both are empty when
// none does. It is for the goroutine that owns the VM, or while that is in the call.
func (l *Local) Running() (function, module string) {
	if game := l.game; game != nil {
		return game.what(), game.module
	}
	// Read once: a call that was given up as stuck may end at any time.
	if now := l.now; now != nil {
		return now.what, now.module
	}
	return "", ""
}

// noteScope adds to a log line for whom module code runs.
func noteScope(e *zerolog.Event, ctx context.Context) {
	s, _ := core.ScopeOf(ctx)
	if s == nil {
		return
	}
	if s.UserID != "" {
		e.Str("user_id", s.UserID)
	}
	if s.MatchID != "" {
		e.Str("match_id", s.MatchID)
	}
	if id := core.TraceID(ctx); id != "" {
		e.Str("trace_id", id)
	}
}

// silent says whether what the VM logs has been said by the first one.
func (l *Local) silent() bool { return l != nil && l.Replay && l.Registrar.Open() }

// local is the state of a VM made by this package's users.
func local(inst vm.Instance) *Local { return inst.Local().(*Local) }

// localOf is the state of the VM that calls, nil where a table is used without
// one.
func localOf(c *vm.Call) *Local {
	l, _ := c.Local.(*Local)
	return l
}

// object makes an object of functions once per VM.
func (l *Local) object(inst vm.Instance, lib *vm.Library) vm.Ref {
	if o, ok := l.objects[lib]; ok {
		return o
	}
	if l.objects == nil {
		l.objects = map[*vm.Library]vm.Ref{}
	}
	o := inst.Functions(lib)
	l.objects[lib] = o
	return o
}

// ObjectOf makes an object of functions, once per VM where the VM has a Local.
func ObjectOf(inst vm.Instance, lib *vm.Library) vm.Ref {
	if l, ok := inst.Local().(*Local); ok && l != nil {
		return l.object(inst, lib)
	}
	return inst.Functions(lib)
}
