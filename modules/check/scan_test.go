package check

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"kumi/modules/bundle"
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

// Statements that stand in the source and need PostgreSQL are noted with their
// place; those made at run time are not looked at.
func TestNotesOnSQL(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"index.js": "function InitModule(ctx, logger, nk, initializer) {\n" +
			"\tnk.sqlQuery('SELECT id FROM users WHERE id = ANY($1::uuid[])', [[]]);\n" +
			"\tnk.sqlExec(`LISTEN\n x`);\n" +
			"\tnk.sqlExec(`${ctx}LISTEN x`); nk.sqlExec('LIST' + 'EN x'); other.sqlExec('LISTEN x');\n" +
			"}",
		"a.lua": "local nk = require('nakama')\nnk.sql_query([[SELECT \n nextval('x')]])\nnk.sql_query(\"SELECT now()\")",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var r Report
	r.Scan(dir, &bundle.Project{Root: dir, Entry: "index.js"})
	var got []string
	for _, n := range r.Notes() {
		got = append(got, n.At+" "+n.Text)
	}
	want := []string{"index.js:3:5 the statement needs PostgreSQL: line 1, column 1: LISTEN", "a.lua:2:4 the statement needs PostgreSQL: line 2, column 2: nextval"}
	if len(got) != len(want) || len(r.Problems()) != 0 {
		t.Fatalf("notes %q, problems %v; want %q", got, r.Problems(), want)
	}
	for i := range want {
		if !strings.HasPrefix(got[i], want[i]) {
			t.Errorf("%q, want %q", got[i], want[i])
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
