package lua_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"kumi/store/fault"
	"kumi/vm"
	"kumi/vm/lua"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// host is the receiver of the functions of the test library.
type host struct{}

var errLimit = fault.New(fault.ResourceExhausted, "no room left")

var table = []vm.Func[host]{
	{Name: vm.N("add"), Body: func(_ host, c *vm.Call) error {
		a, b := c.Int("first"), c.Int("second")
		if err := c.Err(); err != nil {
			return err
		}
		return c.ReturnInt("sum", a+b, nil)
	}},
	{Name: vm.N("two_results"), Body: func(_ host, c *vm.Call) error {
		if err := c.ReturnStr("name", "x", nil); err != nil {
			return err
		}
		return c.ReturnInt("size", 2, nil)
	}},
	{Name: vm.N("refuse"), Body: func(_ host, c *vm.Call) error { return fmt.Errorf("write the object: %w", errLimit) }},
	{Name: vm.N("crash"), Body: func(host, *vm.Call) error { panic("boom") }},
	{Name: vm.N("wait"), Body: func(_ host, c *vm.Call) error {
		<-c.Ctx.Done()
		return c.Ctx.Err()
	}},
	{Name: vm.N("twice"), Body: func(_ host, c *vm.Call) error {
		fn, x := c.Func("fn"), c.Any("value")
		if err := c.Err(); err != nil {
			return err
		}
		once, err := c.E.Call(fn, x)
		if err != nil {
			return err
		}
		again, err := c.E.Call(fn, once)
		return c.ReturnRef("value", again, err)
	}},
	{Name: vm.N("nested"), Body: func(_ host, c *vm.Call) error { // Go calls back through the instance
		fn := c.Func("fn")
		if err := c.Err(); err != nil {
			return err
		}
		out, err := c.E.(vm.Instance).Invoke(c.Ctx, fn)
		if err != nil {
			return err
		}
		return c.ReturnRef("value", out[0], nil)
	}},
	{Name: vm.N("json_encode"), Body: func(_ host, c *vm.Call) error {
		text, err := c.E.ToJSON(c.Any("value"))
		return c.ReturnStr("text", string(text), err)
	}},
	{Name: vm.N("json_decode"), Body: func(_ host, c *vm.Call) error {
		v, err := c.E.FromJSON(c.Str("text"))
		return c.ReturnRef("value", v, err)
	}},
	{Name: vm.N("through_go"), Body: func(_ host, c *vm.Call) error {
		x, err := c.E.Export(c.Any("value"))
		return c.ReturnAny("value", x, err)
	}},
}

var library = vm.Bind(vm.Lua, host{}, table)

type handlers map[string]vm.Ref

func (h handlers) Handler(key string) vm.Ref { return h[key] }

type options struct {
	timeout time.Duration
	stack   int
	root    string
	print   func(context.Context, string)
	modules map[string]string
}

