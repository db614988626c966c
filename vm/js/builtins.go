package js

import (
	"crypto/rand"
	"embed"
	"sync"

	"github.com/dop251/goja"
	"github.com/gofrs/uuid/v5"

	"kumi/store/fault"
)

// builtins is the object with the global variables of browsers and Node that are not
// part of the language. It is the prototype of the global object: a variable is made
// when it is first read, so a VM pays only for those it uses, and scripts may declare
// globals of the same names.
type builtins struct {
	object
	vm *VM
}

// makers has a function for each variable, which makes its value.
var makers map[string]func(*VM) goja.Value

func init() {
	makers = map[string]func(*VM) goja.Value{
		"console": func(v *VM) goja.Value { return v.rt.NewDynamicObject(&console{vm: v}) },
		"setTimeout": func(v *VM) goja.Value {
			return v.named("setTimeout", func(fc goja.FunctionCall) goja.Value { return v.setTimer(fc, false) })
		},
		"setInterval": func(v *VM) goja.Value {
			return v.named("setInterval", func(fc goja.FunctionCall) goja.Value { return v.setTimer(fc, true) })
		},
		"clearTimeout":    func(v *VM) goja.Value { return v.named("clearTimeout", v.clearTimer) },
		"clearInterval":   func(v *VM) goja.Value { return v.named("clearInterval", v.clearTimer) },
		"queueMicrotask":  func(v *VM) goja.Value { return v.named("queueMicrotask", v.queueMicrotask) },
		"process":         func(v *VM) goja.Value { return v.process() },
		"atob":            func(v *VM) goja.Value { return v.named("atob", v.atob) },
		"btoa":            func(v *VM) goja.Value { return v.named("btoa", v.btoa) },
		"structuredClone": func(v *VM) goja.Value { return v.web("clone", nil).Get("structuredClone") },
		"TextEncoder":     func(v *VM) goja.Value { return v.text().Get("TextEncoder") },
		"TextDecoder":     func(v *VM) goja.Value { return v.text().Get("TextDecoder") },
		"URL":             func(v *VM) goja.Value { return v.url().Get("URL") },
		"URLSearchParams": func(v *VM) goja.Value { return v.url().Get("URLSearchParams") },
		"crypto":          (*VM).crypto,
	}
}

func (v *VM) addBuiltins() {
	_ = v.rt.GlobalObject().SetPrototype(v.rt.NewDynamicObject(&builtins{vm: v}))
}

// Get implements goja.DynamicObject.
func (b *builtins) Get(name string) goja.Value {
	if x := b.object.Get(name); x != nil {
		return x
	}
	if x := b.vm.global(name); x != nil {
		return x
	}
	newValue := makers[name]
	if newValue == nil {
		return nil
	}
	x := newValue(b.vm)
	if b.object.Get(name) == nil {
		b.put(name, x)
	}
	return b.object.Get(name)
}

// Has implements goja.DynamicObject.
func (b *builtins) Has(name string) bool {
	return makers[name] != nil || b.object.Has(name) || b.vm.o.Globals != nil && b.vm.o.Globals.Has(name)
}

// global makes a global variable of Options.Globals; nil if there is none of that name.
func (v *VM) global(name string) goja.Value {
	if v.o.Globals == nil {
		return nil
	}
	n := v.o.Globals.Lookup(name)
	switch {
	case n == nil:
		return nil
	case n.Property:
		return v.callNative(name, n, nil)
	}
	return v.native(name, n)
}

// Keys implements goja.DynamicObject: they are not enumerable.
func (b *builtins) Keys() []string { return nil }

// together keeps several globals that are properties of x.
func (v *VM) together(x *goja.Object, names ...string) *goja.Object {
	b, ok := v.rt.GlobalObject().Prototype().Export().(*builtins)
	if ok {
		for _, name := range names {
			b.put(name, x.Get(name))
		}
	}
	return x
}

// named makes a function value.
func (v *VM) named(name string, f func(goja.FunctionCall) goja.Value) *goja.Object {
	fn := v.rt.ToValue(f).(*goja.Object)
	_ = fn.DefineDataProperty("name", v.rt.ToValue(name), goja.FLAG_FALSE, goja.FLAG_TRUE, goja.FLAG_FALSE)
	return fn
}

//go:embed web/*.js
var webFiles embed.FS

// webPrograms are the files in web, compiled once for all VMs: classes written in
// JavaScript that use a few functions of Go.
var webPrograms sync.Map

// web evaluates one of the files in web: a function that takes an object with
// functions of Go, and returns an object with globals.
func (v *VM) web(file string, with map[string]func(goja.FunctionCall) goja.Value) *goja.Object {
	p, ok := webPrograms.Load(file)
	if !ok {
		source, err := webFiles.ReadFile("web/" + file + ".js")
		if err != nil {
			v.throw(fault.Wrap(fault.Internal, "no built-in "+file, err))
		}
		p, _ = webPrograms.LoadOrStore(file, goja.MustCompile("built-in "+file, string(source), true))
	}
	fn, err := v.rt.RunProgram(p.(*goja.Program))
	if err != nil {
		panic(err)
	}
	native := v.rt.NewObject()
	for name, f := range with {
		_ = native.Set(name, f)
	}
	call, _ := goja.AssertFunction(fn)
	x, err := call(goja.Undefined(), native)
	if err != nil {
		panic(err)
	}
	return x.(*goja.Object)
}

func (v *VM) queueMicrotask(fc goja.FunctionCall) goja.Value {
	job, ok := goja.AssertFunction(fc.Argument(0))
	if !ok {
		panic(v.rt.NewTypeError("the first argument must be a function"))
	}
	p := v.promised(goja.Undefined(), nil).(*goja.Object)
	then, _ := goja.AssertFunction(p.Get("then"))
	_, err := then(p, v.rt.ToValue(func(goja.FunctionCall) goja.Value {
		if _, err := job(goja.Undefined()); err != nil {
			panic(err)
		}
		return goja.Undefined()
	}))
	if err != nil {
		panic(err)
	}
	return goja.Undefined()
}

func (v *VM) crypto() goja.Value {
	c := v.rt.NewObject()
	_ = c.Set("randomUUID", v.named("randomUUID", func(goja.FunctionCall) goja.Value {
		if v.journal.On() {
			var id uuid.UUID
			v.journal.Fill(id[:])
			id.SetVersion(uuid.V4)
			id.SetVariant(uuid.VariantRFC9562)
			return v.rt.ToValue(id.String())
		}
		return v.rt.ToValue(uuid.Must(uuid.NewV4()).String())
	}))
	_ = c.Set("getRandomValues", v.named("getRandomValues", func(fc goja.FunctionCall) goja.Value {
		b, ok := v.window(fc.Argument(0))
		if !ok {
			panic(v.rt.NewTypeError("getRandomValues takes a typed array of integers"))
		}
		if len(b) > 65536 {
			v.throw(fault.Newf(fault.InvalidArgument, "getRandomValues fills at most 65536 bytes, not %d", len(b)))
		}
		if v.journal.On() {
			v.journal.Fill(b)
		} else {
			_, _ = rand.Read(b) // it never fails
		}
		return fc.Argument(0)
	}))
	subtle := v.rt.NewObject()
	_ = subtle.Set("digest", v.named("digest", func(fc goja.FunctionCall) goja.Value {
		sum, err := v.digest(fc.Argument(0), fc.Argument(1))
		if err != nil {
			return v.promised(nil, err)
		}
		return v.promised(v.FromBytes(sum).(goja.Value), nil)
	}))
	_ = c.Set("subtle", subtle)
	return c
}
