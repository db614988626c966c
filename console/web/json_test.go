package web_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/dop251/goja"
	"github.com/evanw/esbuild/pkg/api"
)

// jsonFunctions returns pretty and mistake of src/lib/json.ts.
func jsonFunctions(t *testing.T) (pretty, mistake func(text string) string) {
	t.Helper()
	built := api.Build(api.BuildOptions{EntryPoints: []string{"src/lib/json.ts"}, Bundle: true, Format: api.FormatIIFE, GlobalName: "json", Target: api.ES2020})
	if len(built.Errors) > 0 {
		t.Fatal(built.Errors)
	}
	vm := goja.New()
	if _, err := vm.RunString(string(built.OutputFiles[0].Contents)); err != nil {
		t.Fatal(err)
	}
	function := func(name string) func(string) string {
		call, ok := goja.AssertFunction(vm.Get("json").ToObject(vm).Get(name))
		if !ok {
			t.Fatalf("there is no function %s", name)
		}
		return func(text string) string {
			v, err := call(goja.Undefined(), vm.ToValue(text))
			if err != nil {
				t.Fatalf("%s of %q: %v", name, text, err)
			}
			if goja.IsNull(v) {
				return ""
			}
			return v.String()
		}
	}
	return function("pretty"), function("mistake")
}

// The page's own reader of JSON accepts what Go's does, and keeps numbers as they are
// written.
func TestJSON(t *testing.T) {
	t.Parallel()
	pretty, mistake := jsonFunctions(t)
	for _, text := range []string{
		`{}`, `[]`, `0`, `-0`, `"a"`, `null`, `true`, ` [1 , 2]	`, `{"a":{"b":[{},[],""]}}`, `9007199254740993`, `-12345678901234567890.5e+10`, `1E400`,
		`"\u00e9\n\"\\\/"`, `"é漢😀"`, `{"":1}`, `[[[[]]]]`, "{\"a\"\r\n:\t1}",
		``, ` `, `{`, `}`, `[1,]`, `{"a":1,}`, `{a:1}`, `{"a" 1}`, `{"a":}`, `[1 2]`, `01`, `1.`, `.5`, `+1`, `1e`, `-`, `tru`, `nulll`, `"`, `"\x"`, `"\u12"`, "\"\n\"",
		"\"\t\"", `'a'`, `NaN`, `[1]x`, `{"a":1}{}`, "\u00a01", "\ufeff1", `[1,,2]`, `{,}`, `/**/1`,
	} {
		valid, wrong := json.Valid([]byte(text)), mistake(text)
		if valid != (wrong == "") {
			t.Errorf("%q: valid is %v, and the page says %q", text, valid, wrong)
		}
		if !valid {
			if got := pretty(text); got != text {
				t.Errorf("%q, which is not valid, becomes %q", text, got)
			}
			continue
		}
		// Compact keeps numbers; \/ and \u00e9 may be written in another way.
		var before, after bytes.Buffer
		if json.Compact(&before, []byte(text)) != nil || json.Compact(&after, []byte(pretty(text))) != nil || !sameJSON(t, before.Bytes(), after.Bytes()) {
			t.Errorf("%q becomes %q", text, pretty(text))
		}
	}
	if got, want := pretty(`{"a":9007199254740993,"b":[1.50,{}],"c":{"d":[]}}`),
		"{\n  \"a\": 9007199254740993,\n  \"b\": [\n    1.50,\n    {}\n  ],\n  \"c\": {\n    \"d\": []\n  }\n}"; got != want {
		t.Errorf("pretty is\n%s", got)
	}
	for text, want := range map[string]string{
		"{\n  \"a\": 1\n  \"b\": 2\n}": `Line 3, column 3: a comma or } expected, but found "\"".`,
		`{"a":1,"a":2}`:                `Line 1, column 8: the name "a" is there twice.`,
		`[1`:                           `Line 1, column 3: a comma or ] expected, but the text ends.`,
		strings.Repeat("[", 600):       `Line 1, column 502: nested too deeply.`,
	} {
		if got := mistake(text); got != want {
			t.Errorf("%.40q: %s", text, got)
		}
	}
}

// sameJSON reports whether two texts have the same values, and numbers that are written in
// the same way.
func sameJSON(t *testing.T, a, b []byte) bool {
	t.Helper()
	read := func(text []byte) string {
		d := json.NewDecoder(bytes.NewReader(text))
		d.UseNumber()
		var v any
		if err := d.Decode(&v); err != nil {
			t.Fatal(err)
		}
		out, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return string(out)
	}
	return read(a) == read(b)
}
