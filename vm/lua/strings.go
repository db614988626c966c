package lua

import (
	"fmt"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"kumi/vm"
)

// The functions of the string and table libraries that could run forever or take all
// memory are replaced by versions with limits. They have no state, so all VMs share
// them.
var (
	sharedFormat = shared(format)
	sharedConcat = shared(concat)
	sharedRep    = shared(rep)
	sharedSub    = shared(sub)
	sharedNumber = shared(toNumber)
	sharedString = shared(toString)
	sharedDate   = shared(date)
)

func shared(fn lua.LGFunction) *lua.LFunction { return &lua.LFunction{IsG: true, GFunction: fn} }

// checkDeadline raises an error if the call is out of time.
func checkDeadline(L *lua.LState) {
	if d, ok := L.Context().(*deadline); ok && d.check() != nil {
		L.RaiseError("%s", d.Err().Error())
	}
}

// tooLong raises an error when a string would become too long.
func tooLong(L *lua.LState, n int) {
	if n > vm.MaxString {
		L.RaiseError("the result would be larger than %d bytes", vm.MaxString)
	}
}

// part returns a substring, copied if it would keep a much larger string in memory.
func part(text string, from, to int) string {
	piece := text[from:to]
	if len(text) > 256 && len(piece) < len(text)/4 {
		return strings.Clone(piece)
	}
	return piece
}

// sub is string.sub.
func sub(L *lua.LState) int {
	text, from, to := L.CheckString(1), L.CheckInt(2), L.OptInt(3, -1)
	if from < 0 {
		from += len(text) + 1
	}
	if to < 0 {
		to += len(text) + 1
	}
	from, to = max(from, 1), min(to, len(text))
	if from > to {
		L.Push(lua.LString(""))
		return 1
	}
	L.Push(lua.LString(part(text, from-1, to)))
	return 1
}

func rep(L *lua.LState) int {
	s, n := L.CheckString(1), L.CheckInt(2)
	if n <= 0 || s == "" {
		L.Push(lua.LString(""))
		return 1
	}
	if n > vm.MaxString/len(s) {
		L.ArgError(2, fmt.Sprintf("the result would be larger than %d bytes", vm.MaxString))
	}
	L.Push(lua.LString(strings.Repeat(s, n)))
	return 1
}

// concat is table.concat.
func concat(L *lua.LState) int {
	t, sep := L.CheckTable(1), L.OptString(2, "")
	i, j := L.OptInt(3, 1), 0
	if L.Get(4) == lua.LNil {
		j = t.Len()
	} else {
		j = L.CheckInt(4)
	}
	var b strings.Builder
	for k := i; k <= j; k++ {
		x := t.RawGetInt(k)
		if !lua.LVCanConvToString(x) {
			L.RaiseError("invalid value (%s) at index %d in table for concat", x.Type().String(), k)
		}
		b.WriteString(lua.LVAsString(x))
		if k != j {
			b.WriteString(sep)
		}
		if k&1023 == 0 {
			checkDeadline(L)
		}
		tooLong(L, b.Len())
	}
	L.Push(lua.LString(b.String()))
	return 1
}
