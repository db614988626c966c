package js_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/dop251/goja"
	"go.uber.org/goleak"

	"kumi/store/fault"
	"kumi/vm"
	"kumi/vm/js"
)

// verify checks for leaked goroutines, except for the clock of regexp2, which ends a
// while after the last match.
func verify(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/dlclark/regexp2/v2.runClock"))
}

// score is a Go value that scripts see as a record.
type score struct {
	Owner    string
	Points   int64
	Metadata string
	Note     string
}

var scoreShape = vm.NewShape(
	vm.Str("owner_id", func(s *score) string { return s.Owner }),
	vm.Int("points", func(s *score) int64 { return s.Points }),
	vm.JSON("metadata", func(s *score) string { return s.Metadata }),
	vm.StrOpt("note", func(s *score) string { return s.Note }),
)

// host is the receiver of the functions in table.
type host struct {
	kept  any
	met   chan string   // connects two calls of meet
	began chan struct{} // receives a value for each call of meet
}

func newHost() *host { return &host{met: make(chan string), began: make(chan struct{}, 100)} }

var table = []vm.Func[*host]{
	{Name: vm.N("add_up"), Body: func(_ *host, c *vm.Call) error {
		a, b := c.Int("a"), c.OptInt("the_b", 1)
		if err := c.Err(); err != nil {
			return err
		}
		return c.ReturnInt("sum", a+b, nil)
	}},
	{Name: vm.N("read_score"), Body: func(_ *host, c *vm.Call) error {
		return vm.Return(c, "score", scoreShape, &score{"me", 7, `{"b":1,"a":[1,{"x":null}],"big":12345678901234567890}`, ""}, nil)
	}},
	{Name: vm.N("list_scores"), Body: func(_ *host, c *vm.Call) error {
		_ = vm.ReturnList(c, "scores", scoreShape, []*score{{Owner: "a", Points: 1}, {Owner: "b", Points: 2, Note: "n"}}, nil)
		return c.ReturnStr("cursor", "next", nil)
	}},
	{Name: vm.N("refuse"), Body: func(_ *host, c *vm.Call) error {
		return fmt.Errorf("look: %w", fault.New(fault.NotFound, "no such thing"))
	}},
	{Name: vm.N("fail"), Body: func(*host, *vm.Call) error { return errors.New("the disk is full") }},
	{Name: vm.N("panics"), Body: func(*host, *vm.Call) error { var p *score; p.Points++; return nil }},
	{Name: vm.N("keep"), Body: func(h *host, c *vm.Call) error {
		x, err := c.E.Export(c.Any("value"))
		h.kept = x
		return err
	}},
	{Name: vm.N("to_json"), Body: func(_ *host, c *vm.Call) error {
		text, err := c.E.ToJSON(c.Any("value"))
		return c.ReturnStr("text", string(text), err)
	}},
	{Name: vm.N("from_json"), Body: func(_ *host, c *vm.Call) error {
		ref, err := c.E.FromJSON(c.Str("text"))
		return c.ReturnRef("value", ref, err)
	}},
	{Name: vm.N("call_back"), Body: func(_ *host, c *vm.Call) error {
		ref, err := c.E.Call(c.Func("fn"), c.E.FromInt(20))
		return c.ReturnRef("value", ref, err)
	}},
	{Name: vm.N("binary"), Body: func(_ *host, c *vm.Call) error {
		return c.ReturnBytes("data", append(c.Data("data"), '!'), c.Err())
	}},
	{Name: vm.N("names"), Body: func(_ *host, c *vm.Call) error {
		names := vm.ListOf(c, "items", func(o vm.Obj) string { n := vm.N("user_name"); return o.Str(&n) })
		if err := c.Err(); err != nil {
			return err
		}
		return c.ReturnStr("joined", strings.Join(names, ","), nil)
	}},
	{Name: vm.N("invoke_again"), Body: func(_ *host, c *vm.Call) error {
		out, err := c.E.(vm.Instance).Invoke(c.Ctx, c.Func("fn"))
		if err != nil {
			return err
		}
		return c.ReturnRef("value", out[0], nil)
	}},
	{Name: vm.N("wait_for_end"), Body: func(_ *host, c *vm.Call) error {
		if _, ok := c.Ctx.Deadline(); !ok || c.Ctx.Err() != nil {
			return errors.New("the context has no deadline or has ended already")
		}
		<-c.Ctx.Done()
		return c.Ctx.Err()
	}},
	// meet returns when two calls of it run at the same time.
	{Name: vm.N("meet"), Async: true, Body: func(h *host, c *vm.Call) error {
		name := c.Str("name")
		if err := c.Err(); err != nil {
			return err
		}
		return c.Later(func(ctx context.Context) func(c *vm.Call) error {
			h.began <- struct{}{}
			if h.met != nil { // otherwise it returns at once
				select {
				case h.met <- name:
				case <-h.met:
				case <-ctx.Done():
				}
			}
			return func(c *vm.Call) error { return c.ReturnStr("name", name, nil) }
		})
	}},
	{Name: vm.N("wait_long"), Async: true, Body: func(h *host, c *vm.Call) error {
		return c.Later(func(ctx context.Context) func(c *vm.Call) error {
			<-ctx.Done()
			return func(c *vm.Call) error { return ctx.Err() }
		})
	}},
	{Name: vm.N("late_error"), Async: true, Body: func(h *host, c *vm.Call) error {
		return c.Later(func(ctx context.Context) func(c *vm.Call) error {
			return func(c *vm.Call) error { return fault.New(fault.NotFound, "no such thing") }
		})
	}},
	{Name: vm.N("late_panic"), Async: true, Body: func(h *host, c *vm.Call) error {
		return c.Later(func(ctx context.Context) func(c *vm.Call) error { var p *score; p.Points++; return nil })
	}},
	// strike is a deadline that strikes while no script function runs, if it is called as a
	// job of a promise or by a timer.
	{Name: vm.N("strike"), Body: func(*host, *vm.Call) error { panic(&goja.InterruptedError{}) }},
	{Name: vm.N("nothing"), Body: func(*host, *vm.Call) error { return nil }},
}

