// Package lua runs Lua 5.1 (with goto) in gopher-lua, as an engine of package
// vm.
//
// Compile and NewProgram make a program from source files, New makes a VM for it, and
// Load or Require evaluate its modules there. A VM belongs to one goroutine at a time
// and has its own module state. Programs and modules are shared.
//
// The sandbox has the libraries base, package, table, string, math, os (clock, date,
// difftime and time), bit32 and coroutine, but not io, debug and channel. Files can be
// read only in the modules folder.
package lua

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	lua "github.com/yuin/gopher-lua"

	"kumi/internal/journal"
	"kumi/store/fault"
	"kumi/vm"
)

// Options say how a VM is made. Program and Handlers must be set.
type Options struct {
	Program *Program
	// Handlers returns the functions that the program registered, for Handler.
	Handlers interface{ Handler(key string) vm.Ref }
	// Libraries has the Go libraries by module name, such as "nakama".
	Libraries map[string]*vm.Library
	// Made is called when the VM exists and before it has Globals; may be nil.
	Made func(*VM)
	// Globals has further global functions and variables; may be nil.
	Globals *vm.Library
	// Local is passed to Go functions as vm.Call.Local.
	Local  any
	Limits vm.Limits
	// Registry is the maximum number of values on the stack of a thread, which grows as
	// needed. 0 is defaultRegistry.
	Registry int
	// Root is the folder that dofile and loadfile can read; empty for none.
	Root string
	// Guard stops calls that take too much memory, and counts stopped calls; may be
	// nil.
	Guard *vm.Guard
	// Enter is called with the name of a module before its code is evaluated, and with
	// that of the requiring module ("" for none) afterwards; may be nil.
	Enter func(module string)
	// Stuck is called when a call has not ended Grace after its limit, or after the Guard
	// stopped it, because a function of Go does not return. It is called at most once, on
	// another goroutine, and must return quickly; may be nil.
	Stuck func(*VM)
	Grace time.Duration // 0: vm.DefaultGrace
	// Journal is that of the match that owns the VM; nil for other VMs.
	Journal *journal.Journal
	// Print receives the lines of the print function; may be nil.
	Print func(ctx context.Context, line string)
}

// defaultRegistry is a number of values that take 4 MB.
const defaultRegistry = 256 << 10

// VM is a Lua VM. Only the goroutine that owns it may use it.
type VM struct {
	engine
	o        Options
	state    *lua.LState // the main thread
	thread   *lua.LState // the running thread
	deadline *deadline
	head     *vm.Head // see SetTape
	module   string   // the module being evaluated
	random   *rand.Rand
	loaded   *lua.LTable // package.loaded

	ctx      context.Context // of the innermost Invoke, for functions of Go
	depth    int             // of calls into the VM
	calls    []*vm.Call      // reused, by nesting
	args     [][]vm.Ref      // arguments of calls
	nested   int             // of functions of Go
	guards   []guard
	entry    *lua.LFunction
	raised   raised
	frames   string // the stack of the last error that the script did not catch
	key      string // the key of the last Handler
	keyed    vm.Ref
	natives  map[*lua.LTable]*filler
	decoding []vm.Member  // reused by FromJSON
	readOnly *lua.LTable  // the metatable of read-only tables
	images   *imageWriter // reused by Image
	resumed  int          // nesting of coroutines
	broken   bool
}

var _ vm.Instance = (*VM)(nil)

// New makes a VM with the libraries, without evaluating modules.
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
	if o.Stuck != nil {
		v.deadline.stuck.report, v.deadline.stuck.grace = func() { o.Stuck(v) }, cmp.Or(o.Grace, vm.DefaultGrace)
	}
	v.deadline.memory = o.Guard.Watch(v.deadline.tooMuch)
	v.deadline.memory.Halts(v.deadline.halt)
	v.state.SetContext(v.deadline)
	v.entry = v.function(v.runGuarded)
	v.open()
	if o.Made != nil {
		o.Made(v)
	}
	if err := v.addGlobals(o.Globals); err != nil {
		v.Close()
		return nil, err
	}
	return v, nil
}

