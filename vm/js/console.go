package js

import (
	"math"
	"strconv"
	"strings"

	"github.com/dop251/goja"

	"kumi/vm"
)

// consoleLevels are the methods of console and the level each logs at.
var consoleLevels = map[string]string{
	"log": "info", "info": "info", "debug": "debug", "trace": "debug", "warn": "warn", "error": "error",
}

var consoleNames = []string{"debug", "error", "info", "log", "trace", "warn"}

// console is the global object of that name. It makes a method when it is first
// read; scripts may replace methods.
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
	v.o.Console(v.ctx, level, v.printed(args))
}

// printed returns the log line for the arguments of a console method. The first may
// be a format with %s, %d, %i, %f, %j, %o and %O, as in Node.
func (v *VM) printed(args []goja.Value) string {
	var b strings.Builder
	if len(args) > 1 {
		if format, ok := stringOf(args[0]); ok && strings.Contains(format, "%") {
			args = v.format(&b, format, args[1:])
			if len(args) > 0 {
				b.WriteByte(' ')
			}
		}
	}
	for i, a := range args {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(v.show(a))
	}
	return b.String()
}

// format writes a format with its verbs replaced by values, and returns the values
// that were not used.
func (v *VM) format(b *strings.Builder, format string, args []goja.Value) []goja.Value {
	for i := 0; i < len(format); i++ {
		if format[i] != '%' || i+1 == len(format) {
			b.WriteByte(format[i])
			continue
		}
		i++
		if format[i] == '%' {
			b.WriteByte('%')
			continue
		}
		if len(args) == 0 || !strings.ContainsRune("sdifjoO", rune(format[i])) {
			b.WriteByte('%')
			b.WriteByte(format[i])
			continue
		}
		a := args[0]
		args = args[1:]
		switch _, isObject := a.(*goja.Object); {
		case isObject || format[i] == 's' || format[i] == 'j' || format[i] == 'o' || format[i] == 'O':
			b.WriteString(v.show(a))
		case format[i] == 'f':
			b.WriteString(v.rt.ToValue(a.ToFloat()).String())
		default:
			if f := a.ToFloat(); format[i] == 'd' || math.IsNaN(f) || math.IsInf(f, 0) {
				b.WriteString(v.rt.ToValue(f).String())
			} else {
				b.WriteString(v.rt.ToValue(math.Trunc(f)).String())
			}
		}
	}
	return args
}

// Show returns a readable text for a value, for logs.
func (v *VM) Show(x vm.Ref) string {
	value, ok := x.(goja.Value)
	if !ok {
		return ""
	}
	text := "(cannot be printed)"
	_ = v.rt.Try(func() { text = v.show(value) })
	return text
}

// maxShown is the maximum number of entries shown of a Map or Set.
const maxShown = 100

// maxShownText is the maximum size of the text of one value, in bytes. Values may
// contain the same object many times.
const maxShownText = 256 << 10

// show returns a readable text for a value: errors with their stack, Maps and Sets
// with their entries, other objects as JSON.
func (v *VM) show(x goja.Value) string {
	text := v.showIn(x, 0, maxShownText)
	if len(text) > maxShownText {
		text = strings.ToValidUTF8(text[:maxShownText], "") + "…"
	}
	return text
}

// maxShownDepth is the maximum nesting of Maps and Sets that is shown.
const maxShownDepth = 3

func (v *VM) showIn(x goja.Value, depth, size int) string {
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
	if kind, items := v.Collection(o); kind != "" {
		return v.showMembers(kind, items, depth, size)
	}
	if v.IsList(o) || v.IsObject(o) {
		return vm.Preview(v, o, size)
	}
	return o.String()
}

// showMembers formats a Map or Set as Map(1) {"a" => 1} or Set(1) {"a"}.
func (v *VM) showMembers(kind string, items []vm.Ref, depth, size int) string {
	step := 1
	if kind == "Map" {
		step = 2
	}
	var b strings.Builder
	b.WriteString(kind + "(" + strconv.Itoa(len(items)/step) + ") {")
	member := func(x vm.Ref) {
		value, _ := x.(goja.Value)
		if s, ok := stringOf(value); ok {
			b.WriteString(strconv.Quote(s))
		} else if value != nil {
			b.WriteString(v.showIn(value, depth+1, max(size-b.Len(), 0)))
		}
	}
	for i := 0; i < len(items); i += step {
		switch {
		case depth == maxShownDepth, i == maxShown*step, b.Len() > size:
			b.WriteString("…}")
			return b.String()
		case i > 0:
			b.WriteString(", ")
		}
		member(items[i])
		if step == 2 {
			b.WriteString(" => ")
			member(items[i+1])
		}
	}
	b.WriteByte('}')
	return b.String()
}
