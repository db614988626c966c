package js

import (
	"reflect"
	"strings"

	"github.com/dop251/goja/ast"
	"github.com/dop251/goja/file"
	"github.com/dop251/goja/parser"
	"github.com/dop251/goja/token"
	"github.com/dop251/goja/unistring"

	"kumi/vm"
)

// SharedWrites returns the places where functions change variables of a module.
// Code that runs while the program is loaded, including InitModule, may do so and
// is not reported. Positions are those of the original source. The result is nil if
// the source does not parse.
func SharedWrites(name, source string) []vm.SharedWrite {
	tree, err := parser.ParseFile(nil, name, moveInline(source), 0)
	if err != nil {
		return nil
	}
	w := &sharedWalk{file: tree.File, loading: map[any]bool{}, made: map[unistring.String]unistring.String{}}
	w.collect(reflect.ValueOf(tree.Body))
	top := &sharedScope{names: map[unistring.String]bool{}, module: true}
	w.declare(reflect.ValueOf(tree.Body), top)
	w.walk(reflect.ValueOf(tree.Body), top)
	return w.found
}

// sharedScope has the names declared in one function, in any of its blocks.
type sharedScope struct {
	names  map[unistring.String]bool
	module bool // runs at load: its names are the module's
	up     *sharedScope
}

type sharedWalk struct {
	file    *file.File
	loading map[any]bool // functions that run at load
	// made has the classes with which variables and properties are made (new Class),
	// by their names, regardless of scopes.
	made  map[unistring.String]unistring.String
	found []vm.SharedWrite
}

// walk visits all nodes below v, which belongs to scope s. It uses reflection, since
// most kinds of nodes do not matter.
func (w *sharedWalk) walk(v reflect.Value, s *sharedScope) {
	for v.Kind() == reflect.Interface {
		v = v.Elem()
	}
	switch v.Kind() {
	case reflect.Slice:
		for i := range v.Len() {
			w.walk(v.Index(i), s)
		}
		return
	case reflect.Pointer:
		if v.IsNil() || v.Type() == reflect.TypeFor[*file.File]() {
			return
		}
		switch n := v.Interface().(type) {
		case *ast.CallExpression:
			w.called(n, s)
		case *ast.AssignExpression:
			w.changed(n.Left, s)
		case *ast.UnaryExpression:
			if n.Operator == token.INCREMENT || n.Operator == token.DECREMENT || n.Operator == token.DELETE {
				w.changed(n.Operand, s)
			}
		case *ast.FunctionLiteral:
			s = w.enter(n, n.Name != nil && n.Name.Name == "InitModule", s)
		case *ast.ArrowFunctionLiteral:
			s = w.enter(n, false, s)
		case *ast.VariableDeclaration:
			return // the same nodes are in the body
		}
		v = v.Elem()
	}
	if v.Kind() == reflect.Struct {
		for i := range v.NumField() {
			if f := v.Field(i); f.Kind() == reflect.Interface || f.Kind() == reflect.Pointer || f.Kind() == reflect.Slice || f.Kind() == reflect.Struct {
				w.walk(f, s)
			}
		}
	}
}

// collect finds the classes of variables and properties.
func (w *sharedWalk) collect(v reflect.Value) {
	for v.Kind() == reflect.Interface {
		v = v.Elem()
	}
	switch v.Kind() {
	case reflect.Slice:
		for i := range v.Len() {
			w.collect(v.Index(i))
		}
		return
	case reflect.Pointer:
		if v.IsNil() || v.Type() == reflect.TypeFor[*file.File]() {
			return
		}
		switch n := v.Interface().(type) {
		case *ast.Binding:
			w.make(n.Target, n.Initializer)
		case *ast.AssignExpression:
			w.make(n.Left, n.Right)
		case *ast.PropertyKeyed:
			w.make(n.Key, n.Value)
		case *ast.FieldDefinition:
			w.make(n.Key, n.Initializer)
		}
		v = v.Elem()
	}
	if v.Kind() == reflect.Struct {
		for i := range v.NumField() {
			if f := v.Field(i); f.Kind() == reflect.Interface || f.Kind() == reflect.Pointer || f.Kind() == reflect.Slice || f.Kind() == reflect.Struct {
				w.collect(f)
			}
		}
	}
}

// make records the class with which a variable or property is made.
func (w *sharedWalk) make(name ast.Node, of ast.Expression) {
	n, ok := of.(*ast.NewExpression)
	if !ok {
		return
	}
	if class, ok := n.Callee.(*ast.Identifier); ok {
		w.made[nameOf(name)] = class.Name
	}
}

// nameOf returns the last name of an expression: c for a.b.c.
func nameOf(n ast.Node) unistring.String {
	switch n := n.(type) {
	case *ast.Identifier:
		return n.Name
	case *ast.DotExpression:
		return n.Identifier.Name
	case *ast.StringLiteral:
		return n.Value
	}
	return ""
}

// enter makes the scope of a function. A function runs at load if it is called where
// it is written, as bundlers do, or is InitModule.
func (w *sharedWalk) enter(fn ast.Node, init bool, up *sharedScope) *sharedScope {
	s := &sharedScope{names: map[unistring.String]bool{}, up: up, module: up.module && (init || w.loading[fn])}
	w.declare(reflect.ValueOf(fn).Elem(), s)
	return s
}

