package check

import (
	"fmt"
	"slices"
	"testing"

	"kumi/vm"
)

func TestCallsInSources(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		lang vm.Lang
		text string
		want []string
	}{
		{vm.JS, "a.b(); // c.d()\n/* e.f()\n */ g . h ();", []string{"1:3 a.b", "3:9 g.h"}},
		{vm.JS, "x = 'a.b(' + \"c.d(\\\"\" + `e.f( ${g.h(`${i.j()}`)} k.l(`", []string{"1:35 g.h", "1:42 i.j"}},
		{vm.JS, "a.b<c>(d); if (/e.f(/.test) g.h()", []string{"1:3 a.b", "1:31 g.h"}},
		{vm.JS, "x = /e.f\\(['\"/]/; g.h(4 / 2); i /j.k()", []string{"1:21 g.h", "1:36 j.k"}},
		{vm.JS, "a.b.c(); a?.d(); a.e?.(); a.f; a[g].h()", []string{"1:13 a.d"}},
		{vm.JS, "`${ {a: {b: 1}} }` + a.b()", []string{"1:24 a.b"}},
		{vm.JS, "'unfinished\na.b()", []string{"2:3 a.b"}},
		{vm.Lua, "a.b() -- c.d()\n--[[ e.f()\n]] g.h()", []string{"1:3 a.b", "3:6 g.h"}},
		{vm.Lua, "x = 'a.b(' .. \"c.d(\" .. [[ e.f( ]] .. g.h()", []string{"1:41 g.h"}},
		{vm.Lua, "[=[ a.b() ]] c.d() ]=] e.f()", []string{"1:26 e.f"}},
	} {
		var got []string
		for _, x := range calls(c.lang, c.text) {
			got = append(got, fmt.Sprintf("%d:%d %s.%s", x.line, x.column, x.object, x.function))
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", c.text, got, c.want)
		}
	}
}

func FuzzCallsInSources(f *testing.F) {
	f.Add("a.b(`${c.d()}`) // e", true)
	f.Add("--[[ a.b( ]] c.d()", false)
	f.Fuzz(func(t *testing.T, text string, js bool) {
		lang := vm.Lua
		if js {
			lang = vm.JS
		}
		for _, c := range calls(lang, text) {
			if c.line < 1 || c.column < 1 || c.object == "" || c.function == "" {
				t.Errorf("%q: %+v", text, c)
			}
		}
	})
}
