package lua

import (
	"reflect"
	"strconv"

	lua "github.com/yuin/gopher-lua"
	"github.com/yuin/gopher-lua/ast"
)

// A string that a loop appends to itself takes all memory within thirty rounds, before
// the guard notices, and the operator .. cannot be replaced. So in assignments whose
// value contains the variable or field twice (s = s .. s, t.s = t.s .. t.s) one of the
// uses is compiled as a call of a function that returns the string, after it has checked
// the length of the result. Each chunk keeps the function in a local variable.

// doublingName is the name of that variable, and of the function in the metatable of
// strings. Scripts cannot use it as a name.
const doublingName = "s = s .. s"

// checkDoubling changes such assignments in a chunk.
func checkDoubling(chunk []ast.Stmt) []ast.Stmt {
	found := false
	eachAssignment(reflect.ValueOf(chunk), func(st *ast.AssignStmt) {
		for i := range min(len(st.Lhs), len(st.Rhs)) {
			variable := st.Lhs[i]
			if uses := appendUses(nil, &st.Rhs[i], variable); len(uses) > 1 {
				found = true
				call := &ast.FuncCallExpr{
					Func: at(&ast.IdentExpr{Value: doublingName}, variable),
					Args: []ast.Expr{*uses[0], at(&ast.NumberExpr{Value: strconv.Itoa(len(uses))}, variable)},
				}
				*uses[0] = at(call, variable)
			}
		}
	})
	if !found {
		return chunk
	}
	return withLocal(doublingName, chunk)
}

// withLocal puts a function in the metatable of strings into a local variable of the same
// name, at the beginning of a chunk.
func withLocal(name string, chunk []ast.Stmt) []ast.Stmt {
	first := chunk[0]
	find := at(&ast.AttrGetExpr{Object: at(&ast.StringExpr{}, first), Key: at(&ast.StringExpr{Value: name}, first)}, first)
	return append([]ast.Stmt{at(&ast.LocalAssignStmt{Names: []string{name}, Exprs: []ast.Expr{find}}, first)}, chunk...)
}

// at gives a node the line of another one.
func at[N ast.PositionHolder](node N, line ast.PositionHolder) N {
	node.SetLine(line.Line())
	node.SetLastLine(line.Line())
	return node
}

// appendUses appends the uses of a variable or field in the operands of a
// concatenation.
func appendUses(uses []*ast.Expr, in *ast.Expr, variable ast.Expr) []*ast.Expr {
	if e, ok := (*in).(*ast.StringConcatOpExpr); ok {
		return appendUses(appendUses(uses, &e.Lhs, variable), &e.Rhs, variable)
	}
	if sameVariable(*in, variable) {
		uses = append(uses, in)
	}
	return uses
}

// sameVariable tells whether two expressions are the same variable or field by name.
func sameVariable(a, b ast.Expr) bool {
	switch a := a.(type) {
	case *ast.IdentExpr:
		b, ok := b.(*ast.IdentExpr)
		return ok && a.Value == b.Value
	case *ast.StringExpr:
		b, ok := b.(*ast.StringExpr)
		return ok && a.Value == b.Value
	case *ast.AttrGetExpr:
		b, ok := b.(*ast.AttrGetExpr)
		return ok && sameVariable(a.Key, b.Key) && sameVariable(a.Object, b.Object)
	}
	return false
}

// eachAssignment visits the assignments in a chunk, also those in functions.
func eachAssignment(x reflect.Value, visit func(*ast.AssignStmt)) {
	switch x.Kind() {
	case reflect.Interface, reflect.Pointer:
		if x.IsNil() {
			return
		}
		if st, ok := x.Interface().(*ast.AssignStmt); ok && x.Kind() == reflect.Pointer {
			visit(st)
		}
		eachAssignment(x.Elem(), visit)
	case reflect.Slice:
		for i := range x.Len() {
			eachAssignment(x.Index(i), visit)
		}
	case reflect.Struct:
		for i := range x.NumField() {
			if x.Type().Field(i).IsExported() {
				eachAssignment(x.Field(i), visit)
			}
		}
	}
}

// sharedDoubling is the function. Its arguments are the string and the number of uses.
var sharedDoubling = &lua.LFunction{IsG: true, GFunction: func(L *lua.LState) int {
	if s, ok := L.Get(1).(lua.LString); ok {
		tooLong(L, len(s)*L.CheckInt(2))
	}
	L.SetTop(1)
	return 1
}}
