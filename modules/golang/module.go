// Package golang loads modules written in Go, those compiled into the program and
// plugins: it is what their InitModule registers with, and turns what they
// registered into the functions of the registries.
//
// Every call into a module recovers from panics and has a deadline.
package golang

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/heroiclabs/nakama-common/runtime"
	"github.com/rs/zerolog"

	"kumi/core"
	"kumi/hooks"
	"kumi/modules/registry"
	"kumi/store/fault"
)

// Init is the InitModule function of a Go module. ctx ends when the set of
// modules that it was called for is closed; it carries the mode "run_once" and
// the environment. What the module registers, it must register before it
// returns.
type Init = func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, initializer runtime.Initializer) error

var compiledIn struct {
	sync.Mutex
	modules []Module
}

// Module is a Go module before it is loaded.
type Module struct {
	Name string
	Path string // of a plugin, relative to the folder of the modules; else empty
	Init Init
}

// Runtime is the name of Go in logs and metrics.
const Runtime = "go"

// Register adds a Go module that is compiled into the program. It is to be
// called before modules are loaded, from an init function or from main; modules are loaded
// in the order of their registration, before plugins, and again on every load. A
// second module of a name takes the place of the first one.
func Register(name string, init Init) {
	compiledIn.Lock()
	defer compiledIn.Unlock()
	for i := range compiledIn.modules {
		if compiledIn.modules[i].Name == name {
			compiledIn.modules[i].Init = init
			return
		}
	}
	compiledIn.modules = append(compiledIn.modules, Module{Name: name, Init: init})
}

// goModule is a Go module as loaded.
type goModule struct {
	name, path string
	log        zerolog.Logger
	scope      *core.Scope
	db         *sql.DB
	nk         *core.Module
	config     runtime.Config
	timeout    time.Duration // of a call, 0: none
	tick       time.Duration // of a call of a match handler, 0: none
}

// Options say what Go modules get to work with.
type Options struct {
	Scope  *core.Scope // what module code runs in without a caller
	NK     *core.Module
	DB     *sql.DB
	Config runtime.Config
	Logger zerolog.Logger
	// CallTimeout and TickTimeout bound a call into a module and into a match
	// handler; 0: no bound.
	CallTimeout, TickTimeout time.Duration

	// Into is where what modules register goes.
	Into *registry.Registries
	// Shadowed hears that a registration took the place of another one.
	Shadowed func(what string, by, was hooks.Origin)
	// Registered hears of every registration before that, and says whether it has
	// dealt with what it replaced; nil: nobody does.
	Registered func(what string, replaced bool) (told bool)
}

// All are the modules that are compiled in, and then the plugins in a folder and
// below, which it opens. An error names the plugin.
func All(folder string) ([]Module, error) {
	compiledIn.Lock()
	modules := slices.Clone(compiledIn.modules)
	compiledIn.Unlock()
	plugins, err := findPlugins(folder)
	if err != nil {
		return nil, err
	}
	for _, file := range plugins {
		init, err := openPlugin(file.full)
		if err != nil {
			return nil, fmt.Errorf("load Go plugin %s: %w", file.path, err)
		}
		modules = append(modules, Module{file.name, file.path, init})
	}
	return modules, nil
}

// Load runs the InitModule of modules in order and tells what each registered. ctx
// is theirs until the set of modules is closed. When it fails some of what they
// registered is in Options.Into.
func Load(ctx context.Context, o Options, modules ...Module) ([]registry.Loaded, error) {
	var loaded []registry.Loaded
	for _, m := range modules {
		l, err := load(ctx, o, m)
		if err != nil && m.Path != "" {
			err = fmt.Errorf("load Go plugin %s: %w", m.Path, err)
		}
		if err != nil {
			return nil, err
		}
		loaded = append(loaded, l)
	}
	return loaded, nil
}

func load(ctx context.Context, o Options, of Module) (_ registry.Loaded, err error) {
	m := &goModule{
		name: of.Name, path: of.Path, scope: o.Scope, nk: o.NK, db: o.DB, config: o.Config, timeout: o.CallTimeout, tick: o.TickTimeout,
		log: o.Logger.With().Str("runtime", Runtime).Str("module", of.Name).Logger(),
	}
	i := &initializer{goModule: m, Options: &o, open: true, loaded: registry.Loaded{Runtime: Runtime, Name: of.Name, Path: of.Path}}
	defer func() {
		if r := recover(); r != nil {
			m.log.Error().Str("stack", string(debug.Stack())).Msgf("InitModule panicked: %v", r)
			err = fault.Newf(fault.Internal, "the Go module %q panicked in InitModule: %v", of.Name, r)
		}
	}()
	defer i.close()
	if err := of.Init(core.WithMode(ctx, o.Scope, "run_once"), core.NewLogger(m.log), m.db, o.NK, i); err != nil {
		return registry.Loaded{}, fmt.Errorf("InitModule of the Go module %q failed: %w", of.Name, err)
	}
	return i.loaded, nil
}

// coded says whether a module gave its error a code on purpose.
func coded(err error) bool {
	var re *runtime.Error
	return errors.As(err, &re) && re.Code > 0 && re.Code < 17
}

// asModuleError makes the text of an error without a code public, as the
// contract with Go modules has it.
func asModuleError(err error) error {
	var fe *fault.Error
	var re *runtime.Error
	if errors.As(err, &fe) || errors.As(err, &re) {
		return err
	}
	return fault.Wrap(fault.CodeOf(err), err.Error(), err)
}
