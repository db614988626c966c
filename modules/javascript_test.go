package modules

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"kumi/core"
	"kumi/modules/script"
	"kumi/modules/script/nk"
	"kumi/store/fault"
	"kumi/vm"
	"kumi/vm/js"
)

// loadJS loads a folder of JavaScript and gives what it registered.
func loadJS(t testing.TB, files map[string]string, change ...func(*Options)) (*part, *bytes.Buffer, error) {
	t.Helper()
	log := &bytes.Buffer{}
	o := Options{
		Path: folder(t, files), Logger: zerolog.New(zerolog.SyncWriter(log)),
		Env: map[string]string{"greeting": "hello"}, Node: "node", Version: "1",
		CallTimeout: 10 * time.Second, TickTimeout: time.Second, JSMin: 1, JSMax: 4, JSReadOnlyGlobals: true,
	}
	for _, f := range change {
		f(&o)
	}
	p, err := loadJavaScript(t.Context(), &loading{Options: o, scope: &core.Scope{Env: o.Env, Node: o.Node, Version: o.Version}})
	if err == nil {
		t.Cleanup(p.shut)
	}
	return p, log, err
}

func mustLoadJS(t testing.TB, files map[string]string, change ...func(*Options)) *part {
	t.Helper()
	p, log, err := loadJS(t, files, change...)
	if err != nil {
		t.Fatalf("%v\n%s", err, log)
	}
	return p
}

// callRPC calls an RPC in a VM of the pool.
func callRPC(t testing.TB, p *part, id, payload string) (string, error) {
	t.Helper()
	f := p.reg.RPC.Lookup(id)
	if f == nil {
		t.Fatalf("there is no RPC %q", id)
	}
	return f.Call(context.Background(), payload)
}