// start makes a VM and loads modules into it; the source of "main" is source.
func start(t testing.TB, source string, o options) *lua.VM {
	t.Helper()
	v, err := tryStart(t, source, o)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func tryStart(t testing.TB, source string, o options) (*lua.VM, error) {
	t.Helper()
	sources := map[string]string{"main": source}
	for name, source := range o.modules {
		sources[name] = source
	}
	var modules []*lua.Module
	for name, source := range sources {
		m, err := lua.Compile(name, strings.ReplaceAll(name, ".", "/")+".lua", source)
		if err != nil {
			return nil, err
		}
		modules = append(modules, m)
	}
	p, err := lua.NewProgram(modules...)
	if err != nil {
		return nil, err
	}
	v, err := lua.New(lua.Options{
		Program: p, Handlers: handlers{}, Libraries: map[string]*vm.Library{"nakama": library},
		Limits: vm.Limits{Timeout: o.timeout, Stack: o.stack}, Root: o.root, Print: o.print,
	})
	if err != nil {
		return nil, err
	}
	t.Cleanup(v.Close)
	return v, v.Load(t.Context())
}

// run loads source and calls its global function main.
func run(t *testing.T, source string, o options, args ...vm.Ref) ([]vm.Ref, *lua.VM, error) {
	t.Helper()
	v := start(t, source, o)
	main := v.Global("main")
	if main == nil {
		t.Fatal("no function main")
	}
	out, err := v.Invoke(t.Context(), main, args...)
	return out, v, err
}

// eval returns the result of a function body as JSON.
func eval(t *testing.T, body string) string {
	t.Helper()
	out, v, err := run(t, "local nk = require('nakama')\nfunction main()\n"+body+"\nend", options{})
	if err != nil {
		var e *vm.ScriptError
		if errors.As(err, &e) {
			t.Logf("stack: %s", e.Stack)
		}
		t.Fatal(err)
	}
	text, err := v.ToJSON(out[0])
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestValues(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, body, want string }{
		{"arithmetic", `return 1 + 2`, `3`},
		{"native", `return nk.add(2, 3)`, `5`},
		{"native coerces numbers in strings", `return nk.add("2", 3)`, `5`},
		{"ints are truncated", `return nk.add(2.9, 3)`, `5`},
		{"several results", `local a, b = nk.two_results(); return {a, b}`, `["x",2]`},
		{"callback", `return nk.twice(function(n) return n * 2 end, 3)`, `12`},
		{"nested", `return nk.nested(function() return nk.nested(function() return nk.add(1, 1) end) end)`, `2`},
		{"list", `return nk.json_encode({1, 2, 3})`, `"[1,2,3]"`},
		{"list with holes", `return nk.json_encode({1, nil, 3})`, `"[1,null,3]"`},
		{"mixed table is a list", `return nk.json_encode({1, a = 2})`, `"[1]"`},
		{"empty table", `return nk.json_encode({})`, `"{}"`},
		{"sorted keys", `return {b = 1, a = {c = true}, [1.5] = "x"}`, `{"1.5":"x","a":{"c":true},"b":1}`},
		{"numbers", `return {1, 1.5, 1e15, -0.25, 1e300, 2^53}`, `[1,1.5,1000000000000000,-0.25,1e+300,9007199254740992]`},
		{"escapes", `return 'a"b\\c\n<ü>'`, `"a\"b\\c\n<ü>"`},
		{"decode", `local v = nk.json_decode('{"a":[1,2,{"b":null}],"c":"\\u00fc\\n","d":-1.5e2,"e":true}'); return {#v.a, v.a[3].b == nil, v.c, v.d, v.e}`, `[3,true,"ü\n",-150,true]`},
		{"decode scalars", `return {nk.json_decode("1"), nk.json_decode('"x"'), nk.json_decode(" true "), nk.json_decode("null") == nil}`, `[1,"x",true,true]`},
		{"round trip", `return nk.through_go({a = {1, "x", false}, b = {c = 0.5}})`, `{"a":[1,"x",false],"b":{"c":0.5}}`},
		{"all functions are listed", `local n = 0; for k, f in pairs(nk) do assert(type(f) == "function"); n = n + 1 end; return n`, fmt.Sprint(len(table))},
		{"next lists them too", `local n, k = 0, next(nk); while k do n = n + 1; k = next(nk, k) end; return n`, fmt.Sprint(len(table))},
		{"a function is made once", `return nk.add == nk.add`, `true`},
		{"unknown function", `return nk.nothing == nil`, `true`},
		{"rawget", `return rawget(nk, "add") ~= nil`, `true`},
		{"require gives one value", `return require("nakama") == nk`, `true`},
		{"string methods", `return ("x"):upper() .. ("%d"):format(3)`, `"X3"`},
		{"string.rep", `return string.rep("ab", 3)`, `"ababab"`},
		{"math", `return {math.floor(1.5), math.max(1, 3), math.huge > 1e308, math.pi > 3}`, `[1,3,true,true]`},
		{"random", `math.randomseed(1); local a = math.random(100); math.randomseed(1); local r = math.random(5, 6); return {a >= 1 and a <= 100, r >= 5 and r <= 6, math.random() < 1}`, `[true,true,true]`},
		{"random is seeded", `math.randomseed(1); local a = math.random(1e9); math.randomseed(1); return a == math.random(1e9)`, `true`},
		{"bit32", `return {bit32.band(12, 10), bit32.bor(12, 10), bit32.bxor(12, 10), bit32.bnot(0), bit32.lshift(1, 4), bit32.rshift(16, 4), bit32.arshift(-8, 1), bit32.extract(0xff0, 4, 8), bit32.replace(0, 5, 4, 4), bit32.lrotate(0x80000001, 1), bit32.rrotate(1, 1), bit32.btest(6, 1), bit32.band(-1)}`,
			`[8,14,6,4294967295,16,1,4294967292,255,80,3,2147483648,false,4294967295]`},
		{"os", `return {type(os.time()), type(os.clock()), os.date("!%Y", 0), os.difftime(2, 1), os.getenv == nil, os.exit == nil, os.remove == nil}`, `["number","number","1970",1,true,true,true]`},
		{"table functions", `local t = {3, 1, 2}; table.sort(t); table.insert(t, 4); return {table.concat(t, ","), table.remove(t), #t, table.getn(t), table.maxn(t)}`, `["1,2,3,4",4,3,3,3]`},
		{"goto", `local n = 0; ::again:: n = n + 1; if n < 3 then goto again end; return n`, `3`},
		{"coroutines", `local co = coroutine.wrap(function(a) local b = coroutine.yield(a + 1); return b * 2 end); return {co(1), co(5)}`, `[2,10]`},
		{"native in a coroutine", `local co = coroutine.create(function() return nk.twice(function(n) return n + 1 end, 1) end); return {coroutine.resume(co)}`, `[true,3]`},
		{"globals are listed", `local found = {}; for k in pairs(_G) do found[k] = true end; return {found.string, found.require, found.coroutine, found.io == nil, found._printregs == nil}`, `[true,true,true,true,true]`},
		{"getfenv", `return getfenv(1) == _G`, `true`},
		{"loadstring", `return loadstring("return 1 + 1")()`, `2`},
		{"load", `local n = 0; return {load(function() n = n + 1; return ({"return ", "1", " + 2"})[n] end)(), (select(2, loadstring("return return", "mine")))}`, `[3,"mine:1:13: syntax error near 'return'"]`},
		{"nested source", `return {loadstring(("{"):rep(1e6)), (select(2, loadstring(("{"):rep(1e6)))), (loadstring(("{"):rep(2e5)))}`, `[null,"source of more than 262144 bytes cannot be compiled"]`},
		{"nested source that is whole", `return loadstring("return " .. ("not "):rep(6e4) .. "1")()`, `true`},
		{"high index", `local t = {}; t[6e7] = 1; return {#t, t[6e7]}`, `[0,1]`},
		{"package", `return {package.loaded.string == string, package.loaded.nakama == nk, package.cpath, pcall(package.loadlib, "x", "y")}`, `[true,true,"",false,"main.lua:3: loadlib is not supported"]`},
		{"preload", `package.preload.extra = function(name) return {name = name} end; return require("extra").name`, `"extra"`},
		{"no io", `return {io == nil, debug == nil, channel == nil}`, `[true,true,true]`},
		{"collectgarbage", `return {collectgarbage(), collectgarbage("count") > 0}`, `[0,true]`},
		{"locals survive a caught error", `local x = 1; local function inc() x = x + 1 end; pcall(error, "no"); inc(); return x`, `2`},
		{"and so do those of the frame that failed", `local get; pcall(function() local y = 5; get = function() return y end; error("no") end); return get()`, `5`},
		{"nested pcall", `local n = 0; local function bump() n = n + 1 end; pcall(function() pcall(error, "a"); bump(); pcall(function() bump(); error("b") end); bump(); error("c") end); bump(); return n`, `4`},
		{"xpcall", `local n = 0; local function bump() n = n + 1 end; local ok, m = xpcall(function() error({code = 3}) end, function(e) bump(); return e.code end); bump(); return {ok, m, n}`, `[false,3,2]`},
		{"xpcall passes results", `return {xpcall(function() return 1, 2 end, print)}`, `[true,1,2]`},
		{"pcall passes results", `return {pcall(function(...) return ... end, 1, 2)}`, `[true,1,2]`},
		{"pcall of what is no function", `return {pcall(3)}`, `[false,"attempt to call a number value"]`},
		{"error in a coroutine", `local x = 1; local co = coroutine.create(function() local function f() x = x + 1 end; pcall(error, "a"); f(); error("b", 0) end); local r = {coroutine.resume(co)}; r[3] = x; r[4] = coroutine.status(co); return r`, `[false,"b",2,"dead"]`},
		{"coroutines in coroutines", `local n = 0; local function f() n = n + 1; coroutine.wrap(f)() end; local ok, m = pcall(f); return {ok, n, m:match("stack overflow") ~= nil, coroutine.wrap(function() return "again" end)()}`, `[false,201,true,"again"]`},
		{"and resumed", `local n = 0; local function f() n = n + 1; local ok, m = coroutine.resume(coroutine.create(f)); if not ok then error(m) end end; return {pcall(f) == false, n}`, `[true,201]`},
		{"yield in pcall", `local co = coroutine.wrap(function() local ok, m = pcall(function() return coroutine.yield(1) end); return {ok, m} end); return co()`, `[false,"main.lua:3: attempt to yield across metamethod/C-call boundary"]`},
		{"yield in a callback of Go", `local co = coroutine.wrap(function() return {pcall(nk.twice, function() coroutine.yield(1) end, 1)} end); return co()`, `[false,"main.lua:3: attempt to yield across metamethod/C-call boundary"]`},
		{"generators", `local function gen(n) return coroutine.wrap(function() for i = 1, n do coroutine.yield(i) end end) end; local s = 0; for i in gen(10) do s = s + i end; return s`, `55`},
		{"dead coroutine", `local co = coroutine.wrap(function() end); co(); return {pcall(co)}`, `[false,"main.lua:3: can not resume a dead thread"]`},
		{"yield outside of a coroutine", `local ok, m = pcall(coroutine.yield, 1); return {ok, m}`, `[false,"main.lua:3: can not yield from outside of a coroutine"]`},
		{"stack overflow is caught", `local function f() return 1 + f() end; local ok, m = pcall(f); return {ok, m}`, `[false,"main.lua:3: stack overflow"]`},
		{"and harmless", `local x = 1; local function g() x = x + 1; return x end; local function f() local y = 1; local h = function() return y end; return 1 + f() end; pcall(f); g(); return x`, `2`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := eval(t, c.body); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, body string
		code       fault.Code
		message    string
		custom     bool
		stack      string // part of it
	}{
		{"text", `error("no luck")`, fault.Internal, "no luck", false, "main.lua:3"},
		{"text without a place", `error("no luck", 0)`, fault.Internal, "no luck", false, "function at line 2 (main.lua:3)"},
		{"raised twice", `local ok, e = pcall(error, "main.lua:1: no luck"); error(e)`, fault.Internal, "no luck", false, ""},
		{"coded", `error({"not yours", 7})`, fault.PermissionDenied, "not yours", true, "main.lua:3"},
		{"coded by key", `error({message = "not yours", code = 7})`, fault.PermissionDenied, "not yours", true, ""},
		{"coded by short key", `error({msg = "not yours", code = 7})`, fault.PermissionDenied, "not yours", true, ""},
		{"coded in a called function", `local function f() error({"gone", 5}) end; f()`, fault.NotFound, "gone", true, "main.lua:3"},
		{"message only", `error({"x"})`, fault.Internal, "x", false, ""},
		{"other table", `error({reason = "x"})`, fault.Internal, `{"reason":"x"}`, false, ""},
		{"code of no meaning", `error({"x", -4})`, fault.Internal, "x", true, ""},
		{"nil", `error(nil)`, fault.Internal, "nil", false, ""},
		{"index of nil", `local t; t.x = 1`, fault.Internal, "attempt to index a non-table object(nil) with key 'x'", false, "main.lua:3"},
		{"bad argument", `nk.add("x", 1)`, fault.Internal, "bad argument #1 to add (expected a number)", false, "main.lua:3"},
		{"missing argument", `nk.add(1)`, fault.Internal, "bad argument #2 to add (expected a number)", false, ""},
		{"coded error of Go", `nk.refuse()`, fault.ResourceExhausted, "no room left", false, "main.lua:3"},
		{"and rethrown", `local ok, e = pcall(nk.refuse); error(e)`, fault.ResourceExhausted, "no room left", false, ""},
		{"and replaced", `pcall(nk.refuse); error("other")`, fault.Internal, "other", false, ""},
		{"coded error through Go", `nk.twice(function() error({"gone", 5}) end, 1)`, fault.NotFound, "gone", true, ""},
		{"coded error through an invoke", `nk.nested(function() error({"gone", 5}) end)`, fault.NotFound, "gone", true, ""},
		{"panic of Go", `nk.crash()`, fault.Internal, "internal error in crash", false, ""},
		{"bad JSON", `nk.json_decode("{x}")`, fault.InvalidArgument, "invalid JSON at byte 1: expected a property name in quotes", false, ""},
		{"NaN", `nk.json_encode(0/0)`, fault.InvalidArgument, "NaN cannot be represented in JSON", false, ""},
		{"cycle", `local t = {}; t.t = t; nk.json_encode(t)`, fault.InvalidArgument, "t.t.t.t.t.t.t.t.t.t.t.t…: the value is nested more than 1000 levels deep or contains itself", false, ""},
		{"string bomb", `string.rep("x", 1e12)`, fault.Internal, "bad argument #2 to rep (the result would be larger than 67108864 bytes)", false, ""},
		{"doubling string", "local s = 'x'\nwhile true do\ns = s .. '-' .. s\nend", fault.Internal, "the result would be larger than 67108864 bytes", false, "main.lua:5"},
		{"doubling string, function", `local s = "x" local f = function() s = s .. s end while true do f() end`, fault.Internal, "the result would be larger than 67108864 bytes", false, ""},
		{"doubling string, field", `local t = { a = { s = "x" } } while true do t.a.s = t.a.s .. "-" .. t.a["s"] end`, fault.Internal, "the result would be larger than 67108864 bytes", false, ""},
		{"doubling string, loaded", `setfenv(loadstring("s = 'x' while true do s = s .. s end"), {})()`, fault.Internal, "the result would be larger than 67108864 bytes", false, ""},
		{"stack overflow", `local function f() return 1 + f() end; f()`, fault.Internal, "stack overflow", false, ""},
		{"registry overflow", `local t = {}; return unpack(t, 1, 1e7)`, fault.Internal, "stack overflow", false, ""},
		{"unknown module", `require("nothing")`, fault.Internal, "module nothing not found:\n\tno field package.preload['nothing']\n\tno module 'nothing' in the modules folder", false, ""},
		{"unknown function", "undefd()", fault.Internal, "attempt to call a non-function object (undefd)", false, "main.lua:3"},
		{"unknown field", "local a = nk.registr_rpc(1)", fault.Internal, "attempt to call a non-function object (registr_rpc)", false, ""},
		{"unknown method", "nk:registr_rpc()", fault.Internal, "attempt to call a non-function object (registr_rpc)", false, ""},
		{"unknown function, in another", "local f = function()\nundefd()\nend f()", fault.Internal, "attempt to call a non-function object (undefd)", false, "main.lua:4"},
		{"one of two calls", "tostring(undefd())", fault.Internal, "attempt to call a non-function object", false, ""},
		{"caught unknown function", "local ok, why = pcall(function() undefd() end) error(why, 0)", fault.Internal, "attempt to call a non-function object", false, ""},
		{"thread error", `coroutine.wrap(function() error({"gone", 5}) end)()`, fault.NotFound, "gone", true, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, _, err := run(t, "local nk = require('nakama')\nfunction main()\n"+c.body+"\nend", options{})
			var e *vm.ScriptError
			if !errors.As(err, &e) {
				t.Fatalf("got %v", err)
			}
			if e.Fault.Code != c.code || e.Fault.Message != c.message || e.Custom != c.custom {
				t.Errorf("got %d %q custom %v\nstack %s", e.Fault.Code, e.Fault.Message, e.Custom, e.Stack)
			}
			if !strings.Contains(e.Stack, c.stack) {
				t.Errorf("stack lacks %q:\n%s", c.stack, e.Stack)
			}
		})
	}
}

func TestErrorOfGoIsStillThere(t *testing.T) {
	t.Parallel()
	_, _, err := run(t, "local nk = require('nakama')\nfunction main() nk.refuse() end", options{})
	if !errors.Is(err, errLimit) {
		t.Fatalf("got %v", err)
	}
}

func TestGoErrorIsAStringForScripts(t *testing.T) {
	t.Parallel()
	if got := eval(t, `local ok, e = pcall(function() nk.refuse() end); return {ok, e}`); got != `[false,"main.lua:3: no room left"]` {
		t.Error(got)
	}
}

func TestModules(t *testing.T) {
	t.Parallel()
	o := options{modules: map[string]string{
		"game.rooms": `count = (count or 0) + 1; local M = {name = ...}; function M.size() return 4 end; return M`,
		"a":          `order = (order or "") .. "a"; local r = require("game.rooms"); return {rooms = r}`,
		"z":          `order = order .. "z"`,
	}}
	out, v, err := run(t, `order = order .. "m"; local rooms = require("game.rooms"); function main() return {count, order, rooms.size(), rooms.name, require("a").rooms == rooms, require("z")} end`, o)
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := v.ToJSON(out[0]); string(got) != `[1,"amz",4,"game.rooms",true,true]` {
		t.Errorf("got %s", got)
	}
}

func TestLoadErrors(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, source, want string }{
		{"syntax", "local x =\nfunction f( end", "main.lua:2:"},
		{"unfinished", "function f()\n  if x then\n", "main.lua:2:"},
		{"goto nowhere", "goto done", "main.lua:"},
		{"at run time", "\nlocal x = nil + 1", "cannot perform add operation between nil and number"},
		{"loop", `require("main")`, "loop or previous error loading module: main"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := tryStart(t, c.source, options{})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("got %v", err)
			}
		})
	}
}