// addGlobals sets the global variables that a library has.
func (v *VM) addGlobals(lib *vm.Library) error {
	if lib == nil {
		return nil
	}
	c := &vm.Call{Local: v.o.Local}
	for _, name := range lib.Names() {
		n := lib.Lookup(name)
		if !n.Property {
			v.state.G.Global.RawSetString(name, v.native(n))
			continue
		}
		c.Begin(v.ctx, v, nil)
		if err := n.Call(c); err != nil {
			return err
		}
		if out, _ := c.Results(); len(out) > 0 {
			v.state.G.Global.RawSetString(name, value(out[0].Value))
		}
	}
	return nil
}

// Load evaluates all modules in order of their names; required ones come first.
// Limits.Timeout applies to each.
func (v *VM) Load(ctx context.Context) error {
	for _, name := range v.o.Program.names {
		if _, err := v.Require(ctx, name); err != nil {
			return err
		}
	}
	return nil
}

// Require is the function require: it evaluates a module unless that was done before,
// and returns its value.
func (v *VM) Require(ctx context.Context, name string) (vm.Ref, error) {
	fn := v.function(require)
	v.key, v.keyed = "module "+name, fn
	results, err := v.run(ctx, v.o.Limits.Timeout, fn, []vm.Ref{lua.LString(name)})
	if err != nil {
		return nil, err
	}
	return results[0], nil
}

// SetTape makes calls of Go functions go through a head of a tape, until it is set to
// nil.
func (v *VM) SetTape(h *vm.Head) { v.head = h }

// SetTimeout changes the limit of later calls; 0 means none.
func (v *VM) SetTimeout(d time.Duration) { v.o.Limits.Timeout = d }

// Caller returns the position in the script from which the running Go function was
// called, as file:line; empty if none runs.
func (v *VM) Caller() string {
	if v.nested == 0 {
		return ""
	}
	return strings.TrimSuffix(strings.TrimSpace(where(v.thread, 1)), ":")
}

// Defined returns the position of a function in its source, as file:line; empty for a
// Go function.
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

// Invoke implements vm.Instance. There is at least one result, which is nil if the
// function returned none.
func (v *VM) Invoke(ctx context.Context, fn vm.Ref, args ...vm.Ref) ([]vm.Ref, error) {
	return v.run(ctx, v.o.Limits.Timeout, fn, args)
}

// Broken implements vm.Instance.
func (v *VM) Broken() bool { return v.broken }

// Close implements vm.Instance.
func (v *VM) Close() {
	v.deadline.stuck.close()
	v.deadline.memory.Close()
	if !v.state.IsClosed() {
		v.state.Close()
	}
	v.broken = true
}

// run calls fn with a deadline and returns its results.
func (v *VM) run(ctx context.Context, limit time.Duration, fn vm.Ref, args []vm.Ref) (results []vm.Ref, err error) {
	if v.broken {
		return nil, fault.New(fault.Internal, "this VM was stopped and cannot be used again")
	}
	f, ok := fn.(*lua.LFunction)
	if !ok {
		return nil, fault.Newf(fault.Internal, "the handler is not a function but a %s", typeName(fn))
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
		v.deadline.stuck.begin(v.deadline.at)
		defer v.deadline.stuck.end()
	}
	v.depth++
	defer func() {
		if r := recover(); r != nil { // the state of gopher-lua may be inconsistent
			v.broken = true
			err = v.crashed(r)
		}
		v.depth--
		expired, waited := v.deadline.err, false
		if err != nil && expired == nil && errors.Is(err, context.DeadlineExceeded) && v.ctx.Err() != nil {
			// A Go function waited until the deadline.
			expired, waited = v.ctx.Err(), true
		}
		v.ctx, v.thread = outerCtx, thread
		v.deadline.held = outer
		v.deadline.budget = 0 // check the outer limit soon
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
			L.G.CurrentThread = L // a coroutine may have ended with the error
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
