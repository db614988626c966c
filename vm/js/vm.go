package js

import (
	"cmp"
	"context"
	"time"

	"github.com/dop251/goja"

	"kumi/internal/journal"
	"kumi/internal/random"
	"kumi/store/fault"
	"kumi/vm"
)

// Options say how a VM is made.
type Options struct {
	// Limits apply to each call, and to the run of the program itself.
	Limits vm.Limits
	// Local is passed to Go functions with each call.
	Local any
	// Handlers returns the functions for Instance.Handler; may be nil.
	Handlers interface{ Handler(key string) vm.Ref }
	// Console receives the output of console.log and so on, with the level "debug",
	// "info", "warn" or "error"; may be nil.
	Console func(ctx context.Context, level, message string)
	// Env has the variables of process.env, in addition to NODE_ENV.
	Env map[string]string
	// Made is called when the VM exists and before the program runs; may be nil.
	Made func(*VM)
	// Globals has further global functions and variables; may be nil.
	Globals *vm.Library
	// Guard stops calls that take too much memory, and counts stopped calls; may be
	// nil.
	Guard *vm.Guard
	// Stuck is called when a call has not ended Grace after it was stopped, because it
	// is inside a built-in function, or a Go function that ignores its context. It is
	// called at most once, from any goroutine, and must not use the VM; may be nil.
	Stuck func(*VM)
	Grace time.Duration // 0 is vm.DefaultGrace
	// Poll is how often a running call looks whether its context was cancelled; 0 is a
	// quarter of a second.
	Poll time.Duration
	// Rejected is called with the reason and the position of promises that were
	// rejected and never handled; may be nil.
	Rejected func(err *vm.ScriptError)
	// Linger makes a call end only when the work that its script began and did not await has
	// ended, and timers that are due within this duration have run, for tests. Intervals are
	// not waited for. 0: what is left when the function has returned is dropped.
	Linger time.Duration
}

// VM is one goja runtime with one program. See vm.Instance for who may call it.
type VM struct {
	rt    *goja.Runtime
	o     Options
	watch watch
	head  *vm.Head
	// journal is that of the match that owns the VM; nil for other VMs.
	journal *journal.Journal

	ctx     context.Context  // of the call that runs
	limited *vm.LazyDeadline // ctx for Go functions, made when one is called
	entry   *entry           // makes outermost calls; nil if the program catches no errors
	frames  []*frame         // of Go functions, reused
	depth   int              // of frames in use
	running int              // nested entries into the runtime
	args    []goja.Value     // of Invoke, a stack

	objectPrototype *goja.Object    // Object.prototype, read when first needed
	arrayPrototype  *goja.Object    // Array.prototype
	called          *goja.Object    // the function of the last Invoke
	callable        goja.Callable   // calls it
	lost            []*goja.Promise // rejected and not handled
	lostAt          []rejectedAt
	reactions       reactions
	loop            *loop // of the outermost call, once it needs one
	broken          bool
	damaged         bool   // results can be read, but calls may go wrong, see leftOver
	overflowed      bool   // a RangeError for calls that nest too deeply was thrown during the call
	nesting         int    // of built-in functions, see enter
	leave           func() // leaveNative, as a value

	outermost context.Context // of the outermost call
	until     time.Duration   // its deadline, on the clock of watch; 0: none

	images *imageWriter // reused by Image

	errorKey *goja.Symbol // key of the Go error in the script error made from it
}

var _ vm.Instance = (*VM)(nil)

// New makes a VM and runs the program's top level in it. The error is a
// *vm.ScriptError.
func New(ctx context.Context, p *Program, o Options) (*VM, error) {
	v := &VM{rt: goja.New(), o: o, ctx: ctx}
	v.watch.poll = cmp.Or(o.Poll, poll)
	v.watch.rt, v.watch.limit, v.watch.grace = v.rt, o.Limits.Timeout, cmp.Or(o.Grace, vm.DefaultGrace)
	if o.Stuck != nil {
		v.watch.stuck = func() { o.Stuck(v) }
	}
	stack := o.Limits.Stack
	if stack <= 0 {
		stack = DefaultStack
	}
	v.rt.SetMaxCallStackSize(min(stack, maxStack))
	v.rt.SetRandSource(random.Float64)
	if v.journal = journal.Of(ctx); v.journal != nil {
		v.rt.SetRandSource(v.journal.Float64)
		v.rt.SetTimeSource(v.journal.Now)
	}
	v.rt.SetPromiseRejectionTracker(v.rejection)
	v.reactions.rt = v.rt
	v.rt.SetAsyncContextTracker(&v.reactions)
	v.leave = v.leaveNative
	v.addBuiltins()
	for _, b := range p.bounds {
		b.install(v)
	}
	v.watch.memory = o.Guard.Watch(v.watch.tooMuch)
	v.watch.memory.Halts(v.watch.halt)
	if o.Made != nil {
		o.Made(v)
	}
	_, err := v.run(ctx, func() (goja.Value, error) { return v.rt.RunProgram(p.code) })
	if err != nil {
		v.Close()
		return nil, err
	}
	return v, nil
}

