// Package describe documents what scripts can call: it prints declarations for
// TypeScript, stubs for Lua and the function reference, and makes up results for
// modules that are checked. It works from the tables that are bound into VMs, and
// from functions.txt, which adds descriptions and types.
//
// It may be used from any goroutine.
package describe

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"kumi/core"
	"kumi/hooks"
	"kumi/modules/script"
	"kumi/modules/script/nk"
	"kumi/vm"
)

// Declarations are everything that scripts of one language can call, with the types of
// arguments and results. Each function's own code is run without effects to learn its
// arguments.
type Declarations struct {
	Lang    vm.Lang
	Objects []Object
	Types   []TypeDecl
	// Handlers are the functions that scripts register.
	Handlers []HandlerDecl
}

// Object is an object of functions: nk, the initializer and so on.
type Object struct {
	Name      string // as a type: Nakama, Initializer, …
	Doc       string
	Functions []Function
}

// Function is a function that scripts call.
type Function struct {
	Name    string // as the language spells it
	Native  *vm.Name
	Section string
	Params  []vm.Field
	Results []vm.Field
	Result  *vm.Type // the value itself, where that is a declared type
	As      string   // name of the object of the results, in JavaScript
	Doc     string
	Async   bool
	// Hook is the API call that a registration belongs to, else empty.
	Hook string
}

// HandlerDecl is a function that scripts register.
type HandlerDecl struct {
	Name, Generic string
	Match         bool // takes dispatcher, tick and state, and returns the state
	Bare          bool // without ctx and the arguments that follow it
	Params        []vm.Field
	Results       []vm.Field
	Result        *vm.Type
	Doc           string
}

// TypeDecl is a named type: an alias, an enum or the properties of an object.
type TypeDecl struct {
	Name   string
	Alias  *vm.Type
	Enum   []member
	Fields []vm.Field
	Doc    string
}

// Describe makes the declarations of a language. Its errors are mistakes in the tables
// or in functions.txt, which a test finds.
func Describe(lang vm.Lang) (*Declarations, error) {
	list, err := notes()
	if err != nil {
		return nil, err
	}
	d := &describer{Declarations: &Declarations{Lang: lang}, notes: map[string]*note{}, types: map[string]*TypeDecl{}, used: map[*note]bool{}}
	for _, n := range list {
		if n.lang != vm.Both && n.lang != lang {
			continue
		}
		if d.notes[n.name] != nil {
			d.fail("functions.txt:%d: %s is there twice", n.line, n.name)
		}
		d.notes[n.name] = n
		switch n.kind {
		case "type", "alias", "enum":
			d.declare(n)
		case "handler", "callback", "match":
			d.Handlers = append(d.Handlers, HandlerDecl{Name: n.name, Generic: n.generic, Match: n.kind == "match", Bare: n.kind == "callback",
				Params: n.params, Results: n.results, Result: n.result, Doc: d.words(n.doc)})
		}
	}
	d.object("Nakama", "The functions of the server.", nk.Library(lang, nil))
	if lang == vm.JS {
		d.object("Initializer", "What InitModule registers functions with.", script.Initializer(lang, nil))
		d.object("Logger", "The server's log.", vm.Bind(lang, (*core.Logger)(nil), script.LoggerTable))
	}
	d.object("MatchDispatcher", "What a match sends messages to its players with.", vm.Bind(lang, struct{}{}, script.DispatcherTable))
	d.object("Satori", "The client of a Satori server.", nk.SatoriLibrary(lang, nil))
	d.object("FleetManager", "The fleet manager: it creates and finds game servers.", nk.FleetLibrary(lang, nil))
	for _, n := range list {
		if n.kind == "" && d.notes[n.name] == n && !d.used[n] {
			d.fail("functions.txt:%d: there is no function %s", n.line, n.name)
		}
	}
	for _, n := range list { // in the file's order
		if t := d.types[n.name]; t != nil && d.notes[n.name] == n {
			d.Types = append(d.Types, *t)
		}
	}
	return d.Declarations, errors.Join(d.errs...)
}

type describer struct {
	*Declarations
	notes map[string]*note
	types map[string]*TypeDecl
	used  map[*note]bool
	errs  []error
}

func (d *describer) fail(format string, args ...any) {
	d.errs = append(d.errs, fmt.Errorf(format, args...))
}

// words replaces the names of functions in a description by the language's spelling.
func (d *describer) words(doc string) string {
	if d.Lang != vm.JS {
		return doc
	}
	fields := strings.Split(doc, " ")
	for i, w := range fields {
		if strings.Contains(w, "_") && w == strings.ToLower(w) {
			fields[i] = vm.Camel(w)
		}
	}
	return strings.Join(fields, " ")
}

