package modules

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"

	"github.com/rs/zerolog"

	"kumi/internal/journal"
	"kumi/match"
	"kumi/modules/bundle"
	"kumi/modules/registry"
	"kumi/modules/script"
	"kumi/modules/script/nk"
	"kumi/vm"
	"kumi/vm/js"
)

// loadJavaScript loads the JavaScript or TypeScript program of the folder. Its
// InitModule runs with effects only once; in the VMs of the pool and of matches it is
// replayed, which yields the functions to call there.
func loadJavaScript(ctx context.Context, l *loading) (*part, error) {
	p := newPart(vm.JS.String())
	log := l.Logger.With().Str("runtime", p.runtime).Logger()
	project, err := bundle.Find(l.Path, l.JSEntrypoint, log)
	if err != nil {
		return nil, err
	}
	if project == nil {
		return p, nil
	}
	entry := project.Entry
	js.LimitMatching(max(l.CallTimeout, l.TickTimeout))
	compiled, err := project.Compile(log)
	if err != nil {
		return nil, fmt.Errorf("load JavaScript module: %w", err)
	}
	j := &javascript{
		loading: l, project: project, entry: entry, log: log, code: compiled, tape: vm.NewTape(),
		program: script.NewProgram(script.ProgramOptions{Lang: vm.JS, NK: l.nk, Functions: nk.Library(vm.JS, l.nk), Logger: l.Logger, Scope: l.scope, MaxResult: l.MaxResult, Guard: l.Guard, StateNulls: l.JSMatchStateNulls, Otherwise: l.report.Unknown(vm.JS)}),
	}
	j.stuck.lang, j.stuck.guard, j.stuck.log = vm.JS, l.Guard, log
	p.match = j.early
	l.begin(p)
	regs, err := j.initialize(ctx)
	if err != nil {
		return nil, fmt.Errorf("load JavaScript module %s: %w", entry, j.hinted(err))
	}
	p.loaded = []registry.Loaded{describe(p.runtime, entry, entry, regs)}
	if l.Check {
		return p, nil
	}
	// Make the first replay here, so that a program that cannot be replayed is
	// rejected now.
	first, err := j.pooled(ctx)
	if err != nil {
		return nil, fmt.Errorf("load JavaScript module %s: %w", entry, err)
	}
	p.pool, err = vm.NewPool(ctx, vm.PoolOptions{
		Name: p.runtime, Min: l.JSMin, Max: l.JSMax, Wait: l.CallTimeout, First: first, New: j.pooled, Private: j.private, Guard: l.Guard,
		Failed: func(err error) { log.Error().Err(err).Msg("could not create a JavaScript VM") },
	})
	if err != nil {
		return nil, err
	}
	j.stuck.pool.Store(p.pool)
	p.close = append(p.close, p.pool.Close)
	p.registered(func() { script.Install(j.program, p.pool, regs, p.reg, l.shadowed()) })
	return p, nil
}

// javascript makes the VMs of one program. After initialize it may be used from any
// goroutine.
type javascript struct {
	*loading
	project *bundle.Project
	entry   string
	log     zerolog.Logger
	code    *js.Program
	program *script.Program
	tape    *vm.Tape

	stuck stuckCalls

	// first is the VM in which InitModule runs with effects, during that run.
	first *script.Local
	// regs is what it registered; nil until it has finished.
	regs []script.Registration
	warn sync.Once // about replays that diverge
}

// initFactor is how many times longer than a call InitModule may take: it may create
// tables or fetch something.
const initFactor = 6

