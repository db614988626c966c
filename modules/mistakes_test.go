package modules

import (
	"strings"
	"testing"
)

// Errors of a load say what was probably meant.
func TestLoadErrorsAdvise(t *testing.T) {
	t.Parallel()
	const node = "modules do not run in Node"
	for name, c := range map[string]struct{ file, source, want, not string }{
		"fs":             {"index.ts", `import fs from "fs"; export function InitModule() { fs.x() }`, "index.ts:1:16: there is no fs: it is a module of Node, and " + node + "; use nk.fileRead", "npm install"},
		"node:fs":        {"index.ts", `import fs from "node:fs/promises"; export function InitModule() { fs.x() }`, "there is no node:fs/promises: it is a module of Node, and " + node + "; use nk.fileRead", "bundle for node"},
		"require":        {"index.js", `const https = require("https"); module.exports.InitModule = () => https.x()`, "there is no https: it is a module of Node, and " + node + "; use nk.httpRequest", "npm install"},
		"crypto":         {"index.ts", `import { createHash } from "crypto"; export function InitModule() { createHash() }`, "nk.sha256Hash", "npm install"},
		"no replacement": {"index.ts", `import net from "node:net"; export function InitModule() { net.x() }`, "there is no node:net: it is a module of Node, and " + node, "use "},
		"package":        {"index.ts", `import a from "test"; export function InitModule() { a() }`, "the package test is not installed: npm install test", node},
		"initializer":    {"index.js", "function InitModule(ctx, logger, nk, initializer) {\n  initializer.registerRcp(\"a\", () => \"\");\n}", "Object has no member 'registerRcp'; did you mean initializer.registerRpc?", ""},
		"nk":             {"index.ts", "export function InitModule(ctx, logger, nk) {\n  nk.matchCreat(\"a\");\n}", "did you mean nk.matchCreate?", ""},
		"logger":         {"index.js", "function InitModule(ctx, logger) {\n  logger.inf(\"a\");\n}", "did you mean logger.info?", ""},
		"another object": {"index.js", "function InitModule(ctx, logger) {\n  ({}).registerRcp(\"a\");\n}", "Object has no member 'registerRcp'", "did you mean"},
		"lua":            {"main.lua", "local nk = require('nakama')\nnk.registr_rpc(function() end, 'a')", "attempt to call a non-function object (registr_rpc); did you mean nk.register_rpc?", ""},
		"lua, require":   {"main.lua", "require('nope')", "no module 'nope' in the modules folder\n", "folder, "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := emptyTestServer(t, map[string]string{c.file: c.source}).load()
			if err == nil || !strings.Contains(err.Error(), c.want) || c.not != "" && strings.Contains(err.Error(), c.not) {
				t.Errorf("got %v\nwant %q, not %q", err, c.want, c.not)
			}
		})
	}
}

// A Lua match handler that lacks functions is warned about; a table that happens to have one
// of the names, and a whole handler, are not.
func TestIncompleteLuaMatch(t *testing.T) {
	t.Parallel()
	w := newTestServer(t, map[string]string{
		"game.lua":  "return { match_init = function() end, match_loop = function() end }",
		"tools.lua": "return { match_loop = function() end }",
		"duel.lua":  duelLua,
	})
	if n := len(w.log.Lines("lacks")); n != 1 {
		t.Errorf("the log has %d lines about match handlers, want one", n)
	}
	want := `match handler \"game\" lacks match_join_attempt, match_join, match_leave, match_terminate, match_signal: no match can be created`
	if len(w.log.Lines(want, `"warn"`, `"at":"game.lua:1"`)) != 1 {
		t.Errorf("the log has no warning about game: %v", w.log.Lines("game"))
	}
}
