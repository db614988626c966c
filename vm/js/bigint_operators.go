package js

import (
	"math/big"
	"sync"

	"github.com/dop251/goja"
	"github.com/dop251/goja/ast"
	"github.com/dop251/goja/token"
	"github.com/dop251/goja/unistring"
)

// Three operators can make a BigInt of any size from two small ones, and operators
// cannot be wrapped. So in programs that use BigInt they are compiled as calls of
// functions that check the size of the result first, except where one operand is
// seen to be no BigInt: such operators, of hash functions and bit masks, give
// numbers, and a call takes several times as long. (>>> does not take BigInts.)

// The functions' names are those of the operators, so scripts cannot use them.
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

// addOperators adds the functions to the global object.
func (v *VM) addOperators() {
	x, err := v.rt.RunProgram(operators())
	if err != nil {
		return
	}
	makeOperators, ok := goja.AssertFunction(x)
	if !ok {
		return
	}
	x, err = makeOperators(goja.Undefined(), v.rt.ToValue(v.checkOperator))
	if err != nil {
		return
	}
	for _, name := range []string{opPower, opLeft, opRight} {
		_ = v.rt.GlobalObject().DefineDataProperty(name, x.(*goja.Object).Get(name), goja.FLAG_FALSE, goja.FLAG_FALSE, goja.FLAG_FALSE)
	}
}

// checkOperator throws if the result of an operator with two BigInts is too large.
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

// callOperators replaces the operators in a program: a ** b, and x **= b where x is a
// variable. Assignments to properties (o.x **= b) remain, and are not checked.
func callOperators(program *ast.Program) { rewrite(program, operatorCall) }

// operatorCall returns the call that replaces an expression, or nil.
func operatorCall(e ast.Expression) ast.Expression {
	switch e := e.(type) {
	case *ast.BinaryExpression:
		if name := checkedOperator(e.Operator, e.Left, e.Right); name != "" {
			return newOperatorCall(name, e.Left, e.Right)
		}
	case *ast.AssignExpression:
		variable, ok := e.Left.(*ast.Identifier)
		if name := checkedOperator(e.Operator, e.Left, e.Right); name != "" && ok {
			read := *variable
			return &ast.AssignExpression{Operator: token.ASSIGN, Left: variable, Right: newOperatorCall(name, &read, e.Right)}
		}
	}
	return nil
}

// checkedOperator returns the name of an operator that must be checked, or "".
func checkedOperator(t token.Token, left, right ast.Expression) string {
	if neverBigInt(left) || neverBigInt(right) { // a number, or a TypeError if the other one is a BigInt
		return ""
	}
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

// neverBigInt reports whether the value of an expression cannot be a BigInt, as far as
// the expression itself shows.
func neverBigInt(e ast.Expression) bool {
	switch e := e.(type) {
	case *ast.NumberLiteral:
		_, isBig := e.Value.(*big.Int)
		return !isBig
	case *ast.StringLiteral, *ast.BooleanLiteral, *ast.NullLiteral:
		return true
	case *ast.UnaryExpression:
		switch e.Operator {
		case token.PLUS, token.NOT, token.TYPEOF:
			return true
		case token.MINUS, token.BITWISE_NOT:
			return neverBigInt(e.Operand)
		}
	case *ast.ConditionalExpression:
		return neverBigInt(e.Consequent) && neverBigInt(e.Alternate)
	case *ast.BinaryExpression:
		switch e.Operator {
		case token.PLUS, token.MINUS, token.MULTIPLY, token.SLASH, token.REMAINDER, token.EXPONENT,
			token.AND, token.OR, token.EXCLUSIVE_OR, token.SHIFT_LEFT, token.SHIFT_RIGHT:
			return neverBigInt(e.Left) || neverBigInt(e.Right)
		case token.LOGICAL_AND, token.LOGICAL_OR, token.COALESCE:
			return neverBigInt(e.Left) && neverBigInt(e.Right)
		}
		return e.Operator == token.UNSIGNED_SHIFT_RIGHT || e.Comparison
	}
	return false
}

func newOperatorCall(name string, left, right ast.Expression) ast.Expression {
	at := left.Idx0()
	return &ast.CallExpression{
		Callee: &ast.Identifier{Name: unistring.String(name), Idx: at}, LeftParenthesis: at, ArgumentList: []ast.Expression{left, right}, RightParenthesis: right.Idx1(),
	}
}
