package lua_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"kumi/store/fault"
	"kumi/vm"
)

func TestDeadlineStopsEveryLoop(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, body string }{
		{"empty loop", `while true do end`},
		{"pcall in a loop", `while true do pcall(function() while true do end end) end`},
		{"nested pcalls", `local function f() pcall(f); while true do pcall(f) end end; f()`},
		{"xpcall whose handler loops", `xpcall(function() while true do end end, function() while true do end end)`},
		{"error handler", `while true do pcall(error, "x") end`},
		{"coroutine", `local co = coroutine.create(function() while true do end end); coroutine.resume(co); return "done"`},
		{"wrapped coroutine in pcall", `while true do pcall(coroutine.wrap(function() while true do end end)) end`},
		{"endless coroutines", `while true do local co = coroutine.wrap(function() coroutine.yield(1) end); co() end`},
		{"coroutine that yields for ever", `local co = coroutine.wrap(function() while true do coroutine.yield(1) end end); while true do co() end`},
		{"tail calls", `local function f() return f() end; f()`},
		{"recursion", `local function f(n) if n > 100 then return end f(n + 1); f(n + 1) end; f(0)`},
		{"comparison in sort", `local t = {}; for i = 1, 100 do t[i] = i end; table.sort(t, function(a, b) while true do end end)`},
		{"gsub", `string.gsub("x", "x", function() while true do end end)`},
		{"metamethod", `local t = setmetatable({}, {__index = function() while true do end end}); return t.x`},
		{"iterator", `for _ in function() return 1 end do end`},
		{"callback of Go", `nk.twice(function() while true do end end, 1)`},
		{"large JSON", `nk.json_decode("[" .. string.rep("1,", 2000000) .. "1]")`},
		{"large JSON in pcall", `while true do pcall(nk.json_decode, "[" .. string.rep("1,", 2000000) .. "1]") end`},
		{"nested invoke", `nk.nested(function() while true do end end)`},
		{"pcall around a nested invoke", `while true do pcall(nk.nested, function() while true do end end) end`},
		{"Go that waits", `nk.wait()`},
		{"load with a reader", `load(function() while true do end end)`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, v, err := run(t, "local nk = require('nakama')\nfunction main()\n"+c.body+"\nend", options{timeout: 30 * time.Millisecond})
			if fault.CodeOf(err) != fault.DeadlineExceeded {
				t.Fatalf("got %v", err)
			}
			if !strings.Contains(err.Error(), "limit 30ms") || !strings.Contains(err.Error(), "main.lua:") {
				t.Errorf("message: %v", err)
			}
			if c.name == "Go that waits" { // nothing was cut off
				if v.Broken() {
					t.Error("the VM is broken")
				}
				return
			}
			if !v.Broken() {
				t.Error("the VM is not broken")
			}
			if _, err := v.Invoke(t.Context(), v.Global("main")); err == nil || fault.CodeOf(err) != fault.Internal {
				t.Errorf("called again: %v", err)
			}
		})
	}
}

func TestCallerGoesAway(t *testing.T) {
	t.Parallel()
	v := start(t, `local nk = require("nakama"); function main() nk.twice(function() while true do end end) end`, options{})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		_, err := v.Invoke(ctx, v.Global("main"))
		done <- err
	}()
	cancel()
	if err := <-done; fault.CodeOf(err) != fault.Canceled {
		t.Fatalf("got %v", err)
	}
}

func TestDeadlineEndsWithTheCall(t *testing.T) {
	t.Parallel()
	v := start(t, `function main() for i = 1, 1e5 do end return 1 end`, options{timeout: time.Minute})
	for range 3 {
		if _, err := v.Invoke(t.Context(), v.Global("main")); err != nil {
			t.Fatal(err)
		}
	}
}

func TestStackLimit(t *testing.T) {
	t.Parallel()
	depth := func(stack int) error {
		_, _, err := run(t, `function main() local function f(n) if n > 0 then return 1 + f(n - 1) end return 0 end; return f(100) end`, options{stack: stack})
		return err
	}
	if err := depth(128); err != nil {
		t.Error(err)
	}
	var e *vm.ScriptError
	if err := depth(64); !errors.As(err, &e) || e.Fault.Message != "stack overflow" {
		t.Error(err)
	}
}

// Reading JSON ends soon after its call is stopped.
func TestLargeJSONNoticesTheDeadline(t *testing.T) {
	t.Parallel()
	took := func(limit time.Duration) (time.Duration, error) {
		began := time.Now()
		_, _, err := run(t, `local nk = require("nakama")
			function main() nk.json_decode("[" .. string.rep("1,", 2000000) .. "1]") end`, options{timeout: limit})
		return time.Since(began), err
	}
	var whole, stopped time.Duration
	for range 5 { // on a busy machine either may be late
		var err error
		if whole, err = took(time.Minute); err != nil {
			t.Fatal(err)
		}
		if stopped, err = took(whole / 10); fault.CodeOf(err) != fault.DeadlineExceeded {
			t.Errorf("got %v", err)
		}
		if stopped < whole/2 {
			return
		}
	}
	t.Errorf("it took %v with a limit of a tenth of the %v it takes", stopped, whole)
}
