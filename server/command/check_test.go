package command

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Every kind of problem is found, with its place, in one run.
func TestCheckFindings(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		files map[string]string
		want  []string // file:line: and a part of the text
	}{
		"fine": {map[string]string{
			"index.ts": `export function InitModule(ctx, logger, nk: nkruntime.Nakama, initializer) {
				const user = nk.accountGetId("11111111-1111-4111-8111-111111111111").user;
				nk.storageWrite([{ collection: "c", key: "k", userId: user.userId, value: {} }]);
				nk.httpRequest("http://127.0.0.1:1/", "get");
				initializer.registerRpc("a", () => user.username + nk.storageList(null, "c").objects.length);
			}`,
			"main.lua": `local nk = require("nakama")
				for _, o in ipairs((nk.storage_list(nil, "c", 10))) do print(o.key) end
				nk.run_once(function() nk.sql_exec("INSERT INTO not_here VALUES (1)") end)
				nk.register_rpc(function() return nk.account_get_id("x").user.username end, "b")`,
		}, nil},
		"javascript functions": {map[string]string{
			"index.js": "function InitModule(ctx, logger, nk, initializer) {\n  initializer.registerRpc('a', rpc);\n}\n" +
				"function rpc(ctx, logger, nk) {\n  // nk.inComment()\n  const s = 'nk.inText()' + `nk.inTemplate() ${nk.storageReed([])}`;\n  return nk.nothingLikeIt?.(s) + /nk.inPattern(\\/)/.test(s);\n}\n",
		}, []string{`index.js:6: nk has no function "storageReed"; did you mean "storageRead"?`}},
		"typescript functions by type": {map[string]string{
			"index.ts": `import { f } from "./lib/f";
export function InitModule(ctx: nkruntime.Context, logger: nkruntime.Logger, nakama: nkruntime.Nakama, init: nkruntime.Initializer) {
  init.registerRpc("a", f);
}`,
			"lib/f.ts": "\nexport function f(c, log: nkruntime.Logger, server: nkruntime.Nakama) {\n  log.inform('x');\n  return server.matchMake();\n}",
		}, []string{`lib/f.ts:3: log has no function "inform"`, `lib/f.ts:4: server has no function "matchMake"`}},
		"javascript arguments": {map[string]string{
			"index.ts": `export function InitModule(ctx, logger, nk, initializer) {
  nk.matchCreate(1);
  nk.storageRead([{ collection: "c" }]);
  const { objects } = nk.storageList(7);
  initializer.registerRpc("n" + objects.length, 3);
  initializer.registerRtBefore("ChannelJion", () => {});
}`,
		}, []string{"index.ts:2: matchCreate: argument 1 (module): expected a string", "index.ts:3: storageRead: argument 1 (objectIds[0].key)",
			"index.ts:4: storageList: argument 1 (userId)", "index.ts:5: registerRpc: argument 2 (fn)", `index.ts:6: registerRtBefore: there is no realtime message named "ChannelJion"`}},
		"javascript registrations": {map[string]string{
			"index.ts": `const f = () => "";
export function InitModule(ctx, logger, nk, initializer) {
  initializer.registerRpc("a", f);
  initializer.registerRpc("A", f);
  initializer.registerBeforeGetAccount(f);
  initializer.registerBeforeGetAccount(f);
  initializer.registerMatch("m", { matchInit: f, matchLoop: f });
}`,
		}, []string{`index.ts:4: RPC function "a" is registered twice: it shadows the one at index.ts:3`, `index.ts:6: before hook "GetAccount" is registered twice`,
			"index.ts:7: registerMatch: argument 2 (handlers.matchJoinAttempt)"}},
		"javascript goes on": {map[string]string{
			"index.ts": `const f = () => "";
export function InitModule(ctx, logger, nk, initializer) {
  initializer.registerRpc("notfn", "nosuchname");
  initializer.registerRpc("a", f);
  initializer.registerRpc("a", f);
  nk.matchCreate("absent", {});
  initializer.registerRpc("both", f);
  initializer.registerRtBefore("NoSuchMsg", f);
  nk.storageRead(5);
}`,
			"main.lua": "local nk = require(\"nakama\")\nnk.register_rpc(\"x\", 5)\nnk.register_rpc(function() end, \"both\")\nnk.match_create(\"absent\", {})\nnk.storage_read(5)",
			"game.lua": "return { match_init = function() end }",
		}, []string{`index.ts:3: RPC function "notfn" was registered with the function name "nosuchname"`, `index.ts:5: RPC function "a" is registered twice`,
			`index.ts:6: matchCreate: error creating match: no match handler is named "absent"`, `index.ts:7: RPC function "both" of the javascript module`,
			"index.ts:8: registerRtBefore: there is no realtime message", "index.ts:9: storageRead: argument 1",
			`main.lua:2: RPC function "5" was registered with the function name "x"`, `main.lua:4: match_create: error creating match: no match handler`,
			"main.lua:5: storage_read: argument 1", `game.lua:1: match handler "game" lacks`}},
		"javascript imports": {map[string]string{"index.ts": "import { a } from \"./a\";\nimport { b } from \"./lib/b\";\nimport c from \"c\";\nexport function InitModule() { return a + b + c }\n"},
			[]string{"index.ts:1: ", "index.ts:2: ", "index.ts:3: "}},
		"javascript syntax": {map[string]string{"index.ts": "import { a } from \"./nowhere\";\nimport { b } from \"./neither\";\nexport function InitModule() { return a + b }\n"},
			[]string{"index.ts:1: ", "index.ts:2: "}},
		"lua requires": {map[string]string{"main.lua": "local nk = require(\"nakama\")\nrequire(\"nope\")\n"},
			[]string{"main.lua:2: module nope not found:"}},
		"javascript throws": {map[string]string{"index.ts": "export function InitModule() {\n  throw new Error(\"no way\");\n}\n"},
			[]string{"index.ts:2: "}},
		"lua": {map[string]string{
			"main.lua": `local nk = require("nakama")
-- nk.in_comment()
local s = "nk.in_text()" .. [[ nk.in_text() ]]
nk.register_rpc(function() return nk.storage_raed({}) end, "a")
nk.register_rpc(function() return s end, "a")
nk.match_create({})
nk.users_get_id({ "x" })
nk.register_rt_before(function() end, "ChannelJion")`,
			"game.lua":   "local M = {}\nfunction M.match_init() return {}, 1, \"\" end\nfunction M.match_loop(ctx, dispatcher) dispatcher.broadcast() end\nreturn M",
			"broken.lua": "local x = = 1",
			"fails.lua":  "local x = 1\nerror(\"no way\")",
		}, []string{`main.lua:4: nk has no function "storage_raed"; did you mean "storage_read"?`, `main.lua:5: RPC function "a" is registered twice: it shadows the one at main.lua:4`,
			"main.lua:6: match_create: argument 1 (module): expected a string", "main.lua:7: users_get_id: argument 1 (user_ids[0])", "main.lua:8: register_rt_before: there is no realtime message",
			`game.lua:2: match handler "game" lacks match_join_attempt, match_join, match_leave, match_terminate, match_signal`, `game.lua:3: dispatcher has no function "broadcast"`,
			"broken.lua:1: ", "fails.lua:2: "}},
		"hidden": {map[string]string{
			"index.ts": "export function InitModule(ctx, logger, nk, initializer) {\n  initializer.registerRpc(\"both\", () => \"\");\n}",
			"main.lua": `require("nakama").register_rpc(function() end, "both")`,
		}, []string{`index.ts:2: RPC function "both" of the javascript module "index.ts" is shadowed by that of the lua module "main" at main.lua:1`}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			for file, text := range c.files {
				write(t, filepath.Join(dir, file), text)
			}
			var out, log buffer
			code := dispatch(t.Context(), []string{"check", "--runtime.path", dir}, streams{&out, &log, nil})
			var found []string
			for line := range strings.Lines(out.String()) {
				if len(c.want) > 0 && len(c.files) == 1 && strings.HasPrefix(line, "ok ") {
					t.Errorf("said of a module with problems: %s", line)
				}
				if rest, ok := strings.CutPrefix(line, dir+string(filepath.Separator)); ok {
					found = append(found, withoutColumn(filepath.ToSlash(strings.TrimSpace(rest))))
				}
			}
			for _, want := range c.want {
				i := slices.IndexFunc(found, func(line string) bool { return strings.HasPrefix(line, want) })
				if i < 0 {
					t.Errorf("not found: %s\nin:\n%s%s", want, out.String(), log.String())
					continue
				}
				found = slices.Delete(found, i, i+1)
			}
			if len(found) > 0 {
				t.Errorf("found also:\n%s", strings.Join(found, "\n"))
			}
			if want := min(len(c.want), 1); code != want {
				t.Errorf("exit %d, want %d:\n%s%s", code, want, out.String(), log.String())
			}
		})
	}
}

// withoutColumn makes file:line:column: text one of file:line: text.
func withoutColumn(line string) string {
	parts := strings.SplitN(line, ":", 4)
	if len(parts) == 4 && strings.Trim(parts[2], "0123456789") == "" {
		return parts[0] + ":" + parts[1] + ":" + parts[3]
	}
	return line
}

// The samples have no problems, and a check leaves nothing behind.
func TestCheckSamples(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data")
	var out buffer
	code := dispatch(t.Context(), []string{"check", "--runtime.path", "../../data/modules", "--data_dir", data}, streams{&out, &out, nil})
	if code != exitOK {
		t.Errorf("exit %d:\n%s", code, out.String())
	}
	if _, err := os.Stat(data); err == nil {
		t.Error("a check made the data folder")
	}
}