func TestAnyCallableRegisters(t *testing.T) {
	t.Parallel()
	const head = "function InitModule(ctx, logger, nk, init) {\n"
	for name, source := range map[string]string{
		"global function": `function rpc(ctx, logger, nk, payload) { return payload + "!" }` + head + `init.registerRpc("x", rpc) }`,
		"global name":     `function rpc(ctx, logger, nk, payload) { return payload + "!" }` + head + `init.registerRpc("x", "rpc") }`,
		"arrow":           head + `init.registerRpc("x", (ctx, logger, nk, payload) => payload + "!") }`,
		"closure":         head + `const mark = "!"; init.registerRpc("x", function (ctx, logger, nk, payload) { return payload + mark }) }`,
		"bound method":    `class A { mark = "!"; rpc(ctx, logger, nk, payload) { return payload + this.mark } }` + head + `const a = new A(); init.registerRpc("x", a.rpc.bind(a)) }`,
		"loop":            head + `for (const [id, mark] of Object.entries({ w: "?", x: "!", y: "." })) init.registerRpc(id, (ctx, logger, nk, payload) => payload + mark) }`,
		"list":            head + `const list = [["y", "?"], ["x", "!"]].map(([id, m]) => ({ id, f: (c, l, n, p) => p + m })); list.forEach(r => init.registerRpc(r.id, r.f)) }`,
		"helper":          `function setup(init) { if (init) { try { init.registerRpc("x", (c, l, n, p) => p + "!") } finally {} } }` + head + `setup(init) }`,
		"async":           head + `init.registerRpc("x", async (ctx, logger, nk, payload) => { await null; return payload + "!" }) }`,
		"async init":      `async function InitModule(ctx, logger, nk, init) { await null; init.registerRpc("x", (c, l, n, p) => p + "!") }`,
		"iife bundle":     `var InitModule = (function () { var mark = "!"; function rpc(c, l, n, p) { return p + mark } return function (ctx, logger, nk, init) { init.registerRpc("x", rpc) } })();`,
		"old bundle":      "'use strict';\nvar rpc = function (ctx, logger, nk, payload) { return payload + '!'; };\nfunction InitModule(ctx, logger, nk, initializer) { initializer.registerRpc('x', rpc); }\n!InitModule && InitModule.bind(null);",
		"detached":        head + `const { registerRpc } = init; registerRpc("x", (c, l, n, p) => p + "!") }`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := mustLoadJS(t, map[string]string{"index.js": source})
			if got, err := callRPC(t, p, "X", "hi"); err != nil || got != "hi!" {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
}

func TestInitRunsOnceAndIsReplayed(t *testing.T) {
	t.Parallel()
	p, log, err := loadJS(t, map[string]string{"index.ts": `
		export function InitModule(ctx: any, logger: any, nk: any, init: any) {
			const id = nk.uuidv4();
			logger.info("made %s", id);
			console.log("console too");
			init.registerRpc("id", () => id + " " + ctx.env.greeting);
		}`}, func(o *Options) { o.JSMax = 3 })
	if err != nil {
		t.Fatal(err)
	}
	// Three VMs at once, so that at least two of them are further ones.
	seen := map[string]bool{}
	for range 3 {
		lease, _, err := p.pool.Lease(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer lease.Release()
		out, err := lease.Instance().Invoke(t.Context(), lease.Instance().Handler("rpc:id"))
		if err != nil {
			t.Fatal(err)
		}
		seen[lease.Instance().Str(out[0])] = true
	}
	if len(seen) != 1 {
		t.Errorf("VMs have different ids: %v", seen)
	}
	for id := range seen {
		if !strings.HasSuffix(id, " hello") {
			t.Errorf("ctx of InitModule has no env: %q", id)
		}
	}
	if n := strings.Count(log.String(), "made "); n != 1 {
		t.Errorf("the logger spoke %d times:\n%s", n, log)
	}
	if n := strings.Count(log.String(), "console too"); n != 1 {
		t.Errorf("the console spoke %d times:\n%s", n, log)
	}
}

// replayed runs the InitModule of one program for real and that of another one
// as its replay, and gives the VM that came out of it.
func replayed(t *testing.T, first, then string) (*js.VM, *bytes.Buffer, error) {
	t.Helper()
	const source = `function named() { return "n" } var global = function () { return "g" }
		function InitModule(ctx, logger, nk, init) { %s }`
	log := &bytes.Buffer{}
	compile := func(body string) *js.Program {
		p, err := js.Compile("index.js", fmt.Sprintf(source, body))
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	j := &javascript{
		loading: &loading{}, entry: "index.js", log: zerolog.New(log), tape: vm.NewTape(), code: compile(first),
		program: script.NewProgram(script.ProgramOptions{Lang: vm.JS, Functions: nk.Library(vm.JS, nil)}),
	}
	if _, err := j.initialize(t.Context()); err != nil {
		t.Fatal(err)
	}
	j.code = compile(then)
	v, err := j.replay(t.Context())
	if err == nil {
		t.Cleanup(v.Close)
	}
	return v, log, err
}

func TestReplayThatDiverges(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		first, then string
		fails       string // the load ends
		warns       string // it goes on with a warning
	}{
		"other arguments":    {first: `nk.uuidv4(1); init.registerRpc("x", () => "")`, then: `nk.uuidv4(2); init.registerRpc("x", () => "")`},
		"another function":   {first: `init.registerRpc("x", () => "")`, then: `init.registerRpc("y", () => "")`, fails: "registered other functions when it was repeated in another VM"},
		"which one":          {first: `init.registerRpc("x", () => "")`, then: ``, fails: "not found there: rpc:x"},
		"another call":       {first: `nk.uuidv4(); init.registerRpc("x", () => "")`, then: `nk.bcryptHash("a"); init.registerRpc("x", () => "")`, fails: "call 1 is bcryptHash, where the first run called uuidv4"},
		"more calls":         {first: `init.registerRpc("x", () => "")`, then: `nk.uuidv4(); init.registerRpc("x", () => "")`, fails: "call 1 is uuidv4, where the first run had ended"},
		"more calls, named":  {first: `init.registerRpc("x", named); init.registerRpc("y", "global")`, then: `nk.uuidv4(); init.registerRpc("x", named)`, warns: "call 1 is uuidv4"},
		"more calls, late":   {first: `init.registerRpc("x", () => "")`, then: `init.registerRpc("x", () => ""); nk.uuidv4()`, warns: "call 1 is uuidv4"},
		"fewer calls":        {first: `nk.uuidv4(); init.registerRpc("x", () => "")`, then: `init.registerRpc("x", () => "")`, warns: "it ended where the first run made call 1, uuidv4"},
		"fails":              {first: `init.registerRpc("x", () => "")`, then: `throw new Error("only here")`, fails: "Error: only here"},
		"fails, named":       {first: `init.registerRpc("x", named)`, then: `throw new Error("only here")`, warns: "only here"},
		"one of many":        {first: `init.registerRpc("x", named); init.registerRpc("y", () => "")`, then: `init.registerRpc("x", named)`, fails: "not found there: rpc:y"},
		"match handler gone": {first: `const f = () => null; init.registerMatch("m", { matchInit: f, matchJoinAttempt: f, matchJoin: f, matchLeave: f, matchLoop: f, matchTerminate: f, matchSignal: f })`, then: ``, fails: "match:m:init"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v, log, err := replayed(t, c.first, c.then)
			if c.fails != "" {
				if err == nil || !strings.Contains(err.Error(), c.fails) {
					t.Fatalf("got %v, want %q", err, c.fails)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if v.Handler("rpc:x") == nil {
				t.Error("the function is not in the VM")
			}
			if (log.Len() > 0) != (c.warns != "") || !strings.Contains(log.String(), c.warns) {
				t.Errorf("log %q, want %q", log, c.warns)
			}
		})
	}
}

func TestLoadErrors(t *testing.T) {
	t.Parallel()
	type files = map[string]string
	for name, c := range map[string]struct {
		files files
		want  []string
	}{
		"no InitModule":   {files{"index.js": `var a = 1`}, []string{"index.js has no InitModule"}},
		"syntax":          {files{"index.ts": "export function InitModule() {\n  let = ;\n}"}, []string{"index.ts:2:"}},
		"top level":       {files{"index.ts": "import './a'", "a.ts": "\nthrow new Error('bad start')"}, []string{"bad start", "a.ts:2:"}},
		"init":            {files{"index.ts": "export function InitModule(ctx: any) {\n  ctx.none.x();\n}"}, []string{"InitModule failed", "TypeError", "index.ts:2:"}},
		"init rejects":    {files{"index.ts": "export async function InitModule() {\n  throw new Error('later');\n}"}, []string{"InitModule failed", "later", "index.ts:2:"}},
		"not a function":  {files{"index.js": `function InitModule(ctx, logger, nk, init) { init.registerRpc("x", 5) }`}, []string{"InitModule failed", "index.js:1:"}},
		"unknown global":  {files{"index.js": `function InitModule(ctx, logger, nk, init) { init.registerRpc("x", "nowhere") }`}, []string{"nowhere"}},
		"unknown hook":    {files{"index.js": `function InitModule(ctx, logger, nk, init) { init.registerBeforeNonsense(() => 1) }`}, []string{"registerBeforeNonsense", "index.js:1:"}},
		"init never ends": {files{"index.js": `function InitModule(ctx, logger, nk, init) { for (;;) {} }`}, []string{"ran out of time", "index.js:1:"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, _, err := loadJS(t, c.files, func(o *Options) { o.CallTimeout = 50 * time.Millisecond })
			if err == nil {
				t.Fatal("it loaded")
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q is not in %v", want, err)
				}
			}
		})
	}
}

func TestFailingCalls(t *testing.T) {
	t.Parallel()
	p := mustLoadJS(t, map[string]string{"index.ts": `
import { deep } from "./lib/deep";
export function InitModule(ctx: any, logger: any, nk: any, init: any) {
  init.registerRpc("loop", () => { for (;;) {} });
  init.registerRpc("deep", deep);
  init.registerRpc("coded", () => { throw { message: "no", code: 7 } });
  init.registerRpc("recurse", function f(): any { return f() + f() });
  init.registerRpc("ok", () => "ok");
  init.registerRpc("late", (ctx: any, logger: any, nk: any) => { init.registerRpc("more", () => "") });
}`, "lib/deep.ts": "export function deep(): string {\n  throw new Error('too deep');\n}"},
		func(o *Options) { o.CallTimeout, o.JSMax, o.JSStack = time.Second, 1, 2000 })
	for id, code := range map[string]fault.Code{
		"loop": fault.DeadlineExceeded, "deep": fault.Internal, "coded": fault.PermissionDenied,
		"recurse": fault.Internal, "late": fault.FailedPrecondition,
	} {
		if _, err := callRPC(t, p, id, ""); fault.CodeOf(err) != code {
			t.Errorf("%s: %v, want code %d", id, err, code)
		}
		// The only VM has been replaced where it was stopped.
		if got, err := callRPC(t, p, "ok", ""); err != nil || got != "ok" {
			t.Errorf("after %s: %q, %v", id, got, err)
		}
	}
}

func TestManyCallsAtOnce(t *testing.T) {
	t.Parallel()
	p := mustLoadJS(t, map[string]string{"index.js": `
		var shared = { n: 0 };
		function InitModule(ctx, logger, nk, init) { init.registerRpc("echo", (c, l, nk, p) => p + nk.addUp) }`})
	var wg sync.WaitGroup
	for g := range 16 {
		wg.Go(func() {
			for i := range 50 {
				in := fmt.Sprint(g, "-", i)
				if got, err := callRPC(t, p, "echo", in); err != nil || got != in+"undefined" {
					t.Errorf("%q, %v", got, err)
				}
			}
		})
	}
	wg.Wait()
	if s := p.pool.Stats(); s.Allocated > 4 || s.InUse != 0 {
		t.Errorf("stats %+v", s)
	}
}

func TestGlobalsAreReadOnlyInThePool(t *testing.T) {
	t.Parallel()
	files := map[string]string{"index.js": `
		var state = { calls: 0 };
		function InitModule(ctx, logger, nk, init) {
			state.ready = true;
			init.registerRpc("count", () => { state.calls++; return String(state.calls) + state.ready });
		}`}
	if _, err := callRPC(t, mustLoadJS(t, files), "count", ""); err == nil {
		t.Error("a global object was changed by a call")
	}
	p := mustLoadJS(t, files, func(o *Options) { o.JSReadOnlyGlobals = false })
	if got, err := callRPC(t, p, "count", ""); err != nil || got != "1true" {
		t.Errorf("with the setting off: %q, %v", got, err)
	}
}

func TestCheckDoesNotRunInit(t *testing.T) {
	t.Parallel()
	p, log, err := loadJS(t, map[string]string{"index.js": `function InitModule(ctx, logger) { logger.info("ran") }`}, func(o *Options) { o.Check = true })
	if err != nil || p.pool != nil || log.Len() > 0 {
		t.Errorf("%v, pool %v, log %s", err, p.pool, log)
	}
}

func TestWhatIsLoaded(t *testing.T) {
	t.Parallel()
	p := mustLoadJS(t, map[string]string{"index.js": `
		function InitModule(ctx, logger, nk, init) {
			init.registerRpc("B", () => ""); init.registerRpc("a", () => "");
			init.registerBeforeGetAccount(() => {}); init.registerRtAfter("MatchJoin", () => {});
			const f = () => null;
			init.registerMatch("arena", { matchInit: f, matchJoinAttempt: f, matchJoin: f, matchLeave: f, matchLoop: f, matchTerminate: f, matchSignal: f });
		}`})
	got := p.loaded[0]
	if got.Path != "index.js" || fmt.Sprint(got.RPCs) != "[b a]" || fmt.Sprint(got.Hooks) != "[before GetAccount after MatchJoin]" || fmt.Sprint(got.Matches) != "[arena]" {
		t.Errorf("%+v", got)
	}
	if _, ok := p.reg.Match("arena"); !ok {
		t.Error("the match handler is not installed")
	}
}

func TestPrivateVMKeepsItsState(t *testing.T) {
	t.Parallel()
	p := mustLoadJS(t, map[string]string{"index.js": `
		var state = { n: 0 };
		function InitModule(ctx, logger, nk, init) { init.registerRpc("count", () => String(++state.n)) }`})
	inst, err := p.pool.New(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer inst.Close()
	for _, want := range []string{"1", "2"} {
		out, err := inst.Invoke(t.Context(), inst.Handler("rpc:count"))
		if err != nil || inst.Str(out[0]) != want {
			t.Fatalf("%v, %v", out, err)
		}
	}
}

func TestNothingToLoad(t *testing.T) {
	t.Parallel()
	p := mustLoadJS(t, map[string]string{"readme.txt": ""})
	if p.pool != nil || len(p.loaded) > 0 {
		t.Errorf("%+v", p)
	}
}

func TestInitModuleMakesMatches(t *testing.T) {
	t.Parallel()
	// Each match gets a VM in which InitModule is replayed up to where the first
	// run is; later VMs replay all of it, and make no matches.
	w := newTestServer(t, map[string]string{"index.ts": `
		const made: string[] = [];
		export function InitModule(ctx: any, logger: any, nk: any, init: any) {
			const keep = (ctx: any, logger: any, nk: any, dispatcher: any, tick: number, state: any) => ({ state });
			const mark = nk.uuidv4();
			init.registerMatch("room", {
				matchInit: (ctx: any, logger: any, nk: any, params: any) => ({ state: { n: params.n }, tickRate: 1, label: JSON.stringify({ n: params.n, mark }) }),
				matchJoinAttempt: keep, matchJoin: keep, matchLeave: keep, matchLoop: keep, matchTerminate: keep,
				matchSignal: (ctx: any, logger: any, nk: any, dispatcher: any, tick: number, state: any, data: string) => ({ state, data: data + state.n }),
			});
			for (let n = 1; n <= 2; n++) made.push(nk.matchCreate("room", { n }));
			init.registerRpc("made", () => JSON.stringify(made));
			init.registerRpc("signal", (ctx: any, logger: any, nk: any) => made.map((id) => nk.matchSignal(id, "s")).join());
			init.registerRpc("labels", (ctx: any, logger: any, nk: any) => String(new Set(made.map((id) => JSON.parse(nk.matchGet(id).label).mark)).size));
		}`})
	if n := w.matches.Count(); n != 2 {
		t.Errorf("%d matches, want 2", n)
	}
	for range 3 { // in whichever VM
		for id, want := range map[string]string{"signal": "s1,s2", "labels": "1"} {
			if got, err := w.call(t, id, ""); err != nil || got != want {
				t.Errorf("%s: %q, %v, want %q", id, got, err, want)
			}
		}
	}
}
