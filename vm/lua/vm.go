// Package lua runs Lua 5.1 (with goto) in gopher-lua, as an engine of package
// vm.
//
// Compile and NewProgram make a program from source files, New makes a VM for
// it, and Load or Require evaluate its modules there. A VM belongs to one
// goroutine at a time; programs and modules are shared. Each VM has module
// state of its own.
//
// The sandbox has base, package, table, string, math, os (clock, date, difftime
// and time), bit32 and coroutine. There is no io, debug and channel, and files
// are read only from the modules folder.
package lua

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	lua "github.com/yuin/gopher-lua"

	"kumi/store/fault"
	"kumi/vm"
)

// Options are what a VM is made of. Program and Handlers must be set.
type Options struct {
	Program *Program
	// Handlers finds what the program registered, for Handler.
	Handlers interface{ Handler(key string) vm.Ref }
	// Libraries are Go functions by module name: "nakama".
	Libraries map[string]*vm.Library
	// Local goes into vm.Call.Local.
	Local  any
	Limits vm.Limits
	// Registry is the most values the stack of a thread may hold; it grows up to
	// that. 0 is a quarter million.
	Registry int
	// Root is the folder dofile and loadfile may read; empty: none.
	Root string
	// Guard stops calls that take too much memory, and counts all that were
	// stopped; nil does neither.
	Guard *vm.Guard
	// Enter hears which module's code is about to be evaluated, and which goes on
	// when that has ended ("" for none); nil for who need not know.
	Enter func(module string)
	// Print receives the lines of the print function; nil drops them.
	Print func(ctx context.Context, line string)
}

// defaultRegistry is four megabytes of values.
const defaultRegistry = 256 << 10

// VM is one Lua VM. Only the goroutine that owns it may use it.
type VM struct {
	engine
	o        Options
	state    *lua.LState // the main thread
	thread   *lua.LState // the one that runs
	deadline *deadline
	head     *vm.Head // while an init runs
	module   string   // whose code is evaluated
	random   *rand.Rand
	loaded   *lua.LTable // package.loaded

	ctx      context.Context // of the innermost Invoke, for functions of Go
	depth    int             // of calls into the VM
	calls    []*vm.Call      // reused, by nesting
	args     [][]vm.Ref      // theirs
	nested   int             // of functions of Go
	guards   []guard
	entry    *lua.LFunction
	raised   raised
	frames   string // where the last error to leave the script was raised
	key      string // of the handler last asked for
	keyed    vm.Ref
	natives  map[*lua.LTable]*filler
	decoding []vm.Member // reused by FromJSON
	readOnly *lua.LTable // the metatable of tables that refuse changes
	resumed  int         // coroutines within one another
	broken   bool
}

var _ vm.Instance = (*VM)(nil)

// New makes a VM with the libraries in place and no module evaluated.
func New(o Options) (*VM, error) {
	if o.Registry <= 0 {
		o.Registry = defaultRegistry
	}
	if o.Limits.Stack <= 0 {
		o.Limits.Stack = 128
	}
	v := &VM{o: o, deadline: &deadline{Context: context.Background()}, ctx: context.Background()}
	v.state = lua.NewState(lua.Options{
		CallStackSize: o.Limits.Stack, MinimizeStackMemory: true,
		RegistrySize: 128, RegistryGrowStep: 1024, RegistryMaxSize: max(o.Registry, 128),
		SkipOpenLibs: true,
	})
	v.thread = v.state
	v.engine.vm = v
	v.deadline.memory = o.Guard.Watch(v.deadline.tooMuch)
	v.state.SetContext(v.deadline)
	v.entry = v.function(v.runGuarded)
	v.open()
	return v, nil
}

// Load evaluates all modules in order of their names; what one requires comes
// before it. Limits.Timeout is for each.
func (v *VM) Load(ctx context.Context) error {
	for _, name := range v.o.Program.names {
		if _, err := v.Require(ctx, name); err != nil {
			return err
		}
	}
	return nil
}

// Require evaluates one module, unless that was done before, as the require
// function does, and returns its value.
func (v *VM) Require(ctx context.Context, name string) (vm.Ref, error) {
	fn := v.function(require)
	v.key, v.keyed = "module "+name, fn
	results, err := v.run(ctx, v.o.Limits.Timeout, fn, []vm.Ref{lua.LString(name)})
	if err != nil {
		return nil, err
	}
	return results[0], nil
}

// SetTape makes Go functions go through a head of a tape, until it is set to
// nil again.
func (v *VM) SetTape(h *vm.Head) { v.head = h }

// SetTimeout changes the limit of later calls; 0 means none.
func (v *VM) SetTimeout(d time.Duration) { v.o.Limits.Timeout = d }

