package js

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"github.com/dop251/goja"
)

// goja ends a call that nests deeper than SetMaxCallStackSize with an error that
// scripts cannot catch, where the language has a RangeError. But before it does so
// it lists the calls, and asks each native function among them for its name. So an
// outermost call goes through a native function, entry, that finds its name in a
// dynamic object; when goja asks for the name and there is no room for one more
// call, the object throws the RangeError instead.
//
// This takes some microsecond for each outermost call, so only programs that catch
// errors have it.
//
// Jobs of promises run outside of outermost calls: what overflows in an async
// function after its first await ends the call.

// DefaultStack is the call depth when Limits.Stack is 0, and maxStack the maximum.
// A call through a built-in function or through Go takes up to 4 KB of the
// goroutine's stack, any other some 400 bytes. Go ends the process when a stack would
// grow beyond 1 GB. Stacks grow by doubling, so the largest one is 512 MB, in which
// maxStack calls of 4 KB have room.
const (
	DefaultStack = 50_000
	maxStack     = 100_000
)

// entryName is the name of the functions through which an outermost call goes.
const entryName = "(entry)"

// maxEntryArgs is how many arguments an outermost call may have to be made this
// way; handlers have seven at most.
const maxEntryArgs = 8

// entryProgram makes the native function, native(f, this, ...args), and functions
// that call it with 0, 1, 2 and so on arguments.
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

// entry is the way into the runtime. It belongs to the goroutine that owns the VM.
type entry struct {
	vm          *VM
	enter       [maxEntryArgs + 1]goja.Callable // by the number of arguments
	probe       goja.Callable                   // a function of script that does nothing
	overflowing bool                            // the name is asked for while the error is made
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

// call calls a function, the first of args, with the others.
func (e *entry) call(args []goja.Value) error {
	if n := len(args) - 1; e != nil && n < len(e.enter) {
		_, err := e.enter[n](goja.Undefined(), args...)
		return err
	}
	call, _ := goja.AssertFunction(args[0])
	_, err := call(goja.Undefined(), args[1:]...)
	return err
}

// name is asked for whenever calls are listed: for the stack of an error mostly.
// While goja lists them for an interrupt it holds a lock, and no script may run.
func (e *entry) name() goja.Value {
	v := e.vm
	if !e.overflowing && !v.watch.interrupted.Load() {
		e.overflowing = true
		_, err := e.probe(goja.Undefined())
		var overflow *goja.StackOverflowError
		if errors.As(err, &overflow) {
			x, err := v.rt.New(v.rt.Get("RangeError"), v.rt.ToValue("Maximum call stack size exceeded"))
			e.overflowing = false
			if err != nil {
				panic(err)
			}
			panic(x)
		}
		e.overflowing = false
	}
	return v.rt.ToValue(entryName)
}

// entryNames is the prototype of the native function, which has one property.
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
