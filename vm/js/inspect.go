package js

import (
	"github.com/dop251/goja"

	"kumi/vm"
)

// What tests of games look at in values that Go code cannot read as data.

// IsPromise tells whether a value is a promise.
func (v *VM) IsPromise(x vm.Ref) bool {
	val, ok := x.(goja.Value)
	return ok && promiseOf(val) != nil
}

// Message returns the message of a value that was thrown, or else the value as text.
func (v *VM) Message(x vm.Ref) string {
	if o, ok := x.(*goja.Object); ok {
		if text, ok := stringOf(o.Get("message")); ok {
			return text
		}
	}
	return v.show(x.(goja.Value))
}

// MatchRegExp tells whether a regular expression matches a text; ok is false if x is none.
func (v *VM) MatchRegExp(x vm.Ref, text string) (matches, ok bool) {
	o, isObject := x.(*goja.Object)
	if !isObject || o.ClassName() != "RegExp" {
		return false, false
	}
	test, ok := goja.AssertFunction(o.Get("test"))
	if !ok {
		return false, false
	}
	result, err := test(o, v.rt.ToValue(text))
	return err == nil && result.ToBoolean(), true
}
