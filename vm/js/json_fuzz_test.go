package js_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"kumi/vm/js"
)

// FuzzJSON compares FromJSON with the standard library, for what it accepts, and with
// JSON.parse, for the resulting values.
func FuzzJSON(f *testing.F) {
	for _, s := range []string{
		`{}`, `[]`, `""`, `0`, `-0`, `1e5`, `-1.5E-3`, `01`, `1.`, `.5`, `+1`, `tru`, `nul`, `true `, ` null`, `[1,]`, `{"a":1,}`, `{"a"}`, `{a:1}`,
		`"\ud83d\ude00"`, `"\ud83d"`, `"\u00zz"`, `"\x"`, "\"\n\"", "\"a", `[[[[]]]]`, `{"b":1,"a":2,"b":3}`, `{"2":1,"1":1,"x":1,"01":1}`,
		`{"__proto__":1}`, `12345678901234567890`, `1e999`, `"é\/\b\f\n\r\t\\\""`, "\"\xff\"", `{"":0}`, `{"4294967295":0,"4294967294":1}`,
	} {
		f.Add(s)
	}
	v := load(f, `function same(ours, text) {
		let theirs;
		try { theirs = JSON.parse(text) } catch { return true } // 1e999 is valid, but too large for goja
		return JSON.stringify(ours) === JSON.stringify(theirs) }`, js.Options{})
	same := v.Global("same")
	f.Fuzz(func(t *testing.T, text string) {
		if strings.Count(text, "[")+strings.Count(text, "{") > 500 {
			return // may be nested too deep
		}
		got, err := v.FromJSON(text)
		if (err == nil) != json.Valid([]byte(text)) {
			t.Fatalf("%q: error %v, valid %v", text, err, json.Valid([]byte(text)))
		}
		if err != nil || !utf8.ValidString(text) || strings.Contains(text, `\u`) {
			return // JSON.parse keeps unpaired surrogates, Go strings cannot
		}
		out, err := v.Invoke(context.Background(), same, got, v.FromStr(text))
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		if !v.Bool(out[0]) {
			ours, _ := v.ToJSON(got)
			t.Errorf("%q became %s", text, ours)
		}
	})
}
