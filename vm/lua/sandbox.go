package lua

import (
	"math"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"

	lua "github.com/yuin/gopher-lua"

	"kumi/internal/random"
	"kumi/vm"
)

// stock has the functions of gopher-lua's libraries, by library and name. They have
// no state, so all VMs share them. Functions that need the VM, or access anything
// outside of it, are replaced in this package.
var stock = sync.OnceValue(func() map[string]map[string]lua.LValue {
	L := lua.NewState(lua.Options{SkipOpenLibs: true})
	all := map[string]map[string]lua.LValue{}
	for name, open := range map[string]lua.LGFunction{
		"package": lua.OpenPackage, "": lua.OpenBase, "table": lua.OpenTable, "string": lua.OpenString,
		"math": lua.OpenMath, "os": lua.OpenOs, "coroutine": lua.OpenCoroutine,
	} {
		L.Push(L.NewFunction(open))
		L.Push(lua.LString(name))
		L.Call(1, 1)
		all[name] = map[string]lua.LValue{}
		L.Get(-1).(*lua.LTable).ForEach(func(k, x lua.LValue) {
			if x.Type() == lua.LTFunction || x.Type() == lua.LTNumber {
				all[name][k.String()] = x
			}
		})
		L.Pop(1)
	}
	return all
})

// ofPlain has the functions of the base library that use metatables.
var ofPlain = sync.OnceValue(func() map[string]lua.LValue {
	return map[string]lua.LValue{
		"getmetatable": asPlain(stock()[""]["getmetatable"].(*lua.LFunction)),
		"setmetatable": asPlain(stock()[""]["setmetatable"].(*lua.LFunction)),
	}
})

var (
	baseNames = strings.Fields("assert error getfenv ipairs module newproxy rawequal select setfenv type unpack")
	libNames  = map[string][]string{
		"table":     strings.Fields("getn maxn"),
		"string":    strings.Fields("byte char dump len lower reverse sub upper"),
		"os":        strings.Fields("clock difftime time"),
		"coroutine": strings.Fields("running status"),
		"math": strings.Fields("abs acos asin atan atan2 ceil cos cosh deg exp floor fmod frexp ldexp log log10 max min mod " +
			"modf pi pow rad sin sinh sqrt tan tanh"),
	}
)

// maxArray is the maximum index in the array part of a table, which is filled up to the
// highest one: with gopher-lua's limit one assignment can take a gigabyte.
const maxArray = 4 << 20

func init() { lua.MaxArrayIndex = maxArray }

// open installs the parts of the libraries that the program can use.
func (v *VM) open() {
	L, p := v.state, v.o.Program
	L.G.Registry = L.CreateTable(0, 2)
	L.G.Global = L.CreateTable(0, 16)
	L.Env = L.G.Global
	g := L.G.Global
	put := func(name string, x lua.LValue) {
		if p.needs(name) {
			g.RawSetString(name, x)
		}
	}

	put("_G", g)
	put("_VERSION", lua.LString(lua.LuaVersion))
	for _, name := range baseNames {
		put(name, stock()[""][name])
	}
	for name, fn := range ofPlain() {
		put(name, fn)
	}
	put("tonumber", sharedNumber)
	put("tostring", sharedString)
	for name, fn := range map[string]lua.LGFunction{
		"collectgarbage": collectGarbage, "dofile": v.dofile, "loadfile": v.loadfile, "load": load, "loadstring": loadString, "next": v.next, "pairs": v.pairs,
		"pcall": v.pcall, "print": v.print, "rawget": v.rawget, "require": require, "xpcall": v.xpcall,
	} {
		if p.needs(name) {
			g.RawSetString(name, v.function(fn))
		}
	}

	if p.needs("rawset") {
		g.RawSetString("rawset", v.guard(stock()[""]["rawset"].(*lua.LFunction)))
	}
	v.openPackage(g)
	str := v.library("string")
	str.RawSetString("rep", sharedRep)
	str.RawSetString("sub", sharedSub)
	str.RawSetString("format", sharedFormat)
	for name, fn := range patternFuncs {
		str.RawSetString(name, fn)
	}
	mt := L.CreateTable(0, 1)
	mt.RawSetString("__index", str)
	str.RawSetString(doublingName, sharedDoubling)
	if vm.CoverageOn() != nil {
		str.RawSetString(coverageName, sharedCounting)
	}
	L.SetMetatable(lua.LString(""), mt)
	put("string", str)
	for _, name := range []string{"table", "os", "math", "coroutine"} {
		if !p.needs(name) {
			continue
		}
		t := v.library(name)
		switch name {
		case "table":
			t.RawSetString("concat", sharedConcat)
			for _, fn := range []string{"insert", "remove", "sort"} {
				t.RawSetString(fn, v.guard(stock()["table"][fn].(*lua.LFunction)))
			}
		case "os":
			t.RawSetString("date", sharedDate)
			v.journalTime(t)
		case "math":
			t.RawSetString("huge", lua.LNumber(math.Inf(1)))
			t.RawSetString("random", v.function(v.mathRandom))
			t.RawSetString("randomseed", v.function(v.mathSeed))
		case "coroutine":
			t.RawSetString("create", v.function(v.coroutineCreate))
			t.RawSetString("wrap", v.function(v.coroutineWrap))
			t.RawSetString("yield", sharedYield)
			t.RawSetString("resume", v.function(v.coroutineResume))
		}
		g.RawSetString(name, t)
	}
	if p.needs("bit32") {
		t := L.CreateTable(0, len(bit32))
		for name, fn := range bit32 {
			t.RawSetString(name, fn)
		}
		g.RawSetString("bit32", t)
	}
	g.ForEach(func(k, x lua.LValue) { // package.loaded lists the libraries, as in Lua
		if t, ok := x.(*lua.LTable); ok {
			v.loaded.RawSet(k, t)
		}
	})
}

