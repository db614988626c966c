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

// Local is the Go state of one VM, which every vm.Call of that VM carries. Make it
// with Program.NewLocal. It may only be used by the goroutine that owns the VM.
type Local struct {
	// Registrar collects what the VM registers.
	Registrar *Registrar
	// Module is the module whose code is being evaluated, for registrations and logs.
	// The loader sets it while modules load.
	Module string
	// Replay is true while the VM replays an initialization that another VM performed.
	Replay bool

	program *Program
	log     *core.Logger // of the running call; see logger
	match   *scriptMatch // the match that owns the VM, or nil
	running *function    // the running function, or nil
	objects map[*vm.Library]vm.Ref
	args    []vm.Ref
	env     vm.Ref // Lua: the env table of every ctx
	ids     map[uuid.UUID]vm.Ref
	senders map[*presence.Presence]vm.Ref
}

// maxIDs is the maximum number of ids, and of senders, that a match's VM caches.
const maxIDs = 1024

// idText returns an id as a script string. A match meets the same ids in every tick,
// so its VM caches their strings.
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

// sender returns the presence of a message's sender. Messages of one client share one
// object, as long as no script modifies it.
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

// localOfMatch returns the Local of a match's VM, or nil for other VMs.
func localOfMatch(e vm.Engine) *Local {
	if inst, ok := e.(vm.Instance); ok {
		if l, ok := inst.Local().(*Local); ok && l.match != nil {
			return l
		}
	}
	return nil
}

// logger returns the logger of the running call. That of a match is made when it is
// first used.
func (l *Local) logger() *core.Logger {
	if l.log == nil {
		l.log = l.program.logger
		if log, ok := l.ReplayLog(); ok {
			l.log = core.NewLogger(log)
		}
		if l.match != nil {
			l.log = l.log.WithField("mid", l.match.match.MatchID()).(*core.Logger)
		}
	}
	return l.log
}

// ReplayLog returns the logger of the replay that the VM belongs to; ok is false if it belongs to
// none.
func (l *Local) ReplayLog() (log zerolog.Logger, ok bool) {
	if l.match == nil {
		return log, false
	}
	return match.ReplayLogger(l.match.match)
}

// Line starts a log line for the running call. It returns nil, which zerolog accepts,
// if the level is disabled. ctx is the context of the running call.
func (l *Local) Line(ctx context.Context, level zerolog.Level) *zerolog.Event {
	e := l.logger().Event(level)
	if !e.Enabled() {
		return nil
	}
	return l.note(e, ctx)
}

// note adds the module, the function and the caller to a log line.
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
	case l.match != nil:
		e.Str("module", l.match.module).Str("function", l.match.what())
	case l.running != nil:
		e.Str("module", l.running.module).Str("function", l.running.what)
	}
	if ctx == nil {
		return e
	}
	noteScope(e, ctx)
	return e
}

// Running returns the function that the VM is executing and its module, or empty
// strings. Another goroutine than the VM's owner may call it only while the call runs.
func (l *Local) Running() (function, module string) {
	if m := l.match; m != nil {
		return m.what(), m.module
	}
	// Read once: a call that was abandoned as stuck may end at any time.
	if n := l.running; n != nil {
		return n.what, n.module
	}
	return "", ""
}

// noteScope adds the user, the match and the trace id of a call to a log line.
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

// Muted reports whether log lines of the VM are dropped, because the first VM has
// logged the same.
func (l *Local) Muted() bool { return l != nil && l.Replay && l.Registrar.Open() }

// local returns the Local of a VM that was made with Program.NewLocal.
func local(inst vm.Instance) *Local { return inst.Local().(*Local) }

// localOf returns the Local of the calling VM, or nil if a table is used without one.
func localOf(c *vm.Call) *Local {
	l, _ := c.Local.(*Local)
	return l
}

// object returns an object with the functions of lib, made once per VM.
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

// ObjectOf returns an object with the functions of lib, made once per VM if the VM has
// a Local.
func ObjectOf(inst vm.Instance, lib *vm.Library) vm.Ref {
	if l, ok := inst.Local().(*Local); ok && l != nil {
		return l.object(inst, lib)
	}
	return inst.Functions(lib)
}
