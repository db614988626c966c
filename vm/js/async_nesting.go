package js

import (
	"reflect"
	"runtime"

	"github.com/dop251/goja"
	"github.com/dop251/goja/ast"
)

// When calls nest too deeply, goja throws through one Go panic for each async function
// that has not yet reached its first await. That takes quadratic time, minutes for
// DefaultStack calls, cannot be stopped, and leaves the VM unusable. So async functions
// begin with a call of a function that throws a RangeError earlier.

// maxAsyncFrames is the maximum depth of the goroutine's stack when an async function
// begins. Each nested one takes some seven frames.
const maxAsyncFrames = 15_000

// asyncInterval is how many async functions may begin before the depth is measured.
const asyncInterval = 256

// asyncName is the name of that function, which scripts cannot use.
const asyncName = "async function"

// checkAsync makes the async functions of a program call it, and tells whether there
// are any.
func checkAsync(program *ast.Program) (found bool) {
	call := func(at ast.Node) ast.Expression {
		found = true
		idx := at.Idx0()
		return &ast.CallExpression{Callee: &ast.Identifier{Name: asyncName, Idx: idx}, LeftParenthesis: idx, RightParenthesis: idx}
	}
	begin := func(body *ast.BlockStatement) {
		n := 0
		for n < len(body.List) && isDirective(body.List[n]) {
			n++
		}
		list := append([]ast.Statement{}, body.List[:n]...)
		list = append(list, &ast.ExpressionStatement{Expression: call(body)})
		body.List = append(list, body.List[n:]...)
	}
	walk(reflect.ValueOf(program), func(x reflect.Value) {
		if x.Kind() != reflect.Pointer {
			return
		}
		switch f := x.Interface().(type) {
		case *ast.FunctionLiteral:
			if f.Async {
				begin(f.Body)
			}
		case *ast.ArrowFunctionLiteral:
			if !f.Async {
				return
			}
			switch body := f.Body.(type) {
			case *ast.BlockStatement:
				begin(body)
			case *ast.ExpressionBody:
				body.Expression = &ast.SequenceExpression{Sequence: []ast.Expression{call(body.Expression), body.Expression}}
			}
		}
	})
	return found
}

// isDirective tells whether a statement at the beginning of a function is one like
// "use strict".
func isDirective(s ast.Statement) bool {
	e, ok := s.(*ast.ExpressionStatement)
	if !ok {
		return false
	}
	_, ok = e.Expression.(*ast.StringLiteral)
	return ok
}

// asyncNesting adds the function to a VM.
var asyncNesting = &bound{always, func(v *VM) {
	started, deep, pc := 0, false, make([]uintptr, 1)
	_ = v.rt.GlobalObject().DefineDataProperty(asyncName, v.rt.ToValue(func(goja.FunctionCall) goja.Value {
		if started++; !deep && started < asyncInterval {
			return goja.Undefined()
		}
		started = 0
		if deep = runtime.Callers(maxAsyncFrames, pc) > 0; deep {
			panic(v.tooDeep())
		}
		return goja.Undefined()
	}), goja.FLAG_FALSE, goja.FLAG_FALSE, goja.FLAG_FALSE)
}}
