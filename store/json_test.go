package store_test

import (
	"database/sql"
	"encoding/json"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"kumi/store"
	"kumi/store/storetest"
)

func TestNormalizeJSON(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		` { "bb":1 , "a":[ ] , "c":{},"a":{"z":null} } `: `{"a": {"z": null}, "c": {}, "bb": 1}`,
		`[1,2.50,-0,-0.0,1e2,1E-3,1.5e1,0e5,12e-1]`:      `[1, 2.50, 0, 0.0, 100, 0.001, 15, 0, 1.2]`,
		`"\u00e4\/\ud83d\ude00\u001f\n\u007f"`:           "\"ä/😀\\u001f\\n\x7f\"",
		`{"ab":1,"é":2,"b":3}`:                           `{"b": 3, "ab": 1, "é": 2}`,
		`123456789012345678901234567890.10`:              `123456789012345678901234567890.10`,
		`{"\u0061":1,"a":2}`:                             `{"a": 2}`,
		`true`:                                           `true`,
	} {
		got, err := store.NormalizeJSON(in)
		if err != nil || got != want {
			t.Errorf("%s: got %s, %v; want %s", in, got, err, want)
		}
		if again, _ := store.NormalizeJSON(got); again != got {
			t.Errorf("%s changes again to %s", got, again)
		}
	}
	for _, in := range []string{
		``, `{`, `[1,]`, `{"a":1,}`, `{a:1}`, `01`, `1.`, `.5`, `+1`, `1e`, `-`, `nul`, `"a`, "\"\n\"", `"\x"`, `"\u12"`, `"\u0000"`,
		`"\ud800"`, `"\udc00"`, `"\ud800\u0041"`, "\"\xff\"", `1 2`, `1e200000`, `1e-20000`, `NaN`, strings.Repeat("[", 2000) + strings.Repeat("]", 2000),
	} {
		if got, err := store.NormalizeJSON(in); err == nil || !store.IsInvalidText(err) {
			t.Errorf("%.20q is accepted as %.20q (%v)", in, got, err)
		}
	}
}

// jsonText draws JSON texts, and now and then something that is not quite.
func jsonText() *rapid.Generator[string] {
	space := rapid.SampledFrom([]string{"", "", " ", "\n\t"})
	number := rapid.StringMatching(`-?(0|[1-9][0-9]{0,6})(\.[0-9]{1,6})?([eE][+-]?[0-9]{1,2})?`)
	text := rapid.Custom(func(t *rapid.T) string {
		var b strings.Builder
		for range rapid.IntRange(0, 4).Draw(t, "n") {
			b.WriteString(rapid.SampledFrom([]string{"a", "b", "é", "😀", `\n`, `\"`, `\\`, `\/`, `\u00e9`, `\ud83d\ude00`, `\u0001`, "\x7f", `\u0041`}).Draw(t, "c"))
		}
		return `"` + b.String() + `"`
	})
	var value func(depth int) *rapid.Generator[string]
	value = func(depth int) *rapid.Generator[string] {
		return rapid.Custom(func(t *rapid.T) string {
			kind := rapid.IntRange(0, 5).Draw(t, "kind")
			if depth == 0 && kind > 3 {
				kind = 0
			}
			list := func(open, end string, item func() string) string {
				var items []string
				for range rapid.IntRange(0, 5).Draw(t, "len") {
					items = append(items, space.Draw(t, "space")+item()+space.Draw(t, "space"))
				}
				return open + strings.Join(items, ",") + end
			}
			switch kind {
			case 0:
				return rapid.SampledFrom([]string{"true", "false", "null"}).Draw(t, "word")
			case 1, 2:
				return number.Draw(t, "number")
			case 3:
				return text.Draw(t, "text")
			case 4:
				return list("[", "]", func() string { return value(depth-1).Draw(t, "value") })
			default:
				return list("{", "}", func() string {
					return text.Draw(t, "name") + space.Draw(t, "space") + ":" + space.Draw(t, "space") + value(depth-1).Draw(t, "value")
				})
			}
		})
	}
	return value(3)
}

func TestNormalizeJSONIsWhatPostgresStores(t *testing.T) {
	t.Parallel()
	db := storetest.PostgresDB(t).SQL()
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	compare := func(in string) (got string, gotErr error, want string, wantErr error) {
		var text sql.NullString
		wantErr = conn.QueryRowContext(t.Context(), "SELECT ($1::text)::jsonb::text", in).Scan(&text)
		got, gotErr = store.NormalizeJSON(in)
		return got, gotErr, text.String, wantErr
	}
	texts := jsonText()
	rapid.Check(t, func(t *rapid.T) {
		in := texts.Draw(t, "json")
		if cut := rapid.IntRange(0, 8).Draw(t, "cut"); cut == 0 && len(in) > 1 {
			i := rapid.IntRange(0, len(in)-1).Draw(t, "at")
			in = strings.ToValidUTF8(in[:i]+in[i+1:], "")
		}
		got, gotErr, want, wantErr := compare(in)
		if got != want || (gotErr == nil) != (wantErr == nil) {
			t.Fatalf("%s\n got %s, %v\nwant %s, %v", in, got, gotErr, want, wantErr)
		}
	})
}

func TestJSONConcatIsTheSame(t *testing.T) {
	t.Parallel()
	cases := [][3]string{
		{`{"a":1,"bb":2}`, `{"a":{"x":1},"c":3}`, `{"a": {"x": 1}, "c": 3, "bb": 2}`},
		{`{}`, `{"a":1}`, `{"a": 1}`},
		{`{"a":1}`, `{}`, `{"a": 1}`},
		{`[1]`, `{"a":1}`, `[1, {"a": 1}]`},
		{`1`, `[2,3]`, `[1, 2, 3]`},
		{`[]`, `[]`, `[]`},
	}
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		for _, c := range cases {
			var got string
			expr := db.Dialect().JSONConcat("CAST($1 AS text)", "CAST($2 AS text)")
			if err := db.Reader().QueryRowContext(t.Context(), "SELECT "+expr, c[0], c[1]).Scan(&got); err != nil || got != c[2] {
				t.Errorf("%s || %s: got %s, %v; want %s", c[0], c[1], got, err, c[2])
			}
		}
	})
}

func FuzzNormalizeJSON(f *testing.F) {
	for _, s := range []string{`{"b":1,"a":[1.0,"\u00e9"]}`, `-0.0e-3`, `"\ud83d\ude00"`, `{"a":1,"a":2}`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, in string) {
		got, err := store.NormalizeJSON(in)
		if err != nil {
			return
		}
		if !json.Valid([]byte(in)) || !json.Valid([]byte(got)) {
			t.Fatalf("%q became %q, and not both are JSON", in, got)
		}
		if again, err := store.NormalizeJSON(got); err != nil || again != got {
			t.Fatalf("%q changes again to %q, %v", got, again, err)
		}
	})
}
