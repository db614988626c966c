package modules

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/rs/zerolog"

	"kumi/hooks"
	"kumi/internal/journal"
	"kumi/match"
	"kumi/modules/registry"
	"kumi/modules/script"
	"kumi/modules/script/nk"
	"kumi/store/fault"
	"kumi/vm"
	"kumi/vm/lua"
)

// loadLua loads every Lua file of the folder. Each is a module. Every VM of the pool
// has all of them: the first evaluates them, the others replay that. The VM of a match
// has only its module and what that requires.
func loadLua(ctx context.Context, l *loading) (*part, error) {
	p := newPart(vm.Lua.String())
	log := l.Logger.With().Str("runtime", p.runtime).Logger()
	files, err := findLua(l.Path, log, l.report)
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return p, nil
	}
	code, err := lua.NewProgram(files...)
	if err != nil {
		return nil, fmt.Errorf("load Lua modules: %w", err)
	}
	if l.Check {
		for _, f := range files {
			p.loaded = append(p.loaded, registry.Loaded{Runtime: p.runtime, Name: f.Name, Path: f.Path})
		}
		return p, nil
	}
	s := &luaModules{
		loading: l, log: log, code: code, files: files, tapes: map[string]*vm.Tape{},
		program: script.NewProgram(script.ProgramOptions{Lang: vm.Lua, NK: l.nk, Functions: nk.Library(vm.Lua, l.nk), Logger: l.Logger, Scope: l.scope, MaxResult: l.MaxResult, Guard: l.Guard, Otherwise: l.report.Unknown(vm.Lua)}),
	}
	s.stuck.lang, s.stuck.guard, s.stuck.log = vm.Lua, l.Guard, log
	p.match = s.early
	l.begin(p)
	first, regs, err := s.initialize(ctx)
	if err != nil {
		return nil, err
	}
	// Make a replay here, so that modules that cannot be replayed are rejected now and
	// not by a call.
	second, err := s.pooled(ctx)
	if err != nil {
		first.Close()
		return nil, err
	}
	second.Close()
	p.pool, err = vm.NewPool(ctx, vm.PoolOptions{
		Name: p.runtime, Min: l.LuaMin, Max: l.LuaMax, Wait: l.CallTimeout, First: first, New: s.pooled, Guard: l.Guard,
		Failed: func(err error) { log.Error().Err(err).Msg("could not create a Lua VM") },
	})
	if err != nil {
		return nil, err
	}
	s.stuck.pool.Store(p.pool)
	p.close = append(p.close, p.pool.Close)
	p.registered(func() {
		script.Install(s.program, p.pool, regs, p.reg, l.shadowed())
		for _, f := range files { // the VM of a match has only its own module
			if _, ok := p.reg.Match(f.Name); ok {
				p.reg.SetMatch(f.Name, hooks.Slot[match.Factory]{Origin: hooks.Origin{Runtime: p.runtime, Module: f.Name}, Call: s.factory(f.Name)})
			}
		}
	})
	for _, f := range files {
		p.loaded = append(p.loaded, describe(p.runtime, f.Name, f.Path, ofModule(regs, f.Name)))
	}
	return p, nil
}

// ofModule returns the registrations of one module.
func ofModule(regs []script.Registration, module string) (of []script.Registration) {
	for _, r := range regs {
		if r.Module == module {
			of = append(of, r)
		}
	}
	return of
}

// luaModules makes the VMs of a folder's Lua modules. It may be used from any
// goroutine.
type luaModules struct {
	*loading
	log     zerolog.Logger
	code    *lua.Program
	files   []*lua.Module
	program *script.Program
	regs    []script.Registration // of the first VM; set before the pool has other VMs
	stuck   stuckCalls

	// tapes records the results of nk during the evaluation of each module. The VM
	// that evaluates a module first records, the others replay; with a tape per
	// module, the VM of a match can load one module without the rest.
	mu    sync.Mutex
	tapes map[string]*vm.Tape
}

// luaVM is a VM into which modules are being loaded.
type luaVM struct {
	*lua.VM
	of    *luaModules
	local *script.Local
	heads map[string]*vm.Head
}

func (s *luaModules) start(ctx context.Context, replay bool) (*luaVM, error) {
	v := &luaVM{of: s, local: s.program.NewLocal(replay), heads: map[string]*vm.Head{}}
	var err error
	v.VM, err = lua.New(lua.Options{
		Program: s.code, Handlers: v.local.Registrar, Local: v.local,
		Libraries: map[string]*vm.Library{"nakama": s.program.Library()},
		Limits:    vm.Limits{Timeout: initFactor * s.CallTimeout, Stack: s.LuaStack},
		Guard:     s.Guard,
		Registry:  max(s.LuaRegistry, minRegistry), Root: s.Path,
		Enter: v.enter, Print: v.print, Journal: journal.Of(ctx),
		Stuck: func(stuck *lua.VM) { s.stuck.abandon(stuck, v.local) },
	})
	if err != nil {
		return nil, fmt.Errorf("make a Lua VM: %w", err)
	}
	return v, nil
}

// minRegistry is a number of values, enough for tens of thousands of nested calls.
// Nakama's default is smaller because it allocates the whole registry at the start;
// here it grows.
const minRegistry = 256 << 10

// enter switches to the tape of a module while that module is evaluated.
func (v *luaVM) enter(module string) {
	v.local.Module = module
	if module == "" {
		v.SetTape(nil)
		return
	}
	h := v.heads[module]
	if h == nil {
		h = v.of.head(module)
		v.heads[module] = h
	}
	v.SetTape(h)
}

