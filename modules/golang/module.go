// Package golang loads modules written in Go, compiled in or as plugins. It passes
// their InitModule an initializer, and adapts the functions that they register to
// the server's registries.
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

// Init is the InitModule function of a Go module. ctx ends when the modules are
// closed; it carries the execution mode "run_once" and the environment. A module must
// register everything before it returns.
type Init = func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, initializer runtime.Initializer) error

var compiledIn struct {
	sync.Mutex
	modules []Module
}

// Module is a Go module before it is loaded.
type Module struct {
	Name string
	Path string // of a plugin, relative to the modules folder
	Init Init
}

// Runtime is the name of Go in logs and metrics.
const Runtime = "go"

// Register adds a Go module that is compiled into the program. It is called
// before modules are loaded, from an init function or main. Modules are loaded
// in the order of registration, before plugins, and again on every load. A
// second module of the same name replaces the first.
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

// Compiled returns how many Go modules are compiled into the program.
func Compiled() int {
	compiledIn.Lock()
	defer compiledIn.Unlock()
	return len(compiledIn.modules)
}

// goModule is a Go module as loaded.
type goModule struct {
	name, path string
	log        zerolog.Logger
	scope      *core.Scope
	db         *sql.DB
	nk         *core.Module
	config     runtime.Config
	timeout    time.Duration // limit of a call; 0: none
	tick       time.Duration // limit of a call of a match handler; 0: none
}

// Options are what Go modules can use.
type Options struct {
	Scope  *core.Scope // for module code without a caller
	NK     *core.Module
	DB     *sql.DB
	Config runtime.Config
	Logger zerolog.Logger
	// CallTimeout and TickTimeout limit calls into a module and into a match handler;
	// 0: no limit.
	CallTimeout, TickTimeout time.Duration

	// Into receives the registrations of modules.
	Into *registry.Registries
	// Shadowed is called when a registration replaces another one.
	Shadowed func(what string, by, was hooks.Origin)
	// Registered is called for every registration, before Shadowed, and returns true
	// if it has reported the replacement itself; may be nil.
	Registered func(what string, replaced bool) (told bool)
}

// All returns the compiled-in modules, then the plugins of a folder and its
// subfolders, which it opens. An error names the plugin.
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

// Load runs the InitModule of modules in order and returns what each registered. ctx
// must live until the modules are closed. If Load fails, Options.Into may have some of
// the registrations.
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

// coded reports whether the module set the error's code explicitly.
func coded(err error) bool {
	var re *runtime.Error
	return errors.As(err, &re) && re.Code > 0 && re.Code < 17
}

// asModuleError makes the text of an error without a code public, as in Nakama.
func asModuleError(err error) error {
	if fault.HasCode(err) {
		return err
	}
	return fault.Wrap(fault.CodeOf(err), err.Error(), err)
}
