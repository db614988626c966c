package js

import (
	"reflect"
	"strconv"

	"github.com/dop251/goja"
	"github.com/dop251/goja/ast"
	"github.com/dop251/goja/file"

	"kumi/vm"
)

// coverageName is the name of the function that counts statements, which scripts cannot
// use. Calls of it become part of the program's syntax tree, not of its text, so positions
// in errors stay as they are.
const coverageName = "count line"

// countStatements adds a call before every statement of a program, and before the value
// of each arrow function without a body in braces. Declarations of functions and classes
// do not count: nothing runs there. The positions are those of the source map.
func countStatements(c *vm.Coverage, program *ast.Program) {
	add := c.Program()
	call := func(at file.Idx) ast.Expression {
		p := program.File.Position(int(at) - program.File.Base())
		n := add(p.Filename, p.Line)
		return &ast.CallExpression{
			Callee: &ast.Identifier{Name: coverageName, Idx: at}, LeftParenthesis: at, RightParenthesis: at,
			ArgumentList: []ast.Expression{&ast.NumberLiteral{Idx: at, Literal: strconv.Itoa(n), Value: int64(n)}},
		}
	}
	counted := func(list []ast.Statement) (out []ast.Statement) {
		directives := true
		for _, st := range list {
			directives = directives && isDirective(st)
			if counts(st) && !directives {
				out = append(out, &ast.ExpressionStatement{Expression: call(start(st))})
			}
			out = append(out, st)
		}
		return out
	}
	// inBlock makes a statement that is not in braces a block.
	inBlock := func(st *ast.Statement) {
		if *st != nil && counts(*st) {
			*st = &ast.BlockStatement{LeftBrace: start(*st), List: counted([]ast.Statement{*st}), RightBrace: (*st).Idx1()}
		}
	}
	walk(reflect.ValueOf(program), func(x reflect.Value) {
		if x.Kind() != reflect.Pointer {
			return
		}
		switch node := x.Interface().(type) {
		case *ast.Program:
			node.Body = counted(node.Body)
		case *ast.BlockStatement:
			node.List = counted(node.List)
		case *ast.CaseStatement:
			node.Consequent = counted(node.Consequent)
		case *ast.IfStatement:
			inBlock(&node.Consequent)
			inBlock(&node.Alternate)
		case *ast.ForStatement:
			inBlock(&node.Body)
		case *ast.ForInStatement:
			inBlock(&node.Body)
		case *ast.ForOfStatement:
			inBlock(&node.Body)
		case *ast.WhileStatement:
			inBlock(&node.Body)
		case *ast.DoWhileStatement:
			inBlock(&node.Body)
		case *ast.ExpressionBody:
			node.Expression = &ast.SequenceExpression{Sequence: []ast.Expression{call(node.Expression.Idx0()), node.Expression}}
		}
	})
}

// start returns where a statement begins. The parser leaves that out for if.
func start(st ast.Statement) file.Idx {
	if st, ok := st.(*ast.IfStatement); ok {
		return st.Test.Idx0()
	}
	return st.Idx0()
}

// counts tells whether a statement counts itself, and not only what is in it.
func counts(st ast.Statement) bool {
	switch st.(type) {
	case *ast.BlockStatement, *ast.EmptyStatement, *ast.FunctionDeclaration, *ast.ClassDeclaration:
		return false
	}
	return true
}

// counting adds the function to a VM.
var counting = &bound{always, func(v *VM) {
	c := vm.CoverageOn()
	_ = v.rt.GlobalObject().DefineDataProperty(coverageName, v.rt.ToValue(func(fc goja.FunctionCall) goja.Value {
		c.Ran(int(fc.Argument(0).ToInteger()))
		return goja.Undefined()
	}), goja.FLAG_FALSE, goja.FLAG_FALSE, goja.FLAG_FALSE)
}}
