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
	walk(reflect.ValueOf(program), func(x reflect.Value) {
		if x.Type() == typeExpression && x.CanSet() {
			if e := with(x.Interface().(ast.Expression)); e != nil {
				x.Set(reflect.ValueOf(e))
			}
		}
	})
}

// walk calls see for all pointers and interfaces in a program, nested ones first.
func walk(x reflect.Value, see func(reflect.Value)) {
	switch x.Kind() {
	case reflect.Pointer:
		if !x.IsNil() && x.Type().Elem().PkgPath() == packageAST {
			walk(x.Elem(), see)
			see(x)
		}
	case reflect.Struct:
		if x.Type().PkgPath() == packageAST {
			for i := range x.NumField() {
				if x.Type().Field(i).Name != "DeclarationList" { // the same nodes again
					walk(x.Field(i), see)
				}
			}
		}
	case reflect.Slice:
		for i := range x.Len() {
			walk(x.Index(i), see)
		}
	case reflect.Interface:
		if !x.IsNil() {
			walk(x.Elem(), see)
			see(x)
		}
	}
}
