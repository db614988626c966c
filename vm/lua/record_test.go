package lua_test

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"kumi/vm"
)

var fruitLayout = vm.NewLayout(vm.N("name"), vm.N("seed_count"), vm.N("ripe"), vm.N("missing"), vm.N("broken"), vm.N("tree"))

var treeLayout = vm.NewLayout(vm.N("kind"), vm.N("age"))

// fruit is a source of a record, without some of its properties.
type fruit struct{ reads *int }

func (f fruit) Has(i int) bool { return i != 3 }

func (f fruit) Get(e vm.Engine, i int) (vm.Ref, error) {
	*f.reads++
	switch i {
	case 0:
		return e.FromStr("apple"), nil
	case 1:
		return e.FromInt(7), nil
	case 2:
		return e.FromBool(false), nil
	case 4:
		return nil, fmt.Errorf("it cannot be made")
	}
	return e.Record(treeLayout, tree{}), nil
}

type tree struct{}

func (tree) Has(int) bool { return true }

func (tree) Get(e vm.Engine, i int) (vm.Ref, error) {
	if i == 0 {
		return e.FromStr("old"), nil
	}
	return e.FromInt(80), nil
}

// plainFruit is a plain table with the content of a record of a fruit.
func plainFruit(e vm.Engine) vm.Ref {
	tree := e.Object(treeLayout, []vm.Ref{e.FromStr("old"), e.FromInt(80)})
	return e.Object(fruitLayout, []vm.Ref{e.FromStr("apple"), e.FromInt(7), e.FromBool(false), nil, nil, tree})
}

// whatScriptsDo are ways to use a table t and its subtable u; out collects results.
var whatScriptsDo = []string{
	`out(t.name)`, `out(t.seed_count)`, `out(t.ripe)`, `out(t.missing)`, `out(t.broken)`, `out(t.tree.age)`, `out(t[1])`, `out(t[true])`, `out(t.other)`,
	`t.name = "pear"`, `t.name = nil`, `t.missing = 1`, `t.other = "x"`, `t[1] = "one"`, `t[2.5] = "half"`, `t[t] = 1`, `t.tree.age = 3`, `t.tree = nil`, `t.tree = {}`,
	`for k, v in pairs(t) do out(k == t and "self" or k, type(v)) end`, `for i, v in ipairs(t) do out(i, v) end`, `out(#t)`, `out(next(t) ~= nil)`,
	`for k, v in next, t do out(k == t and "self" or k, type(v)) end`,
	`local step = pairs({}); local k, v = step(t); out(type(k), type(v))`, `out(next(t, "name"))`,
	`for k in pairs(t) do if k ~= 1 then t[k] = nil end end`,
	`out(rawget(t, "name"))`, `rawset(t, "ripe", nil)`, `rawset(t, "name", 5)`, `out(rawequal(t, t))`, `out(t == {}, t == t)`,
	`out(getmetatable(t))`, `setmetatable(t, { __index = function(_, k) return "no " .. tostring(k) end })`, `setmetatable(t, nil)`,
	`setmetatable(t, { __newindex = function(_, k) out("new", k) end })`,
	`out(setmetatable({}, { __index = t }).name)`, `setmetatable({}, { __newindex = t }).name = "through"`, `setmetatable({}, { __newindex = t }).fresh = "through"`,
	`table.insert(t, "last")`, `table.insert(t, 1, "first")`, `out(table.remove(t))`, `out(table.concat(t, ","))`, `out(unpack(t))`, `table.sort(t)`, `out(table.getn(t), table.maxn(t))`,
	`out(select("#", unpack(t)))`, `out(type(t), tostring(t) == tostring(t))`,
	`out(nk.json_encode(t.tree))`, `out(pcall(nk.json_encode, t))`, `out(pcall(function() return t .. "" end))`, `out(pcall(function() return t + 1 end))`, `out(pcall(function() return t < t end))`,
	`out(pcall(function() return t() end))`, `out(pcall(function() return -t end))`, `out(pcall(error, t))`, `out(pcall(function() t[nil] = 1 end))`,
	`out((string.gsub("name seed_count nobody", "[%a_]+", t)))`, `out(nk.through_go(t.tree).kind)`,
	`setfenv(function() name = "env" end, t)()`, `local got = setfenv(function() return seed_count end, t)(); out(got)`,
	`local co = coroutine.wrap(function() coroutine.yield(t.name) t.name = "co" end); out(co()); co()`,
	`t.new = 1; t.newer = 2`, `for i = 1, 15 do t["n" .. i] = i end`, `t.age = nil; t.tree.age = nil; t.tree.kind, t.tree.age = 1, 2`, `for i = 1, 30 do t.name = i end`,
	`for _ = 1, 30 do local _ = t.name end`, `t.t = nil; out(t.t)`, `local a, b = t.name, t.tree; out(a, b and b.kind)`, `t.name, t.ripe = t.ripe, t.name`,
}

const harness = `
local nk = require("nakama")
function run(t, body)
  local said = {}
  local function out(...)
    local parts = {}
    for i = 1, select("#", ...) do
      local x = select(i, ...)
      parts[i] = type(x) == "table" and "table" or tostring(x)
    end
    said[#said + 1] = table.concat(parts, " ")
  end
  local env = setmetatable({ t = t, out = out, nk = nk }, { __index = _G })
  for i, source in ipairs(body) do
    local ok, err = pcall(setfenv(assert(loadstring(source, "step")), env))
    if not ok then
      out("failed", err)
    end
  end
  return table.concat(said, "\n") .. "\n" .. describe(t, {})
end
function describe(t, seen)
  if type(t) ~= "table" then
    return tostring(t)
  end
  if seen[t] then
    return "again"
  end
  seen[t] = true
  local parts = {}
  for k, v in pairs(t) do
    parts[#parts + 1] = (type(k) == "table" and "table" or tostring(k)) .. "=" .. describe(v, seen)
  end
  return "{" .. table.concat(parts, " ") .. "}"
end`

