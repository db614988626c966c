package lua_test

import (
	"strings"
	"testing"

	"kumi/vm/lua"
)

func TestSharedWrites(t *testing.T) {
	t.Parallel()
	for source, want := range map[string]string{
		"local n = 0\nfunction f() n = n + 1 end":                                           "n 2",
		"local n = 0\nn = 1\nif n then n = 2 end":                                           "",
		"local n = 0\nlocal function f(n) n = 1 end":                                        "",
		"local n = 0\nlocal function f() local n; n = 1 end":                                "",
		"local n = 0\nlocal function f() for n = 1, 2 do n = 3 end n = 4 end":               "n 2",
		"local t = {}\nfunction f(k)\nt[k].x = 1\ntable.insert(t, 1)\nrawset(t, 1, 2)\nend": "t 3 t 4 t 5",
		"local nk = 1\nnk.register_rpc(function() count = (count or 0) + 1 end, 'a')":       "count 2",
		"local M = {}\nfunction M.f(state) state.x = 1 end\nM.n = 1\nreturn M":              "",
		"local M = {}\nfunction M.f()\nM.n = 1\nend":                                        "M 3",
		"local t = { f = function(self) self.n = 1 end }":                                   "",
		"local function make() local n = 0; return function() n = n + 1 end end":            "",
		"string.x = 1\nlocal function f() string.y = 2 end":                                 "",
		"local n =": "",
	} {
		var got []string
		for _, w := range lua.SharedWrites("main.lua", source) {
			got = append(got, w.Name+" "+strings.TrimPrefix(w.At, "main.lua:"))
		}
		if got := strings.Join(got, " "); got != want {
			t.Errorf("%s\n\tgives %q, want %q", source, got, want)
		}
	}
}
