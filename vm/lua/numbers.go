package lua

import (
	"math"
	"strconv"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// toNumber is tonumber. gopher-lua's own supports neither exponents nor integers of
// more than 64 bits.
func toNumber(L *lua.LState) int {
	base := L.OptInt(2, 10)
	if base < 2 || base > 36 {
		L.ArgError(2, "base out of range")
	}
	var result lua.LValue = lua.LNil
	switch x := L.CheckAny(1).(type) {
	case lua.LNumber:
		result = x
	case lua.LString:
		text := strings.Trim(string(x), " \t\n\v\f\r")
		if f, ok := readNumber(text, base); ok {
			result = lua.LNumber(f)
		}
	}
	L.Push(result)
	return 1
}

func readNumber(text string, base int) (float64, bool) {
	digits := strings.TrimLeft(text, "+-")
	negative := strings.HasPrefix(text, "-")
	if digits == "" || len(text)-len(digits) > 1 || strings.Contains(digits, "_") {
		return 0, false
	}
	hex := len(digits) > 2 && (strings.HasPrefix(digits, "0x") || strings.HasPrefix(digits, "0X"))
	if hex && (base == 10 || base == 16) {
		digits, base = digits[2:], 16
	}
	var f float64
	switch first := digits[0]; {
	case base != 10:
		n, err := strconv.ParseUint(digits, base, 64)
		if err != nil {
			return 0, false
		}
		f = float64(n)
	case first != '.' && (first < '0' || first > '9'): // inf, nan
		return 0, false
	default:
		var err error
		if f, err = strconv.ParseFloat(digits, 64); err != nil && !math.IsInf(f, 0) {
			return 0, false
		}
	}
	if negative {
		f = -f
	}
	return f, true
}

// toString is tostring. gopher-lua's own formats infinities like Go.
func toString(L *lua.LState) int {
	x := L.CheckAny(1)
	if n, ok := x.(lua.LNumber); ok {
		L.Push(lua.LString(numberText(n)))
	} else {
		L.Push(L.ToStringMeta(x))
	}
	return 1
}