// SetTape makes calls of Go functions go through a head of a tape, until it is set to
// nil.
func (v *VM) SetTape(h *vm.Head) { v.head = h }

// SetTimeout changes the limit of later calls; 0 means none.
func (v *VM) SetTimeout(d time.Duration) {
	v.watch.mu.Lock()
	v.watch.limit = d
	v.watch.mu.Unlock()
}

// Local implements vm.Instance.
func (v *VM) Local() any { return v.o.Local }

// Handler implements vm.Instance.
func (v *VM) Handler(key string) vm.Ref {
	if v.o.Handlers == nil {
		return nil
	}
	return v.o.Handlers.Handler(key)
}

// Global implements vm.Instance. It finds var, function, let, const and class
// declarations of the program's top level.
func (v *VM) Global(name string) vm.Ref {
	var found goja.Value
	if ex := v.rt.Try(func() { found = v.rt.Get(name) }); ex != nil {
		return nil
	}
	if found == nil {
		return nil
	}
	return found
}

// Broken implements vm.Instance.
func (v *VM) Broken() bool { return v.broken || v.damaged }

// Close implements vm.Instance.
func (v *VM) Close() {
	v.watch.close()
	v.broken = true
}

// Invoke implements vm.Instance. A promise is waited for: its value is the
// result, its rejection the error.
func (v *VM) Invoke(ctx context.Context, fn vm.Ref, args ...vm.Ref) ([]vm.Ref, error) {
	f, _ := fn.(*goja.Object)
	if f == nil {
		return nil, fault.New(fault.Internal, "the handler is not a function")
	}
	if f != v.called {
		call, ok := goja.AssertFunction(f)
		if !ok {
			return nil, fault.New(fault.Internal, "the handler is not a function")
		}
		v.called, v.callable = f, call
	}
	if err := ctx.Err(); err != nil {
		return nil, fault.Wrap(fault.CodeOf(err), "the call was not made: its caller has gone", err)
	}
	call, first := v.callable, goja.Value(nil)
	if v.entry != nil && len(args) < len(v.entry.enter) {
		call, first = v.entry.enter[len(args)], f
	}
	ret, err := v.run(ctx, func() (goja.Value, error) { return v.apply(call, first, args) })
	if err != nil {
		return nil, err
	}
	return []vm.Ref{ret}, nil
}

// apply calls a function with arguments on a stack of the VM, so that they are not
// allocated. first is an argument before the others, or nil.
func (v *VM) apply(call goja.Callable, first goja.Value, args []vm.Ref) (goja.Value, error) {
	base := len(v.args)
	if first != nil {
		v.args = append(v.args, first)
	}
	for _, a := range args {
		if val, ok := a.(goja.Value); ok {
			v.args = append(v.args, val)
		} else {
			v.args = append(v.args, goja.Undefined())
		}
	}
	top := len(v.args)
	ret, err := call(goja.Undefined(), v.args[base:top:top]...)
	clear(v.args[base:top])
	v.args = v.args[:base]
	return ret, err
}

// run calls f with the limits of a call. Panics become errors. If f returns a promise,
// it is awaited.
func (v *VM) run(ctx context.Context, f func() (goja.Value, error)) (ret goja.Value, err error) {
	if v.broken {
		return nil, fault.New(fault.Unavailable, "this VM was stopped and cannot be used again")
	}
	outerCtx, outerLimited, outer := v.ctx, v.limited, v.watch.begin(ctx)
	frames, args, nesting := v.depth, len(v.args), v.nesting
	v.ctx, v.limited = ctx, nil
	v.running++
	if v.running == 1 {
		v.outermost, v.until = ctx, v.watch.call.deadline // which this goroutine alone writes
		v.reactions.begin()
	}
	defer func() {
		if x := recover(); x != nil {
			v.broken = true
			ret, err = nil, v.panicked(x)
		}
		v.running--
		if v.running == 0 {
			v.dropLoop()
			if v.overflowed {
				v.overflowed = false
				v.damaged = v.damaged || v.leftOver()
			}
		}
		v.depth, v.args, v.nesting = frames, v.args[:args], nesting
		if v.limited != nil {
			v.limited.End()
		}
		v.ctx, v.limited = outerCtx, outerLimited
		v.watch.end(outer)
	}()
	if ret, err = f(); err != nil {
		err = v.scriptError(err)
	} else {
		ret, err = v.settle(ret)
	}
	if v.running == 1 {
		if err == nil && v.loop != nil && v.o.Linger > 0 {
			if err = v.loop.linger(v.o.Linger); err != nil {
				err = v.scriptError(err)
			}
		}
		if v.lost != nil {
			v.reportLost()
		}
	}
	if err != nil {
		return nil, err
	}
	return ret, nil
}

// guard runs Go code that may run script code (getters, toJSON), within a call or
// outside of one.
func (v *VM) guard(f func()) error {
	if v.running > 0 {
		f() // exceptions pass through the Go function to the script
		return nil
	}
	_, err := v.run(context.Background(), func() (goja.Value, error) {
		if ex := v.rt.Try(f); ex != nil {
			return nil, ex
		}
		return goja.Undefined(), nil
	})
	return err
}