// start makes a VM and evaluates the program in it.
func (j *javascript) start(ctx context.Context, local *script.Local) (*js.VM, error) {
	local.Module = j.entry
	return js.New(ctx, j.code, js.Options{
		Limits:   vm.Limits{Timeout: initFactor * j.CallTimeout, Stack: j.JSStack},
		Local:    local,
		Env:      j.Env,
		Guard:    j.Guard,
		Stuck:    func(v *js.VM) { j.stuck.abandon(v, local) },
		Handlers: local.Registrar,
		Console:  j.console(local),
		Rejected: func(e *vm.ScriptError) {
			log, ok := local.ReplayLog()
			if !ok {
				log = j.log
			}
			log.Warn().Str("module", j.entry).Str("stack", e.Stack).Msg("unhandled promise rejection: " + e.Fault.Message)
		},
	})
}

func (j *javascript) console(local *script.Local) func(ctx context.Context, level, message string) {
	return func(ctx context.Context, level, message string) {
		if local.Muted() {
			return // the first VM has logged it
		}
		l, err := zerolog.ParseLevel(level)
		if err != nil {
			l = zerolog.InfoLevel
		}
		local.Line(ctx, l).Msg(message)
	}
}

// initialize evaluates the program and runs its InitModule with effects, recording the
// results of nk. It returns what was registered.
func (j *javascript) initialize(ctx context.Context) ([]script.Registration, error) {
	local := j.program.NewLocal(false)
	ctx = j.program.InitContext(ctx)
	v, err := j.start(ctx, local)
	if err != nil {
		return nil, explain(err)
	}
	defer v.Close()
	init, err := j.initModule(v)
	if err != nil {
		return nil, err
	}
	if j.Check {
		return nil, nil
	}
	j.first = local
	v.SetTape(j.report.Watch(j.tape.Recorder()))
	if _, err := v.Invoke(ctx, init, j.program.InitArgs(ctx, v)...); err != nil {
		j.report.Registered(vm.JS, local.Registrar.Registrations(), nil)
		return nil, fmt.Errorf("InitModule failed: %w", explain(err))
	}
	v.SetTape(nil)
	if err := local.Registrar.Seal(v, v.Global, j.report.Unresolved(false)); err != nil {
		return nil, err
	}
	regs := local.Registrar.Registrations()
	if regs == nil {
		regs = []script.Registration{}
	}
	j.regs, j.first = regs, nil
	j.report.Registered(vm.JS, regs, nil)
	return regs, nil
}

// initModule returns the program's InitModule: the export of that name of the entry
// file, its default export, or a global function.
func (j *javascript) initModule(v *js.VM) (vm.Ref, error) {
	if exports := v.Global(bundle.ExportsName); exports != nil && v.IsObject(exports) {
		if fn := v.FieldNamed(exports, "InitModule"); v.IsFunc(fn) {
			return fn, nil
		}
		switch def := v.FieldNamed(exports, "default"); {
		case v.IsFunc(def):
			return def, nil
		case v.IsObject(def):
			if fn := v.FieldNamed(def, "InitModule"); v.IsFunc(fn) {
				return fn, nil
			}
		}
	}
	if fn := v.Global("InitModule"); fn != nil && v.IsFunc(fn) {
		return fn, nil
	}
	return nil, fmt.Errorf("%s has no InitModule: declare a function of that name, or export it", j.entry)
}

// replay makes a VM and replays InitModule in it.
func (j *javascript) replay(ctx context.Context) (*js.VM, error) {
	local := j.program.NewLocal(true)
	ctx = j.program.InitContext(ctx)
	v, err := j.start(ctx, local)
	if err != nil {
		return nil, explain(err)
	}
	if err := j.collect(ctx, v, local); err != nil {
		v.Close()
		return nil, err
	}
	return v, nil
}

