package lua_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"kumi/vm/lua"
)

// FuzzJSON checks that FromJSON accepts the same texts as the standard library, and
// that its values can be written and read again.
func FuzzJSON(f *testing.F) {
	for _, s := range []string{`{"a":[1,-2.5e3,null,true,"\u00fc\n"]}`, `[]`, `{}`, ` 1 `, `"x`, `01`, `1.`, `{"a":}`, `[1,]`, "\"\x01\"", `"\ud800"`, `nul`, "\"\xff\""} {
		f.Add(s)
	}
	v := start(f, "", options{})
	f.Fuzz(func(t *testing.T, text string) {
		x, err := v.FromJSON(text)
		if strings.Count(text, "[")+strings.Count(text, "{") > 150 {
			return // the limits of nesting differ
		}
		if valid := json.Valid([]byte(text)); (err == nil) != valid {
			var anything any
			if json.Unmarshal([]byte(text), &anything) == nil { // a number may be too large for either
				t.Fatalf("%q: valid is %v, but: %v", text, valid, err)
			}
		}
		if err != nil {
			return
		}
		out, err := v.ToJSON(x)
		if err != nil || !json.Valid(out) {
			t.Fatalf("%q: written as %q, %v", text, out, err)
		}
	})
}

// FuzzPattern checks that invalid patterns only raise errors.
func FuzzPattern(f *testing.F) {
	for _, p := range []string{"^(%a+)%s*=%s*(.-)$", "%b()", "%f[%w]", "[^%]-]", "()", "%1", "[", "%", "(a*)*", "[a-", "[%", "%f", "%b"} {
		f.Add("key = value (x)", p)
	}
	v := start(f, `function main(s, p)
		local n = 0
		for _ in string.gmatch(s, p) do n = n + 1 if n > 100 then break end end
		return string.find(s, p), string.match(s, p), string.gsub(s, p, "<%0>", 100)
	end`, options{timeout: time.Second})
	main := v.Global("main")
	f.Fuzz(func(t *testing.T, text, pattern string) {
		if v.Broken() {
			t.Skip("a pattern took too long")
		}
		_, err := v.Invoke(t.Context(), main, v.FromStr(text), v.FromStr(pattern))
		if err != nil && strings.Contains(err.Error(), "runtime error") {
			t.Fatalf("%q in %q: %v", pattern, text, err)
		}
	})
}

// FuzzCompile checks that invalid source only returns errors.
func FuzzCompile(f *testing.F) {
	for _, s := range []string{fib, "goto x", "return ((((1))))", "local a <", "--[[", "[==[", "x = 0x", "return 1e", "::a:: goto a"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, source string) {
		if _, err := lua.Compile("m", "m.lua", source); err != nil && !strings.HasPrefix(err.Error(), "m.lua") {
			t.Fatalf("%q: %v", source, err)
		}
	})
}
