package script

import (
	"context"
	"sync"

	"github.com/rs/zerolog"

	"kumi/core"
	"kumi/vm"
)

// ProgramOptions are what the VMs of one runtime share.
type ProgramOptions struct {
	Lang vm.Lang
	NK   *core.Module
	// Functions are what scripts call as nk, bound to NK.
	Functions *vm.Library
	Logger    zerolog.Logger
	// Scope is used for module code that no caller started: while it loads, in
	// matches, events and schedules. Only its environment, node and version are used.
	Scope *core.Scope
	// MaxResult is the maximum size of what a script returns or sends, in bytes; 0
	// means no limit.
	MaxResult int
	Guard     *vm.Guard // counts refused results; may be nil
	// StateNulls turns undefined and holes of arrays in the state of matches into null.
	StateNulls bool
	// Otherwise returns a function to use in place of one that an object ("Nakama",
	// "Initializer", "Logger") does not have; may be nil.
	Otherwise func(object, name string) *vm.Native
}

// Program is the loaded modules of one runtime: the part that all its VMs share. It
// may be used from any goroutine.
type Program struct {
	lang        vm.Lang
	scope       *core.Scope
	log         zerolog.Logger
	core        *core.Module // nil in tests
	logger      *core.Logger
	loggers     *vm.Library // JavaScript: the methods of logger
	matchLogger *vm.Library // JavaScript: those of a match's logger
	nk          *vm.Library
	initializer *vm.Library
	dispatcher  *vm.Library
	maxResult   int
	guard       *vm.Guard
	stateNulls  bool
	once        sync.Map // key of a run_once function -> struct{}
}

// NewProgram makes a Program.
func NewProgram(o ProgramOptions) *Program {
	p := &Program{lang: o.Lang, scope: o.Scope, log: o.Logger.With().Str("runtime", o.Lang.String()).Logger()}
	p.maxResult, p.guard, p.core, p.stateNulls = o.MaxResult, o.Guard, o.NK, o.StateNulls
	if p.scope == nil {
		p.scope = &core.Scope{}
	}
	p.logger = core.NewLogger(p.log)
	p.loggers = vm.Bind(vm.JS, p.logger, LoggerTable)
	p.matchLogger = vm.Bind(vm.JS, struct{}{}, matchLoggerTable())
	p.nk = o.Functions
	p.initializer = Initializer(o.Lang, o.NK)
	if o.Otherwise != nil {
		for object, lib := range map[string]**vm.Library{"Nakama": &p.nk, "Initializer": &p.initializer, "Logger": &p.loggers} {
			*lib = (*lib).Otherwise(func(name string) *vm.Native { return o.Otherwise(object, name) })
		}
	}
	p.dispatcher = vm.Bind(o.Lang, struct{}{}, DispatcherTable)
	return p
}

// Lang returns the language of the program.
func (p *Program) Lang() vm.Lang { return p.lang }

// Library returns the functions that scripts call as nk.
func (p *Program) Library() *vm.Library { return p.nk }

// NewLocal makes the Go state of a new VM of this program. In a replay, what the VM
// registers is only collected and its log lines are dropped, until the loader seals
// the registrar.
func (p *Program) NewLocal(replay bool) *Local {
	return &Local{Registrar: &Registrar{lang: p.lang}, Replay: replay, program: p, log: p.logger}
}

// InitContext returns the context for evaluating a program.
func (p *Program) InitContext(ctx context.Context) context.Context {
	if p.lang == vm.JS {
		return core.WithMode(ctx, p.scope, "")
	}
	return core.WithMode(ctx, p.scope, "run_once")
}

// InitArgs returns the arguments of a JavaScript program's InitModule: ctx, logger, nk
// and initializer.
func (p *Program) InitArgs(ctx context.Context, inst vm.Instance) []vm.Ref {
	l := local(inst)
	return []vm.Ref{Context(inst, ctx), l.object(inst, p.loggers), l.object(inst, p.nk), inst.Functions(p.initializer)}
}

// in returns a context with a scope and the given execution mode.
func (p *Program) in(ctx context.Context, mode string) context.Context {
	switch s, m := core.ScopeOf(ctx); {
	case s == nil:
		return core.WithMode(ctx, p.scope, mode)
	case m != mode:
		return core.WithMode(ctx, s, mode)
	}
	return ctx
}
