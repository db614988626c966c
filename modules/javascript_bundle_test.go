package modules

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"kumi/modules/bundle"
	"kumi/vm"
	"kumi/vm/js"
)

// folder writes a folder of modules.
func folder(t testing.TB, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		path := filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func TestFindEntry(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		files      []string
		configured string
		want       string
		warns      bool
		fails      string
	}{
		"nothing":    {},
		"javascript": {files: []string{"index.js", "main.ts"}, want: "index.js"},
		"both":       {files: []string{"index.js", "index.ts"}, want: "index.ts", warns: true},
		"configured": {files: []string{"index.ts", "build/game.js"}, configured: "build/game.js", want: "build/game.js"},
		"missing":    {files: []string{"index.ts"}, configured: "main.ts", fails: "main.ts is not a file"},
		"a folder":   {files: []string{"main.ts/x"}, configured: "main.ts", fails: "main.ts is not a file"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			files := map[string]string{}
			for _, f := range c.files {
				files[f] = ""
			}
			var log bytes.Buffer
			project, err := bundle.Find(folder(t, files), c.configured, zerolog.New(&log))
			got := ""
			if project != nil {
				got = project.Entry
			}
			if (err != nil) != (c.fails != "") || (err != nil && !strings.Contains(err.Error(), c.fails)) {
				t.Fatalf("error %v, want %q", err, c.fails)
			}
			if got != c.want || (log.Len() > 0) != c.warns {
				t.Errorf("got %q, log %q", got, log.String())
			}
		})
	}
}

