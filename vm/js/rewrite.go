package js

import (
	"reflect"

	"github.com/dop251/goja/ast"
)

var (
	typeExpression = reflect.TypeFor[ast.Expression]()
	packageAST     = reflect.TypeFor[ast.Program]().PkgPath()
)

// rewrite visits all expressions of a program, nested ones first, and replaces those
// for which with does not return nil.
func rewrite(program *ast.Program, with func(ast.Expression) ast.Expression) {
	rewriteIn(reflect.ValueOf(program), with)
}

func rewriteIn(x reflect.Value, with func(ast.Expression) ast.Expression) {
	switch x.Kind() {
	case reflect.Pointer:
		if !x.IsNil() && x.Type().Elem().PkgPath() == packageAST {
			rewriteIn(x.Elem(), with)
		}
	case reflect.Struct:
		if x.Type().PkgPath() == packageAST {
			for i := range x.NumField() {
				if x.Type().Field(i).Name != "DeclarationList" { // the same nodes again
					rewriteIn(x.Field(i), with)
				}
			}
		}
	case reflect.Slice:
		for i := range x.Len() {
			rewriteIn(x.Index(i), with)
		}
	case reflect.Interface:
		if x.IsNil() {
			return
		}
		rewriteIn(x.Elem(), with)
		if x.Type() == typeExpression && x.CanSet() {
			if e := with(x.Interface().(ast.Expression)); e != nil {
				x.Set(reflect.ValueOf(e))
			}
		}
	}
}
