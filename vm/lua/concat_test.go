package lua_test

import (
	"strings"
	"testing"
	"time"
)

// A text that doubles is refused when it would be too long, by itself and among
// others, and can be caught.
func TestConcatenationIsBounded(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"doubling": `local s = "x" while true do s = s .. s end`,
		"several":  `local s = string.rep("x", 2 ^ 25) return #(s .. "a" .. s .. 1 .. s)`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, _, err := run(t, "function main() "+body+" end", options{timeout: 30 * time.Second})
			if err == nil || !strings.Contains(err.Error(), "larger than") {
				t.Errorf("got %v", err)
			}
		})
	}
	got := eval(t, `
		local m = setmetatable({}, { __concat = function(a, b) return "meta" end })
		local s = string.rep("x", 2 ^ 25)
		local ok = pcall(function() return s .. s .. s end)
		return tostring(ok) .. "a" .. 1 .. 2.5 .. (m .. "x") .. ("x" .. m)`)
	if want := `"falsea12.5metameta"`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
