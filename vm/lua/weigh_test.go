package lua_test

import (
	"context"
	"math"
	"runtime"
	"testing"
)

// TestWeigh compares what a VM is said to keep with what the heap grew by.
func TestWeigh(t *testing.T) {
	for name, body := range map[string]string{
		"numbers":  `for i = 1, 3e5 do kept[i] = i * 1.5 end`,
		"tables":   `for i = 1, 3e4 do kept[i] = { name = "n" .. i, list = { i } } end`,
		"one text": `local s = string.rep("x", 1e6) for i = 1, 3e4 do kept[i] = s end`,
		"keys":     `for i = 1, 3e4 do kept["key" .. i] = i end`,
		"closures": `for i = 1, 3e4 do kept[i] = function() return i end end`,
		"parts": `for i = 1, 2000 do
			local s, at = string.rep("x" .. i % 7, 5000), #kept
			kept[at + 1], kept[at + 2], kept[at + 3] = s:sub(3, 7), s:match("x%d"), s:match("(%d)x")
			kept[at + 4] = require("nakama").json_decode('["' .. s .. '", "short"]')[2]
			kept["a" .. i], kept["b" .. i] = { i, { i } }, { i, { i } }
		end`,
		"linked": `local l for i = 1, 3e4 do l = { next = l } end kept[1] = l`,
	} {
		v := start(t, "local kept = {}\nfunction main() "+body+" end", options{})
		before, without := v.Weigh(math.MaxUint64), heapInUse()
		if _, err := v.Invoke(context.Background(), v.Global("main")); err != nil {
			t.Fatal(name, err)
		}
		said := float64(v.Weigh(math.MaxUint64) - before)
		grown := float64(heapInUse()) - float64(without)
		t.Logf("%s: %d bytes at first, then %.0f more, in truth %.0f", name, before, said, grown)
		v.Close()
		if share := said / grown; share < 0.5 || share > 1.6 {
			t.Errorf("%s: said to keep %.0f bytes more, in truth %.0f", name, said, grown)
		}
	}
}

func heapInUse() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// What is left of one VM in what gopher-lua keeps for the next one is not the
// next one's, and is not looked at: its owner may be changing it.
func TestWeighStaysInItsVM(t *testing.T) { // not parallel: others would take what is left
	fresh := start(t, "function main() end", options{})
	most := 2 * fresh.Weigh(math.MaxUint64)
	fresh.Close()
	for range 50 {
		rich := start(t, `local kept = {} for i = 1, 1e4 do kept[i] = { i } end
			local function deep(n) if n > 0 then return 1 + deep(n - 1) end return #kept end
			function main() return deep(40) end`, options{})
		if _, err := rich.Invoke(context.Background(), rich.Global("main")); err != nil {
			t.Fatal(err)
		}
		poor := start(t, "function main() end", options{})
		if n := poor.Weigh(math.MaxUint64); n > most {
			t.Fatalf("a VM that keeps nothing weighs %d bytes, more than twice what it should", n)
		}
		poor.Close()
		rich.Close()
	}
}
