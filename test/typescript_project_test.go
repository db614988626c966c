package test

import (
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"kumi/server/servertest"
)

// A project whose files share their globals, as Nakama's guide for TypeScript has
// it: tsconfig.json lists them, and nothing is built.
var sharedGlobals = map[string]string{
	"src/main.ts": `
function InitModule(ctx: nkruntime.Context, logger: nkruntime.Logger, nk: nkruntime.Nakama, initializer: nkruntime.Initializer) {
	initializer.registerRpc("greet", rpcGreet);
	initializer.registerRpc("fail", rpcFail);
	initializer.registerRpc("env", () => process.env.MOOD + " " + process.env["missing"] + " " + process.env.NODE_ENV);
	initializer.registerRpc("code", () => String(nkruntime.Codes.NOT_FOUND));
}
`,
	"src/rpc/greet.ts": `namespace Words {
	export const hello = "hello";
}
let rpcGreet: nkruntime.RpcFunction = function (ctx, logger, nk, payload) {
	return Words.hello + " " + Names.polite(payload) + Kind.Loud;
};
`,
	"src/rpc/fail.ts": `const rpcFail: nkruntime.RpcFunction = (ctx, logger, nk, payload): string => {
	// the third line
	throw new Error("on purpose");
};
`,
	"src/names.ts": `namespace Names {
	export function polite(name: string): string { return "dear " + name; }
}
enum Kind { Quiet = 1, Loud }
`,
	"src/types.d.ts": `declare var unused: string;`,
}

func project(more map[string]string) servertest.Option {
	return func(t testing.TB, s *servertest.Setup) {
		for _, files := range []map[string]string{sharedGlobals, more} {
			for name, text := range files {
				servertest.Module(name, text)(t, s)
			}
		}
	}
}

func TestTypeScriptProject(t *testing.T) {
	t.Parallel()
	const options = `"compilerOptions": { "target": "es5", "strict": true, /* built elsewhere */ "outFile": "./build/index.js", }`
	for name, c := range map[string]struct{ config, entry string }{
		"files":         {`{ "files": ["./src/names.ts", "./src/rpc/fail.ts", "./src/rpc/greet.ts", "./src/main.ts"], ` + options + `}`, ""},
		"include":       {"{ // all of it\n" + `"include": ["src"], ` + options + `}`, ""},
		"patterns":      {`{ "include": ["src/*.ts", "src/**/*"], "compilerOptions": {} }`, ""},
		"outFile":       {`{ ` + options + ` }`, ""},
		"entry":         {`{ "include": ["./src/**/*"] }`, "src/main.ts"},
		"not built":     {`{ "include": ["src"], ` + options + `}`, "build/index.js"},
		"extended":      {`{ "extends": "./base", "include": ["src"] }`, "build/index.js"},
		"empty extends": {`{ "extends": "@some/package/tsconfig.json", "include": ["src"] }`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			flags := []string{"--runtime.env", "MOOD=fine", "--runtime.js_api_stacktrace=true"}
			if c.entry != "" {
				flags = append(flags, "--runtime.js_entrypoint", c.entry)
			}
			srv := servertest.Start(t, project(map[string]string{"tsconfig.json": c.config, "base.json": `{` + options + `}`}), servertest.Flags(flags...))
			for id, want := range map[string]string{"greet": "hello dear ann2", "env": "fine undefined production", "code": "5"} {
				if got, a := srv.RPC(t, id, "ann"); got != want {
					t.Errorf("%s gave %q, want %q in %d %s", id, got, want, a.Status, a.Body)
				}
			}
			if _, a := srv.RPC(t, "fail", ""); !strings.Contains(string(a.Body), "src/rpc/fail.ts:3:8") {
				t.Errorf("the place of an error is missing in %s", a.Body)
			}
		})
	}
}

func TestTypeScriptProjectFails(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		files map[string]string
		entry string
		want  []string
	}{
		"no tsconfig": {nil, "src/main.ts", []string{"rpcGreet is not defined", "src/main.ts:3:35", "rpcGreet is declared in src/rpc/greet.ts", "tsconfig.json"}},
		"syntax": {map[string]string{"tsconfig.json": `{"include": ["src"]}`, "src/odd.ts": "let x = 1;\nlet y = = 2;\n"}, "",
			[]string{"src/odd.ts:2:9", "let y = = 2;"}},
		"a file that is not there": {map[string]string{"tsconfig.json": `{"files": ["src/nothing.ts"]}`}, "", []string{"tsconfig.json lists the file src/nothing.ts, which does not exist"}},
		"not JSON":                 {map[string]string{"tsconfig.json": `{"files": [`}, "", []string{"tsconfig.json", "unexpected end of JSON"}},
		"a package": {map[string]string{"index.ts": "import { debounce } from \"lodash/fp\";\nimport x from \"@scope/thing\";\nexport function InitModule() { debounce(x); }\n"}, "",
			[]string{"index.ts:1:26", "npm install lodash", "npm install @scope/thing"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			options := []servertest.Option{project(c.files)}
			if c.entry != "" {
				options = append(options, servertest.Flags("--runtime.js_entrypoint", c.entry))
			}
			_, err := servertest.TryStart(t, options...)
			if err == nil {
				t.Fatal("the server started")
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q is missing in the error: %v", want, err)
				}
			}
		})
	}
}

// Whole projects with outFile, as people have them: a namespace in each file, globals
// that tsconfig.json orders, and the layout of Nakama's guide. They load without being
// built, and errors have their places in each file.
func TestTypeScriptProjects(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		entry, want string
		places      []string
	}{
		"namespaces": {"build/game.js", "2 Fold", []string{"src/cards/deck.ts:12:11", "src/cards/pile.ts:11:11", "src/main.ts:6:66"}},
		"globals":    {"", "label: saves-lobby 3", []string{"lib/storage.ts:8:35", "handlers/rpc.ts:9:26"}},
		"guide":      {"build/index.js", `{"coinsReceived":1000}`, []string{"src/healthcheck.ts:3:15"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			flags := []string{"--runtime.js_api_stacktrace=true"}
			if c.entry != "" {
				flags = append(flags, "--runtime.js_entrypoint", c.entry)
			}
			srv := servertest.Start(t, servertest.Modules(filepath.Join("testdata", "projects", name)), servertest.Flags(flags...))
			if got, a := srv.RPC(t, "run", ""); got != c.want {
				t.Errorf("got %q, want %q in %d %s", got, c.want, a.Status, a.Body)
			}
			for _, place := range c.places {
				if _, a := srv.RPC(t, url.PathEscape("fail "+place), ""); !strings.Contains(a.Body, place) {
					t.Errorf("the place %s of an error is missing in %d %s", place, a.Status, a.Body)
				}
			}
		})
	}
}
