package lua_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	golua "github.com/yuin/gopher-lua"
	"pgregory.net/rapid"

	"kumi/store/fault"
)

func TestPatterns(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ body, want string }{
		{`return {("hello world"):find("o w")}`, `[5,7]`},
		{`return {("hello"):find("l+")}`, `[3,4]`},
		{`return {("hello"):find("l", -2)}`, `[4,4]`},
		{`return {("hello"):find("xyz") == nil, ("a.b"):find(".", 1, true)}`, `[true,2,2]`},
		{`return {("abc"):find("")}`, `[1,0]`},
		{`return {("abc"):find("", 10)}`, `[4,3]`},
		{`return {("a+b"):find("+", 1, true)}`, `[2,2]`},
		{`return {("key = value"):match("^(%w+)%s*=%s*(%w+)$")}`, `["key","value"]`},
		{`return {("  trim me  "):match("^%s*(.-)%s*$")}`, `["trim me"]`},
		{`return {("2024-05-06"):match("(%d+)-(%d+)-(%d+)")}`, `["2024","05","06"]`},
		{`return {("abc"):match("()b()")}`, `[2,3]`},
		{`return {("f(a(b)c)d"):match("%b()")}`, `["(a(b)c)"]`},
		{`return {("THE (quick) fox"):find("%f[%a]%a+%f[%A]")}`, `[1,3]`},
		{`return {("say 'hi' \"ho\""):match("(['\"])(.-)%1")}`, `["'","hi"]`},
		{`return {("x]y"):match("[]]"), ("x^y"):match("[%^]"), ("a-b"):match("[a%-]+"), ("a-b"):match("[-a]+")}`, `["]","^","a-","a-"]`},
		{`return {("héllo"):match("%a+"), ("A1_z"):match("[%w_]+"), ("deadBEEF!"):match("%x+"), ("a,b"):match("%p"), ("aB"):match("%u"), ("aB"):match("%L")}`, `["h","A1_z","deadBEEF",",","B","B"]`},
		{`return {("abc"):match("^b") == nil, ("abc"):match("^b", 2), ("a$"):match("$$"), ("a$b"):match("a$b")}`, `[true,"b","$","a$b"]`},
		{`local t = {}; for k, v in ("a=1, b=2"):gmatch("(%w+)=(%w+)") do t[#t + 1] = k .. v end; return t`, `["a1","b2"]`},
		{`local t = {}; for w in ("one two"):gmatch("%a*") do t[#t + 1] = w end; return t`, `["one","","two",""]`},
		{`return {("hello"):gsub("l", "L")}`, `["heLLo",2]`},
		{`return {("hello"):gsub("l", "L", 1)}`, `["heLlo",1]`},
		{`return {("hello"):gsub("", "-")}`, `["-h-e-l-l-o-",6]`},
		{`return {("hello world"):gsub("(%w+) (%w+)", "%2 %1 %0 %%")}`, `["world hello hello world %",1]`},
		{`return {("hello"):gsub("%w+", "%1")}`, `["hello",1]`},
		{`return {("$name is $age $x"):gsub("%$(%w+)", {name = "Ann", age = 7})}`, `["Ann is 7 $x",3]`},
		{`local s = "abcde"; return {s:sub(2), s:sub(2, 3), s:sub(-2), s:sub(0), s:sub(-9, 2), s:sub(4, 99), s:sub(3, 2), s:sub(6), s:sub(2, -2), s:sub(1, 0), ("x"):rep(999):sub(-3)}`, `["bcde","bc","de","abcde","ab","de","","","bcd","","xxx"]`},
		{`return {("abc"):gsub("%w", function(c) if c == "b" then return "B" end end)}`, `["aBc",3]`},
		{`return {("abc"):gsub("^a", "x")}`, `["xbc",1]`},
		{`return {("aaa"):gsub("^a", "x")}`, `["xaa",1]`},
		{`return {("abc"):gsub("b*", "-")}`, `["-a--c-",4]`},
		{`return {pcall(string.find, "a", "[a")}`, `[false,"main.lua:3: malformed pattern (missing ']')"]`},
		{`return {pcall(string.find, "a", "%")}`, `[false,"main.lua:3: malformed pattern (ends with '%')"]`},
		{`return {pcall(string.find, "a", "(a")}`, `[false,"main.lua:3: unfinished capture"]`},
		{`return {pcall(string.match, "a", "a)")}`, `[false,"main.lua:3: invalid pattern capture"]`},
		{`return {pcall(string.gsub, "a", "a", "%2")}`, `[false,"main.lua:3: invalid capture index"]`},
		{`return {pcall(string.gsub, "a", "a", function() return {} end)}`, `[false,"main.lua:3: invalid replacement value (a table)"]`},
		{`return {pcall(string.match, "a", string.rep("a?", 1e5))}`, `[true,"a"]`},
		{`return {pcall(string.match, string.rep("a", 1e5), string.rep("a?", 1e5))}`, `[false,"main.lua:3: pattern too complex"]`},
		{`return #string.match(string.rep(" x", 1e5), "^%s*(.-)%s*$")`, `199999`},
	} {
		t.Run(c.body, func(t *testing.T) {
			t.Parallel()
			if got := eval(t, c.body); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestPatternsAreStopped(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"exponential": `return string.find(("a"):rep(40), ("a?"):rep(40) .. ("a"):rep(40) .. "b")`,
		"polynomial":  `return string.match(("a"):rep(100000), ".-.-.-.-b")`,
		"gsub":        `return string.gsub(("a"):rep(100000), ".-.-.-b", "")`,
		"gmatch":      `for _ in string.gmatch(("a"):rep(100000), ".-.-.-b") do end`,
		"in pcall":    `while true do pcall(string.match, ("a"):rep(100000), ".-.-.-.-b") end`,
		"coroutine":   `coroutine.wrap(function() return string.match(("a"):rep(100000), ".-.-.-.-b") end)()`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, _, err := run(t, "function main()\n"+body+"\nend", options{timeout: 30 * time.Millisecond})
			if fault.CodeOf(err) != fault.DeadlineExceeded {
				t.Errorf("got %v", err)
			}
		})
	}
}

