package js

import (
	"math/big"
	"sync"

	"github.com/dop251/goja"
	"github.com/dop251/goja/ast"
	"github.com/dop251/goja/token"
	"github.com/dop251/goja/unistring"

	"kumi/store/fault"
)

// Whole numbers without a limit on their size. Operators cannot be wrapped, so in
// programs that use BigInt, a ** b and shifts are compiled as calls of functions
// that check how large the result would be.

const (
	maxBits   = 4 << 20 // of a BigInt
	maxDigits = 100_000 // of a text that becomes one, which takes quadratic time
)

// bigIntegers holds for programs that may have a BigInt.
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

// wrapBigInt replaces the function BigInt, which is a class in all but new.
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

// bits is how long a BigInt is; 0 for other values.
func bits(x goja.Value) int {
	if x == nil || !goja.IsBigInt(x) {
		return 0
	}
	n, _ := x.Export().(*big.Int)
	return n.BitLen()
}

func (v *VM) fitsBits(n float64) {
	if n > maxBits {
		v.tooLarge("a number of bits", n, maxBits)
	}
}

func (v *VM) fitsDigits(x goja.Value) {
	if s, ok := x.(goja.String); ok && s.Length() > maxDigits {
		v.throw(fault.Newf(fault.ResourceExhausted, "a number of %d digits is too large: the most is %d", s.Length(), maxDigits))
	}
}

// The functions that stand in for operators have names that scripts cannot write.
const (
	opPower = "**"
	opLeft  = "<<"
	opRight = ">>"
)

var operators = sync.OnceValue(func() *goja.Program {
	return goja.MustCompile("operators", `(function (check) { return {
		"**": function (a, b) { if (typeof a === "bigint" && typeof b === "bigint") check("**", a, b); return a ** b },
		"<<": function (a, b) { if (typeof a === "bigint" && typeof b === "bigint") check("<<", a, b); return a << b },
		">>": function (a, b) { if (typeof a === "bigint" && typeof b === "bigint") check(">>", a, b); return a >> b },
	} })`, true)
})

// addOperators makes the functions.
func (v *VM) addOperators() {
	x, err := v.rt.RunProgram(operators())
	if err != nil {
		return
	}
	make, ok := goja.AssertFunction(x)
	if !ok {
		return
	}
	x, err = make(goja.Undefined(), v.rt.ToValue(v.checkOperator))
	if err != nil {
		return
	}
	for _, name := range []string{opPower, opLeft, opRight} {
		_ = v.rt.GlobalObject().DefineDataProperty(name, x.(*goja.Object).Get(name), goja.FLAG_FALSE, goja.FLAG_FALSE, goja.FLAG_FALSE)
	}
}

func (v *VM) checkOperator(fc goja.FunctionCall) goja.Value {
	a := float64(bits(fc.Argument(1)))
	b, _ := new(big.Float).SetInt(fc.Argument(2).Export().(*big.Int)).Float64()
	switch fc.Argument(0).String() {
	case opPower:
		if a > 1 {
			v.fitsBits((a - 1) * b)
		}
	case opLeft:
		if a > 0 {
			v.fitsBits(a + b)
		}
	case opRight:
		if a > 0 {
			v.fitsBits(a - b)
		}
	}
	return goja.Undefined()
}

// callOperators turns the operators in a program into calls: a ** b, and with
// assignment x **= b where x is a variable. Others of the latter (o.x **= b) stay
// as they are.
func callOperators(program *ast.Program) { rewrite(program, operatorCall) }

// operatorCall is the call in place of an expression, or nil.
func operatorCall(e ast.Expression) ast.Expression {
	switch e := e.(type) {
	case *ast.BinaryExpression:
		if name := operatorName(e.Operator); name != "" {
			return newOperatorCall(name, e.Left, e.Right)
		}
	case *ast.AssignExpression:
		variable, ok := e.Left.(*ast.Identifier)
		if name := operatorName(e.Operator); name != "" && ok {
			read := *variable
			return &ast.AssignExpression{Operator: token.ASSIGN, Left: variable, Right: newOperatorCall(name, &read, e.Right)}
		}
	}
	return nil
}

func operatorName(t token.Token) string {
	switch t {
	case token.EXPONENT:
		return opPower
	case token.SHIFT_LEFT:
		return opLeft
	case token.SHIFT_RIGHT:
		return opRight
	}
	return ""
}

func newOperatorCall(name string, left, right ast.Expression) ast.Expression {
	at := left.Idx0()
	return &ast.CallExpression{
		Callee: &ast.Identifier{Name: unistring.String(name), Idx: at}, LeftParenthesis: at, ArgumentList: []ast.Expression{left, right}, RightParenthesis: right.Idx1(),
	}
}
