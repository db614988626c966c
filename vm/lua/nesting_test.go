package lua_test

import (
	"testing"
	"time"

	"kumi/store/fault"
)

// Scripts that could overflow the stack, which ends the process: each case must end with
// an error, and other VMs must still work.
func TestNesting(t *testing.T) {
	t.Parallel()
	const tables = `local t = {} for i = 1, 1e5 do t = {t} end `
	for name, body := range map[string]string{
		"index chain":        `local t = {} for i = 1, 1e5 do t = setmetatable({}, {__index = t}) end return t.x`,
		"newindex chain":     `local t = {} for i = 1, 1e5 do t = setmetatable({}, {__newindex = t}) end t.x = 1`,
		"index circle":       `local a, b = {}, {} setmetatable(a, {__index = b}) setmetatable(b, {__index = a}) return a.x`,
		"newindex circle":    `local a, b = {}, {} setmetatable(a, {__newindex = b}) setmetatable(b, {__newindex = a}) a.x = 1`,
		"call of itself":     `local a = setmetatable({}, {}) getmetatable(a).__call = a a()`,
		"tostring":           `tostring(setmetatable({}, {__tostring = function(s) return tostring(s) end}))`,
		"tostring of Go":     `tostring(setmetatable({}, {__tostring = tostring}))`,
		"eq":                 `local m = {} m.__eq = function(a, b) return a == b end return setmetatable({}, m) == setmetatable({}, m)`,
		"coroutines":         `local function f() return coroutine.wrap(f)() end f()`,
		"sort in comparison": `local t = {3, 2, 1} local function f(a, b) table.sort(t, f) return a < b end table.sort(t, f)`,
		"error in sort":      `local t = {} for i = 1, 100 do t[i] = i end table.sort(t, function() error("x") end)`,
		"gsub in gsub":       `local function f() return string.gsub("x", "x", f) end f()`,
		"pattern, captures":  `string.find("x", string.rep("(", 3e6))`,
		"pattern, long":      `string.find(string.rep("a", 3e6), string.rep("a-", 1e6) .. "b")`,
		"loadstring":         `assert(loadstring("return " .. string.rep("(", 3e6)))`,
		"result":             tables + `return t`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, v, err := run(t, "function main() "+body+" end\nfunction after() return 1 end", options{timeout: time.Minute})
			if err == nil && len(out) > 0 {
				_, err = v.ToJSON(out[0])
			}
			if err == nil || fault.CodeOf(err) == fault.DeadlineExceeded {
				t.Fatalf("got %v", err)
			}
			if v.Broken() {
				_, v, _ = run(t, "function main() end\nfunction after() return 1 end", options{})
			}
			if _, err := v.Invoke(t.Context(), v.Global("after")); err != nil {
				t.Errorf("afterwards: %v", err)
			}
		})
	}
}