// declare makes the type of a note: the properties of its shapes, extended and
// corrected by the note.
func (d *describer) declare(n *note) {
	t := &TypeDecl{Name: n.name, Doc: d.words(n.doc)}
	d.types[n.name] = t
	switch n.kind {
	case "alias":
		t.Alias = &n.alias
		return
	case "enum":
		t.Enum = n.members
		return
	}
	for _, s := range shapesOf(n.name, d.Lang) {
		t.merge(s.Fields(), len(t.Fields) > 0)
	}
	d.refine(t, n)
}

// refine replaces what was found about a type by what a note says.
func (d *describer) refine(t *TypeDecl, n *note) {
	for _, f := range n.fields {
		if f.lang != vm.Both && f.lang != d.Lang {
			continue
		}
		f.Doc = d.words(f.Doc)
		i := slices.IndexFunc(t.Fields, func(x vm.Field) bool { return x.Name.Snake == f.Name.Snake })
		if i < 0 {
			t.Fields = append(t.Fields, f.Field)
			continue
		}
		f.Sometimes = t.Fields[i].Sometimes
		t.Fields[i] = f.Field
	}
}

// merge adds fields. With also set, the type is a union: properties that only some
// members have become optional.
func (t *TypeDecl) merge(fields []vm.Field, also bool) {
	has := func(list []vm.Field, f vm.Field) int {
		return slices.IndexFunc(list, func(x vm.Field) bool { return x.Name.Snake == f.Name.Snake })
	}
	for i := range t.Fields {
		if also && has(fields, t.Fields[i]) < 0 {
			t.Fields[i].Optional = true
		}
	}
	for _, f := range fields {
		if i := has(t.Fields, f); i >= 0 {
			t.Fields[i].Optional = t.Fields[i].Optional || f.Optional
			continue
		}
		f.Optional = f.Optional || also
		t.Fields = append(t.Fields, f)
	}
}

func (d *describer) object(name, doc string, lib *vm.Library) {
	o := Object{Name: name, Doc: doc}
	for _, spelled := range lib.Names() {
		o.Functions = append(o.Functions, d.function(spelled, lib.Lookup(spelled)))
	}
	d.Objects = append(d.Objects, o)
}

func (d *describer) function(spelled string, native *vm.Native) Function {
	f := Function{Name: spelled, Native: native.Name, Async: native.Async}
	for _, when := range []string{"before", "after"} {
		hook, ok := strings.CutPrefix(native.Name.Snake, "register_"+when+"_")
		if _, exists := hooks.LookupMethod(hook); ok && exists {
			f.Hook, f.Section = hook, "Registration"
			f.Doc = "Registers the function that runs " + when + " " + hook + "."
			return f
		}
	}
	params, err := vm.Describe(native, d.Lang)
	if len(params) > 0 && errors.Is(err, vm.ErrNotReached) {
		d.fail("%s does not check Err after it has read its arguments: %v", native.Name.Snake, err)
	}
	n := d.notes[native.Name.Snake]
	if n == nil || n.kind != "" {
		d.fail("functions.txt has no entry for %s", native.Name.Snake)
		f.Params = params
		return f
	}
	d.used[n] = true
	f.Section, f.Doc = n.section, d.words(n.doc)
	f.Results, f.Result, f.As = n.results, n.result, n.as
	for _, p := range n.params {
		i := slices.IndexFunc(params, func(x vm.Field) bool { return x.Name.Snake == p.Name.Snake })
		switch {
		case i >= 0:
			d.harvest(&params[i].Type, &p.Type)
			params[i].Type = p.Type
			params[i].Optional = params[i].Optional || p.Optional
		case p.Rest || p.Optional: // the code reads all remaining arguments, or may read none
			params = append(params, p)
		default:
			d.fail("functions.txt:%d: %s does not read an argument %s", n.line, n.name, p.Name.Snake)
		}
	}
	f.Params = params
	return f
}

// harvest adds the properties that a body reads from an object to the type that
// functions.txt gives the argument.
func (d *describer) harvest(read, called *vm.Type) {
	switch {
	case read.List != nil && called.List != nil:
		d.harvest(read.List, called.List)
	case read.Object && called.Name != "":
		t := d.types[called.Name]
		if t == nil || len(shapesOf(t.Name, d.Lang)) > 0 {
			return
		}
		also := len(t.Fields) > 0 && d.used[d.notes[t.Name]]
		if also || len(t.Fields) == 0 {
			t.merge(read.Fields, false)
		} else {
			noted := t.Fields
			t.Fields = nil
			t.merge(read.Fields, false)
			t.merge(noted, false)
		}
		d.used[d.notes[t.Name]] = true
		d.refine(t, d.notes[t.Name])
	}
}
