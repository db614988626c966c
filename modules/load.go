package modules

import (
	"context"
	"slices"
	"time"

	"github.com/heroiclabs/nakama-common/runtime"
	"github.com/rs/zerolog"

	"kumi/core"
	"kumi/hooks"
	"kumi/match"
	"kumi/modules/script"
	"kumi/store"
	"kumi/vm"
)

// Options say what to load and what the modules get to work with.
type Options struct {
	// Path is the folder of the modules. It need not exist: compiled-in Go
	// modules load all the same.
	Path string
	// JSEntrypoint is the JavaScript or TypeScript file to start from, relative
	// to Path; empty means index.ts or index.js.
	JSEntrypoint string

	Core   *core.Core
	Config runtime.Config
	DB     *store.DB
	Logger zerolog.Logger
	// Matches is told of match handlers while modules load, so that they can make
	// matches; nil where there is none.
	Matches *match.Registry

	Env           map[string]string // runtime.env
	Node, Version string

	// CallTimeout and TickTimeout bound a call into script code and into a match
	// handler; 0 means no bound.
	CallTimeout, TickTimeout time.Duration

	// Guard stops calls that take too much memory and counts all that are stopped;
	// nil does neither. MaxResult bounds what a script gives back or sends, in
	// bytes; 0 means no bound.
	Guard     *vm.Guard
	MaxResult int

	JSMin, JSMax   int // VMs
	LuaMin, LuaMax int
	// JSStack and LuaStack are the deepest nesting of calls; 0 is the default.
	JSStack, LuaStack int
	LuaRegistry       int // values on Lua's stack; 0 is the default

	// ReadOnlyGlobals protects what modules share from changes by calls.
	JSReadOnlyGlobals, LuaReadOnlyGlobals bool

	// OwnRoutes lists the paths that the server answers itself, which the log
	// compares those of modules with; nil compares with none.
	OwnRoutes func() []OwnRoute

	// Check compiles and evaluates modules without running what they start.
	Check bool
}

// Load finds and runs the modules: Go first, then Lua, then JavaScript. Where
// several registered the same thing, Go's stands before Lua's and Lua's before
// JavaScript's; the log says what is hidden. An error names the file and, where
// it has one, the line and column; nothing stays loaded then.
//
// While it runs, Options.Matches finds handlers in what is loaded so far and
// then where it found them before; afterwards in the new set, or after an error
// where it found them before.
func Load(ctx context.Context, o Options) (*Set, error) {
	l := newLoading(ctx, o)
	if o.Matches == nil {
		return l.load(ctx, loadGo)
	}
	before := o.Matches.SetHandlers(l.handler)
	l.mu.Lock()
	l.before = before
	l.mu.Unlock()
	s, err := l.load(ctx, loadGo)
	if err != nil {
		o.Matches.SetHandlers(before)
		return nil, err
	}
	o.Matches.SetHandlers(s.Handler)
	l.mu.Lock()
	l.before = nil // the last set must not be kept alive by this one
	l.mu.Unlock()
	return s, nil
}

type loader = func(ctx context.Context, l *loading) (*part, error)

func newLoading(ctx context.Context, o Options) *loading {
	l := &loading{Options: o, digest: Digest(o.Path), report: reportOf(ctx)}
	l.scope = &core.Scope{Env: o.Env, Node: o.Node, Version: o.Version, ModuleVersion: version(l.digest)}
	l.Logger = o.Logger.With().Str("module_version", l.scope.ModuleVersion).Logger()
	if o.Core != nil {
		l.nk = o.Core.Module()
	}
	return l
}

// load runs the loaders, golang first, and makes one set of what they found.
func (l *loading) load(ctx context.Context, golang loader) (*Set, error) {
	l.scan()
	l.sharedState()
	parts := make([]*part, 0, 3)
	for _, load := range []loader{golang, loadLua, loadJavaScript} {
		p, err := load(ctx, l)
		if err != nil && l.report != nil {
			l.report.failed(err)
			p, err = newPart(""), nil
		}
		if err != nil {
			for _, p := range parts {
				if p != l.kept {
					p.shut()
				}
			}
			return nil, inSource(l.Path, err)
		}
		parts = append(parts, p)
	}
	s := merge(parts, l.hidden())
	l.overlaps(s.HTTP)
	s.Guard = l.Guard
	s.Version, s.Digest, s.golang = l.scope.ModuleVersion, l.digest, parts[0]
	return s, nil
}

func (p *part) shut() {
	for _, f := range p.close {
		f()
	}
	p.close = nil
}

// merge makes one set of the parts, which are in order of precedence.
func merge(parts []*part, hidden func(what string, by, was hooks.Origin)) *Set {
	all := newPart("")
	s := &Set{RPC: all.reg.RPC, Hooks: all.reg.Hooks, Matches: map[string]match.Factory{}, Jobs: map[string]core.Job{}}
	for _, p := range slices.Backward(parts) {
		script.Merge(all.reg, p.reg, hidden)
	}
	all.reg.Hooks.Join()
	s.Filters = all.reg.Filters
	for name, slot := range all.reg.Jobs {
		s.Jobs[name] = slot.Call
	}
	for name, slot := range all.reg.Matches {
		s.Matches[name] = slot.Call
	}
	for _, p := range parts {
		s.HTTP = append(s.HTTP, p.http...)
		s.Modules = append(s.Modules, p.loaded...)
		s.close = append(s.close, p.close...)
		if p.pool != nil {
			s.Pools = append(s.Pools, Pool{Runtime: p.runtime, Pool: p.pool})
		}
	}
	return s
}
