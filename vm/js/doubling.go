package js

import (
	"strconv"

	"github.com/dop251/goja"
	"github.com/dop251/goja/ast"
	"github.com/dop251/goja/token"
)

// A string that a loop appends to itself takes all memory within thirty rounds, before
// the guard notices. Operators cannot be wrapped. So in assignments whose value contains
// the variable or property twice (s += s, o.s = o.s + o.s, s = `${s}${s}`) one of the
// uses is compiled as a call of a function that returns the string, after it has checked
// the length of the result.

// doublingName is the name of that function, which scripts cannot use.
const doublingName = "s += s"

// checkDoubling changes such assignments in a program, and tells whether there are any.
func checkDoubling(program *ast.Program) (found bool) {
	rewrite(program, func(e ast.Expression) ast.Expression {
		assignment, ok := e.(*ast.AssignExpression)
		if !ok || assignment.Operator != token.ASSIGN && assignment.Operator != token.PLUS {
			return nil
		}
		uses := appendUses(nil, &assignment.Right, assignment.Left)
		n := len(uses)
		if assignment.Operator == token.PLUS {
			n++
		}
		if len(uses) > 0 && n > 1 {
			found = true
			at := assignment.Left.Idx0()
			*uses[0] = &ast.CallExpression{
				Callee: &ast.Identifier{Name: doublingName, Idx: at}, LeftParenthesis: at, RightParenthesis: at,
				ArgumentList: []ast.Expression{*uses[0], &ast.NumberLiteral{Idx: at, Literal: strconv.Itoa(n), Value: int64(n)}},
			}
		}
		return nil
	})
	return found
}

// appendUses appends the uses of a variable or property in the operands of a sum or a
// template.
func appendUses(uses []*ast.Expression, in *ast.Expression, variable ast.Expression) []*ast.Expression {
	switch e := (*in).(type) {
	case *ast.BinaryExpression:
		if e.Operator == token.PLUS {
			uses = appendUses(appendUses(uses, &e.Left, variable), &e.Right, variable)
		}
	case *ast.TemplateLiteral:
		for i := range e.Expressions {
			uses = appendUses(uses, &e.Expressions[i], variable)
		}
	default:
		if sameVariable(e, variable) {
			uses = append(uses, in)
		}
	}
	return uses
}

// sameVariable tells whether two expressions are the same variable or property by name.
func sameVariable(a, b ast.Expression) bool {
	switch a := a.(type) {
	case *ast.Identifier:
		b, ok := b.(*ast.Identifier)
		return ok && a.Name == b.Name
	case *ast.ThisExpression:
		_, ok := b.(*ast.ThisExpression)
		return ok
	case *ast.DotExpression:
		b, ok := b.(*ast.DotExpression)
		return ok && a.Identifier.Name == b.Identifier.Name && sameVariable(a.Left, b.Left)
	}
	return false
}

// doubling adds the function to a VM. Its arguments are the string and the number of
// uses.
var doubling = &bound{always, func(v *VM) {
	_ = v.rt.GlobalObject().DefineDataProperty(doublingName, v.rt.ToValue(func(fc goja.FunctionCall) goja.Value {
		v.fitsText(textLength(fc.Argument(0)) * int(fc.Argument(1).ToInteger()))
		return fc.Argument(0)
	}), goja.FLAG_FALSE, goja.FLAG_FALSE, goja.FLAG_FALSE)
}}
