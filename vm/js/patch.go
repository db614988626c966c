package js

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/dop251/goja"

	"kumi/store/fault"
	"kumi/vm"
)

var _ vm.Patcher = (*VM)(nil)

// Inexact implements vm.Patcher.
func (v *VM) Inexact(x vm.Ref) (what string) {
	o, ok := x.(*goja.Object)
	if !ok {
		return v.inexactPrimitive(x)
	}
	if v.IsFunc(o) {
		return "a function"
	}
	err := v.guard(func() {
		v.findPrototypes()
		switch usual := o.Prototype(); {
		case usual == nil || usual != v.objectPrototype && usual != v.arrayPrototype:
			what = "an object of a class"
			if class, ok := o.Get("constructor").(*goja.Object); ok && !v.IsNil(class.Get("name")) {
				what = "an object of the class " + class.Get("name").String()
			}
		default:
			if _, ok := goja.AssertFunction(o.Get("toJSON")); ok {
				what = "an object with toJSON"
			}
		}
	})
	if err != nil {
		return "an object that fails when it is read"
	}
	return what
}

func (v *VM) inexactPrimitive(x vm.Ref) string {
	switch {
	case v.IsNil(x), v.IsBool(x):
		return ""
	case v.IsNum(x):
		if f := v.Float(x); math.IsNaN(f) || math.IsInf(f, 0) {
			return fmt.Sprint(f)
		}
		return ""
	case v.IsStr(x):
		if strings.ContainsRune(v.Str(x), utf8.RuneError) {
			return "a string that is not valid Unicode"
		}
		return ""
	}
	if val, ok := x.(goja.Value); ok && val.ExportType() == typeBig {
		return "a BigInt"
	}
	return "a symbol"
}

// Member implements vm.Patcher.
func (v *VM) Member(obj vm.Ref, key string) (x vm.Ref, ok bool, err error) {
	o, isObject := obj.(*goja.Object)
	if !isObject {
		return nil, false, nil
	}
	err = v.guard(func() {
		if val := o.Get(key); val != nil && hasOwn(o, key) {
			x, ok = val, true
		}
	})
	return x, ok, err
}

// hasOwn is Object.hasOwn for keys that are strings.
func hasOwn(o *goja.Object, key string) bool { return slices.Contains(o.GetOwnPropertyNames(), key) }

// Put implements vm.Patcher.
func (v *VM) Put(obj vm.Ref, key string, x vm.Ref) error {
	o, ok := obj.(*goja.Object)
	if !ok {
		return fault.New(fault.InvalidArgument, "not an object")
	}
	var refused error
	err := v.guard(func() {
		switch val, _ := x.(goja.Value); {
		case val == nil:
			refused = o.Delete(key)
		case hasOwn(o, key):
			refused = o.Set(key, val)
		default: // not Set, which would call the setter of __proto__
			refused = o.DefineDataProperty(key, val, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_TRUE)
		}
	})
	if err == nil && refused != nil {
		err = v.scriptError(refused)
	}
	return err
}
