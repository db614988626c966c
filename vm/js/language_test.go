package js_test

import (
	"testing"

	"kumi/vm/js"
)

// Features of the language that goja lacks or gets wrong.
func TestLanguage(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ body, want string }{
		"property of a letter":     {`return "a1é_Z".match(/\p{L}+/gu)`, `["a","é","Z"]`},
		"in a class":               {`return "Ångström_1!".match(/[\p{L}\p{N}_]+/u)[0]`, `"Ångström_1"`},
		"not in a class":           {`return "ab1".replace(/[^\p{L}]/gu, "-")`, `"ab-"`},
		"without the property":     {`return ["a", "1"].map((x) => /\P{L}/u.test(x))`, `[false,true]`},
		"script":                   {`return [/^\p{Script=Greek}+$/u.test("αβγ"), /^\p{sc=Greek}+$/u.test("abc")]`, `[true,false]`},
		"long names":               {`return "aB".match(/\p{Uppercase_Letter}/u)[0] + "aB".match(/\p{Lowercase}/u)[0] + /\p{gc=Nd}/u.test("٣")`, `"Batrue"`},
		"beyond 16 bits":           {`return "x𝒜".match(/\p{L}$/u)[0]`, `"𝒜"`},
		"made at run time":         {`return [new RegExp("^[\\p{L} ]{3,20}$", "u").test("Zoë K"), RegExp("\\p{Lu}", "u").test("a"), /x/.constructor === RegExp, new RegExp(/a/g).flags]`, `[true,false,true,"g"]`},
		"without the flag":         {`return /\p{L}/.test("p{L}")`, `true`},
		"numbers for people":       {`return [(1234567.8915).toLocaleString(), (1234.5).toLocaleString("de-DE"), (-1234).toLocaleString("en-US", { minimumFractionDigits: 2 }), (0.1).toLocaleString("en-US", { maximumFractionDigits: 0 }), (12345).toLocaleString(undefined, { useGrouping: false })]`, `["1,234,567.891","1.234,5","-1,234.00","0","12345"]`},
		"bytes of a string":        {`return [Array.from(Uint8Array.from("123")), Array.from(Float64Array.from("12", (x) => x * 2)), Array.from(Uint8Array.from([1, 2])), Uint8Array.from.name]`, `[[1,2,3],[2,4],[1,2],"from"]`},
		"BigInt operators":         {`let a = 2n, n = 3; a **= 5n; n <<= 2; const o = { x: 2n }; o.x <<= 3n; return [String(a ** 2n), n, 2 ** 10, 1 << 4, -8 >> 1, String(1n << 70n), String(-5n >> 1n), String(o.x), 2 ** -1]`, `["1024",12,1024,16,-4,"1180591620717411303424","-3","16",0.5]`},
		"order of operands":        {`const log = []; const x = (v) => { log.push(String(v)); return v }; x(2n) ** x(3n); x(4) << x(x(5) ** x(1)); return log.join()`, `"2,3,4,5,1,5"`},
		"a mix that is an error":   {`try { return 2n ** 2 } catch (e) { return e.name }`, `"TypeError"`},
		"reviver null":             {`return JSON.parse("[1]", null)`, `[1]`},
		"flat keeps what it makes": {`return [[1, [2, [3]], [[]]].flat(), [1, , [2]].flat(), [1, [2, [3, [4]]]].flat(Infinity)]`, `[[1,2,[3],[]],[1,2],[1,2,3,4]]`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := eval(t, c.body, js.Options{})
			if err != nil || got != c.want {
				t.Errorf("got %v %v, want %s", got, err, c.want)
			}
		})
	}
}
