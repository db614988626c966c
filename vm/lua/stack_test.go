package lua_test

import (
	"strings"
	"testing"
	"time"
)

// Recursion of tens of thousands of calls works. Deeper recursion is an error with a
// position, which scripts can catch. Afterwards the VM still works, and closures share
// their variables with the frames that continue.
func TestStacks(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ body, want string }{
		"flood fill": {`local seen, n = {}, 0
			local function fill(x, y)
				if x < 1 or y < 1 or x > 150 or y > 150 or seen[x * 1000 + y] then return end
				seen[x * 1000 + y] = true; n = n + 1
				fill(x + 1, y) fill(x - 1, y) fill(x, y + 1) fill(x, y - 1)
			end
			fill(1, 1) return n`, `22500`},
		"calls":     {`local n = 0 local function f() n = n + 1 f() end local ok, e = pcall(f) return {ok, e, n > 40000, n < 60000}`, `[false,"main.lua:2: stack overflow",true,true]`},
		"registers": {`local function f(...) local a = {f(1, ...)} return a end local ok, e = pcall(f) return {ok, e}`, `[false,"main.lua:2: stack overflow"]`},
		"unpack":    {`local t = {} for i = 1, 3e5 do t[i] = i end local ok, e = pcall(function() return unpack(t) end) return {ok, e}`, `[false,"main.lua:2: stack overflow"]`},
		"closures": {`local n = 0 local function bump() n = n + 1 end
			local function f() bump() return 1 + f() end
			local function g(...) bump() local a = {g(1, ...)} return a end
			for i = 1, 3 do pcall(f) pcall(g) local a = n bump() if n ~= a + 1 then return "they part ways" end end return true`, `true`},
		"handler":            {`local function f() return 1 + f() end return {xpcall(f, function(e) return "handled: " .. e end)}`, `[false,"handled: main.lua:2: stack overflow"]`},
		"handler that fails": {`return {xpcall(error, function(e) error("again") end)}`, `[false,"error in error handling"]`},
		"protected":          {`local n = 0 local function f() n = n + 1 return pcall(f) end f() return n`, `1000`},
		"metamethods": {`local a = setmetatable({}, {__index = function(t, k) return t[k + 1] end}) return {pcall(function() return a[1] end)}`,
			`[false,"main.lua:2: stack overflow"]`},
		"coroutine":  {`local function f() return 1 + f() end local ok, e = coroutine.resume(coroutine.create(f)) return {ok, e:find("overflow") ~= nil}`, `[false,true]`},
		"many times": {`local function f() return 1 + f() end for i = 1, 10 do pcall(f) end local n = 0 for i = 1, 10 do n = n + i end return n`, `55`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, v, err := run(t, "function main()\n"+c.body+"\nend", options{timeout: time.Minute, stack: 50_000})
			if err != nil {
				t.Fatal(err)
			}
			got, err := v.ToJSON(out[0])
			if err != nil || string(got) != c.want || v.Broken() {
				t.Errorf("got %s, %v, broken %t; want %s", got, err, v.Broken(), c.want)
			}
		})
	}
	_, v, err := run(t, "function main()\nlocal function f() return 1 + f() end\nreturn f()\nend", options{timeout: time.Minute, stack: 50_000})
	if err == nil || !strings.Contains(err.Error(), "stack overflow") || v.Broken() {
		t.Errorf("got %v, broken %t", err, v.Broken())
	}
}
