package lua

import (
	"fmt"
	"strings"

	"github.com/yuin/gopher-lua/ast"
	"github.com/yuin/gopher-lua/parse"

	"kumi/vm"
)

// SharedWrites returns the places where functions change variables of a module:
// locals of the file's top level, and globals. The top level itself runs when the file
// is loaded, so its changes are not reported. The result is nil if the source does not
// parse.
func SharedWrites(name, source string) []vm.SharedWrite {
	chunk, err := parse.Parse(strings.NewReader(source), name)
	if err != nil {
		return nil
	}
	w := &sharedWalk{name: name}
	w.block(chunk, &sharedScope{names: map[string]bool{}, module: true})
	return w.found
}

// sharedScope has the names declared in one block.
type sharedScope struct {
	names  map[string]bool
	module bool // runs at load: its names are the module's
	up     *sharedScope
}

func (s *sharedScope) block() *sharedScope {
	return &sharedScope{names: map[string]bool{}, module: s.module, up: s}
}

func (s *sharedScope) function(params ...string) *sharedScope {
	f := &sharedScope{names: map[string]bool{}, up: s}
	for _, p := range params {
		f.names[p] = true
	}
	return f
}

type sharedWalk struct {
	name  string
	found []vm.SharedWrite
}

func (w *sharedWalk) block(list []ast.Stmt, s *sharedScope) {
	for _, st := range list {
		w.stmt(st, s)
	}
}

func (w *sharedWalk) stmt(st ast.Stmt, s *sharedScope) {
	switch st := st.(type) {
	case *ast.AssignStmt:
		w.exprs(st.Rhs, s)
		w.exprs(st.Lhs, s)
		for _, left := range st.Lhs {
			w.changed(left, left.Line(), s)
		}
	case *ast.LocalAssignStmt:
		for _, e := range st.Exprs {
			if fn, ok := e.(*ast.FunctionExpr); ok && len(st.Names) == 1 {
				s.names[st.Names[0]] = true // local function f
				w.expr(fn, s)
				return
			}
		}
		w.exprs(st.Exprs, s)
		for _, name := range st.Names {
			s.names[name] = true
		}
	case *ast.FuncCallStmt:
		w.expr(st.Expr, s)
	case *ast.DoBlockStmt:
		w.block(st.Stmts, s.block())
	case *ast.WhileStmt:
		w.expr(st.Condition, s)
		w.block(st.Stmts, s.block())
	case *ast.RepeatStmt:
		inner := s.block()
		w.block(st.Stmts, inner)
		w.expr(st.Condition, inner)
	case *ast.IfStmt:
		w.expr(st.Condition, s)
		w.block(st.Then, s.block())
		w.block(st.Else, s.block())
	case *ast.NumberForStmt:
		w.exprs([]ast.Expr{st.Init, st.Limit, st.Step}, s)
		inner := s.block()
		inner.names[st.Name] = true
		w.block(st.Stmts, inner)
	case *ast.GenericForStmt:
		w.exprs(st.Exprs, s)
		inner := s.block()
		for _, name := range st.Names {
			inner.names[name] = true
		}
		w.block(st.Stmts, inner)
	case *ast.FuncDefStmt:
		if st.Name.Func != nil {
			w.changed(st.Name.Func, st.Line(), s)
		} else {
			w.changed(st.Name.Receiver, st.Line(), s)
		}
		w.expr(st.Func, s)
	case *ast.ReturnStmt:
		w.exprs(st.Exprs, s)
	}
}

func (w *sharedWalk) exprs(list []ast.Expr, s *sharedScope) {
	for _, e := range list {
		w.expr(e, s)
	}
}

func (w *sharedWalk) expr(e ast.Expr, s *sharedScope) {
	switch e := e.(type) {
	case *ast.FunctionExpr:
		inner := s.function(e.ParList.Names...)
		inner.names["self"] = true
		w.block(e.Stmts, inner)
	case *ast.FuncCallExpr:
		w.expr(e.Func, s)
		w.expr(e.Receiver, s)
		w.exprs(e.Args, s)
		if changes(e.Func) && len(e.Args) > 0 {
			w.changed(e.Args[0], e.Line(), s)
		}
	case *ast.TableExpr:
		for _, f := range e.Fields {
			w.expr(f.Key, s)
			w.expr(f.Value, s)
		}
	case *ast.AttrGetExpr:
		w.expr(e.Object, s)
		w.expr(e.Key, s)
	case *ast.LogicalOpExpr:
		w.exprs([]ast.Expr{e.Lhs, e.Rhs}, s)
	case *ast.RelationalOpExpr:
		w.exprs([]ast.Expr{e.Lhs, e.Rhs}, s)
	case *ast.StringConcatOpExpr:
		w.exprs([]ast.Expr{e.Lhs, e.Rhs}, s)
	case *ast.ArithmeticOpExpr:
		w.exprs([]ast.Expr{e.Lhs, e.Rhs}, s)
	case *ast.UnaryMinusOpExpr:
		w.expr(e.Expr, s)
	case *ast.UnaryNotOpExpr:
		w.expr(e.Expr, s)
	case *ast.UnaryLenOpExpr:
		w.expr(e.Expr, s)
	}
}

// changes tells whether a function of the library changes its first argument.
func changes(fn ast.Expr) bool {
	switch fn := fn.(type) {
	case *ast.IdentExpr:
		return fn.Value == "rawset"
	case *ast.AttrGetExpr:
		object, ok := fn.Object.(*ast.IdentExpr)
		key, named := fn.Key.(*ast.StringExpr)
		return ok && named && object.Value == "table" && (key.Value == "insert" || key.Value == "remove" || key.Value == "sort")
	}
	return false
}

// changed records the change of an expression, if that is a variable of the module
// and a function makes the change.
func (w *sharedWalk) changed(e ast.Expr, line int, s *sharedScope) {
	if s.module {
		return
	}
	whole := true
	for {
		switch x := e.(type) {
		case *ast.AttrGetExpr:
			e, whole = x.Object, false
			continue
		case *ast.IdentExpr:
			up := s
			for up != nil && !up.names[x.Value] {
				up = up.up
			}
			// An unknown name is a global: one of the module if it is assigned, otherwise
			// perhaps one of the language.
			if up == nil && whole || up != nil && up.module {
				w.found = append(w.found, vm.SharedWrite{Name: x.Value, At: fmt.Sprintf("%s:%d", w.name, line)})
			}
		}
		return
	}
}
