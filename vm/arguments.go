package vm

import (
	"fmt"
	"strconv"
)

// The methods that read a Call's arguments. Each reads the next argument; the
// first that is not valid sets the Call's error, and everything read after
// that is empty.

// Any is an argument of any type, as the engine's own value (possibly its
// nil).
func (c *Call) Any(name string) Ref {
	if v := c.arg(); v != nil {
		return v
	}
	c.absent(name, "", TypeAny, false)
	return c.E.Nil()
}

// absent handles an argument or field that is missing. While a function is
// described all are, and it records what the body asked for.
func (c *Call) absent(name, path string, t Type, required bool) {
	if c.rec != nil {
		c.rec.note(name, path, t, required)
	}
}

// Given tells whether the next argument is present and not nil, without
// reading it.
func (c *Call) Given() bool {
	return c.next < len(c.args) && !c.E.IsNil(c.args[c.next])
}

// NArgs returns the number of arguments the script passed.
func (c *Call) NArgs() int { return len(c.args) }

// Left returns the number of arguments not read yet.
func (c *Call) Left() int { return max(0, len(c.args)-c.next) }

// Str is a required string.
func (c *Call) Str(name string) string { return c.str(c.arg(), name, "", true, "") }

// StrNonEmpty is a required string that is not empty.
func (c *Call) StrNonEmpty(name string) string {
	s := c.Str(name)
	if s == "" {
		c.fail(name, "", "expected a non-empty string")
	}
	return s
}

// OptStr is an optional string.
func (c *Call) OptStr(name, def string) string { return c.str(c.arg(), name, "", false, def) }

// OptStrPtr is an optional string that tells absent from empty.
func (c *Call) OptStrPtr(name string) *string {
	v := c.arg()
	if v == nil {
		c.absent(name, "", TypeString, false)
		return nil
	}
	s := c.str(v, name, "", true, "")
	return &s
}

// Int is a required whole number.
func (c *Call) Int(name string) int64 { return c.int(c.arg(), name, "", true, 0) }

// OptInt is an optional whole number.
func (c *Call) OptInt(name string, def int64) int64 { return c.int(c.arg(), name, "", false, def) }

// OptIntPtr is an optional whole number that tells absent from 0.
func (c *Call) OptIntPtr(name string) *int64 {
	v := c.arg()
	if v == nil {
		c.absent(name, "", TypeNumber, false)
		return nil
	}
	n := c.int(v, name, "", true, 0)
	return &n
}

// Float is a required number.
func (c *Call) Float(name string) float64 { return c.float(c.arg(), name, "") }

// Bool is a required boolean.
func (c *Call) Bool(name string) bool { return c.bool(c.arg(), name, "", true, false) }

// OptBool is an optional boolean.
func (c *Call) OptBool(name string, def bool) bool { return c.bool(c.arg(), name, "", false, def) }

// OptBoolPtr is an optional boolean that tells absent from false.
func (c *Call) OptBoolPtr(name string) *bool {
	v := c.arg()
	if v == nil {
		c.absent(name, "", TypeBoolean, false)
		return nil
	}
	b := c.bool(v, name, "", true, false)
	return &b
}

// UUID is a required string that parses as a UUID; the text comes back in its
// canonical form.
func (c *Call) UUID(name string) string { return c.uuid(c.arg(), name, "", true, "") }

// OptUUID is an optional UUID; absent or empty gives def.
func (c *Call) OptUUID(name, def string) string { return c.uuid(c.arg(), name, "", false, def) }

// Data is a required string or binary value, as bytes.
func (c *Call) Data(name string) []byte {
	v := c.arg()
	switch {
	case v != nil && c.E.IsBytes(v):
		return c.E.Bytes(v)
	case v != nil && c.E.IsStr(v):
		return []byte(c.E.Str(v))
	}
	c.absent(name, "", typeData, true)
	c.fail(name, "", "expected a string or binary data")
	return nil
}

// Text is a required string or binary value, as a string.
func (c *Call) Text(name string) string {
	v := c.arg()
	switch {
	case v != nil && c.E.IsBytes(v):
		return string(c.E.View(v))
	case v != nil && c.E.IsStr(v):
		return c.E.Str(v)
	}
	c.absent(name, "", typeData, true)
	c.fail(name, "", "expected a string or binary data")
	return ""
}

// OptData is Data that may be absent, which is nil.
func (c *Call) OptData(name string) []byte {
	if !c.Given() {
		c.arg()
		c.absent(name, "", typeData, false)
		return nil
	}
	return c.Data(name)
}