func (s *luaModules) head(module string) *vm.Head {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t := s.tapes[module]; t != nil {
		return s.report.Watch(t.Player())
	}
	t := vm.NewTape()
	s.tapes[module] = t
	return s.report.Watch(t.Recorder())
}

func (v *luaVM) print(ctx context.Context, line string) {
	if v.local.Muted() {
		return // the first VM has logged it
	}
	v.local.Line(ctx, zerolog.InfoLevel).Msg(line)
}

// load evaluates modules and checks that they behave as recorded.
func (v *luaVM) load(ctx context.Context, names ...string) error {
	ctx = v.of.program.InitContext(ctx)
	for _, name := range names {
		_, err := v.Require(ctx, name)
		if diverged := v.diverged(); diverged != nil {
			return diverged
		}
		if err != nil {
			err = fmt.Errorf("load Lua module %s: %w", name, explain(err))
			if v.of.report == nil {
				return err
			}
			v.of.report.Failed(err)
		}
	}
	for _, name := range names {
		// Look for match handlers after everything is loaded: other modules may
		// complete a module's table.
		value, err := v.Require(ctx, name)
		if err != nil {
			if v.of.report != nil {
				continue // reported above
			}
			return err
		}
		if v.IsObject(value) {
			v.local.Registrar.AddMatch(v, name, value)
		}
	}
	return nil
}

func (v *luaVM) diverged() error {
	for module, h := range v.heads {
		var d *vm.DivergenceError
		if errors.As(h.Done(), &d) {
			return fault.Wrap(fault.FailedPrecondition, fmt.Sprintf(
				"the Lua module %s behaves differently in each VM: make the nk calls of its top level independent of time, random numbers and files", module), d)
		}
	}
	return nil
}

// initialize evaluates all modules with effects and returns what they registered. The
// VM becomes the first of the pool.
func (s *luaModules) initialize(ctx context.Context) (*lua.VM, []script.Registration, error) {
	v, err := s.start(journal.With(ctx, nil), false)
	if err != nil {
		return nil, nil, err
	}
	if err = v.load(ctx, s.code.Names()...); err == nil {
		err = s.seal(v)
	}
	if err != nil {
		v.Close()
		return nil, nil, err
	}
	s.freeze(v.VM)
	s.regs = v.local.Registrar.Registrations()
	s.warnIncomplete()
	s.report.Registered(vm.Lua, s.regs, s.file)
	return v.VM, s.regs, nil
}

// seal ends registering in a VM.
func (s *luaModules) seal(v *luaVM) error {
	if err := v.local.Registrar.Seal(v, v.Global, s.report.Unresolved(v.local.Replay)); err != nil {
		return err
	}
	v.SetTimeout(s.CallTimeout)
	return nil
}

// warnIncomplete logs the match handlers whose matches cannot be created. A table with
// only some other of the names need not be one.
func (s *luaModules) warnIncomplete() {
	if s.report != nil {
		return // it says so itself
	}
	for i := range s.regs {
		if r := &s.regs[i]; r.IsMatch() {
			if missing := r.Missing(vm.Lua); len(missing) > 0 {
				s.log.Warn().Str("module", r.Module).Str("at", r.At).Msgf("%s lacks %s: no match can be created", r.Describe(), strings.Join(missing, ", "))
			}
		}
	}
}

// file returns the path of a module.
func (s *luaModules) file(module string) string {
	for _, f := range s.files {
		if f.Name == module {
			return f.Path
		}
	}
	return module
}

// pooled makes another VM for the pool.
func (s *luaModules) pooled(ctx context.Context) (vm.Instance, error) {
	v, err := s.replay(journal.With(ctx, nil), s.regs, s.code.Names()...)
	if err != nil {
		return nil, err
	}
	s.freeze(v)
	return v, nil
}

// freeze protects what the calls of a VM share. The VM of a match shares nothing, so
// it is not frozen.
func (s *luaModules) freeze(v *lua.VM) {
	if s.LuaReadOnlyGlobals {
		v.FreezeGlobals()
	}
}

// replay makes a VM and checks that it registers everything in regs.
func (s *luaModules) replay(ctx context.Context, regs []script.Registration, names ...string) (*lua.VM, error) {
	v, err := s.start(ctx, true)
	if err != nil {
		return nil, err
	}
	if err = v.load(ctx, names...); err == nil {
		if missing := v.local.Registrar.Complete(v, regs, v.Global); len(missing) > 0 {
			err = fault.Newf(fault.FailedPrecondition, "the Lua modules behave differently in each VM: %s was registered in the first one only", strings.Join(missing, ", "))
		} else {
			err = s.seal(v)
		}
	}
	if err != nil {
		v.Close()
		return nil, err
	}
	return v.VM, nil
}

// factory creates the matches of a module.
func (s *luaModules) factory(module string) match.Factory {
	return script.MatchFactory(s.program, moduleVMs{s, module}, module, module)
}

// early returns a match handler while modules are still being loaded: any module may
// be one.
func (s *luaModules) early(name string) (match.Factory, bool) {
	if !s.code.Has(name) {
		return nil, false
	}
	return s.factory(name), true
}

// moduleVMs makes VMs with one module. It implements script.Pool.
type moduleVMs struct {
	*luaModules
	module string
}

// Lease implements script.Pool; a match never leases.
func (moduleVMs) Lease(context.Context) (*vm.Lease, context.Context, error) {
	return nil, nil, errors.New("a match has a VM of its own")
}

// New implements script.Pool.
func (m moduleVMs) New(ctx context.Context) (vm.Instance, error) {
	v, err := m.replay(vm.Detach(ctx), nil, m.module)
	if err != nil {
		return nil, err
	}
	v.SetTimeout(m.TickTimeout)
	return v, nil
}
