package vm

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// Type is the type of an argument, a property or a result, for declarations
// and documentation. Exactly one of its forms is set: a name, a list, a map,
// the fields of an object, alternatives, or a function.
type Type struct {
	Name   string  // a basic type or the name of a declared one
	Args   []Type  // of a generic name
	List   *Type   // list of these
	Map    *Type   // object whose keys are any text, with these values
	Fields []Field // object with these properties, when Object
	Object bool
	Any    []Type // one of these
	Func   *Signature
	Shape  any // *Shape[T], of a named type
}

// Field is an argument, a property or a result, with its name in snake case.
type Field struct {
	Name Name
	Type Type
	// Optional: may be omitted.
	Optional bool
	// Sometimes: a property that some values do not have.
	Sometimes bool
	// Rest: all further arguments.
	Rest bool
	Doc  string
}

// Signature has the arguments and results of a function.
type Signature struct {
	Params  []Field
	Results []Field
}

// Basic types by name.
var (
	TypeAny      = Type{Name: "any"}
	TypeString   = Type{Name: "string"}
	TypeNumber   = Type{Name: "number"}
	TypeBoolean  = Type{Name: "boolean"}
	TypeBytes    = Type{Name: "bytes"} // ArrayBuffer in JavaScript, string in Lua
	TypeFunction = Type{Name: "function"}
)

// ListType is a list of t.
func ListType(t Type) Type { return Type{List: &t} }

// MapType is an object with values of t.
func MapType(t Type) Type { return Type{Map: &t} }

var (
	typeData   = Type{Any: []Type{TypeString, TypeBytes}}
	typeObject = MapType(TypeAny)
)

// errDescribing is the error that Err returns during a dry run.
var errDescribing = errors.New("the function is only being described")

// ErrNotReached means that a body did not check Err before it acted. Bodies without
// arguments may do so.
var ErrNotReached = errors.New("the function acts before it checks its arguments")

// Describe runs the body of a function dry and returns the arguments it reads,
// in order, for one language. A body that does not check Err acts: its error is
// returned, or ErrNotReached if it panics, since there is no host.
func Describe(n *Native, lang Lang) (params []Field, err error) {
	r := &recording{}
	c := &Call{}
	c.Begin(context.Background(), describing{lang: lang}, nil)
	c.err, c.rec = errDescribing, r
	defer func() {
		if x := recover(); x != nil {
			params, err = r.params, fmt.Errorf("%w: %v", ErrNotReached, x)
		}
	}()
	if err = n.Call(c); errors.Is(err, errDescribing) {
		err = nil
	}
	return r.params, err
}

// recording is what a dry run has read.
type recording struct {
	params []Field
	asked  map[string]bool // fields checked with Has
}

// note records an argument, or a field of one by its path: "[0].user_id". The
// first reading determines the type; any reading may make it required.
func (r *recording) note(name, path string, t Type, required bool) {
	f := r.find(name, path)
	if f == nil {
		return
	}
	if f.Type.Name == "" && f.Type.List == nil && f.Type.Map == nil && !f.Type.Object && f.Type.Any == nil {
		f.Type, f.Optional = t, true
	}
	if required {
		f.Optional = false
	}
}

// refuse handles a rejected value. A body that rejects the absence of
// something it read with Any, or checked with Has, requires it.
func (r *recording) refuse(name, path string) {
	if f := r.find(name, path); f != nil && (f.Type.Name == "any" || r.asked[name+path]) {
		f.Optional = false
	}
}

func (r *recording) ask(name, path string) {
	if r.asked == nil {
		r.asked = map[string]bool{}
	}
	r.asked[name+path] = true
}

// find follows a path, adding what is missing on it.
func (r *recording) find(name, path string) *Field {
	f := field(&r.params, name)
	for path != "" {
		switch path[0] {
		case '[':
			_, rest, ok := strings.Cut(path, "]")
			if !ok {
				return nil
			}
			if f.Type.List == nil {
				f.Type.List = &Type{Object: true}
			}
			if rest == "" {
				return nil
			}
			key, rest := cutKey(rest[1:])
			f, path = field(&f.Type.List.Fields, key), rest
		case '.':
			key, rest := cutKey(path[1:])
			f, path = field(&f.Type.Fields, key), rest
		default:
			return nil
		}
	}
	return f
}

func cutKey(path string) (key, rest string) {
	if i := strings.IndexAny(path, ".["); i >= 0 {
		return path[:i], path[i:]
	}
	return path, ""
}

// field finds or adds a field by name.
func field(list *[]Field, name string) *Field {
	for i := range *list {
		if (*list)[i].Name.Snake == name {
			return &(*list)[i]
		}
	}
	*list = append(*list, Field{Name: N(name)})
	return &(*list)[len(*list)-1]
}

// describing is an engine in which all values are absent. It has the methods that
// bodies call before they check Err.
type describing struct {
	Engine
	lang Lang
}

func (d describing) Lang() Lang               { return d.lang }
func (describing) IsNil(Ref) bool             { return true }
func (describing) IsStr(Ref) bool             { return false }
func (describing) IsNum(Ref) bool             { return false }
func (describing) IsBool(Ref) bool            { return false }
func (describing) IsList(Ref) bool            { return false }
func (describing) IsObject(Ref) bool          { return false }
func (describing) IsFunc(Ref) bool            { return false }
func (describing) IsBytes(Ref) bool           { return false }
func (describing) Nil() Ref                   { return nil }
func (describing) Field(Ref, *Name) Ref       { return nil }
func (describing) FieldNamed(Ref, string) Ref { return nil }
