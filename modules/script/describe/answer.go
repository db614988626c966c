package describe

import (
	"slices"
	"strings"
	"sync"

	"kumi/internal/suggest"
	"kumi/vm"
)

// someID stands for identifiers in made-up results.
const someID = "00000000-0000-4000-8000-000000000000"

// declared is what Answer knows about a language.
type declared struct {
	byName map[string]*Function
	types  map[string]*TypeDecl
	names  map[string][]string // of functions, by object
}

var declaredIn = map[vm.Lang]func() *declared{
	vm.JS:  sync.OnceValue(func() *declared { return newDeclared(vm.JS) }),
	vm.Lua: sync.OnceValue(func() *declared { return newDeclared(vm.Lua) }),
}

func newDeclared(lang vm.Lang) *declared {
	x := &declared{byName: map[string]*Function{}, types: map[string]*TypeDecl{}, names: map[string][]string{}}
	d, err := Describe(lang)
	if err != nil {
		return x
	}
	for i := range d.Objects {
		for j := range d.Objects[i].Functions {
			f := &d.Objects[i].Functions[j]
			x.byName[f.Native.Snake] = f
			x.names[d.Objects[i].Name] = append(x.names[d.Objects[i].Name], f.Name)
		}
	}
	for i := range d.Types {
		x.types[d.Types[i].Name] = &d.Types[i]
	}
	return x
}

// Answer makes a call return a made-up result of the type that the function has: empty
// strings and lists, zeros, valid identifiers. It is for checks, in which calls have
// no effect.
func Answer(c *vm.Call, function string) error {
	d := declaredIn[c.E.Lang()]()
	f := d.byName[function]
	if f == nil {
		return nil
	}
	if f.Result != nil {
		v, err := d.value(c.E, *f.Result, "", 0)
		return c.ReturnRef("value", v, err)
	}
	if len(f.Results) == 1 && f.As != "" {
		c.Named()
	}
	for _, r := range f.Results {
		v, err := d.value(c.E, r.Type, r.Name.Snake, 0)
		if err := c.ReturnRef(r.Name.Snake, v, err); err != nil {
			return err
		}
	}
	return nil
}

// value makes a value of a type. Nested objects end at a fixed depth.
func (d *declared) value(e vm.Engine, t vm.Type, name string, depth int) (vm.Ref, error) {
	switch {
	case t.List != nil:
		return e.List(nil), nil
	case t.Map != nil:
		return e.Object(noFields, nil), nil
	case len(t.Any) > 0:
		return d.value(e, t.Any[0], name, depth)
	case t.Object:
		return d.object(e, t.Fields, depth)
	case t.Shape != nil:
		t = vm.Type{Name: shapeName(t.Shape)}
	}
	switch t.Name {
	case "string":
		if name == "id" || strings.HasSuffix(name, "_id") {
			return e.FromStr(someID), nil
		}
		return e.FromStr(""), nil
	case "number":
		return e.FromInt(0), nil
	case "boolean":
		return e.FromBool(false), nil
	case "bytes":
		return e.FromBytes(nil), nil
	}
	if decl := d.types[t.Name]; decl != nil && depth < 4 {
		if decl.Alias != nil {
			return d.value(e, *decl.Alias, name, depth+1)
		}
		return d.object(e, decl.Fields, depth+1)
	}
	return e.Nil(), nil
}

func (d *declared) object(e vm.Engine, fields []vm.Field, depth int) (vm.Ref, error) {
	names := make([]vm.Name, 0, len(fields))
	values := make([]vm.Ref, 0, len(fields))
	for _, f := range fields {
		if f.Optional {
			continue
		}
		v, err := d.value(e, f.Type, f.Name.Snake, depth)
		if err != nil {
			return nil, err
		}
		names = append(names, f.Name)
		values = append(values, v)
	}
	return e.Object(vm.NewLayout(names...), values), nil
}

// Known reports whether an object, given by the name of its type ("Nakama"), has a
// function, and otherwise which one was probably meant.
func Known(lang vm.Lang, object, function string) (near string, ok bool) {
	names := declaredIn[lang]().names[object]
	if names == nil || slices.Contains(names, function) {
		return "", true
	}
	if lang == vm.JS && (function == "toString" || function == "hasOwnProperty") {
		return "", true
	}
	return suggest.Nearest(function, names), false
}

var noFields = vm.NewLayout()
