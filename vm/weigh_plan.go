package vm

import (
	"reflect"
	"strings"
	"sync"
	"unsafe"
)

// A plan is what of a type leads to further memory. Plans are made once for each
// type and then kept.
type plan struct {
	size uintptr
	refs []ref
}

type refKind uint8

const (
	toValue refKind = iota // pointer
	toString
	toSlice
	toMap
	toAny // interface
	toArray
)

// ref is a place within a value that leads on.
type ref struct {
	at   uintptr
	kind refKind
	to   *plan // pointed at, or one element
	n    int   // of an array
	typ  reflect.Type
	keys *mapPlan
}

// mapPlan reads a map.
type mapPlan struct {
	mu         sync.Mutex // held while a walk uses it
	key, value reflect.Value
	k, v       *plan
	slot       uintptr
	iter       reflect.MapIter
}

func newMapPlan(t reflect.Type, k, v *plan) *mapPlan {
	return &mapPlan{key: reflect.New(t.Key()).Elem(), value: reflect.New(t.Elem()).Elem(), k: k, v: v, slot: k.size + v.size + 1}
}

// anyPlan is what an interface value with a certain type in it leads to.
type anyPlan struct {
	typ  reflect.Type
	plan *plan // nil: nothing
	how  refKind
}

const (
	holdsAddress refKind = iota // the word is the value itself, a pointer or a map
	holdsBox                    // the word points at the value
	holdsEither                 // that depends on the compiler
)

var (
	plans    sync.Map // reflect.Type → *plan
	anyPlans sync.Map // word of an interface → *anyPlan
	planning sync.Mutex
)

// weighed are the packages whose types make up what a VM keeps, and those of
// values that scripts get from the server. What is behind a pointer to another
// type is not the VM's.
var weighed = []string{
	"github.com/dop251/goja", "github.com/dop251/goja/unistring", "github.com/yuin/gopher-lua", "math/big", "container/list",
	"kumi/vm", "kumi/vm/js", "kumi/vm/lua",
	"github.com/heroiclabs/nakama-common/api", "github.com/heroiclabs/nakama-common/rtapi",
}

// shared are those of their types that VMs have in common.
var shared = map[string]bool{
	"github.com/dop251/goja.Program": true, "github.com/dop251/goja.objectTemplate": true, "github.com/yuin/gopher-lua.FunctionProto": true,
	"github.com/dop251/goja.classElement": true,
	// gopher-lua keeps pieces of call stacks for the next VM that needs one, with
	// what is left in them of the last. Between calls there is nothing else in them.
	"github.com/yuin/gopher-lua.callFrame": true, "github.com/yuin/gopher-lua.callFrameStackSegment": true,
	"kumi/vm/js.VM": true, "kumi/vm/lua.VM": true, "kumi/vm/lua.deadline": true, "kumi/vm/lua.Program": true, "kumi/vm/lua.callContext": true,
}

// values are the types of this package that values of scripts are made of.
var values = map[string]bool{"Source": true, "source": true, "frozenItems": true, "frozenList": true, "frozenObject": true}

// isWeighed says whether values of a type are looked into.
func isWeighed(t reflect.Type) bool {
	path := t.PkgPath()
	if path == "" { // unnamed, or of the language
		return true
	}
	name, _, _ := strings.Cut(t.Name(), "[")
	if shared[path+"."+name] {
		return false
	}
	if path == "kumi/vm" { // the rest is machinery of the server
		return values[name]
	}
	for _, p := range weighed {
		if path == p {
			return true
		}
	}
	return false
}

func planOf(t reflect.Type) *plan {
	if p, ok := plans.Load(t); ok {
		return p.(*plan)
	}
	planning.Lock()
	defer planning.Unlock()
	return makePlan(t)
}

// makePlan is called with planning locked.
func makePlan(t reflect.Type) *plan {
	if p, ok := plans.Load(t); ok {
		return p.(*plan)
	}
	p := &plan{size: t.Size()}
	plans.Store(t, p) // before its parts, which may lead back to it
	p.add(t, 0)
	return p
}

// add adds what leads on from a part of the type.
func (p *plan) add(t reflect.Type, at uintptr) {
	r := ref{at: at, typ: t}
	switch t.Kind() {
	case reflect.String:
		r.kind = toString
	case reflect.Pointer:
		if !isWeighed(t.Elem()) {
			return
		}
		r.kind, r.to = toValue, makePlan(t.Elem())
	case reflect.Slice:
		if !isWeighed(t.Elem()) && t.Elem().Kind() == reflect.Struct {
			return
		}
		r.kind, r.to = toSlice, makePlan(t.Elem())
	case reflect.Map:
		r.kind, r.keys = toMap, newMapPlan(t, makePlan(t.Key()), makePlan(t.Elem()))
	case reflect.Interface:
		if t.PkgPath() == "context" {
			return
		}
		r.kind = toAny
	case reflect.Array:
		if e := makePlan(t.Elem()); len(e.refs) > 0 {
			r.kind, r.to, r.n = toArray, e, t.Len()
			break
		}
		return
	case reflect.Struct:
		if !isWeighed(t) {
			return
		}
		for i := range t.NumField() {
			f := t.Field(i)
			p.add(f.Type, at+f.Offset)
		}
		return
	default:
		return
	}
	p.refs = append(p.refs, r)
}

// anyOf is the plan of the value in an interface of type t at a place.
func anyOf(t reflect.Type, at unsafe.Pointer) *anyPlan {
	word := *(*uintptr)(at)
	if p, ok := anyPlans.Load(word); ok {
		return p.(*anyPlan)
	}
	in := reflect.NewAt(t, at).Elem().Elem().Type()
	p := &anyPlan{typ: in}
	switch kind := in.Kind(); {
	case kind == reflect.Pointer && !isWeighed(in.Elem()), kind != reflect.Pointer && !isWeighed(in):
	case kind == reflect.Pointer, kind == reflect.Map:
		p.plan, p.how = planOf(in), holdsAddress
	case kind == reflect.Func, kind == reflect.Chan, kind == reflect.UnsafePointer:
	case (kind == reflect.Struct || kind == reflect.Array) && in.Size() == unsafe.Sizeof(word):
		p.plan, p.how = planOf(in), holdsEither
	default:
		p.plan, p.how = planOf(in), holdsBox
	}
	anyPlans.Store(word, p)
	return p
}
