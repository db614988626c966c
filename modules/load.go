package modules

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/heroiclabs/nakama-common/runtime"
	"github.com/rs/zerolog"

	"kumi/core"
	"kumi/hooks"
	"kumi/match"
	"kumi/modules/bundle"
	"kumi/modules/check"
	"kumi/modules/golang"
	"kumi/modules/httproute"
	"kumi/modules/registry"
	"kumi/modules/source"
	"kumi/store"
	"kumi/vm"
)

// Options say what to load, and what modules can use.
type Options struct {
	// Path is the folder of the modules. If it does not exist, compiled-in Go modules
	// are loaded nevertheless.
	Path string
	// JSEntrypoint is the JavaScript or TypeScript entry file, relative to Path; empty
	// means index.ts or index.js.
	JSEntrypoint string

	Core   *core.Core
	Config runtime.Config
	DB     *store.DB
	Logger zerolog.Logger
	// Matches gets the match handlers while modules load, so that modules can create
	// matches; may be nil.
	Matches *match.Registry

	Env           map[string]string // runtime.env
	Node, Version string

	// CallTimeout and TickTimeout limit calls into script code and into match
	// handlers; 0 means no limit.
	CallTimeout, TickTimeout time.Duration

	// Guard stops calls that use too much memory and counts all stopped calls; may be
	// nil. MaxResult limits what a script returns or sends, in bytes; 0 means no
	// limit.
	Guard     *vm.Guard
	MaxResult int

	JSMin, JSMax   int // VMs
	LuaMin, LuaMax int
	// JSStack and LuaStack limit the nesting of calls; 0 is the default.
	JSStack, LuaStack int
	LuaRegistry       int // values on Lua's stack; 0 is the default

	// ReadOnlyGlobals protects shared globals from changes by calls.
	JSReadOnlyGlobals, LuaReadOnlyGlobals bool
	JSMatchStateNulls                     bool

	// OwnRoutes lists the server's own paths, to warn about module routes that replace
	// them; may be nil.
	OwnRoutes func() []httproute.Own
	// ConsoleRoutes lists the paths of the console, which modules cannot replace; may be
	// nil.
	ConsoleRoutes func() []httproute.Own

	// Check compiles and evaluates modules without running what they start.
	Check bool
}

// Load finds and runs the modules: Go first, then Lua, then JavaScript. If several
// register the same thing, Go takes precedence over Lua and Lua over JavaScript; the
// log reports what is shadowed. An error names the file and, if known, the line and
// column; no module stays loaded then.
//
// While Load runs, Options.Matches finds the handlers loaded so far, then those that it
// found before; afterwards those of the new set or, after an error, the previous ones.
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
	l.before = nil // do not keep the previous set alive
	l.mu.Unlock()
	return s, nil
}

type loader = func(ctx context.Context, l *loading) (*part, error)

// newLoading prepares a load.
func newLoading(ctx context.Context, o Options) *loading {
	l := &loading{Options: o, digest: source.Digest(o.Path), report: check.From(ctx)}
	l.scope = &core.Scope{Env: o.Env, Node: o.Node, Version: o.Version, ModuleVersion: version(l.digest)}
	l.Logger = o.Logger.With().Str("module_version", l.scope.ModuleVersion).Logger()
	if o.Core != nil {
		l.nk = o.Core.Module()
	}
	return l
}

