package main

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/heroiclabs/nakama-common/runtime"
)

// fixed is how many arguments every hook begins with: ctx, logger, db and nk.
const fixed = 4

// hook is an API call as runtime.Initializer has it: the types of its request and
// answer, nil where there is none.
type hook struct {
	name    string
	in, out reflect.Type
	// afterIn says that the hook after it gets the request, too.
	afterIn bool
}

// apiHooks reads the calls from the methods RegisterBeforeX and RegisterAfterX, in
// order of their names.
func apiHooks() ([]hook, error) {
	t := reflect.TypeFor[runtime.Initializer]()
	var found []hook
	for i := range t.NumMethod() {
		name, ok := strings.CutPrefix(t.Method(i).Name, "RegisterBefore")
		if !ok || name == "Rt" {
			continue
		}
		after, ok := t.MethodByName("RegisterAfter" + name)
		if !ok {
			return nil, fmt.Errorf("there is no RegisterAfter%s", name)
		}
		h := hook{name: name}
		if fn := t.Method(i).Type.In(0); fn.NumIn() > fixed {
			h.in = fn.In(fixed)
		}
		switch fn := after.Type.In(0); {
		case fn.NumIn() == fixed+2:
			h.out, h.afterIn = fn.In(fixed), true
		case fn.NumIn() == fixed+1 && fn.In(fixed) == h.in:
			h.afterIn = true
		case fn.NumIn() == fixed+1:
			h.out = fn.In(fixed)
		}
		found = append(found, h)
	}
	return found, nil
}

// apiMethods makes hooks.Methods. Event has hooks in scripts only, so it is not in
// the interface.
func apiMethods(string) (string, error) {
	list, err := apiHooks()
	if err != nil {
		return "", err
	}
	var b strings.Builder
	b.WriteString(`package hooks

import (
	"github.com/heroiclabs/nakama-common/api"
	"google.golang.org/protobuf/proto"
)

// Methods lists every call of the client API that has hooks.
var Methods = []Method{
	{Name: "Event", In: func() proto.Message { return new(api.Event) }},
`)
	message := func(field string, t reflect.Type) string {
		if t == nil {
			return ""
		}
		return fmt.Sprintf(", %s: func() proto.Message { return new(%s) }", field, t.Elem())
	}
	for _, h := range list {
		fmt.Fprintf(&b, "{Name: %q%s%s},\n", h.name, message("In", h.in), message("Out", h.out))
	}
	b.WriteString("}\n")
	return b.String(), nil
}

// goHooks makes the methods of the initializer of Go modules.
func goHooks(string) (string, error) {
	list, err := apiHooks()
	if err != nil {
		return "", err
	}
	var b strings.Builder
	b.WriteString(`package golang

import "github.com/heroiclabs/nakama-common/api"

// The hooks of API calls that runtime.Initializer has; call.go has what they come
// down to.

`)
	for _, h := range list {
		before := fmt.Sprintf("(fn goBare) error { return beforeBare(i, %q, fn) }", h.name)
		if h.in != nil {
			before = fmt.Sprintf("(fn goBefore[%s]) error { return before(i, %q, fn) }", h.in, h.name)
		}
		after := fmt.Sprintf("(fn goBare) error { return afterBare(i, %q, fn) }", h.name)
		switch {
		case h.afterIn && h.out != nil:
			after = fmt.Sprintf("(fn goAfterBoth[%s, %s]) error { return afterBoth(i, %q, fn) }", h.out, h.in, h.name)
		case h.out != nil:
			after = fmt.Sprintf("(fn goAfter[%s]) error { return afterOut(i, %q, fn) }", h.out, h.name)
		case h.afterIn:
			after = fmt.Sprintf("(fn goAfter[%s]) error { return afterIn(i, %q, fn) }", h.in, h.name)
		}
		fmt.Fprintf(&b, "func (i *initializer) RegisterBefore%s%s\n\nfunc (i *initializer) RegisterAfter%s%s\n\n", h.name, before, h.name, after)
	}
	return b.String(), nil
}
