package js

import (
	"math/big"

	"github.com/dop251/goja"

	"kumi/store/fault"
)

// Limits of BigInt.
const (
	maxBits   = 4 << 20 // of a value made by an operator or asUintN, or converted to a string
	maxDigits = 100_000 // of a string converted to a BigInt, which takes quadratic time
)

// bigIntegers is the condition for programs that may make a BigInt.
var bigIntegers = matching(`\bBigInt|\b(?:\d+|0[xob][\da-fA-F]+)n\b`)

func init() {
	for _, name := range []string{"toString", "toLocaleString"} {
		wrapWhen(bigIntegers, "BigInt.prototype."+name, before(func(v *VM, fc goja.FunctionCall) { v.fitsBits(float64(bits(fc.This))) }))
	}
	for _, name := range []string{"asIntN", "asUintN"} {
		wrap("BigInt."+name, before(func(v *VM, fc goja.FunctionCall) {
			v.fitsBits(fc.Argument(0).ToFloat())
			v.fitsDigits(fc.Argument(1))
		}))
	}
	bounds = append(bounds, bound{named("BigInt"), (*VM).wrapBigInt})
	bounds = append(bounds, bound{bigIntegers, (*VM).addOperators})
}

// wrapBigInt replaces the function BigInt. It has a prototype and static methods
// like a class, but cannot be called with new.
func (v *VM) wrapBigInt() {
	class := v.builtin("BigInt")
	fn := v.wrapped(class, "BigInt", before(func(v *VM, fc goja.FunctionCall) { v.fitsDigits(fc.Argument(0)) }))
	if fn == nil {
		return
	}
	proto := class.Get("prototype").(*goja.Object)
	_ = fn.DefineDataProperty("prototype", proto, goja.FLAG_FALSE, goja.FLAG_FALSE, goja.FLAG_FALSE)
	_ = fn.SetPrototype(class) // asIntN, asUintN
	_ = proto.DefineDataProperty("constructor", fn, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_FALSE)
	_ = v.rt.GlobalObject().DefineDataProperty("BigInt", fn, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_FALSE)
}

// bits returns the length of a BigInt in bits, and 0 for other values.
func bits(x goja.Value) int {
	if x == nil || !goja.IsBigInt(x) {
		return 0
	}
	n, _ := x.Export().(*big.Int)
	return n.BitLen()
}

func (v *VM) fitsBits(n float64) {
	if n > maxBits {
		v.throw(fault.Newf(fault.ResourceExhausted, "a BigInt of %.0f bits is too large: the maximum is %d", n, maxBits))
	}
}

func (v *VM) fitsDigits(x goja.Value) {
	if s, ok := x.(goja.String); ok && s.Length() > maxDigits {
		v.throw(fault.Newf(fault.ResourceExhausted, "a BigInt of %d digits is too large: the maximum is %d", s.Length(), maxDigits))
	}
}
