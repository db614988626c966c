package modules

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
	"kumi/store/fault"
)

// GoInit is the InitModule function of a Go module. ctx ends when the set of
// modules that it was called for is closed; it carries the mode "run_once" and
// the environment. What the module registers, it must register before it
// returns.
type GoInit = func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, initializer runtime.Initializer) error

var compiledIn struct {
	sync.Mutex
	modules []compiledModule
}

type compiledModule struct {
	name string
	init GoInit
}

// RegisterGo adds a Go module that is compiled into the program. It is to be
// called before Load, from an init function or from main; modules are loaded in
// the order of their registration, before plugins, and again on every Load. A
// second module of a name takes the place of the first one.
func RegisterGo(name string, init GoInit) {
	compiledIn.Lock()
	defer compiledIn.Unlock()
	for i := range compiledIn.modules {
		if compiledIn.modules[i].name == name {
			compiledIn.modules[i].init = init
			return
		}
	}
	compiledIn.modules = append(compiledIn.modules, compiledModule{name, init})
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

// loadGo runs the InitModule of the modules that are compiled in, then of the
// plugins in the modules folder.
func loadGo(ctx context.Context, l *loading) (*part, error) {
	p := newPart("go")
	l.begin(p)
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	p.close = append(p.close, cancel)
	compiledIn.Lock()
	modules := slices.Clone(compiledIn.modules)
	compiledIn.Unlock()
	for _, m := range modules {
		if err := l.initGo(ctx, p, m.name, "", m.init); err != nil {
			cancel()
			return nil, err
		}
	}
	plugins, err := findPlugins(l.Path)
	if err != nil {
		cancel()
		return nil, err
	}
	for _, file := range plugins {
		init, err := openPlugin(file.full)
		if err == nil {
			err = l.initGo(ctx, p, file.name, file.path, init)
		}
		if err != nil {
			cancel()
			return nil, fmt.Errorf("load Go plugin %s: %w", file.path, err)
		}
	}
	return p, nil
}

func (l *loading) initGo(ctx context.Context, p *part, name, path string, init GoInit) (err error) {
	if l.Check { // it can be linked, which is all there is to see without running it
		p.loaded = append(p.loaded, Loaded{Runtime: p.runtime, Name: name, Path: path})
		return nil
	}
	m := &goModule{
		name: name, path: path, scope: l.scope, nk: l.nk, config: l.Config, timeout: l.CallTimeout, tick: l.TickTimeout,
		log: l.Logger.With().Str("runtime", p.runtime).Str("module", name).Logger(),
	}
	if l.DB != nil {
		m.db = l.DB.SQL()
	}
	i := &initializer{goModule: m, part: p, open: true, loaded: Loaded{Runtime: p.runtime, Name: name, Path: path}, hidden: l.hidden(), report: l.report}
	defer func() {
		if r := recover(); r != nil {
			m.log.Error().Str("stack", string(debug.Stack())).Msgf("InitModule panicked: %v", r)
			err = fault.Newf(fault.Internal, "the Go module %q panicked in InitModule: %v", name, r)
		}
	}()
	defer i.close()
	if err := init(core.WithMode(ctx, l.scope, "run_once"), core.NewLogger(m.log), m.db, l.nk, i); err != nil {
		return fmt.Errorf("InitModule of the Go module %q failed: %w", name, err)
	}
	p.loaded = append(p.loaded, i.loaded)
	return nil
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
