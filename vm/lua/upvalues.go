package lua

import (
	"reflect"
	"unsafe"

	lua "github.com/yuin/gopher-lua"
)

// When an error is caught, exactly the upvalues of the discarded frames must be closed.
// gopher-lua closes all or none, and has no public function to close some (see
// protect). private has the offsets of the few private fields that are needed, found by
// name and type when the program starts. If a version of gopher-lua has others, known
// is false, gopher-lua's own behaviour applies, and tests fail.
//
// docs/upstream has a patch for gopher-lua that makes this file unnecessary.
var private = findPrivate()

type privateFields struct {
	known                     bool
	uvcache, reg, hasErrorFun uintptr // of LState
	top                       uintptr // of its registry
	next, index               uintptr // of Upvalue
}

func findPrivate() (p privateFields) {
	field := func(t reflect.Type, name string, want reflect.Type) (uintptr, reflect.Type) {
		f, ok := t.FieldByName(name)
		if !ok || (want != nil && f.Type != want) {
			p.known = false
			return 0, reflect.TypeFor[struct{}]()
		}
		return f.Offset, f.Type
	}
	p.known = true
	state, upvalue, number := reflect.TypeFor[lua.LState](), reflect.TypeFor[lua.Upvalue](), reflect.TypeFor[int]()
	p.uvcache, _ = field(state, "uvcache", reflect.TypeFor[*lua.Upvalue]())
	p.hasErrorFun, _ = field(state, "hasErrorFunc", reflect.TypeFor[bool]())
	reg, t := field(state, "reg", nil)
	p.reg = reg
	if t.Kind() != reflect.Pointer {
		p.known = false
		return p
	}
	p.top, _ = field(t.Elem(), "top", number)
	p.next, _ = field(upvalue, "next", reflect.TypeFor[*lua.Upvalue]())
	p.index, _ = field(upvalue, "index", number)
	return p
}

// registers returns the number of registers in use.
func registers(L *lua.LState) int {
	if !private.known {
		return 0
	}
	reg := *(*unsafe.Pointer)(unsafe.Add(unsafe.Pointer(L), private.reg))
	return *(*int)(unsafe.Add(reg, private.top))
}

// closeUpvalues closes the open upvalues of the registers from index from.
func closeUpvalues(L *lua.LState, from int) {
	if !private.known {
		return
	}
	link := (**lua.Upvalue)(unsafe.Add(unsafe.Pointer(L), private.uvcache))
	for *link != nil { // the list is sorted by register
		u := unsafe.Pointer(*link)
		if *(*int)(unsafe.Add(u, private.index)) >= from {
			break
		}
		link = (**lua.Upvalue)(unsafe.Add(u, private.next))
	}
	u := *link
	*link = nil
	for ; u != nil; u = *(**lua.Upvalue)(unsafe.Add(unsafe.Pointer(u), private.next)) {
		u.Close()
	}
}

// hasErrorFunc tells whether raising an error leaves all upvalues open.
func hasErrorFunc(L *lua.LState) bool {
	return private.known && *(*bool)(unsafe.Add(unsafe.Pointer(L), private.hasErrorFun))
}

// setErrorFunc sets it.
func setErrorFunc(L *lua.LState, on bool) {
	if private.known {
		*(*bool)(unsafe.Add(unsafe.Pointer(L), private.hasErrorFun)) = on
	}
}
