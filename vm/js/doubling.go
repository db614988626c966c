package js

import (
	"strconv"

	"github.com/dop251/goja"
	"github.com/dop251/goja/ast"
	"github.com/dop251/goja/token"
	"github.com/dop251/goja/unistring"
)

// A string that a loop appends to itself takes all memory within thirty rounds, before
// the guard notices. Operators cannot be wrapped. So in assignments whose value contains
// the variable twice (s += s, s = s + s, s = `${s}${s}`) one of the uses is compiled as
// a call of a function that returns the variable, after it has checked the length of
// the result.

// doublingName is the name of that function, which scripts cannot use.
const doublingName = "s += s"

// checkDoubling changes such assignments in a program, and tells whether there are any.
func checkDoubling(program *ast.Program) (found bool) {
	rewrite(program, func(e ast.Expression) ast.Expression {
		assignment, ok := e.(*ast.AssignExpression)
		if !ok || assignment.Operator != token.ASSIGN && assignment.Operator != token.PLUS {
			return nil
		}
		variable, ok := assignment.Left.(*ast.Identifier)
		if !ok {
			return nil
		}
		uses := appendUses(nil, &assignment.Right, variable.Name)
		n := len(uses)
		if assignment.Operator == token.PLUS {
			n++
		}
		if len(uses) > 0 && n > 1 {
			found = true
			at := variable.Idx
			*uses[0] = &ast.CallExpression{
				Callee: &ast.Identifier{Name: doublingName, Idx: at}, LeftParenthesis: at, RightParenthesis: at,
				ArgumentList: []ast.Expression{*uses[0], &ast.NumberLiteral{Idx: at, Literal: strconv.Itoa(n), Value: int64(n)}},
			}
		}
		return nil
	})
	return found
}

// appendUses appends the uses of a variable in the operands of a sum or a template.
func appendUses(uses []*ast.Expression, in *ast.Expression, name unistring.String) []*ast.Expression {
	switch e := (*in).(type) {
	case *ast.Identifier:
		if e.Name == name {
			uses = append(uses, in)
		}
	case *ast.BinaryExpression:
		if e.Operator == token.PLUS {
			uses = appendUses(appendUses(uses, &e.Left, name), &e.Right, name)
		}
	case *ast.TemplateLiteral:
		for i := range e.Expressions {
			uses = appendUses(uses, &e.Expressions[i], name)
		}
	}
	return uses
}

// doubling adds the function to a VM. It is called with the value of the variable and
// the number of its uses.
var doubling = &bound{always, func(v *VM) {
	_ = v.rt.GlobalObject().DefineDataProperty(doublingName, v.rt.ToValue(func(fc goja.FunctionCall) goja.Value {
		v.fitsText(textLength(fc.Argument(0)) * int(fc.Argument(1).ToInteger()))
		return fc.Argument(0)
	}), goja.FLAG_FALSE, goja.FLAG_FALSE, goja.FLAG_FALSE)
}}
