package js

import (
	"strings"

	"github.com/dop251/goja"
)

// consoleLevels are the methods of console and the level each logs at.
var consoleLevels = map[string]string{
	"log": "info", "info": "info", "debug": "debug", "trace": "debug", "warn": "warn", "error": "error",
}

var consoleNames = []string{"debug", "error", "info", "log", "trace", "warn"}

// console is the global of that name. Like other function objects it binds a
// method when it is first read, but scripts may replace its methods.
type console struct {
	object
	vm *VM
}

// Get implements goja.DynamicObject.
func (c *console) Get(name string) goja.Value {
	if x := c.object.Get(name); x != nil {
		return x
	}
	level, ok := consoleLevels[name]
	if !ok {
		return nil
	}
	fn := c.vm.rt.ToValue(func(fc goja.FunctionCall) goja.Value {
		c.vm.print(level, fc.Arguments)
		return goja.Undefined()
	})
	c.put(name, fn)
	return fn
}

// Has implements goja.DynamicObject.
func (c *console) Has(name string) bool {
	_, ok := consoleLevels[name]
	return ok || c.object.Has(name)
}

// Keys implements goja.DynamicObject.
func (c *console) Keys() []string {
	keys := append([]string{}, consoleNames...)
	for _, k := range c.object.Keys() {
		if _, ok := consoleLevels[k]; !ok {
			keys = append(keys, k)
		}
	}
	return keys
}

func (v *VM) print(level string, args []goja.Value) {
	if v.o.Console == nil || (v.head != nil && v.head.Playing()) {
		return
	}
	var b strings.Builder
	for i, a := range args {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(v.show(a))
	}
	v.o.Console(level, b.String())
}

// show is a value as people read it: errors with their stack, objects as JSON.
func (v *VM) show(x goja.Value) string {
	o, ok := x.(*goja.Object)
	if !ok {
		if s, ok := x.(*goja.Symbol); ok {
			return s.String()
		}
		return x.String()
	}
	if o.ClassName() == "Error" {
		if stack, ok := stringOf(o.Get("stack")); ok && stack != "" {
			return strings.TrimRight(stack, "\n")
		}
		return o.String()
	}
	if v.IsList(o) || v.IsObject(o) {
		if text, err := o.MarshalJSON(); err == nil {
			return string(text)
		}
	}
	return o.String()
}
