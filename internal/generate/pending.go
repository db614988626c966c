package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/heroiclabs/nakama-common/runtime"
)

// pendingStubs makes a method for every function of runtime.NakamaModule that core's
// Module does not have. Adding a method to Module and generating anew takes its
// stub away.
func pendingStubs(root string) (string, error) {
	built, err := methodsOf(filepath.Join(root, "core"), "Module")
	if err != nil {
		return "", err
	}
	var b, names strings.Builder
	module := reflect.TypeFor[runtime.NakamaModule]()
	for i := range module.NumMethod() {
		if m := module.Method(i); !slices.Contains(built, m.Name) {
			fmt.Fprintf(&names, "%q,\n", m.Name)
			b.WriteString(stub(m))
		}
	}
	body := b.String()
	var imports strings.Builder
	for _, path := range []string{"context", "database/sql", "io", "net/http", "os", "time", "",
		"github.com/heroiclabs/nakama-common/api", "github.com/heroiclabs/nakama-common/rtapi", "github.com/heroiclabs/nakama-common/runtime"} {
		if path == "" {
			imports.WriteString("\n")
		} else if regexp.MustCompile(`\b` + filepath.Base(path) + `\.`).MatchString(body) {
			fmt.Fprintf(&imports, "%q\n", path)
		}
	}
	return fmt.Sprintf(`package core

import (
%s)

// Pending are the functions of runtime.NakamaModule that have no operation yet.
var Pending = []string{
%s}

%s`, &imports, &names, body), nil
}

// stub is a method that fails with unbuilt.
func stub(m reflect.Method) string {
	var in, out []string
	for i := range m.Type.NumIn() {
		t := typeName(m.Type.In(i))
		if m.Type.IsVariadic() && i == m.Type.NumIn()-1 {
			t = "..." + strings.TrimPrefix(t, "[]")
		}
		in = append(in, t)
	}
	for i := range m.Type.NumOut() - 1 {
		out = append(out, typeName(m.Type.Out(i)))
	}
	out = append(out, "error")
	return fmt.Sprintf("func (pending) %s(%s) (%s) {\nreturn %sunbuilt(%q)\n}\n\n", m.Name, strings.Join(in, ", "), strings.Join(out, ", "), zeros(m.Type), m.Name)
}

// zeros are the results before the error.
func zeros(fn reflect.Type) string {
	var b strings.Builder
	for i := range fn.NumOut() - 1 {
		switch fn.Out(i).Kind() {
		case reflect.String:
			b.WriteString(`""`)
		case reflect.Bool:
			b.WriteString("false")
		case reflect.Int, reflect.Int32, reflect.Int64, reflect.Float64:
			b.WriteString("0")
		default:
			b.WriteString("nil")
		}
		b.WriteString(", ")
	}
	return b.String()
}

func typeName(t reflect.Type) string { return strings.ReplaceAll(t.String(), "interface {}", "any") }

// methodsOf lists the methods of a type in a folder's own files.
func methodsOf(folder, name string) ([]string, error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, err
	}
	var found []string
	for _, e := range entries {
		file := e.Name()
		if !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") || strings.HasSuffix(file, "_gen.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), filepath.Join(folder, file), nil, parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		for _, d := range f.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok || fn.Recv == nil {
				continue
			}
			of := fn.Recv.List[0].Type
			if p, ok := of.(*ast.StarExpr); ok {
				of = p.X
			}
			if id, ok := of.(*ast.Ident); ok && id.Name == name {
				found = append(found, fn.Name.Name)
			}
		}
	}
	return found, nil
}