var address = regexp.MustCompile(`0x[0-9a-f]+`)

// TestRecordIsTakenForPlain uses a record and a plain table of the same content in the
// same random ways.
func TestRecordIsTakenForPlain(t *testing.T) {
	t.Parallel()
	v := start(t, harness+"\n_ = {setfenv, loadstring, assert, rawset, rawequal, getmetatable, coroutine, bit32, error}", options{})
	run := v.Global("run")
	try := func(x vm.Ref, body vm.Ref) string {
		out, err := v.Invoke(context.Background(), run, x, body)
		if err != nil {
			return "error: " + err.Error()
		}
		return address.ReplaceAllString(v.Str(out[0]), "0x")
	}
	decoded := func() vm.Ref {
		x, err := v.FromJSON(`{"name":"apple","gone":1,"seed_count":6,"ripe":false,"nothing":null,"tree":{"kind":"old","age":80},"seed_count":7,"gone":null}`)
		if err != nil {
			t.Fatal(err)
		}
		return x
	}
	rapid.Check(t, func(t *rapid.T) {
		steps := rapid.SliceOfN(rapid.SampledFrom(whatScriptsDo), 1, 8).Draw(t, "steps")
		refs := make([]vm.Ref, len(steps))
		for i, s := range steps {
			refs[i] = v.FromStr(s)
		}
		body := v.List(refs)
		reads := 0
		want, got := try(plainFruit(v), body), try(v.Record(fruitLayout, fruit{&reads}), body)
		if got != want {
			t.Fatalf("%s\nplain table:\n%s\nrecord:\n%s", strings.Join(steps, "\n"), want, got)
		}
		if got := try(decoded(), body); got != want {
			t.Fatalf("%s\nplain table:\n%s\nfrom JSON:\n%s", strings.Join(steps, "\n"), want, got)
		}
	})
	for _, s := range whatScriptsDo { // each at least once
		body := v.List([]vm.Ref{v.FromStr(s)})
		reads := 0
		want, got := try(plainFruit(v), body), try(v.Record(fruitLayout, fruit{&reads}), body)
		if got != want || strings.Contains(want, "attempt to call a nil value (global") || strings.HasPrefix(want, "error") {
			t.Errorf("%s\nplain table:\n%s\nrecord:\n%s", s, want, got)
		}
	}
}

func TestRecordReadsWhatIsAskedFor(t *testing.T) {
	t.Parallel()
	v := start(t, `function name(t) return t.name .. t.name end`, options{})
	reads := 0
	r := v.Record(fruitLayout, fruit{&reads})
	if out, err := v.Invoke(context.Background(), v.Global("name"), r); err != nil || v.Str(out[0]) != "appleapple" || reads != 1 {
		t.Fatalf("%v, %v, %d reads", out, err, reads)
	}
	rec := v.Recorded(r)
	if rec == nil {
		t.Fatal("not a record")
	}
	if x, ok := rec.Touched(0); !ok || v.Str(x) != "apple" {
		t.Errorf("name: %v %v", x, ok)
	}
	if _, ok := rec.Touched(1); ok {
		t.Error("seed_count was not touched")
	}
	if x, _ := v.FromJSON(`{"a":1}`); v.Recorded(x) != nil {
		t.Error("a record from JSON has a source")
	}
	v.SetNamed(r, "name", v.FromStr("pear"))
	if v.Recorded(r) != nil || v.Str(v.FieldNamed(r, "name")) != "pear" || v.Bool(v.FieldNamed(r, "ripe")) || v.IsList(r) {
		t.Error("SetNamed did not turn the record into a plain table with the same content")
	}
}

func TestRecordFromGo(t *testing.T) {
	t.Parallel()
	v := start(t, "", options{})
	reads := 0
	record := func() vm.Ref { return v.Record(fruitLayout, fruit{&reads}) }
	for name, use := range map[string]func(x vm.Ref) any{
		"is list":   func(x vm.Ref) any { return v.IsList(x) },
		"is object": func(x vm.Ref) any { return v.IsObject(x) },
		"field":     func(x vm.Ref) any { return v.Str(v.FieldNamed(x, "name")) },
		"no field":  func(x vm.Ref) any { return v.IsNil(v.FieldNamed(x, "broken")) },
		"len":       func(x vm.Ref) any { return v.Len(x) },
		"json":      func(x vm.Ref) any { text, err := v.ToJSON(x); return fmt.Sprint(string(text), err) },
		"export":    func(x vm.Ref) any { out, err := v.Export(x); return fmt.Sprint(out, err) },
		"each": func(x vm.Ref) any {
			var keys []string
			v.EachField(x, func(key string, _ vm.Ref) bool { keys = append(keys, key); return len(keys) < 3 })
			return fmt.Sprint(keys)
		},
		"image": func(x vm.Ref) any {
			to := start(t, "", options{})
			image, _, err := v.Image(x, false, nil)
			copied, _ := to.FromImage(image)
			text, _ := to.ToJSON(copied)
			return fmt.Sprint(string(text), err)
		},
	} {
		if want, got := use(plainFruit(v)), use(record()); want != got {
			t.Errorf("%s: %v, of a plain table %v", name, got, want)
		}
	}
}