// Func is a required function value.
func (c *Call) Func(name string) Ref {
	v := c.arg()
	if v == nil || !c.E.IsFunc(v) {
		c.absent(name, "", TypeFunction, true)
		c.fail(name, "", "expected a function")
		return c.E.Nil()
	}
	return v
}

// OptMap is an optional object, exported to Go. Absent is nil.
func (c *Call) OptMap(name string) map[string]any { return c.object(c.arg(), name, "", false) }

// Map is a required object, exported to Go.
func (c *Call) Map(name string) map[string]any { return c.object(c.arg(), name, "", true) }

// OptStrMap is an optional object of strings. Absent is nil.
func (c *Call) OptStrMap(name string) map[string]string { return c.strMap(c.arg(), name, "") }

// OptStrs is an optional list of strings. Absent is nil.
func (c *Call) OptStrs(name string) []string { return c.strs(c.arg(), name, "", false, false) }

// Strs is a required list of strings.
func (c *Call) Strs(name string) []string { return c.strs(c.arg(), name, "", true, false) }

// UUIDs is a required list of UUIDs.
func (c *Call) UUIDs(name string) []string { return c.strs(c.arg(), name, "", true, true) }

// OptUUIDs is an optional list of UUIDs. Absent is nil.
func (c *Call) OptUUIDs(name string) []string { return c.strs(c.arg(), name, "", false, true) }

// OptAnys is an optional list of anything, each as [Scalar] gives it.
func (c *Call) OptAnys(name string) []any {
	v := c.arg()
	if v == nil {
		c.absent(name, "", ListType(TypeAny), false)
		return nil
	}
	if !c.E.IsList(v) {
		c.fail(name, "", "expected a list")
		return nil
	}
	out := make([]any, c.length(v, name, ""))
	for i := range out {
		x, err := Scalar(c.E, c.E.Index(v, i))
		if err != nil {
			c.noData(name, index(i), err)
			return nil
		}
		out[i] = x
	}
	return out
}

// Obj is a required object whose fields the body reads.
func (c *Call) Obj(name string) Obj {
	v := c.arg()
	if v == nil || !c.E.IsObject(v) {
		c.absent(name, "", Type{Object: true}, true)
		c.fail(name, "", "expected an object")
		return Obj{c: c, name: name}
	}
	return Obj{c: c, ref: v, name: name}
}

// OptObj is Obj that may be absent; see Obj.Present.
func (c *Call) OptObj(name string) Obj {
	if !c.Given() {
		c.arg()
		c.absent(name, "", Type{Object: true}, false)
		return Obj{c: c, name: name}
	}
	return c.Obj(name)
}

// ListOf reads a required list of objects.
func ListOf[T any](c *Call, name string, read func(Obj) T) []T {
	if !c.Given() {
		c.arg()
		c.absentList(name, true)
		if c.rec != nil {
			read(Obj{c: c, name: name, path: index(0)})
		}
		c.fail(name, "", "expected a list")
		return nil
	}
	return OptListOf(c, name, read)
}

// OptListOf reads a list of objects that may be absent.
func OptListOf[T any](c *Call, name string, read func(Obj) T) []T {
	v := c.arg()
	if v == nil {
		c.absentList(name, false)
		if c.rec != nil {
			read(Obj{c: c, name: name, path: index(0)})
		}
		return nil
	}
	if !c.E.IsList(v) {
		c.fail(name, "", "expected a list")
		return nil
	}
	n := c.length(v, name, "")
	out := make([]T, 0, n)
	for i := range n {
		item := c.E.Index(v, i)
		if !c.E.IsObject(item) {
			c.fail(name, index(i), "expected an object")
			return nil
		}
		out = append(out, read(Obj{c: c, ref: item, name: name, path: index(i)}))
		if c.err != nil {
			return nil
		}
	}
	return out
}

func (c *Call) absentList(name string, required bool) {
	c.absent(name, "", ListType(Type{Object: true}), required)
}

// length returns the number of elements of an argument, 0 if there are too
// many.
func (c *Call) length(list Ref, name, path string) int {
	n := c.E.Len(list)
	if n > MaxList {
		c.fail(name, path, fmt.Sprintf("expected at most %d elements, not %d", MaxList, n))
		return 0
	}
	return n
}

func index(i int) string { return "[" + strconv.Itoa(i) + "]" }