func load(t testing.TB, source string, o js.Options) *js.VM {
	t.Helper()
	p, err := js.Compile("test.js", source)
	if err != nil {
		t.Fatalf("compile: %v", err)
	}
	v, err := js.New(context.Background(), p, o)
	if err != nil {
		t.Fatalf("run: %v", err)
	}
	t.Cleanup(v.Close)
	return v
}

// eval runs the body of a function (nk) and returns its result as JSON.
func eval(t testing.TB, body string, o js.Options) (string, error) {
	t.Helper()
	v := load(t, "function main(nk) {"+body+"\n}", o)
	out, err := v.Invoke(context.Background(), v.Global("main"), v.Functions(vm.Bind(vm.JS, newHost(), table)))
	if err != nil {
		return "", err
	}
	text, err := v.ToJSON(out[0])
	return string(text), err
}

func TestValues(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ body, want string }{
		"argument and default":   {`return [nk.addUp(1), nk.addUp(1, 2), nk.addUp("5", 1)]`, `[2,3,6]`},
		"nothing":                {`return [typeof nk.nothing()]`, `["undefined"]`},
		"functions list":         {`return Object.keys(nk).slice(0, 2).concat("addUp" in nk, "missing" in nk, typeof nk.missing)`, `["addUp","readScore",true,false,"undefined"]`},
		"same function":          {`return nk.addUp === nk.addUp && nk.addUp.name`, `"addUp"`},
		"nk is read-only":        {`try { nk.addUp = 1 } catch (e) { return e instanceof TypeError && e.message }`, `"cannot set addUp: this object is read-only"`},
		"detached function":      {`const { addUp } = nk; return addUp(1)`, `2`},
		"several results":        {`const { scores, cursor } = nk.listScores(); return [Array.isArray(scores), scores.map(s => s.points), cursor]`, `[true,[1,2],"next"]`},
		"record as a whole":      {`return nk.readScore()`, `{"ownerId":"me","points":7,"metadata":{"b":1,"a":[1,{"x":null}],"big":12345678901234567000}}`},
		"record keys":            {`return Object.keys(nk.readScore())`, `["ownerId","points","metadata"]`},
		"record entries":         {`return Object.entries(nk.readScore()).map(([k]) => k)`, `["ownerId","points","metadata"]`},
		"record for in":          {`const k = []; for (const x in nk.readScore()) k.push(x); return k`, `["ownerId","points","metadata"]`},
		"record write":           {`const r = nk.readScore(); r.points++; r.extra = 1; r.note = "x"; delete r.ownerId; return r`, `{"points":8,"metadata":{"b":1,"a":[1,{"x":null}],"big":12345678901234567000},"note":"x","extra":1}`},
		"record delete and back": {`const r = nk.readScore(); delete r.points; const had = "points" in r; r.points = 3; return [had, r.points]`, `[false,3]`},
		"record spread":          {`const { metadata, ...rest } = nk.readScore(); return { ...rest, z: metadata.b }`, `{"ownerId":"me","points":7,"z":1}`},
		"record assign":          {`return Object.assign({}, nk.readScore()).points`, `7`},
		"record own property":    {`const r = nk.readScore(); return [r.hasOwnProperty("points"), r.hasOwnProperty("note"), r.toString(), r instanceof Object]`, `[true,false,"[object Object]",true]`},
		"json list":              {`const a = nk.readScore().metadata.a; return [Array.isArray(a), a.length, [...a, 9].length, a.concat([1]).length]`, `[true,2,3,3]`},
		"json order":             {`return Object.keys(nk.fromJson('{"b":1,"10":1,"a":1,"2":1}'))`, `["2","10","b","a"]`},
		"json text":              {`return nk.fromJson('"a\\u00e9\\ud83d\\ude00\\n\\/"')`, `"aé😀\n/"`},
		"json numbers":           {`return nk.fromJson('[0,-1,1.5,1e3,-0.5E-1,9007199254740993]')`, `[0,-1,1.5,1000,-0.05,9007199254740992]`},
		"json proto":             {`const o = nk.fromJson('{"__proto__":{"bad":1}}'); return [o.bad === undefined, Object.keys(o)]`, `[true,["__proto__"]]`},
		"json many keys":         {`const o = nk.fromJson(JSON.stringify(Object.fromEntries(Array.from({length: 40}, (_, i) => ["k" + i, i])))); delete o.k3; return [o.k39, o.k4, Object.keys(o).length]`, `[39,4,39]`},
		"json twice":             {`return nk.fromJson('{"a":1,"b":2,"a":3}')`, `{"a":3,"b":2}`},
		"to json":                {`return nk.toJson({ b: 1, a: [undefined, null, , 1], u: undefined, d: new Date(0), t: { toJSON() { return "t" } } })`, `"{\"b\":1,\"a\":[null,null,null,1],\"d\":\"1970-01-01T00:00:00.000Z\",\"t\":\"t\"}"`},
		"binary":                 {`const b = nk.binary("hi"); return [b instanceof ArrayBuffer, b.byteLength, String.fromCharCode(...new Uint8Array(b))]`, `[true,3,"hi!"]`},
		"binary of a view":       {`const u = new Uint8Array([1, 65, 66, 2]).subarray(1, 3); const w = new Uint16Array([16961]); return [u, w].map(x => String.fromCharCode(...new Uint8Array(nk.binary(x))))`, `["AB!","AB!"]`},
		"list of objects":        {`class P { constructor(n) { this.userName = n } } return nk.names([{ userName: "a" }, new P("b"), Object.create({ userName: "c" })])`, `"a,b,c"`},
		"callback":               {`let n = 1; return nk.callBack(x => x + n + nk.addUp(1))`, `23`},
		"callback throws":        {`class E extends Error {} const e = new E("mine"); try { nk.callBack(() => { throw e }) } catch (x) { return x === e }`, `true`},
		"invoke nested":          {`return nk.invokeAgain(() => nk.addUp(40, 2))`, `42`},
		"nested throws":          {`try { nk.invokeAgain(() => { throw { message: "m", code: 9 } }) } catch (e) { return [e.message, e.code, e instanceof Error] }`, `["m",9,true]`},
		"go error":               {`try { nk.refuse() } catch (e) { return [e.message, e.code, e instanceof Error, Object.keys(e), JSON.stringify(e)] }`, `["no such thing",5,true,["code"],"{\"code\":5}"]`},
		"go error without code":  {`try { nk.fail() } catch (e) { return [e.message, e.code] }`, `["the disk is full",13]`},
		"go panic":               {`try { nk.panics() } catch (e) { return [e.message, e.code] }`, `["internal error in panics",13]`},
		"wrong argument":         {`try { nk.addUp(1, {}) } catch (e) { return [e instanceof TypeError, e.message] }`, `[true,"argument 2 (theB): expected a number"]`},
		"wrong element":          {`try { nk.names([{ userName: "a" }, {}]) } catch (e) { return e.message }`, `"argument 1 (items[1].userName): expected a string"`},
		"async":                  {`return (async () => { const n = await Promise.resolve(1); return n + 1 })()`, `2`},
		"freeze": {`"use strict"; const out = []; for (const o of [nk.readScore(), nk.fromJson('{"points":1}'), { points: 1 }]) {
			out.push(Object.isFrozen(o), Object.freeze(o) === o, Object.isFrozen(o), Object.isExtensible(o));
			for (const f of [() => { o.points = 9 }, () => { o.more = 1 }, () => { delete o.points }]) try { f(); out.push("done") } catch (e) { out.push(e instanceof TypeError) }
			out.push(o.points) } return out.join()`, `"false,true,true,false,true,true,true,7,false,true,true,false,true,true,true,1,false,true,true,false,true,true,true,1"`},
		"seal":       {`"use strict"; const o = Object.seal(nk.readScore()); o.points = 3; try { o.more = 1 } catch { return [o.points, Object.isSealed(o), Object.isFrozen(o)] }`, `[3,true,false]`},
		"freeze nk":  {`return [Object.isFrozen(nk), Object.freeze(nk) === nk, Object.freeze(5)]`, `[true,true,5]`},
		"no promise": {`return { then: 1 }`, `{"then":1}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := eval(t, c.body, js.Options{})
			if err != nil {
				t.Fatal(err)
			}
			if got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		body    string
		code    fault.Code
		message string
		custom  bool
	}{
		"error":                   {`throw new Error("x")`, fault.Internal, "Error: x", false},
		"message and code":        {`throw { message: "no", code: 7 }`, fault.PermissionDenied, "no", true},
		"msg and code":            {`throw { msg: "no", code: 7 }`, fault.PermissionDenied, "no", true},
		"only a message":          {`throw { message: "no" }`, fault.Internal, "no", true},
		"error with a code":       {`throw Object.assign(new Error("no"), { code: 3 })`, fault.InvalidArgument, "no", true},
		"class with a code":       {`class G extends Error { get code() { return 9 } } throw new G("no")`, fault.FailedPrecondition, "no", true},
		"a code of its own":       {`throw { message: "no", code: 1234 }`, fault.Internal, "no", true},
		"a code in a text":        {`throw { message: "no", code: "5" }`, fault.NotFound, "no", true},
		"code zero":               {`throw { message: "no", code: 0 }`, fault.Internal, "no", true},
		"text":                    {`throw "x"`, fault.Internal, "x", false},
		"text as code":            {`throw Object.assign(new Error("no"), { code: "ENOENT" })`, fault.Internal, "Error: no", false},
		"undefined":               {`throw undefined`, fault.Internal, "undefined", false},
		"go error passes":         {`nk.refuse()`, fault.NotFound, "no such thing", false},
		"go error caught":         {`try { nk.refuse() } catch (e) { e.code = 3; throw e }`, fault.InvalidArgument, "no such thing", true},
		"go error through nested": {`nk.callBack(() => nk.refuse())`, fault.NotFound, "no such thing", false},
		"go error without code":   {`nk.fail()`, fault.Internal, "the disk is full", false},
		"go panic":                {`nk.panics()`, fault.Internal, "internal error in panics", false},
		"argument":                {`nk.addUp()`, fault.Internal, "TypeError: argument 1 (a): expected a number", false},
		"rejected":                {`return Promise.reject({ message: "no", code: 6 })`, fault.AlreadyExists, "no", true},
		"async throws":            {`return (async () => { await 1; throw new Error("late") })()`, fault.Internal, "Error: late", false},
		"never settles":           {`return new Promise(() => {})`, fault.Internal, "the function returned a promise that never settles: nothing is left that could resolve it", false},
		"hostile getter":          {`throw { get message() { throw 1 } }`, fault.Internal, "the value that was thrown cannot be read", false},
		"invalid json":            {`nk.fromJson('{"a":')`, fault.InvalidArgument, "invalid JSON at byte 5: it ends too early", false},
		"cycle":                   {`const a = {}; a.a = a; nk.keep(a)`, fault.InvalidArgument, "a.a.a.a.a.a.a.a.a.a.a.a…: the value is nested more than 1000 levels deep or contains itself", false},
		"function as data":        {`nk.keep({ a: [{ f() {} }] })`, fault.InvalidArgument, "a[0].f: a function cannot be represented outside of JavaScript", false},
		"getter as data":          {`nk.keep({ get a() { throw { message: "no", code: 5 } } })`, fault.NotFound, "no", true},
		"toJSON that throws":      {`nk.keep([{ toJSON() { throw { message: "no", code: 5 } } }])`, fault.NotFound, "no", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := eval(t, c.body, js.Options{})
			var se *vm.ScriptError
			if !errors.As(err, &se) {
				t.Fatalf("got %v, want a script error", err)
			}
			if se.Fault.Code != c.code || se.Fault.Message != c.message || se.Custom != c.custom {
				t.Errorf("got  %d %q custom %v\nwant %d %q custom %v", se.Fault.Code, se.Fault.Message, se.Custom, c.code, c.message, c.custom)
			}
		})
	}
}

func TestStackNamesTheSource(t *testing.T) {
	t.Parallel()
	v := load(t, "function inner() {\n  throw new Error('x');\n}\nfunction outer() { inner() }", js.Options{})
	_, err := v.Invoke(context.Background(), v.Global("outer"))
	var se *vm.ScriptError
	if !errors.As(err, &se) {
		t.Fatal(err)
	}
	want := "Error: x\n\tat inner (test.js:2:9)\n\tat outer (test.js:4:25)"
	if !strings.HasPrefix(se.Stack, want) {
		t.Errorf("got  %q\nwant %q", se.Stack, want)
	}
}

func TestGoPanicIsLoggedWithItsStack(t *testing.T) {
	t.Parallel()
	_, err := eval(t, "nk.panics()", js.Options{})
	if !strings.Contains(err.Error(), "nil pointer") || !strings.Contains(err.Error(), "vm_test.go") {
		t.Errorf("the error does not say where the panic was: %v", err)
	}
}

func TestDeadline(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"loop":           `for (;;) {}`,
		"caught":         `for (;;) { try { for (;;) {} } catch (e) {} finally { } }`,
		"in a callback":  `nk.callBack(() => { for (;;) {} })`,
		"nested":         `nk.invokeAgain(() => { for (;;) {} })`,
		"in a promise":   `return (async () => { await 1; for (;;) {} })()`,
		"in a getter":    `return { get x() { for (;;) {} } }`,
		"endless jobs":   `const f = () => Promise.resolve().then(f); return f()`,
		"after a native": `for (;;) { nk.addUp(1) }`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := eval(t, body, js.Options{Limits: vm.Limits{Timeout: 50 * time.Millisecond}})
			if fault.CodeOf(err) != fault.DeadlineExceeded {
				t.Fatalf("got %v, want a deadline error", err)
			}
			if !strings.Contains(err.Error(), "50ms") || !strings.Contains(err.Error(), "test.js:1:") {
				t.Errorf("%q does not name the limit and the position", err)
			}
		})
	}
}

// An interrupt between two jobs has no stack. The error says where one was added.
func TestDeadlineBetweenJobs(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ body, where string }{
		"one":    {`const p = Promise.resolve(); p.then(nk.strike); return p.then(() => {})`, "main at test.js:1:55"},
		"caught": {`try { return Promise.resolve().then(nk.strike) } catch (e) {}`, "main at test.js:1:55"},
		"many": {`let left = 1000; const p = Promise.resolve();
			return p.then(function again() { return p.then(left-- ? again : nk.strike) })`, "again at test.js:2:50"},
		"await": {`const later = async () => { await 1 }
			return later().then(nk.strike)`, "later at test.js:1:46"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := eval(t, c.body, js.Options{})
			var se *vm.ScriptError
			if !errors.As(err, &se) || se.Fault.Code != fault.DeadlineExceeded {
				t.Fatalf("got %v, want a deadline error", err)
			}
			if want := "between jobs of promises, of which one was added in " + c.where; !strings.Contains(err.Error(), want) {
				t.Errorf("%q does not say %q", err, want)
			}
			if name, at, _ := strings.Cut(c.where, " at "); !strings.Contains(se.Stack, "\tat "+name+" ("+at+")") {
				t.Errorf("the stack is %q", se.Stack)
			}
		})
	}
	t.Run("of the call before", func(t *testing.T) {
		t.Parallel()
		v := load(t, `function before() { return Promise.resolve().then(() => {}) }
			function main(nk) { setTimeout(nk.strike); return new Promise(() => {}) }`, js.Options{})
		if _, err := v.Invoke(t.Context(), v.Global("before")); err != nil {
			t.Fatal(err)
		}
		_, err := v.Invoke(t.Context(), v.Global("main"), v.Functions(vm.Bind(vm.JS, newHost(), table)))
		if fault.CodeOf(err) != fault.DeadlineExceeded || strings.Contains(err.Error(), "before") {
			t.Errorf("got %v", err)
		}
	})
}

func TestGoFunctionsEndWithTheCall(t *testing.T) {
	t.Parallel()
	_, err := eval(t, `nk.waitForEnd()`, js.Options{Limits: vm.Limits{Timeout: 30 * time.Millisecond}})
	if fault.CodeOf(err) != fault.DeadlineExceeded {
		t.Errorf("got %v", err)
	}
}

// ending is a context that ends soon after a call began, and never before.
type ending struct{ context.Context }

func (ending) Deadline() (time.Time, bool) { return time.Now().Add(30 * time.Millisecond), true }

func TestEndOfContextStopsScript(t *testing.T) {
	t.Parallel()
	v := load(t, "function f() { for (;;) {} }", js.Options{})
	if _, err := v.Invoke(ending{t.Context()}, v.Global("f")); fault.CodeOf(err) != fault.DeadlineExceeded {
		t.Errorf("deadline: got %v", err)
	}
	if !v.Broken() {
		t.Error("a VM whose call was interrupted is not broken")
	}
	v = load(t, "function f() { for (;;) {} }", js.Options{})
	ctx, cancel := context.WithCancel(context.Background())
	go cancel()
	if _, err := v.Invoke(ctx, v.Global("f")); fault.CodeOf(err) != fault.Canceled {
		t.Errorf("cancel: got %v", err)
	}
}

func TestCallsAfterADeadlineRunFreely(t *testing.T) {
	t.Parallel()
	v := load(t, "let n = 0; function f() { for (let i = 0; i < 1000; i++) n += i; return n }", js.Options{Limits: vm.Limits{Timeout: time.Second}})
	f := v.Global("f")
	until := time.Now().Add(300 * time.Millisecond) // longer than the watch's poll
	for time.Now().Before(until) {
		ctx, cancel := context.WithCancel(context.Background())
		_, err := v.Invoke(ctx, f)
		cancel()
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestStackOverflow(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		body, want string
		timeout    time.Duration // 0: none
	}{
		"plain":         {`function f() { return f() + 1 } return f()`, "too deeply", 0},
		"go":            {`const f = () => nk.callBack(f); return f()`, "too deeply", 0},
		"not caught":    {`function f() { return f() + 1 } try { return 1 } catch (e) { } finally { f() }`, "RangeError: Maximum call stack size exceeded", 0},
		"caught always": {`function f() { try { return f() + 1 } catch (e) { return f() } } return f()`, "out of time", 500 * time.Millisecond},
	} {
		_, err := eval(t, c.body, js.Options{Limits: vm.Limits{Stack: 200, Timeout: c.timeout}})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", name, err, c.want)
		}
	}
}

func TestUnhandledRejectionIsReported(t *testing.T) {
	t.Parallel()
	var got []string
	o := js.Options{Rejected: func(e *vm.ScriptError) { got = append(got, e.Fault.Message) }}
	_, err := eval(t, `
		Promise.reject(new Error("lost"));
		Promise.reject(new Error("found")).catch(() => {});
		return 1`, o)
	if err != nil || len(got) != 1 || got[0] != "Error: lost" {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestExport(t *testing.T) {
	t.Parallel()
	h := &host{}
	v := load(t, `function f(nk) { nk.keep({ a: 1, b: [1.5, "x", null, undefined], r: nk.readScore(), u: undefined, d: new Date(5), big: 7n, bin: new Uint8Array([1]) }) }`, js.Options{})
	if _, err := v.Invoke(context.Background(), v.Global("f"), v.Functions(vm.Bind(vm.JS, h, table))); err != nil {
		t.Fatal(err)
	}
	got := fmt.Sprintf("%v", h.kept)
	want := `map[a:1 b:[1.5 x <nil> <nil>] big:7 bin:AQ== d:1970-01-01T00:00:00.005Z r:map[metadata:map[a:[1 map[x:<nil>]] b:1 big:1.2345678901234567e+19] ownerId:me points:7]]`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestFromAny(t *testing.T) {
	t.Parallel()
	v := load(t, "", js.Options{})
	type kind string
	n := int32(3)
	ref, err := v.FromAny(map[string]any{
		"z": 1, "a": []any{true, nil, uint8(2)}, "s": []string{"x"}, "m": map[string]string{"k": "v"},
		"named": kind("k"), "p": &n, "list": []map[string]any{{"q": 1.5}}, "ids": []int{1},
	})
	if err != nil {
		t.Fatal(err)
	}
	text, _ := v.ToJSON(ref)
	want := `{"a":[true,null,2],"ids":[1],"list":[{"q":1.5}],"m":{"k":"v"},"named":"k","p":3,"s":["x"],"z":1}`
	if string(text) != want {
		t.Errorf("got %s\nwant %s", text, want)
	}
	if _, err := v.FromAny(make(chan int)); err == nil {
		t.Error("a channel was converted")
	}
}

func TestConsole(t *testing.T) {
	t.Parallel()
	var lines []string
	o := js.Options{Console: func(_ context.Context, level, message string) { lines = append(lines, level+": "+message) }}
	if _, err := eval(t, `console.log("a", 1, { b: [2] }, undefined, null); console.warn(new TypeError("w").message); console.error("e"); return Object.keys(console).length`, o); err != nil {
		t.Fatal(err)
	}
	want := []string{`info: a 1 {"b":[2]} undefined null`, "warn: w", "error: e"}
	if fmt.Sprint(lines) != fmt.Sprint(want) {
		t.Errorf("got %q", lines)
	}
}

// The text of a value that contains the same object many times is cut off.
func TestConsoleOfSharedParts(t *testing.T) {
	t.Parallel()
	var sizes []int
	o := js.Options{Console: func(_ context.Context, _, message string) { sizes = append(sizes, len(message)) }}
	if _, err := eval(t, `
		let v = {}, m = new Map(), long = "x".repeat(1e6);
		for (let i = 0; i < 60; i++) { v = { a: v, b: v }; m = new Map([[1, m], [2, m], [v, v]]) }
		console.log(v); console.log("%s and %j", v, m); console.log(m); console.log(new Set([long, long])); console.log([v, v])`, o); err != nil {
		t.Fatal(err)
	}
	for i, n := range sizes {
		if n > 600_000 {
			t.Errorf("line %d has %d bytes", i, n)
		}
	}
	if len(sizes) != 5 {
		t.Errorf("%d lines", len(sizes))
	}
}

func TestFreezeGlobals(t *testing.T) {
	t.Parallel()
	v := load(t, `var state = { n: 0, deep: { n: 0 } }; let cache = {}; function f(what) {
		if (what === "var") state.n++; if (what === "let") cache.n = 1; if (what === "deep") state.deep.n++;
		const o = {}; o.toString = () => "mine"; return String(o) }`, js.Options{})
	if err := v.FreezeGlobals(); err != nil {
		t.Fatal(err)
	}
	for what, ok := range map[string]bool{"var": false, "let": true, "deep": true} {
		_, err := v.Invoke(context.Background(), v.Global("f"), v.FromStr(what))
		if (err == nil) != ok {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestSyntaxError(t *testing.T) {
	t.Parallel()
	_, err := js.Compile("main.js", "var a = 1;\nfunction f( {\n}")
	var se *js.SyntaxError
	if !errors.As(err, &se) || se.File != "main.js" || se.Line < 2 {
		t.Fatalf("got %v", err)
	}
	if !strings.Contains(err.Error(), " | ") || !strings.Contains(err.Error(), "^") {
		t.Errorf("no code frame in %q", err)
	}
}

func TestBrokenVMRefusesCalls(t *testing.T) {
	t.Parallel()
	v := load(t, "function f() {}", js.Options{})
	f := v.Global("f")
	v.Close()
	if _, err := v.Invoke(context.Background(), f); fault.CodeOf(err) != fault.Unavailable {
		t.Errorf("got %v", err)
	}
	if _, err := load(t, "", js.Options{}).Invoke(context.Background(), nil); err == nil {
		t.Error("calling nil succeeded")
	}
}