func (v *VM) library(name string) *lua.LTable {
	t := v.state.CreateTable(0, len(libNames[name])+6)
	for _, fn := range libNames[name] {
		t.RawSetString(fn, stock()[name][fn])
	}
	return t
}

func collectGarbage(L *lua.LState) int {
	var kilobytes lua.LNumber // memory is Go's: scripts can only read its size
	if L.OptString(1, "collect") == "count" {
		var s runtime.MemStats
		runtime.ReadMemStats(&s)
		kilobytes = lua.LNumber(s.HeapAlloc) / 1024
	}
	L.Push(kilobytes)
	return 1
}

func (v *VM) print(L *lua.LState) int {
	if v.o.Print == nil {
		return 0
	}
	var b strings.Builder
	for i := 1; i <= L.GetTop(); i++ {
		if i > 1 {
			b.WriteByte('\t')
		}
		b.WriteString(L.ToStringMeta(L.Get(i)).String())
	}
	v.o.Print(v.ctx, b.String())
	return 0
}

// pairs, next and rawget are those of Lua, and support records and tables of Functions.

func (v *VM) pairs(L *lua.LState) int {
	t := L.CheckTable(1)
	v.fill(t)
	L.Push(sharedNext)
	L.Push(t)
	L.Push(lua.LNil)
	return 3
}

var sharedNext = &lua.LFunction{IsG: true, GFunction: func(L *lua.LState) int {
	return next(L, L.CheckTable(1))
}}

func next(L *lua.LState, t *lua.LTable) int {
	plain(t)
	k, x := t.Next(L.Get(2))
	L.Push(k)
	if k == lua.LNil {
		return 1
	}
	L.Push(x)
	return 2
}

func (v *VM) next(L *lua.LState) int {
	t := L.CheckTable(1)
	v.fill(t)
	return next(L, t)
}

func (v *VM) rawget(L *lua.LState) int {
	t := L.CheckTable(1)
	v.fill(t)
	L.Push(t.RawGet(L.CheckAny(2)))
	return 1
}

func (v *VM) rng() *rand.Rand {
	if v.random == nil && v.o.Journal != nil {
		v.random = rand.New(v.o.Journal)
	}
	if v.random == nil {
		v.random = rand.New(rand.NewPCG(random.Uint64(), random.Uint64()))
	}
	return v.random
}

func (v *VM) mathSeed(L *lua.LState) int {
	seed := uint64(L.CheckInt64(1))
	if v.o.Journal != nil {
		v.o.Journal.Seed(seed)
		return 0
	}
	v.random = rand.New(rand.NewPCG(seed, 0))
	return 0
}

func (v *VM) mathRandom(L *lua.LState) int {
	low, high := int64(1), int64(0)
	switch L.GetTop() {
	case 0:
		L.Push(lua.LNumber(v.rng().Float64()))
		return 1
	case 1:
		high = L.CheckInt64(1)
	default:
		low, high = L.CheckInt64(1), L.CheckInt64(2)
	}
	if high < low || high-low+1 <= 0 {
		L.ArgError(min(L.GetTop(), 2), "interval is empty")
	}
	L.Push(lua.LNumber(low + v.rng().Int64N(high-low+1)))
	return 1
}
