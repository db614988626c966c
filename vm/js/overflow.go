package js

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"github.com/dop251/goja"
)

// When calls nest deeper than SetMaxCallStackSize, goja ends the outermost call with
// an error that scripts cannot catch, while the language prescribes a RangeError. But
// first goja collects the stack, and reads the names of the native functions in it.
// So outermost calls go through a native function, the entry, whose name is a property
// of a dynamic object. When goja reads the name and there is no room for another
// call, the object throws a RangeError, which the script can catch.
//
// This costs about a microsecond per outermost call, so only programs that catch
// errors use it.
//
// Jobs of promises do not go through the entry: an overflow in an async function
// after its first await ends the call, unless async functions are what is nested
// (async_nesting.go).

// DefaultStack is the call depth when Limits.Stack is 0, and maxStack the maximum.
// A call through a built-in function or through Go takes up to 4 KB of the
// goroutine's stack, any other some 400 bytes. Go ends the process when a stack would
// grow beyond 1 GB. Stacks grow by doubling, so the largest one is 512 MB, in which
// maxStack calls of 4 KB have room.
const (
	DefaultStack = 50_000
	maxStack     = 100_000
)

// entryName is the file name of the entry, and the name of its function, in stacks.
const entryName = "(entry)"

// maxEntryArgs is the maximum number of arguments of calls through the entry.
// Handlers have at most seven.
const maxEntryArgs = 8

// entryProgram returns the native function, native(f, this, ...args), an empty
// function, and functions that call the former with 0, 1, 2 and so on arguments.
var entryProgram = sync.OnceValue(func() *goja.Program {
	var b strings.Builder
	b.WriteString("(function () { const native = Function.prototype.call.bind(Function.prototype.call); return [native, function () {}")
	args := ""
	for i := range maxEntryArgs + 1 {
		fmt.Fprintf(&b, ",\nfunction (f%s) { return native(f, undefined%s) }", args, args)
		args += ", a" + strconv.Itoa(i)
	}
	b.WriteString("] })()")
	return goja.MustCompile(entryName, b.String(), true)
})

// entry makes the outermost calls of a VM. It belongs to the goroutine that owns the
// VM.
type entry struct {
	vm          *VM
	enter       [maxEntryArgs + 1]goja.Callable // by the number of arguments
	probe       goja.Callable                   // an empty script function, to see if there is room for a call
	overflowing bool                            // goja may read the name while the error is made
}

func init() {
	bounds = append(bounds, bound{named("catch", "finally"), (*VM).addEntry})
}

func (v *VM) addEntry() {
	x, err := v.rt.RunProgram(entryProgram())
	if err != nil {
		return
	}
	e := &entry{vm: v}
	made := x.(*goja.Object)
	native := made.Get("0").(*goja.Object)
	if native.Delete("name") != nil || native.SetPrototype(v.rt.NewDynamicObject(&entryNames{entry: e})) != nil {
		return
	}
	e.probe, _ = goja.AssertFunction(made.Get("1"))
	for i := range e.enter {
		e.enter[i], _ = goja.AssertFunction(made.Get(strconv.Itoa(2 + i)))
	}
	v.entry = e
}

// call calls a function, args[0], with the other arguments.
func (e *entry) call(args []goja.Value) error {
	if n := len(args) - 1; e != nil && n < len(e.enter) {
		_, err := e.enter[n](goja.Undefined(), args...)
		return err
	}
	call, _ := goja.AssertFunction(args[0])
	_, err := call(goja.Undefined(), args[1:]...)
	return err
}

// name returns the name of the native function. It is called whenever goja collects a
// stack, mostly for an Error. During an interrupt goja holds a lock then, and no script
// may run.
func (e *entry) name() goja.Value {
	v := e.vm
	if !e.overflowing && !v.watch.interrupted.Load() {
		e.overflowing = true
		_, err := e.probe(goja.Undefined())
		var overflow *goja.StackOverflowError
		if errors.As(err, &overflow) {
			x := v.tooDeep()
			e.overflowing, v.overflowed = false, true
			panic(x)
		}
		e.overflowing = false
	}
	return v.rt.ToValue(entryName)
}

// tooDeep returns the RangeError for calls that nest too deeply. It panics if there is
// no room to make one.
func (v *VM) tooDeep() *goja.Object {
	x, err := v.rt.New(v.rt.Get("RangeError"), v.rt.ToValue("Maximum call stack size exceeded"))
	if err != nil {
		panic(err)
	}
	return x
}

// leftOver tells whether calls of the runtime have not been removed from its stack
// when the outermost call has ended. That happens if the call that had no room was the
// beginning of an async function; then the runtime runs no jobs of promises any more.
func (v *VM) leftOver() bool { return len(v.rt.CaptureCallStack(0, nil)) > 0 }

// entryNames is the prototype of the native function, with the property name.
type entryNames struct {
	object
	entry *entry
}

// Get implements goja.DynamicObject.
func (n *entryNames) Get(key string) goja.Value {
	if key == "name" {
		return n.entry.name()
	}
	return nil
}

// Has implements goja.DynamicObject.
func (n *entryNames) Has(key string) bool { return key == "name" }

// Keys implements goja.DynamicObject.
func (n *entryNames) Keys() []string { return nil }