func TestFilesOfTheModulesFolder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	inside := filepath.Join(dir, "modules")
	for name, text := range map[string]string{"modules/data/list.lua": "return {1, 2}", "modules/bad.lua": "x =", "secret.lua": "return 3"} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(filepath.Join(dir, "secret.lua"), filepath.Join(inside, "link.lua")); err != nil {
		t.Skipf("cannot make links here: %v", err)
	}
	for _, c := range []struct{ body, want string }{
		{`return dofile("data/list.lua")`, `[1,2]`},
		{`return loadfile("data/list.lua")()`, `[1,2]`},
		{`return dofile("` + inside + `/data/list.lua")`, `[1,2]`},
		{`return {loadfile("bad.lua")}`, `[null,"bad.lua:1: syntax error at the end of the file"]`},
		{`return {loadfile("../secret.lua")}`, `[null,"cannot open ../secret.lua: it is not a readable file of the modules folder"]`},
		{`return {loadfile("link.lua")}`, `[null,"cannot open link.lua: it is not a readable file of the modules folder"]`},
		{`return {loadfile("/etc/passwd")}`, `[null,"cannot open /etc/passwd: it is not a readable file of the modules folder"]`},
		{`return {pcall(dofile, "none.lua")}`, `[false,"main.lua:1: cannot open none.lua: it is not a readable file of the modules folder"]`},
	} {
		out, v, err := run(t, "function main() "+c.body+" end", options{root: inside})
		if err != nil {
			t.Errorf("%s: %v", c.body, err)
			continue
		}
		if got, _ := v.ToJSON(out[0]); string(got) != c.want {
			t.Errorf("%s: got %s", c.body, got)
		}
	}
}

