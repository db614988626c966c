package main

import (
	"context"
	"fmt"
	"reflect"
	"strings"

	"github.com/heroiclabs/nakama-common/runtime"
)

// byHand are methods of runtime.NakamaModule that modules/golang/match_nakama.go has: those
// without an error among their results, and with a function or a file.
var byHand = map[string]bool{
	"GetFleetManager": true, "GetSatori": true, "MetricsCounterAdd": true, "MetricsGaugeSet": true, "MetricsTimerRecord": true,
	"ReadFile": true, "StorageWriteRetry": true,
}

// goNakama makes the methods of runtime.NakamaModule that matches in Go call while they are
// recorded.
func goNakama(string) (string, error) {
	t := reflect.TypeFor[runtime.NakamaModule]()
	imports := map[string]bool{}
	var methods strings.Builder
	for i := range t.NumMethod() {
		f := t.Method(i)
		if byHand[f.Name] {
			continue
		}
		in, args, err := parameters(f.Type, imports)
		if err != nil {
			return "", fmt.Errorf("%s: %w", f.Name, err)
		}
		last := f.Type.NumOut() - 1
		if last < 0 || f.Type.Out(last) != reflect.TypeFor[error]() {
			return "", fmt.Errorf("%s has no error among its results, so it must be written by hand", f.Name)
		}
		var out, names, pointers []string
		results := "" // declared after the return of calls that pass, for which they would be allocated
		for o := range last {
			name, of := fmt.Sprint("r", o), typeName(f.Type.Out(o), imports)
			out, names, pointers = append(out, of), append(names, name), append(pointers, ", &"+name)
			results += fmt.Sprintf("\tvar %s %s\n", name, of)
		}
		out, names = append(out, "error"), append(names, "err")
		call := fmt.Sprintf("n.NakamaModule.%s(%s)", f.Name, strings.Join(args, ", "))
		fmt.Fprintf(&methods, `
func (n *nakama) %s(%s) (%s) {
	if n.passes() {
		return %s
	}
%s	err := n.call(%q, []any{%s}, func() (err error) { %s = %s; return err }%s)
	return %s
}
`, f.Name, strings.Join(in, ", "), strings.Join(out, ", "), call, results, f.Name, strings.Join(recorded(args), ", "),
			strings.Join(names, ", "), call, strings.Join(pointers, ""), strings.Join(names, ", "))
	}
	var b strings.Builder
	b.WriteString("package golang\n\nimport (\n")
	for _, path := range []string{"context", "os", "time", "github.com/heroiclabs/nakama-common/api", "github.com/heroiclabs/nakama-common/rtapi", "github.com/heroiclabs/nakama-common/runtime"} {
		if imports[path[strings.LastIndexByte(path, '/')+1:]] {
			fmt.Fprintf(&b, "\t%q\n", path)
		}
	}
	b.WriteString(")\n\n// The functions of runtime.NakamaModule; match_nakama.go has how they are recorded.\n")
	b.WriteString(methods.String())
	return b.String(), nil
}

// parameters returns the parameters of a function with their types, and the arguments with
// which it is called with the same.
func parameters(t reflect.Type, imports map[string]bool) (in, args []string, err error) {
	for i := range t.NumIn() {
		name := fmt.Sprint("a", i)
		if t.In(i) == reflect.TypeFor[context.Context]() {
			name = "ctx"
		}
		of := typeName(t.In(i), imports)
		if t.IsVariadic() && i == t.NumIn()-1 {
			in, args = append(in, name+" ..."+strings.TrimPrefix(of, "[]")), append(args, name+"...")
			continue
		}
		if t.In(i).Kind() == reflect.Func {
			return nil, nil, fmt.Errorf("it takes a function, so it must be written by hand")
		}
		in, args = append(in, name+" "+of), append(args, name)
	}
	return in, args, nil
}

// recorded returns the arguments that are recorded: all but the context.
func recorded(args []string) (list []string) {
	for _, a := range args {
		if a != "ctx" {
			list = append(list, strings.TrimSuffix(a, "..."))
		}
	}
	return list
}

// typeName writes a type as source code does, and notes the packages it needs.
func typeName(t reflect.Type, imports map[string]bool) string {
	text := strings.ReplaceAll(t.String(), "interface {}", "any")
	for _, word := range strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune("[]*(), ", r) }) {
		if name, _, ok := strings.Cut(word, "."); ok {
			imports[name] = true
		}
	}
	return text
}