// Caller is where in the script the running Go function was called from, as
// file:line; empty when none runs.
func (v *VM) Caller() string {
	if v.nested == 0 {
		return ""
	}
	return strings.TrimSuffix(strings.TrimSpace(where(v.thread, 1)), ":")
}

// Defined is where a function stands in its source, as file:line; empty for one of
// Go.
func (v *VM) Defined(fn vm.Ref) string {
	f, ok := fn.(*lua.LFunction)
	if !ok || f.IsG || f.Proto == nil {
		return ""
	}
	return fmt.Sprintf("%s:%d", f.Proto.SourceName, f.Proto.LineDefined)
}

// Handler implements vm.Instance.
func (v *VM) Handler(key string) vm.Ref {
	fn := v.o.Handlers.Handler(key)
	v.key, v.keyed = key, fn
	return fn
}

// Local implements vm.Instance.
func (v *VM) Local() any { return v.o.Local }

// Global implements vm.Instance.
func (v *VM) Global(name string) vm.Ref {
	if x := v.state.G.Global.RawGetString(name); x != lua.LNil {
		return x
	}
	return nil
}

// Invoke implements vm.Instance. The result that is always there is nil when
// the function returned none.
func (v *VM) Invoke(ctx context.Context, fn vm.Ref, args ...vm.Ref) ([]vm.Ref, error) {
	return v.run(ctx, v.o.Limits.Timeout, fn, args)
}

// Broken implements vm.Instance.
func (v *VM) Broken() bool { return v.broken }

// Close implements vm.Instance.
func (v *VM) Close() {
	v.deadline.memory.Close()
	if !v.state.IsClosed() {
		v.state.Close()
	}
	v.broken = true
}

// run calls fn with a deadline and gives back what it returned.
func (v *VM) run(ctx context.Context, limit time.Duration, fn vm.Ref, args []vm.Ref) (results []vm.Ref, err error) {
	if v.broken {
		return nil, fault.New(fault.Internal, "the script engine was stopped in the middle of a call and cannot be used")
	}
	f, ok := fn.(*lua.LFunction)
	if !ok {
		return nil, fault.Newf(fault.Internal, "not a function but a %s", typeName(fn))
	}
	if err := ctx.Err(); err != nil {
		return nil, fault.Wrap(fault.CodeOf(err), "the caller went away", err)
	}
	outer, outerCtx, thread := v.deadline.held, v.ctx, v.thread
	v.ctx = ctx
	v.deadline.call, v.deadline.budget = ctx, checkEvery
	if limit > 0 {
		at := time.Now().Add(limit)
		if outer.at.IsZero() || at.Before(outer.at) {
			v.deadline.at = at
		}
		timed := vm.NewLazyDeadline(ctx, v.deadline.at)
		v.ctx = timed
		defer timed.End()
	}
	if v.depth == 0 {
		v.raised = raised{}
		v.deadline.begin()
		defer v.deadline.end()
	}
	v.depth++
	defer func() {
		if r := recover(); r != nil { // gopher-lua lost its footing
			v.broken = true
			err = v.crashed(r)
		}
		v.depth--
		expired, waited := v.deadline.err, false
		if err != nil && expired == nil && errors.Is(err, context.DeadlineExceeded) && v.ctx.Err() != nil {
			// A function of Go waited until the end, and the script with it.
			expired, waited = v.ctx.Err(), true
		}
		v.ctx, v.thread = outerCtx, thread
		v.deadline.held = outer
		v.deadline.budget = 0 // look at the outer limit soon
		if err != nil && expired != nil {
			v.broken = v.broken || !waited
			err = v.stopped(expired, f, limit)
		}
	}()

	L := thread
	base := L.GetTop()
	L.Push(f)
	for _, a := range args {
		L.Push(value(a))
	}
	fail, trace := v.protect(L, len(args), true, nil)
	if fail != nil {
		L.SetTop(base)
		if v.depth == 1 {
			L.G.CurrentThread = L // a coroutine may have died in between
		}
		return nil, v.scriptError(fail, trace)
	}
	n := L.GetTop() - base
	results = make([]vm.Ref, max(n, 1))
	results[0] = lua.LNil
	for i := range n {
		results[i] = L.Get(base + 1 + i)
	}
	L.SetTop(base)
	return results[:max(n, 1)], nil
}

func (v *VM) function(fn lua.LGFunction) *lua.LFunction { return v.state.NewFunction(fn) }

func value(r vm.Ref) lua.LValue {
	if lv, ok := r.(lua.LValue); ok {
		return lv
	}
	return lua.LNil
}

func typeName(r vm.Ref) string {
	if lv, ok := r.(lua.LValue); ok {
		return lv.Type().String()
	}
	return fmt.Sprintf("%T", r)
}