// load runs the loaders, golang first, and merges the parts.
func (l *loading) load(ctx context.Context, golang loader) (*Set, error) {
	if l.report != nil {
		program, _ := bundle.Find(l.Path, l.JSEntrypoint, zerolog.Nop()) // told below when it fails
		l.report.Scan(l.Path, program)
		l.report.SharedState(l.Path, program)
	}
	parts := make([]*part, 0, 3)
	for _, load := range []loader{golang, loadLua, loadJavaScript} {
		p, err := load(ctx, l)
		if err != nil && l.report != nil {
			l.report.Failed(err)
			p, err = newPart(""), nil
		}
		if err != nil {
			for _, p := range parts {
				if p != l.kept {
					p.shut()
				}
			}
			return nil, meant(source.WithLine(l.Path, err))
		}
		parts = append(parts, p)
	}
	s := merge(parts, l.shadowed(), func(text string) {
		if l.report != nil {
			l.report.Add("", text)
			return
		}
		l.Logger.Warn().Msg(text)
	})
	if l.OwnRoutes != nil && len(s.HTTP) > 0 {
		httproute.Overlaps(s.HTTP, l.OwnRoutes(), l.overlap)
	} else {
		httproute.Overlaps(s.HTTP, nil, l.overlap)
	}
	httproute.Overlaps(s.ConsoleHTTP, nil, l.overlap)
	if l.ConsoleRoutes != nil && len(s.ConsoleHTTP) > 0 {
		err := httproute.Clash(s.ConsoleHTTP, l.ConsoleRoutes())
		if err != nil && l.report != nil {
			l.report.Failed(err)
		} else if err != nil {
			s.close = nil
			for _, p := range parts {
				if p != l.kept {
					p.shut()
				}
			}
			return nil, err
		}
	}
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

// merge makes one set of the parts, which are in order of precedence. lost gets what
// has no effect.
func merge(parts []*part, shadowed func(what string, by, was hooks.Origin), lost func(text string)) *Set {
	all := newPart("")
	s := &Set{RPC: all.reg.RPC, Hooks: all.reg.Hooks, Jobs: map[string]core.Job{}}
	for _, p := range slices.Backward(parts) {
		registry.Merge(all.reg, p.reg, shadowed)
	}
	all.reg.Hooks.Join()
	s.Matches, s.HTTP, s.ConsoleHTTP = all.reg.Matches(), all.reg.HTTP, all.reg.ConsoleHTTP
	for name, slot := range all.reg.Indexes {
		x := slot.Call
		if filter, ok := all.reg.Filters[name]; ok {
			x.Filter = filter.Call
		}
		s.Indexes = append(s.Indexes, x)
	}
	for name, slot := range all.reg.Filters {
		if _, ok := all.reg.Indexes[name]; !ok {
			lost(fmt.Sprintf("%s of the %s module %q is never called: there is no index of that name", registry.What(registry.IndexFilter, name), slot.Origin.Runtime, slot.Origin.Module))
		}
	}
	for name, slot := range all.reg.Jobs {
		s.Jobs[name] = slot.Call
	}
	for _, p := range parts {
		s.Modules = append(s.Modules, p.loaded...)
		s.close = append(s.close, p.close...)
		if p.pool != nil {
			s.Pools = append(s.Pools, Pool{Runtime: p.runtime, Pool: p.pool})
		}
	}
	return s
}

// loadGo loads the compiled-in modules, then the plugins in the modules folder. A
// check only links them, since their InitModule would have effects.
func loadGo(ctx context.Context, l *loading) (*part, error) {
	p := newPart(golang.Runtime)
	l.begin(p)
	modules, err := golang.All(l.Path)
	if err != nil {
		return nil, err
	}
	if l.Check {
		for _, m := range modules {
			p.loaded = append(p.loaded, registry.Loaded{Runtime: p.runtime, Name: m.Name, Path: m.Path})
		}
		return p, nil
	}
	if err := l.golang(ctx, p, modules...); err != nil {
		return nil, err
	}
	return p, nil
}

// golang runs the InitModule of Go modules and records in p what they register. Their
// context ends when p is closed.
func (l *loading) golang(ctx context.Context, p *part, modules ...golang.Module) error {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	o := golang.Options{
		Scope: l.scope, NK: l.nk, Config: l.Config, Logger: l.Logger, CallTimeout: l.CallTimeout, TickTimeout: l.TickTimeout,
		Into: p.reg, Shadowed: l.shadowed(),
	}
	if l.DB != nil {
		o.DB = l.DB.SQL()
	}
	if l.report != nil {
		o.Registered = l.report.GoRegistered
	}
	var err error
	if p.loaded, err = golang.Load(ctx, o, modules...); err != nil {
		cancel()
		return err
	}
	p.close = append(p.close, cancel)
	return nil
}
