package lua

import (
	"reflect"
	"unsafe"

	lua "github.com/yuin/gopher-lua"
)

// jumpTable has what gopher-lua does for each instruction. That for .. is
// replaced by one that looks first how long the result will be: a few of them
// take all memory, sooner than anything that looks at the heap could notice.
//
//go:linkname jumpTable github.com/yuin/gopher-lua.jumpTable
var jumpTable [lua.OP_NOP + 1]func(L *lua.LState, inst uint32, base unsafe.Pointer) int

// frames are the fields of gopher-lua's state that tell where operands are.
var frames struct {
	known                bool
	current, local, regs uintptr
}

var concatenate func(L *lua.LState, inst uint32, base unsafe.Pointer) int

func init() {
	state := reflect.TypeFor[lua.LState]()
	current, ok1 := state.FieldByName("currentFrame")
	reg, ok2 := state.FieldByName("reg")
	if !private.known || !ok1 || !ok2 || current.Type.Kind() != reflect.Pointer {
		return
	}
	local, ok1 := current.Type.Elem().FieldByName("LocalBase")
	array, ok2 := reg.Type.Elem().FieldByName("array")
	if !ok1 || !ok2 || local.Type.Kind() != reflect.Int || array.Type != reflect.TypeFor[[]lua.LValue]() || jumpTable[lua.OP_CONCAT] == nil {
		return
	}
	frames.current, frames.local, frames.regs = current.Offset, local.Offset, array.Offset
	frames.known = true
	concatenate = jumpTable[lua.OP_CONCAT]
	jumpTable[lua.OP_CONCAT] = boundedConcat
}

func boundedConcat(L *lua.LState, inst uint32, base unsafe.Pointer) int {
	frame := *(*unsafe.Pointer)(unsafe.Add(unsafe.Pointer(L), frames.current))
	at := *(*int)(unsafe.Add(frame, frames.local))
	reg := *(*unsafe.Pointer)(unsafe.Add(unsafe.Pointer(L), private.reg))
	values := *(*[]lua.LValue)(unsafe.Add(reg, frames.regs))
	n := 0
	for _, x := range values[at+int(inst&0x1ff) : at+int(inst>>9&0x1ff)+1] {
		if s, ok := x.(lua.LString); ok {
			n += len(s)
		}
	}
	tooLong(L, n)
	return concatenate(L, inst, base)
}