// collect replays InitModule in v. Functions that the replay does not register are
// looked up by their global names.
func (j *javascript) collect(ctx context.Context, v *js.VM, local *script.Local) error {
	init, err := j.initModule(v)
	if err != nil {
		return err
	}
	head := j.report.Watch(j.tape.Player())
	v.SetTape(head)
	_, err = v.Invoke(ctx, init, j.program.InitArgs(ctx, v)...)
	v.SetTape(nil)
	if cause := ctx.Err(); err != nil && cause != nil { // the pool is closed: not the program's fault
		return cause
	}
	regs := j.regs
	if regs == nil {
		// A match that InitModule creates: its handler has what is registered so far, and
		// the replay ends where the first run is now.
		regs = j.first.Registrar.Registrations()
		var d *vm.DivergenceError
		if errors.As(head.Done(), &d) && d.Want == "" {
			err = nil
		}
	} else if d := head.Done(); d != nil {
		err = d
	}
	missing := local.Registrar.Complete(v, regs, v.Global)
	if len(missing) > 0 {
		const hint = "make what InitModule does and registers independent of time, random numbers and variables that it changes"
		if err != nil {
			return fmt.Errorf("InitModule could not be repeated in another VM: %w (%s); not found there: %s", explain(err), hint, strings.Join(missing, ", "))
		}
		return fmt.Errorf("InitModule registered other functions when it was repeated in another VM (%s); not found there: %s", hint, strings.Join(missing, ", "))
	}
	if err != nil {
		j.warn.Do(func() {
			j.log.Warn().Err(explain(err)).Str("module", j.entry).
				Msg("InitModule could not be replayed in another VM; its functions were found by their global names")
		})
	}
	return local.Registrar.Seal(v, v.Global, j.report.Unresolved(true))
}

// pooled makes a VM for the pool.
func (j *javascript) pooled(ctx context.Context) (vm.Instance, error) {
	v, err := j.replay(journal.With(ctx, nil))
	if err != nil {
		return nil, err
	}
	if j.JSReadOnlyGlobals {
		if err := v.FreezeGlobals(); err != nil {
			v.Close()
			return nil, err
		}
	}
	v.SetTimeout(j.CallTimeout)
	return v, nil
}

// private makes a VM for a match.
func (j *javascript) private(ctx context.Context) (vm.Instance, error) {
	v, err := j.replay(ctx)
	if err != nil {
		return nil, err
	}
	v.SetTimeout(j.TickTimeout)
	return v, nil
}

// early returns a match handler while InitModule is running.
func (j *javascript) early(name string) (match.Factory, bool) {
	regs := j.regs
	if j.first != nil {
		regs = j.first.Registrar.Registrations()
	}
	for i := range regs {
		if regs[i].Kind == registry.Match && regs[i].Name == name {
			return script.MatchFactory(j.program, earlyPool{j}, name, regs[i].Module), true
		}
	}
	return nil, false
}

// earlyPool makes VMs before the pool exists.
type earlyPool struct{ *javascript }

// Lease implements script.Pool.
func (earlyPool) Lease(context.Context) (*vm.Lease, context.Context, error) {
	return nil, nil, errors.New("functions cannot be called before InitModule has returned")
}

// New implements script.Pool.
func (p earlyPool) New(ctx context.Context) (vm.Instance, error) { return p.private(ctx) }

var undefinedName = regexp.MustCompile(`ReferenceError: (\w+) is not defined`)

// hinted adds to an error about an unknown name which file of the folder declares it.
func (j *javascript) hinted(err error) error {
	m := undefinedName.FindStringSubmatch(err.Error())
	if m == nil {
		return err
	}
	if hint := j.project.Hint(m[1]); hint != "" {
		return &explained{err: err, text: err.Error() + "\n" + hint}
	}
	return err
}

// explain adds the stack to a script error that ended a load.
func explain(err error) error {
	var se *vm.ScriptError
	if errors.As(err, &se) && se.Stack != "" && !strings.Contains(err.Error(), se.Stack) {
		text := se.Stack
		if !strings.Contains(text, se.Fault.Message) { // as in Lua, where the stack has only the calls
			text = err.Error() + "\n" + text
		}
		return &explained{err: err, text: text}
	}
	return err
}

type explained struct {
	err  error
	text string
}

func (e *explained) Error() string { return e.text }
func (e *explained) Unwrap() error { return e.err }
