package lua

import (
	"reflect"
	"strconv"
	"strings"

	lua "github.com/yuin/gopher-lua"
	"github.com/yuin/gopher-lua/ast"

	"kumi/vm"
)

// coverageName is the name of the function that counts statements, in the metatable of
// strings and in a local variable of each chunk. Scripts cannot use it as a name.
const coverageName = "count line"

// countStatements adds a call before every statement of a chunk, at its line. Definitions of
// functions do not count: nothing runs there but the definition.
func countStatements(c *vm.Coverage, path string, chunk []ast.Stmt) []ast.Stmt {
	if len(chunk) == 0 || !strings.HasSuffix(path, ".lua") { // text that a script compiles
		return chunk
	}
	add := c.Program()
	eachBlock(reflect.ValueOf(&chunk).Elem(), func(block []ast.Stmt) (out []ast.Stmt) {
		for _, st := range block {
			if counts(st) {
				call := at(&ast.FuncCallExpr{
					Func: at(&ast.IdentExpr{Value: coverageName}, st),
					Args: []ast.Expr{at(&ast.NumberExpr{Value: strconv.Itoa(add(path, st.Line()))}, st)},
				}, st)
				out = append(out, at(&ast.FuncCallStmt{Expr: call}, st))
			}
			out = append(out, st)
		}
		return out
	})
	return withLocal(coverageName, chunk)
}

// counts tells whether a statement counts itself, and not only what is in it.
func counts(st ast.Stmt) bool {
	var values []ast.Expr
	switch st := st.(type) {
	case *ast.FuncDefStmt, *ast.DoBlockStmt, *ast.LabelStmt:
		return false
	case *ast.LocalAssignStmt:
		values = st.Exprs
	case *ast.AssignStmt:
		values = st.Rhs
	}
	for _, v := range values {
		if _, ok := v.(*ast.FunctionExpr); !ok {
			return true
		}
	}
	return len(values) == 0
}

var typeBlock = reflect.TypeFor[[]ast.Stmt]()

// eachBlock replaces the lists of statements in a part of a chunk, inner ones first.
func eachBlock(x reflect.Value, with func([]ast.Stmt) []ast.Stmt) {
	switch x.Kind() {
	case reflect.Interface, reflect.Pointer:
		if !x.IsNil() {
			eachBlock(x.Elem(), with)
		}
	case reflect.Slice:
		for i := range x.Len() {
			eachBlock(x.Index(i), with)
		}
		if x.Type() == typeBlock {
			x.Set(reflect.ValueOf(with(x.Interface().([]ast.Stmt))))
		}
	case reflect.Struct:
		for i := range x.NumField() {
			if x.Type().Field(i).IsExported() {
				eachBlock(x.Field(i), with)
			}
		}
	}
}

// sharedCounting is the function.
var sharedCounting = &lua.LFunction{IsG: true, GFunction: func(L *lua.LState) int {
	vm.CoverageOn().Ran(L.CheckInt(1))
	return 0
}}
