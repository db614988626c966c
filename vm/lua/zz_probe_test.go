package lua_test

import (
	"fmt"
	"testing"
	"time"
)

func TestZZProbe(t *testing.T) {
	for name, body := range map[string]string{
		"depth":         `local n = 0 local function f() n = n + 1 f() end local ok, e = pcall(f) return {n, ok, e}`,
		"depth nontail": `local n = 0 local function f(a,b,c) n = n + 1 local x = f(a,b,c) return x + 1 end local ok, e = pcall(f) return {n, ok, e}`,
		"fill 40x40":    `local seen = {} local function f(x,y) if x<1 or y<1 or x>40 or y>40 or seen[x*100+y] then return end seen[x*100+y]=true f(x+1,y) f(x-1,y) f(x,y+1) f(x,y-1) end f(1,1) return 1`,
		"unpack":        `local t = {} for i = 1, 3e5 do t[i] = i end local ok, e = pcall(unpack, t) return {ok, e}`,
		"unpack lua":    `local t = {} for i = 1, 3e5 do t[i] = i end local ok, e = pcall(function() local a = {unpack(t)} return #a end) return {ok, e}`,
		"again":         `local function f() return 1 + f() end for i = 1, 20 do local ok, e = pcall(f) if ok then return "?" end end local n = 0 for i = 1, 10 do n = n + i end return n`,
		"after unpack":  `local t = {} for i = 1, 3e5 do t[i] = i end for i = 1, 5 do pcall(unpack, t) end local n = 0 for i = 1, 10 do n = n + i end return n`,
		"closure":       `local n = 0 local function g() n = n + 1 end local function f() g() return 1 + f() end pcall(f) local a = n g() return {n - a}`,
		"coroutine":     `local function f() return 1 + f() end local co = coroutine.create(f) local ok, e = coroutine.resume(co) return {ok, e}`,
		"error pos": `local function f()
	return 1 + f()
end
f()`,
		"error pos unpack": `local t = {} for i = 1, 3e5 do t[i] = i end
	return unpack(t)`,
		"xpcall": `local function f() return 1 + f() end return {xpcall(f, function(e) return "H:" .. tostring(e) end)}`,
		"sort":   `local t = {3, 2, 1} local n = 0 local function f(a, b) n = n + 1 table.sort(t, f) return a < b end local ok, e = pcall(table.sort, t, f) return {ok, e, n}`,
		"meta":   `local n = 0 local a = setmetatable({}, {__index = function(t, k) n = n + 1 return t[k + 1] end}) local ok, e = pcall(function() return a[1] end) return {ok, e, n}`,
		"pcalls": `local n = 0 local function f() n = n + 1 return pcall(f) end return {n, f()}`,
	} {
		for _, st := range []int{128, 200000} {
			if st == 128 && name != "depth" {
				continue
			}
			begin := time.Now()
			out, v, err := run(t, "function main() "+body+" end\nfunction after() return 1 end", options{timeout: time.Minute, stack: st})
			s := ""
			if err == nil && len(out) > 0 {
				b, e2 := v.ToJSON(out[0])
				s = string(b) + fmt.Sprint(e2)
			}
			broken := v.Broken()
			_, err2 := v.Invoke(t.Context(), v.Global("after"))
			fmt.Printf("%-18s stack %d: %.160s err=%v broken=%v after=%v %v\n", name, st, s, err, broken, err2, time.Since(begin).Round(time.Millisecond))
		}
	}
}