// answer compiles a program and calls the function that its InitModule is or
// leaves behind.
func answer(t *testing.T, files map[string]string, entry string) string {
	t.Helper()
	p, err := (&bundle.Project{Root: folder(t, files), Entry: entry}).Compile(zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	v, err := js.New(context.Background(), p, js.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	fn, err := (&javascript{entry: entry}).initModule(v)
	if err != nil {
		t.Fatal(err)
	}
	out, err := v.Invoke(context.Background(), fn)
	if err != nil {
		t.Fatal(err)
	}
	text, err := v.ToJSON(out[0])
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestProgramsThatLoad(t *testing.T) {
	t.Parallel()
	type files = map[string]string
	const help = "export function help(): string { return 'helped' }"
	for name, c := range map[string]struct {
		entry string
		files files
		want  string
	}{
		"function":             {"index.js", files{"index.js": `function InitModule() { return typeof rpc } function rpc() {}`}, `"function"`},
		"globals stay":         {"index.js", files{"index.js": `function rpc() {} function InitModule() { return Object.keys(globalThis) }`}, `["rpc","InitModule"]`},
		"tree-shake guard":     {"index.js", files{"index.js": `function InitModule() { return 1 } !InitModule && InitModule.bind(null);`}, `1`},
		"var":                  {"index.js", files{"index.js": `var InitModule = function () { return 1 };`}, `1`},
		"const arrow":          {"index.js", files{"index.js": `const InitModule = () => 1`}, `1`},
		"bare assignment":      {"index.js", files{"index.js": `(function () { globalThis.InitModule = function () { return 1 } })()`}, `1`},
		"iife with this":       {"index.js", files{"index.js": `(function (root) { root.InitModule = function () { return 1 } })(this)`}, `1`},
		"umd":                  {"index.js", files{"index.js": `(function (g, f) { typeof exports === 'object' && typeof module !== 'undefined' ? module.exports = f() : g.InitModule = f() })(this, function () { return function () { return 1 } })`}, `1`},
		"words in text":        {"index.js", files{"index.js": `function InitModule() { return "import x from 'y'; export default" }`}, `"import x from 'y'; export default"`},
		"newer syntax":         {"index.js", files{"index.js": `function InitModule() { return (async () => { let n = 0; for await (const x of (async function* () { yield 1; yield 2 })()) n += x; return n })() }`}, `3`},
		"esm":                  {"index.js", files{"index.js": `import { help } from "./lib/help"; export function InitModule() { return help() }`, "lib/help.js": `export const help = () => "helped"`}, `"helped"`},
		"esm default":          {"index.js", files{"index.js": `export default function () { return 1 }`}, `1`},
		"esm default object":   {"index.js", files{"index.js": `export default { InitModule() { return 1 } }`}, `1`},
		"esm without export":   {"index.js", files{"index.js": `import { help } from "./help"; function InitModule() { return help() } !InitModule && InitModule.bind(null);`, "help.js": `export const help = () => "helped"`}, `"helped"`},
		"esm global":           {"index.js", files{"index.js": `import { help } from "./help"; globalThis.InitModule = help`, "help.js": `export const help = () => "helped"`}, `"helped"`},
		"typescript script":    {"index.ts", files{"index.ts": `let InitModule: nkruntime.InitModule = function (): any { return Object.keys(globalThis) }; function rpc(a: string): string { return a }`}, `["rpc"]`},
		"typescript":           {"index.ts", files{"index.ts": `import { help } from "./help"; export const InitModule = (): string => help()`, "help.ts": help}, `"helped"`},
		"typescript types":     {"index.ts", files{"index.ts": `import type { T } from "./types"; function InitModule(): T { return 1 }`, "types.ts": `export type T = number`}, `1`},
		"typescript enums":     {"index.ts", files{"index.ts": `enum Op { A = 1, B } namespace N { export const x = 5 } export function InitModule() { return [Op.B, Op[1], N.x] }`}, `[2,"A",5]`},
		"typescript extension": {"index.ts", files{"index.ts": `import { help } from "./help.js"; export const InitModule = help`, "help.ts": help}, `"helped"`},
		"async generators":     {"index.ts", files{"index.ts": `export async function InitModule() { let n = 0; async function* g() { yield 1; yield 2 } for await (const x of g()) n += x; return n }`}, `3`},
		"classes":              {"index.ts", files{"index.ts": `class A { #n = 1; static s = 2; static { A.s++ } has(o: object) { return #n in o } get n() { return this.#n } } export function InitModule() { return [new A().n, A.s, new A().has(new A())] }`}, `[1,3,true]`},
		"decorators":           {"index.ts", files{"index.ts": `const seen: string[] = []; function d(f: any, c: any) { seen.push(c.name); return f } class A { @d m() {} } export function InitModule() { return seen }`, "tsconfig.json": `{}`}, `["m"]`},
		"json":                 {"index.ts", files{"index.ts": `import data from "./data.json"; export function InitModule() { return data.a }`, "data.json": `{"a":[1]}`}, `[1]`},
		"npm module":           {"index.ts", files{"index.ts": `import { x } from "pkg"; import y from "old"; import z from "@org/z/sub"; export function InitModule() { return [x, y.y, z] }`, "node_modules/pkg/package.json": `{"name":"pkg","main":"main.js","module":"esm.js"}`, "node_modules/pkg/esm.js": `export const x = process.env.NODE_ENV`, "node_modules/old/index.js": `exports.y = require("./y")`, "node_modules/old/y.js": `module.exports = 7`, "node_modules/@org/z/package.json": `{"name":"@org/z","exports":{"./sub":{"import":"./s.mjs","require":"./s.cjs"}}}`, "node_modules/@org/z/s.mjs": `export default "import"`, "node_modules/@org/z/s.cjs": `module.exports = "require"`}, `["production",7,"import"]`},
		"commonjs":             {"index.js", files{"index.js": `const { help } = require("./help"); module.exports.InitModule = function () { return help() }`, "help.js": `exports.help = () => "helped"`}, `"helped"`},
		"commonjs global":      {"index.js", files{"index.js": `const { help } = require("./help"); function InitModule() { return help() }`, "help.js": `exports.help = () => "helped"`}, `"helped"`},
		"compiled commonjs":    {"index.js", files{"index.js": "\"use strict\";\nObject.defineProperty(exports, \"__esModule\", { value: true });\nexports.InitModule = InitModule;\nfunction InitModule() { return 1 }"}, `1`},
		"in a folder":          {"src/main.ts", files{"src/main.ts": `import { help } from "./help"; export const InitModule = help`, "src/help.ts": help}, `"helped"`},
		"byte order mark":      {"index.js", files{"index.js": "\ufefffunction InitModule() { return 1 }"}, `1`},
		"dynamic import":       {"index.ts", files{"index.ts": `export async function InitModule() { const { help } = await import("./help"); return help() }`, "help.ts": help}, `"helped"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := answer(t, c.files, c.entry); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

func TestProgramsThatDoNot(t *testing.T) {
	t.Parallel()
	type files = map[string]string
	for name, c := range map[string]struct {
		entry string
		files files
		want  []string
	}{
		"script syntax":     {"index.js", files{"index.js": "var a = 1;\nvar b = ;"}, []string{"index.js:2:9: ", "     2 | var b = ;", "^"}},
		"typescript syntax": {"index.ts", files{"index.ts": "export const a: = 1"}, []string{"index.ts:1:17: "}},
		"in another file":   {"index.ts", files{"index.ts": `import "./lib/a"`, "lib/a.ts": "let x = 1;\nlet x = 2;"}, []string{"lib/a.ts:2:5: ", "already been declared"}},
		"missing file":      {"index.ts", files{"index.ts": "\nimport { a } from \"./none\"; export const InitModule = a"}, []string{"index.ts:2:19: ", "./none"}},
		"missing package":   {"index.ts", files{"index.ts": `import fs from "fs"; export function InitModule() { fs.x() }`}, []string{"index.ts:1:16: ", `"fs"`}},
		"missing export":    {"index.ts", files{"index.ts": `import { nope } from "./a"; export function InitModule() { nope() }`, "a.ts": "export const a = 1"}, []string{"index.ts:1:10: ", "nope"}},
		"top-level await":   {"index.ts", files{"index.ts": "const x = await 1; export { x }"}, []string{"index.ts:1:11: ", "await"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := (&bundle.Project{Root: folder(t, c.files), Entry: c.entry}).Compile(zerolog.Nop())
			if err == nil {
				t.Fatal("it loaded")
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q is not in\n%s", want, err)
				}
			}
		})
	}
}

func TestStacksPointIntoTheSources(t *testing.T) {
	t.Parallel()
	type files = map[string]string
	for name, c := range map[string]struct {
		entry string
		files files
		want  []string
	}{
		"typescript":     {"index.ts", files{"index.ts": "import { play } from \"./matches/arena\";\nexport function InitModule() {\n  play(1);\n}", "matches/arena.ts": "interface A {\n  a: number\n}\n\nexport function play(n: number): void {\n  const a: A = { a: n };\n  if (a.a) {\n    throw new Error(\"boom\");\n  }\n}"}, []string{"(matches/arena.ts:8:11)", "InitModule (index.ts:3:"}},
		"plain script":   {"sub/index.js", files{"sub/index.js": "function InitModule() {\n  null.x;\n}"}, []string{"InitModule (sub/index.js:2:"}},
		"script in ts":   {"sub/main.ts", files{"sub/main.ts": "interface A {}\n\nfunction InitModule(): void {\n  throw new Error(\"x\");\n}"}, []string{"InitModule (sub/main.ts:4:"}},
		"map beside":     {"build/index.js", files{"build/index.js": "function InitModule() {\n  throw new Error();\n}\n//# sourceMappingURL=index.js.map", "build/index.js.map": `{"version":3,"file":"index.js","sources":["../src/main.ts"],"names":[],"mappings":"AAEA,SAAS;IACP;AACF"}`}, []string{"InitModule (src/main.ts:4:"}},
		"entry in a sub": {"src/main.ts", files{"src/main.ts": "import { f } from './f';\nexport { f as InitModule }", "src/f.ts": "export function f() {\n\n  throw new Error('x') }"}, []string{"(src/f.ts:3:"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, err := (&bundle.Project{Root: folder(t, c.files), Entry: c.entry}).Compile(zerolog.Nop())
			if err != nil {
				t.Fatal(err)
			}
			v, err := js.New(context.Background(), p, js.Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer v.Close()
			fn, err := (&javascript{}).initModule(v)
			if err != nil {
				t.Fatal(err)
			}
			_, err = v.Invoke(context.Background(), fn)
			var se *vm.ScriptError
			if !errors.As(err, &se) {
				t.Fatal(err)
			}
			for _, want := range c.want {
				if !strings.Contains(se.Stack, want) {
					t.Errorf("%q is not in\n%s", want, se.Stack)
				}
			}
		})
	}
}
