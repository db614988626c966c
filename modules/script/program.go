package script

import (
	"context"
	"sync"

	"github.com/rs/zerolog"

	"kumi/core"
	"kumi/vm"
)

// ProgramOptions are what the VMs of one runtime have in common.
type ProgramOptions struct {
	Lang vm.Lang
	NK   *core.Module
	// Functions is what scripts call as nk, bound to NK.
	Functions *vm.Library
	Logger    zerolog.Logger
	// Scope is what module code runs in when no caller brings a scope: while it
	// loads, in matches, events and schedules. Only its environment, node and
	// version are used.
	Scope *core.Scope
	// MaxResult bounds what a script gives back or sends, in bytes; 0: no bound.
	MaxResult int
	Guard     *vm.Guard // counts what is refused; may be nil
	// StateNulls turns undefined and holes of arrays in the state of matches into null.
	StateNulls bool
	// Otherwise makes the functions that objects of a type ("Nakama", "Initializer",
	// "Logger") do not have; nil: there are none.
	Otherwise func(object, name string) *vm.Native
}

// Program is one runtime's modules as loaded: the part that all its VMs share.
// It may be used from any goroutine.
type Program struct {
	lang        vm.Lang
	scope       *core.Scope
	log         zerolog.Logger
	core        *core.Module // nil in tests
	logger      *core.Logger
	loggers     *vm.Library // JS: the functions of the plain logger
	gameLogger  *vm.Library // JS: and of a match's
	nk          *vm.Library
	initializer *vm.Library
	dispatcher  *vm.Library
	maxResult   int
	guard       *vm.Guard
	stateNulls  bool
	once        sync.Map // key of a run_once function -> struct{}
}

// NewProgram makes the shared part of a runtime.
func NewProgram(o ProgramOptions) *Program {
	p := &Program{lang: o.Lang, scope: o.Scope, log: o.Logger.With().Str("runtime", o.Lang.String()).Logger()}
	p.maxResult, p.guard, p.core, p.stateNulls = o.MaxResult, o.Guard, o.NK, o.StateNulls
	if p.scope == nil {
		p.scope = &core.Scope{}
	}
	p.logger = core.NewLogger(p.log)
	p.loggers = vm.Bind(vm.JS, p.logger, LoggerTable)
	p.gameLogger = vm.Bind(vm.JS, struct{}{}, gameLoggerTable())
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

// Lang is the language of the program.
func (p *Program) Lang() vm.Lang { return p.lang }

// Library is what scripts call as nk.
func (p *Program) Library() *vm.Library { return p.nk }

// NewLocal makes the Go state of a new VM of this program. With replay set,
// what the VM registers is only collected and what it logs is dropped, until
// the loader seals the registrar.
func (p *Program) NewLocal(replay bool) *Local {
	return &Local{Registrar: &Registrar{lang: p.lang}, Replay: replay, program: p, log: p.logger}
}

// InitContext is the context that a program's own code is evaluated in.
func (p *Program) InitContext(ctx context.Context) context.Context {
	if p.lang == vm.JS {
		return core.WithMode(ctx, p.scope, "")
	}
	return core.WithMode(ctx, p.scope, "run_once")
}

// InitArgs are the arguments of a JavaScript program's InitModule: ctx, logger,
// nk and initializer.
func (p *Program) InitArgs(ctx context.Context, inst vm.Instance) []vm.Ref {
	l := local(inst)
	return []vm.Ref{Context(inst, ctx), l.object(inst, p.loggers), l.object(inst, p.nk), inst.Functions(p.initializer)}
}

// in makes sure that a call runs in a scope and in the right mode.
func (p *Program) in(ctx context.Context, mode string) context.Context {
	switch s, m := core.ScopeOf(ctx); {
	case s == nil:
		return core.WithMode(ctx, p.scope, mode)
	case m != mode:
		return core.WithMode(ctx, s, mode)
	}
	return ctx
}
