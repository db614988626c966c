package js

import (
	"slices"

	"github.com/dop251/goja"

	"kumi/vm"
)

// frame is one running Go function.
type frame struct {
	call vm.Call
	args []vm.Ref
}

func (v *VM) push() *frame {
	if v.depth == len(v.frames) {
		f := &frame{}
		f.call.Local = v.o.Local
		v.frames = append(v.frames, f)
	}
	f := v.frames[v.depth]
	v.depth++
	return f
}

// native makes a function value that calls n.
func (v *VM) native(name string, n *vm.Native) goja.Value {
	fn := v.rt.ToValue(func(fc goja.FunctionCall) goja.Value { return v.callNative(name, n, fc.Arguments) })
	_ = fn.(*goja.Object).DefineDataProperty("name", v.rt.ToValue(name), goja.FLAG_FALSE, goja.FLAG_TRUE, goja.FLAG_FALSE)
	return fn
}

func (v *VM) callNative(name string, n *vm.Native, args []goja.Value) goja.Value {
	depth := v.depth
	f := v.push()
	f.args = f.args[:0]
	for _, a := range args {
		f.args = append(f.args, a)
	}
	f.call.Begin(v.callCtx(), v, f.args)
	if n.Async && v.head == nil {
		f.call.Defer()
	}
	err := v.body(name, n, f)
	var ret goja.Value
	if err == nil {
		if w := f.call.Deferred(); w != nil {
			ret, err = v.start(name, w)
		} else if ret = v.result(&f.call); n.Async {
			ret = v.promised(ret, nil)
		}
	}
	if err != nil && n.Async {
		ret, err = v.promised(nil, err), nil
	}
	clear(f.args)
	v.depth = depth
	if err != nil {
		v.throw(err)
	}
	return ret
}

func (v *VM) body(name string, n *vm.Native, f *frame) (err error) {
	depth := v.depth
	defer func() {
		if x := recover(); x != nil {
			v.depth = depth
			if ofGoja(x) {
				v.depth--
				panic(x)
			}
			err = goPanic(name, x)
		}
	}()
	return vm.CallThrough(v.head, v.journal, n, &f.call)
}

// result returns the result of a call: the value, or an object if there are
// several.
func (v *VM) result(c *vm.Call) goja.Value {
	out, named := c.Results()
	switch {
	case len(out) == 0:
		return goja.Undefined()
	case len(out) == 1 && !named:
		if x, ok := out[0].Value.(goja.Value); ok {
			return x
		}
		return goja.Null()
	}
	o := &object{keys: make([]string, 0, len(out)), vals: make([]goja.Value, 0, len(out))}
	for _, r := range out {
		x, ok := r.Value.(goja.Value)
		if !ok {
			x = goja.Null()
		}
		o.put(vm.Camel(r.Name), x)
	}
	return v.rt.NewDynamicObject(o)
}

// functions is an object with Go functions, each made when it is first read.
type functions struct {
	vm    *VM
	lib   *vm.Library
	bound map[string]goja.Value
}

// Functions implements vm.Instance.
func (v *VM) Functions(lib *vm.Library) vm.Ref {
	return v.rt.NewDynamicObject(&functions{vm: v, lib: lib})
}

// Get implements goja.DynamicObject.
func (f *functions) Get(name string) goja.Value {
	if fn, ok := f.bound[name]; ok {
		return fn
	}
	n := f.lib.Lookup(name)
	if n == nil {
		return nil
	}
	if n.Property {
		return f.vm.callNative(name, n, nil)
	}
	if f.bound == nil {
		f.bound = map[string]goja.Value{}
	}
	fn := f.vm.native(name, n)
	f.bound[name] = fn
	return fn
}

// Set implements goja.DynamicObject.
func (f *functions) Set(name string, _ goja.Value) bool {
	panic(f.vm.rt.NewTypeError("cannot set %s: this object is read-only", name))
}

// Has implements goja.DynamicObject.
func (f *functions) Has(name string) bool { return f.lib.Has(name) }

// Delete implements goja.DynamicObject.
func (f *functions) Delete(name string) bool {
	if f.lib.Lookup(name) == nil {
		return true
	}
	panic(f.vm.rt.NewTypeError("cannot delete %s: this object is read-only", name))
}

// Keys implements goja.DynamicObject.
func (f *functions) Keys() []string { return slices.Clone(f.lib.Names()) }
