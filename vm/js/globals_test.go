package js_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"kumi/store/fault"
	"kumi/vm"
	"kumi/vm/js"
)

// TestGlobals has cases for every global that is not part of the language.
func TestGlobals(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ body, want string }{
		"all are there": {`return ["console","setTimeout","setInterval","clearTimeout","clearInterval","queueMicrotask","atob","btoa","structuredClone","TextEncoder","TextDecoder","URL","URLSearchParams","crypto"].map(n => n in globalThis && typeof globalThis[n])`,
			`["object","function","function","function","function","function","function","function","function","function","function","function","function","object"]`},
		"the same each time":  {`return [URL === URL, new URL("http://a").searchParams instanceof URLSearchParams, setTimeout === setTimeout, console === globalThis.console, setTimeout.name]`, `[true,true,true,true,"setTimeout"]`},
		"not enumerable":      {`const k = []; for (const x in globalThis) k.push(x); return [k.includes("URL"), Object.keys(globalThis).includes("URL")]`, `[false,false]`},
		"may be replaced":     {`globalThis.atob = () => "mine"; atob = () => "yours"; return atob("")`, `"yours"`},
		"missing ones":        {`try { return fetch } catch (e) { return [e.name, typeof fetch] }`, `["ReferenceError","undefined"]`},
		"objects still work":  {`return [typeof hasOwnProperty, globalThis.toString(), typeof __proto__]`, `["function","[object global]","object"]`},
		"base64":              {`return [btoa("héllo"), atob("aOlsbG8="), atob(" aGk "), atob(btoa("\u0000ÿ")).charCodeAt(1)]`, `["aOlsbG8=","héllo","hi",255]`},
		"base64 refuses":      {`const out = []; for (const f of [() => btoa("€"), () => atob("a"), () => atob("*a==")]) try { f() } catch (e) { out.push(e.code) } return out`, `[3,3,3]`},
		"text encoder":        {`const u = new TextEncoder().encode("a€😀"); return [u instanceof Uint8Array, [...u]]`, `[true,[97,226,130,172,240,159,152,128]]`},
		"text encoder into":   {`const u = new Uint8Array(5); return [new TextEncoder().encodeInto("a€😀", u), [...u]]`, `[{"read":2,"written":4},[97,226,130,172,0]]`},
		"text decoder":        {`const u = new TextEncoder().encode("a€😀"); const d = new TextDecoder(); return [d.decode(u), d.decode(u.buffer), d.decode(u.subarray(1, 4)), d.decode(new DataView(u.buffer, 0, 1)), d.decode(), d.encoding]`, `["a€😀","a€😀","€","a","","utf-8"]`},
		"text decoder errors": {`const bad = new Uint8Array([97, 255]); const out = [new TextDecoder().decode(bad)]; for (const f of [() => new TextDecoder("utf-8", { fatal: true }).decode(bad), () => new TextDecoder("koi8"), () => new TextDecoder().decode(5)]) try { f() } catch (e) { out.push(e.name) } return out`, `["a�","TypeError","RangeError","TypeError"]`},
		"text decoder bom":    {`const u = new Uint8Array([239, 187, 191, 97]); return [new TextDecoder().decode(u), new TextDecoder("utf8", { ignoreBOM: true }).decode(u).length, new TextDecoder("latin1").decode(new Uint8Array([233]))]`, `["a",2,"é"]`},
		"url":                 {`const u = new URL("HTTPS://ann:s%20x@Example.COM:443/a/../b c?q=1&r=ä#frag x"); return [u.href, u.protocol, u.username, u.password, u.host, u.hostname, u.port, u.pathname, u.search, u.hash, u.origin, String(u) === u.href, JSON.stringify({ u })]`, `["https://ann:s%20x@example.com/b%20c?q=1&r=%C3%A4#frag%20x","https:","ann","s%20x","example.com","example.com","","/b%20c","?q=1&r=%C3%A4","#frag%20x","https://example.com",true,"{\"u\":\"https://ann:s%20x@example.com/b%20c?q=1&r=%C3%A4#frag%20x\"}"]`},
		"url with base":       {`return [["../x?y", "http://h:8080/a/b/c"], ["//other/p", "https://h/"], ["#f", "http://h/p?q"], ["?z", "http://h/p?q#f"], ["/abs", "http://h/p"], ["x\\y", "http://h/p/"], ["http://own", "http://h/"]].map(([a, b]) => new URL(a, b).href)`, `["http://h:8080/a/x?y","https://other/p","http://h/p?q#f","http://h/p?z","http://h/abs","http://h/p/x/y","http://own/"]`},
		"url oddities":        {`return ["http:\\\\h\\p", " http://h\n/p ", "http://münchen.de", "http://h/%zz", "mailto:a@b.c", "file:///etc/x", "http://[::1]:80/", "data:text/plain,hi", "http://a_b.c/"].map(x => new URL(x).href)`, `["http://h/p","http://h/p","http://xn--mnchen-3ya.de/","http://h/%25zz","mailto:a@b.c","file:///etc/x","http://[::1]/","data:text/plain,hi","http://a_b.c/"]`},
		"url refuses":         {`return ["", "x", "/p", "http://", "http://h:99999", "http://a b/", "http://[::x]/"].map(x => { try { return new URL(x).href } catch (e) { return e instanceof TypeError } }).concat(URL.canParse("x"), URL.canParse("x", "http://h"), URL.parse("x"))`, `[true,true,true,true,true,true,true,false,true,null]`},
		"url setters":         {`const u = new URL("http://h/p"); u.protocol = "https"; u.host = "k:81"; u.pathname = "a?b"; u.search = "x=1"; u.hash = "z"; u.username = "me@"; const one = u.href; u.port = ""; u.hostname = "bad host"; u.search = ""; u.hash = ""; u.username = ""; return [one, u.href]`, `["https://me%40@k:81/a%3Fb?x=1#z","https://k/a%3Fb"]`},
		"url and its params":  {`const u = new URL("http://h/?a=1&b=2&a=3"); const p = u.searchParams; p.append("c", "x y&z"); p.delete("b"); const one = u.href; u.search = "?n=9"; const two = [...p]; for (const [k] of two) p.delete(k); return [one, two, u.href, p === u.searchParams]`, `["http://h/?a=1&a=3&c=x+y%26z",[["n","9"]],"http://h/",true]`},
		"search params":       {`const p = new URLSearchParams("?a=1&b=%C3%A4+x&a=2&&c"); p.set("a", "9"); p.append("é~*", "="); return [p.get("b"), p.get("nope"), p.getAll("a"), p.has("c"), p.has("a", "2"), p.size, [...p.keys()], [...p.values()], p.toString()]`, `["ä x",null,["9"],true,false,4,["a","b","c","é~*"],["9","ä x","","="],"a=9&b=%C3%A4+x&c=&%C3%A9%7E*=%3D"]`},
		"search params from":  {`const a = new URLSearchParams({ z: 1, y: "b" }); a.sort(); const out = []; a.forEach((v, k) => out.push(k + v)); return [out, String(new URLSearchParams([["a", 1], new Set(["b", "2"])])), String(new URLSearchParams(a)), String(new URLSearchParams(new Map([["m", 1]]))), String(new URLSearchParams())]`, `[["yb","z1"],"a=1&b=2","y=b&z=1","m=1",""]`},
		"structuredClone": {`const o = { d: new Date(5), m: new Map([[{ k: 1 }, new Set([1])]]), r: /x/gi, l: [1, , undefined], b: new Uint8Array([1, 2, 3]).subarray(1), big: 7n, n: null }; o.self = o; const c = structuredClone(o);
			return [c !== o, c.self === c, c.d.getTime(), c.d !== o.d, [...c.m.keys()][0].k, [...[...c.m.values()][0]], String(c.r), c.l.length, 1 in c.l, 2 in c.l, [...c.b], c.b.byteOffset, c.big === 7n, c.n]`, `[true,true,5,true,1,[1],"/x/gi",3,false,true,[2,3],1,true,null]`},
		"structuredClone of records": {`const r = nk.readScore(); const c = structuredClone(r); c.metadata.a[0] = 9; return [c.points, r.metadata.a[0], structuredClone(5), structuredClone("x")]`, `[7,1,5,"x"]`},
		"structuredClone of errors":  {`const e = structuredClone(new TypeError("t", { cause: { a: 1 } })); return [e instanceof TypeError, e.message, e.cause]`, `[true,"t",{"a":1}]`},
		"structuredClone refuses":    {`return [() => 1, Symbol("s"), { f() {} }, new WeakMap(), Promise.resolve()].map(x => { try { structuredClone(x) } catch (e) { return e.name + ": " + e.message } })`, `["DataCloneError: the function without a name cannot be cloned","DataCloneError: Symbol(s) cannot be cloned","DataCloneError: the function f cannot be cloned","DataCloneError: a WeakMap cannot be cloned","DataCloneError: a Promise cannot be cloned"]`},
		"crypto.randomUUID":          {`const a = crypto.randomUUID(); return [/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(a), a !== crypto.randomUUID()]`, `[true,true]`},
		"crypto.getRandomValues":     {`const u = new Uint32Array(16); const r = crypto.getRandomValues(u.subarray(8)); const out = [r.length, u[0], u.some(x => x !== 0)]; for (const f of [() => crypto.getRandomValues(new Uint8Array(65537)), () => crypto.getRandomValues([1])]) try { f() } catch (e) { out.push(e.name) } return out`, `[8,0,true,"GoError","TypeError"]`},
		"crypto.subtle.digest":       {`const hex = async (a, d) => [...new Uint8Array(await crypto.subtle.digest(a, d))].map(x => x.toString(16).padStart(2, "0")).join("").slice(0, 8); return (async () => [await hex("SHA-256", new Uint8Array([97])), await hex({ name: "sha-1" }, new ArrayBuffer(0)), await hex("SHA-384", new Uint8Array(1)), await hex("SHA-512", new Uint8Array(1)), await hex("MD5", new Uint8Array(1)).catch(e => e.message)])()`, `["ca978112","da39a3ee","bec021b4","b8244d02","digest supports SHA-1, SHA-256, SHA-384 and SHA-512, not \"MD5\""]`},
		"microtasks":                 {`const out = []; queueMicrotask(() => out.push(1)); Promise.resolve().then(() => out.push(2)); queueMicrotask(() => out.push(3)); setTimeout(() => out.push(5)); out.push(0); return new Promise(r => setTimeout(() => { out.push(6); r(out) }, 1)).then(x => { return x })`, `[0,1,2,3,5,6]`},
		"await a timer":              {`const sleep = ms => new Promise(r => setTimeout(r, ms, "slept")); return (async () => [await sleep(2), await sleep(), await Promise.all([sleep(3), sleep(1)])])()`, `["slept","slept",["slept","slept"]]`},
		"timers in order":            {`return new Promise(r => { const out = []; setTimeout(() => r(out), 8); setTimeout(() => out.push("b"), 2); setTimeout(() => out.push("a"), 1); setTimeout(() => out.push("c"), 2); })`, `["a","b","c"]`},
		"interval":                   {`return new Promise(r => { let n = 0; const id = setInterval(() => { if (++n === 3) { clearInterval(id); setTimeout(() => r(n), 5) } }, 1) })`, `3`},
		"cleared":                    {`return new Promise(r => { const id = setTimeout(() => r("no"), 1); clearTimeout(id); clearTimeout(id); clearTimeout(undefined); clearTimeout("x"); setTimeout(() => r("yes"), 3) })`, `"yes"`},
		"timers are dropped":         {`setTimeout(() => { throw new Error("never") }, 0); return 1`, `1`},
		"async functions of Go":      {`return (async () => { const [a, b] = await Promise.all([nk.meet("a"), nk.meet("b")]); return [nk.lateError().catch(() => 1) instanceof Promise, a, b] })()`, `[true,"a","b"]`},
		"their errors":               {`return (async () => { const out = []; for (const p of [nk.meet(), nk.lateError(), nk.latePanic()]) await p.catch(e => out.push([e.name, e.message, e.code])); return out })()`, `[["TypeError","argument 1 (name): expected a string",null],["GoError","no such thing",5],["GoError","internal error in latePanic",13]]`},
		"race":                       {`return Promise.race([nk.waitLong(), new Promise(r => setTimeout(r, 1, "timer"))])`, `"timer"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := eval(t, c.body, js.Options{Limits: vm.Limits{Timeout: 20 * time.Second}})
			if err != nil {
				t.Fatal(err)
			}
			if got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestDeclaredNamesHideGlobals(t *testing.T) {
	t.Parallel()
	v := load(t, `class URL {}; function setTimeout() { return "mine" }; var crypto = 5; const atob = 1; function f() { return [setTimeout(), crypto, atob, new URL() instanceof URL].join() }`, js.Options{})
	out, err := v.Invoke(context.Background(), v.Global("f"))
	if err != nil || v.Str(out[0]) != "mine,5,1,true" {
		t.Errorf("got %v, %v", out, err)
	}
}

func TestWaitingEnds(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		body, want string
		code       fault.Code
		broken     bool
	}{
		"deadline in a timer":     {`return new Promise(r => setTimeout(r, 1e6))`, "30ms", fault.DeadlineExceeded, true},
		"deadline in Go":          {`return nk.waitLong()`, "30ms", fault.DeadlineExceeded, true},
		"deadline with intervals": {`setInterval(() => {}, 0); return new Promise(() => {})`, "30ms", fault.DeadlineExceeded, true},
		"a loop in a timer":       {`return new Promise(() => setTimeout(() => { for (;;) {} }))`, "30ms", fault.DeadlineExceeded, true},
		"a loop after an await":   {`return (async () => { await Promise.all([nk.meet("a"), nk.meet("b")]); nk.waitLong(); for (;;) {} })()`, "30ms", fault.DeadlineExceeded, true},
		"nothing to wait for":     {`return new Promise(() => {})`, "never settles", fault.Internal, false},
		"a timer throws":          {`setTimeout(() => { throw { message: "late", code: 9 } }); return new Promise(r => setTimeout(r, 5))`, "late", fault.Code(9), false},
		"rejected later":          {`return new Promise((_, no) => setTimeout(() => no({ message: "late", code: 9 })))`, "late", fault.Code(9), false},
		"error of Go":             {`return nk.lateError()`, "no such thing", fault.NotFound, false},
		"too many timers":         {`for (;;) setTimeout(() => {}, 1e6)`, "10000 timers", fault.ResourceExhausted, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := load(t, "function main(nk) {"+c.body+"}", js.Options{Limits: vm.Limits{Timeout: 30 * time.Millisecond}})
			if c.code != fault.DeadlineExceeded {
				v.SetTimeout(20 * time.Second)
			}
			_, err := v.Invoke(context.Background(), v.Global("main"), v.Functions(vm.Bind(vm.JS, newHost(), table)))
			if fault.CodeOf(err) != c.code || !strings.Contains(err.Error(), c.want) || v.Broken() != c.broken {
				t.Errorf("got %v (code %d, broken %v), want code %d with %q", err, fault.CodeOf(err), v.Broken(), c.code, c.want)
			}
		})
	}
}

func TestCallerLeavesWhileScriptWaits(t *testing.T) {
	t.Parallel()
	v := load(t, "function main(nk) { nk.meet('a'); return new Promise(() => nk.waitLong()) }", js.Options{})
	ctx, cancel := context.WithCancel(context.Background())
	h := newHost()
	go func() { <-h.began; cancel() }()
	_, err := v.Invoke(ctx, v.Global("main"), v.Functions(vm.Bind(vm.JS, h, table)))
	if fault.CodeOf(err) != fault.Canceled {
		t.Errorf("got %v", err)
	}
}

// While modules load, results of async functions come from the tape, too.
func TestAsyncFunctionsOnTape(t *testing.T) {
	t.Parallel()
	tape := vm.NewTape()
	lib := vm.Bind(vm.JS, &host{began: make(chan struct{}, 9)}, table)
	for i, head := range []func() *vm.Head{tape.Recorder, tape.Player} {
		head := head()
		v := load(t, "async function init(nk) { const [a, b] = await Promise.all([nk.meet('a'), nk.meet('b')]); return a + b + await nk.lateError().catch(e => e.code) }", js.Options{})
		v.SetTape(head)
		out, err := v.Invoke(context.Background(), v.Global("init"), v.Functions(lib))
		if err != nil || v.Str(out[0]) != "ab5" {
			t.Errorf("%d: got %v, %v", i, out, err)
		}
		if err := head.Done(); err != nil {
			t.Error(err)
		}
	}
}
