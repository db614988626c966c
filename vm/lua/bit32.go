package lua

import (
	"math"
	"math/bits"

	lua "github.com/yuin/gopher-lua"
)

// bit32 is the library of that name of Lua 5.2. All VMs share its functions.
var bit32 = map[string]*lua.LFunction{
	"arshift": bitFunction(func(L *lua.LState) uint32 { return arshift(word(L, 1), L.CheckInt(2)) }),
	"band":    bitFunction(func(L *lua.LState) uint32 { return fold(L, math.MaxUint32, func(a, b uint32) uint32 { return a & b }) }),
	"bnot":    bitFunction(func(L *lua.LState) uint32 { return ^word(L, 1) }),
	"bor":     bitFunction(func(L *lua.LState) uint32 { return fold(L, 0, func(a, b uint32) uint32 { return a | b }) }),
	"bxor":    bitFunction(func(L *lua.LState) uint32 { return fold(L, 0, func(a, b uint32) uint32 { return a ^ b }) }),
	"btest":   {IsG: true, GFunction: btest},
	"extract": bitFunction(extract),
	"replace": bitFunction(replace),
	"lrotate": bitFunction(func(L *lua.LState) uint32 { return bits.RotateLeft32(word(L, 1), L.CheckInt(2)%32) }),
	"rrotate": bitFunction(func(L *lua.LState) uint32 { return bits.RotateLeft32(word(L, 1), -(L.CheckInt(2) % 32)) }),
	"lshift":  bitFunction(func(L *lua.LState) uint32 { return shift(word(L, 1), L.CheckInt(2)) }),
	"rshift":  bitFunction(func(L *lua.LState) uint32 { return shift(word(L, 1), -L.CheckInt(2)) }),
}

func bitFunction(f func(*lua.LState) uint32) *lua.LFunction {
	return &lua.LFunction{IsG: true, GFunction: func(L *lua.LState) int {
		L.Push(lua.LNumber(f(L)))
		return 1
	}}
}

// word returns an argument modulo 2^32.
func word(L *lua.LState, i int) uint32 {
	f := math.Mod(math.Floor(float64(L.CheckNumber(i))), 1<<32)
	if math.IsNaN(f) {
		return 0
	}
	return uint32(int64(f))
}

func fold(L *lua.LState, start uint32, op func(a, b uint32) uint32) uint32 {
	for i := 1; i <= L.GetTop(); i++ {
		start = op(start, word(L, i))
	}
	return start
}

func btest(L *lua.LState) int {
	L.Push(lua.LBool(fold(L, math.MaxUint32, func(a, b uint32) uint32 { return a & b }) != 0))
	return 1
}

// shift shifts left, or right if by is negative.
func shift(x uint32, by int) uint32 {
	switch {
	case by <= -32 || by >= 32:
		return 0
	case by < 0:
		return x >> -by
	}
	return x << by
}

func arshift(x uint32, by int) uint32 {
	if by < 0 {
		return shift(x, -by)
	}
	return uint32(int32(x) >> min(by, 31))
}

// field reads the arguments position and width, from argument i.
func field(L *lua.LState, i int) (at int, mask uint32) {
	at, width := L.CheckInt(i), L.OptInt(i+1, 1)
	if at < 0 {
		L.ArgError(i, "field cannot be negative")
	}
	if width < 1 {
		L.ArgError(i+1, "width must be positive")
	}
	if at+width > 32 {
		L.RaiseError("trying to access non-existent bits")
	}
	return at, uint32(1<<width - 1)
}

func extract(L *lua.LState) uint32 {
	at, mask := field(L, 2)
	return word(L, 1) >> at & mask
}

func replace(L *lua.LState) uint32 {
	at, mask := field(L, 3)
	return word(L, 1)&^(mask<<at) | (word(L, 2)&mask)<<at
}