func TestOnlyWhatIsNamedIsThere(t *testing.T) {
	t.Parallel()
	v := start(t, `local x = "os"`, options{})
	for name, want := range map[string]bool{"os": true, "string": false, "pairs": false} {
		if got := v.Global(name) != nil; got != want {
			t.Errorf("%s is there: %v", name, got)
		}
	}
}

func TestPrint(t *testing.T) {
	t.Parallel()
	var lines []string
	_, _, err := run(t, `function main() print("a", 1, nil) end`, options{print: func(_ context.Context, l string) { lines = append(lines, l) }})
	if err != nil || len(lines) != 1 || lines[0] != "a\t1\tnil" {
		t.Fatalf("%v %q", err, lines)
	}
}

func TestResults(t *testing.T) {
	t.Parallel()
	out, _, err := run(t, `function main(a, b) return b, a, nil end`, options{}, nil, nil)
	if err != nil || len(out) != 3 {
		t.Fatalf("%v %v", out, err)
	}
	out, v, err := run(t, `function main() end`, options{})
	if err != nil || len(out) != 1 || !v.IsNil(out[0]) {
		t.Fatalf("%v %v", out, err)
	}
}

func TestInvokeOfNoFunction(t *testing.T) {
	t.Parallel()
	v := start(t, ``, options{})
	if _, err := v.Invoke(context.Background(), v.FromInt(3)); err == nil || v.Broken() {
		t.Fatal(err)
	}
}