// declare collects the names that v declares, except in nested functions.
func (w *sharedWalk) declare(v reflect.Value, s *sharedScope) {
	for v.Kind() == reflect.Interface {
		v = v.Elem()
	}
	switch v.Kind() {
	case reflect.Slice:
		for i := range v.Len() {
			w.declare(v.Index(i), s)
		}
		return
	case reflect.Pointer:
		if v.IsNil() || v.Type() == reflect.TypeFor[*file.File]() {
			return
		}
		switch n := v.Interface().(type) {
		case *ast.FunctionDeclaration:
			if n.Function.Name != nil {
				s.names[n.Function.Name.Name] = true
			}
			return
		case *ast.FunctionLiteral, *ast.ArrowFunctionLiteral:
			return
		case *ast.ClassDeclaration:
			if n.Class.Name != nil {
				s.names[n.Class.Name.Name] = true
			}
			return
		case *ast.Binding:
			w.target(n.Target, s)
		case *ast.ForDeclaration:
			w.target(n.Target, s)
		case *ast.CatchStatement:
			w.target(n.Parameter, s)
		}
		v = v.Elem()
	}
	if v.Kind() == reflect.Struct {
		for i := range v.NumField() {
			if f := v.Field(i); f.Kind() == reflect.Interface || f.Kind() == reflect.Pointer || f.Kind() == reflect.Slice || f.Kind() == reflect.Struct {
				w.declare(f, s)
			}
		}
	}
}

// target declares the names of a binding or a pattern.
func (w *sharedWalk) target(n ast.Node, s *sharedScope) {
	switch n := n.(type) {
	case *ast.Identifier:
		s.names[n.Name] = true
	case *ast.AssignExpression:
		w.target(n.Left, s)
	case *ast.ArrayPattern:
		for _, e := range n.Elements {
			w.target(e, s)
		}
		w.target(n.Rest, s)
	case *ast.ObjectPattern:
		for _, p := range n.Properties {
			switch p := p.(type) {
			case *ast.PropertyShort:
				s.names[p.Name.Name] = true
			case *ast.PropertyKeyed:
				w.target(p.Value, s)
			}
		}
		w.target(n.Rest, s)
	}
}

// The methods that change lists, and those that change maps and sets.
var (
	listMethods       = map[unistring.String]bool{"push": true, "pop": true, "shift": true, "unshift": true, "splice": true}
	collectionMethods = map[unistring.String]bool{"set": true, "add": true, "delete": true, "clear": true}
	collections       = map[unistring.String]bool{"Map": true, "Set": true, "WeakMap": true, "WeakSet": true}
)

// mutates tells whether a method changes the list, map or set on which it is called.
// Classes of the module may have methods of the same names.
func (w *sharedWalk) mutates(on ast.Expression, method unistring.String) bool {
	class := w.made[nameOf(on)]
	switch {
	case collectionMethods[method]:
		return collections[class]
	case listMethods[method]:
		return class == "" || class == "Array"
	}
	return false
}

// called records functions that are called where they are written, the files of a
// bundle, and calls of methods that change their object.
func (w *sharedWalk) called(n *ast.CallExpression, s *sharedScope) {
	switch callee := n.Callee.(type) {
	case *ast.Identifier:
		w.bundled(callee.Name.String(), n.ArgumentList)
	case *ast.FunctionLiteral, *ast.ArrowFunctionLiteral:
		w.loading[callee] = true
	case *ast.DotExpression:
		switch fn := callee.Left.(type) {
		case *ast.FunctionLiteral, *ast.ArrowFunctionLiteral: // (function () { … }).call(this)
			w.loading[fn] = true
		}
		if w.mutates(callee.Left, callee.Identifier.Name) {
			w.changed(callee.Left, s)
		}
	}
}

// bundled records the body of a file that is loaded by require: the bundler makes it
// a method in the argument of a helper, and calls it once.
func (w *sharedWalk) bundled(helper string, arguments []ast.Expression) {
	if !strings.HasPrefix(helper, "__commonJS") && !strings.HasPrefix(helper, "__esm") {
		return
	}
	for _, a := range arguments {
		files, ok := a.(*ast.ObjectLiteral)
		if !ok {
			continue
		}
		for _, p := range files.Value {
			if p, ok := p.(*ast.PropertyKeyed); ok {
				w.loading[p.Value] = true
			}
		}
	}
}

// changed records the change of an expression, if that is a variable of the module
// and a function makes the change.
func (w *sharedWalk) changed(n ast.Expression, s *sharedScope) {
	if s.module {
		return
	}
	for {
		switch x := n.(type) {
		case *ast.DotExpression:
			n = x.Left
			continue
		case *ast.BracketExpression:
			n = x.Left
			continue
		case *ast.Identifier:
			for up := s; up != nil; up = up.up {
				if up.names[x.Name] {
					if up.module {
						w.found = append(w.found, vm.SharedWrite{Name: x.Name.String(), At: w.file.Position(int(x.Idx) - w.file.Base()).String()})
					}
					return
				}
			}
		}
		return
	}
}