// TestPatternsAgree compares matches with those of gopher-lua's own matcher.
func TestPatternsAgree(t *testing.T) {
	t.Parallel()
	v := start(t, `function main(s, p) return string.format("%s", table.concat({tostring(pcall(string.find, s, p)), tostring((select(2, pcall(string.find, s, p)))), tostring((select(3, pcall(string.find, s, p)))), tostring((string.gsub(s, p, "<%0>")))}, "|")) end`, options{})
	L := golua.NewState()
	defer L.Close()
	if err := L.DoString(`function main(s, p) return string.format("%s", table.concat({tostring(pcall(string.find, s, p)), tostring((select(2, pcall(string.find, s, p)))), tostring((select(3, pcall(string.find, s, p)))), tostring((string.gsub(s, p, "<%0>")))}, "|")) end`); err != nil {
		t.Fatal(err)
	}
	main := v.Global("main")
	items := rapid.SampledFrom([]string{"a", "b", ".", "%d", "%a", "%s", "[ab]", "[^a]", "[a-c1-2]", "%w", "%.", "(a)", "(.)"})
	suffix := rapid.SampledFrom([]string{"", "", "", "*", "+", "-", "?"})
	rapid.Check(t, func(r *rapid.T) {
		var p strings.Builder
		if rapid.Bool().Draw(r, "anchored") {
			p.WriteByte('^')
		}
		for i := range rapid.IntRange(1, 4).Draw(r, "items") {
			item := items.Draw(r, fmt.Sprint("item", i))
			p.WriteString(item)
			if !strings.HasPrefix(item, "(") {
				p.WriteString(suffix.Draw(r, fmt.Sprint("suffix", i)))
			}
		}
		s := rapid.StringOfN(rapid.SampledFrom([]rune("abc1 .")), 0, 8, -1).Draw(r, "text")
		out, err := v.Invoke(t.Context(), main, v.FromStr(s), v.FromStr(p.String()))
		if err != nil {
			r.Fatal(err)
		}
		if err := L.CallByParam(golua.P{Fn: L.GetGlobal("main"), NRet: 1, Protect: true}, golua.LString(s), golua.LString(p.String())); err != nil {
			r.Fatal(err)
		}
		want := L.Get(-1).String()
		L.Pop(1)
		if got := v.Str(out[0]); got != want {
			r.Errorf("%q in %q: got %s, gopher-lua has %s", p.String(), s, got, want)
		}
	})
}
