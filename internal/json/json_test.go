package json_test

import (
	stdjson "encoding/json"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
	"pgregory.net/rapid"

	"kumi/internal/json"
)

// text generates strings with everything that needs special treatment.
var text = rapid.OneOf(
	rapid.StringMatching(`[a-z0-9-]{0,40}`),
	rapid.StringOf(rapid.SampledFrom([]rune("ab\"\\/\b\f\n\r\t\x00\x1f\x7f<>&é😀\u2028\ufffd"))),
	rapid.Map(rapid.SliceOfN(rapid.Byte(), 0, 6), func(b []byte) string { return string(b) }),
)

// Tests that run in parallel share text: rapid would describe it when one of them first
// needs that, and race with the others.
func init() { _ = text.String() }

// read builds the same values as encoding/json.
func read(r *json.Reader) any {
	switch r.Peek() {
	case '{':
		m := map[string]any{}
		for more := r.Open('{'); more; more = r.More('{') {
			name := r.Name()
			m[name] = read(r)
		}
		return m
	case '[':
		list := []any{}
		for more := r.Open('['); more; more = r.More('[') {
			list = append(list, read(r))
		}
		return list
	case '"':
		return r.String()
	case 't', 'f':
		return r.Bool()
	case 'n':
		r.Null()
		return nil
	}
	return r.Float()
}

// seeds are the seeds of FuzzReader.
var seeds = []string{
	`{"a":[1,-0,2.5,1e3,-1E-2,0.1e+2,123456789012345678],"b":{"c":null,"d":true,"e":false},"":""}`,
	" [ ] ", "{ }", `"\u00e9\ud83d\ude00\/\b\f\n\r\t\"\\"`, `"\ud83d"`, `"\ude00x"`, `"\ud83d\ud83d\ude00"`, `"\u0000"`, "\"\xff\xfe\"",
	`[1,]`, `{"a":1,}`, `{a:1}`, `01`, `-01`, `1.`, `.5`, `+1`, `1e`, `-`, `nul`, `nulls`, `tru`, `"a`, `"a\`, `"\x"`, `"\u12"`, `"\u12G4"`,
	"\"\n\"", `1 2`, `{"a" 1}`, `[1 2]`, `{"a":1 "b":2}`, ``, ` `, "\x00", `NaN`, `é`, `-0`, `-0.0`, "\u00a01",
}

// FuzzReader compares the reader with encoding/json.
func FuzzReader(f *testing.F) {
	for _, s := range seeds {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, in string) {
		r := json.NewReader(in)
		got := read(&r)
		r.End()
		var want any
		wantErr := stdjson.Unmarshal([]byte(in), &want)
		var outOfRange *stdjson.UnmarshalTypeError
		if errors.As(wantErr, &outOfRange) {
			return // a number out of the range of float64
		}
		err := r.Err()
		if (err == nil) != (wantErr == nil) {
			if err != nil && strings.Contains(err.Error(), "nested") {
				return
			}
			t.Fatalf("%q: got error %v, encoding/json %v", in, err, wantErr)
		}
		if err == nil && !reflect.DeepEqual(got, want) {
			t.Fatalf("%q: got %#v, want %#v", in, got, want)
		}
		strict := json.NewReader(in)
		strict.Strict = true
		read(&strict)
		strict.End()
		if err != nil && strict.Err() == nil {
			t.Fatalf("%q: invalid JSON is accepted with Strict", in)
		}
		if err == nil && (strict.Err() != nil) == storable(in) {
			t.Fatalf("%q: with Strict: %v", in, strict.Err())
		}
	})
}

// storable tells whether all strings of a JSON text can be stored in a JSON column,
// according to jsontext.
func storable(in string) bool {
	value := jsontext.Value(in)
	return value.IsValid(jsontext.AllowDuplicateNames(true)) && !strings.Contains(strings.ReplaceAll(in, `\\`, ""), `\u0000`)
}

func TestReaderErrors(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		``:             "invalid JSON at byte 0: it ends too early",
		`{"a":1,}`:     "invalid JSON at byte 7: expected a property name in quotes",
		`{"a" 1}`:      "invalid JSON at byte 5: expected ':'",
		`{"a":1 "b"}`:  "invalid JSON at byte 7: expected ',' or '}'",
		`[1;2]`:        "invalid JSON at byte 2: expected ',' or ']'",
		`[1,x]`:        "invalid JSON at byte 3: unexpected 'x'",
		`[é]`:          "invalid JSON at byte 1: unexpected 'é'",
		`[01]`:         "invalid JSON at byte 3: a number is malformed",
		`["a\qb"]`:     `invalid JSON at byte 3: the escape "\\q" is unknown`,
		`["a\u00g0"]`:  `invalid JSON at byte 3: \u needs four hexadecimal digits`,
		"[\"a\n\"]":    "invalid JSON at byte 3: a string has a control character",
		`["a`:          "invalid JSON at byte 3: a string does not end",
		`[1] 2`:        "invalid JSON at byte 4: there is more after the value",
		"[\"\x80\"]":   "invalid JSON at byte 2: a string is not valid UTF-8",
		`["\ud800"]`:   "invalid JSON at byte 2: a string has half of a surrogate pair",
		`["\u0000"]`:   `invalid JSON at byte 2: a string has \u0000, which cannot be stored`,
		`[[[[1]]]]`:    "invalid JSON at byte 3: it is nested more than 3 levels deep",
		`[[[1]],[[]]]`: "",
	} {
		r := json.NewReader(in)
		r.Strict, r.Depth = true, 3
		read(&r)
		r.End()
		if err := r.Err(); (err == nil) != (want == "") || err != nil && err.Error() != want {
			t.Errorf("%s: %v, want %q", in, err, want)
		}
	}
	deep := strings.Repeat("[", 100_000)
	r := json.NewReader(deep)
	if read(&r); r.Err() == nil {
		t.Error("a text nested 100,000 levels deep was accepted")
	}
}

func TestReaderCopies(t *testing.T) { // not parallel: it counts allocations
	long := `{"name":"ann","text":"` + strings.Repeat("x", 2000) + `"}`
	for _, copies := range []bool{false, true} {
		allocs := testing.AllocsPerRun(10, func() {
			r := json.NewReader(long)
			r.Copy = copies
			for more := r.Open('{'); more; more = r.More('{') {
				_, _ = r.Name(), r.String()
			}
		})
		if (allocs > 0) != copies {
			t.Errorf("copy %t: %v allocations", copies, allocs)
		}
	}
}

func TestAppend(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := text.Draw(t, "text")
		got, valid := json.AppendString([]byte("x"), s)
		var back string
		if err := stdjson.Unmarshal(got[1:], &back); err != nil || back != string([]rune(s)) || got[0] != 'x' {
			t.Fatalf("%q became %q, which is %q, %v", s, got, back, err)
		}
		if valid != utf8.ValidString(s) {
			t.Fatalf("%q is valid: %t", s, valid)
		}
		n := rapid.OneOf(rapid.Float64(), rapid.Map(rapid.Int64(), func(n int64) float64 { return float64(n) }),
			rapid.SampledFrom([]float64{0, 1e-6, 1e-7, 1.5e-12, 1e20, 1e21, 1e300, 1 << 53, 1<<53 + 2, 1<<63 - 1024, -1 << 63})).Draw(t, "number")
		want, err := stdjson.Marshal(n)
		switch {
		case err != nil:
			want = []byte("null")
		case n == 0:
			want = []byte("0")
		}
		if got := json.AppendNumber(nil, n); string(got) != string(want) {
			t.Fatalf("%v became %s, want %s", n, got, want)
		}
	})
	at := time.Date(2024, 2, 29, 12, 30, 0, 120_000_000, time.FixedZone("", 3600))
	for got, want := range map[string]string{
		string(json.AppendBytes(nil, []byte{0xff, 0})):                          `"/wA="`,
		string(json.AppendDate(nil, at)):                                        `"2024-02-29T11:30:00.120Z"`,
		string(json.AppendDate(nil, at.Truncate(time.Second))):                  `"2024-02-29T11:30:00.000Z"`,
		string(json.AppendTimestamp(nil, at)):                                   `"2024-02-29T11:30:00.120Z"`,
		string(json.AppendTimestamp(nil, at.Truncate(time.Second))):             `"2024-02-29T11:30:00Z"`,
		string(json.AppendTimestamp(nil, at.Add(time.Microsecond))):             `"2024-02-29T11:30:00.120001Z"`,
		string(json.AppendTimestamp(nil, at.Add(1))):                            `"2024-02-29T11:30:00.120000001Z"`,
		string(json.AppendNumber(nil, math.NaN())):                              `null`,
		string(json.Compact([]byte(`x y{"a": "b c\" d\\", "e":`+"\n"+`1}`), 3)): `x y{"a":"b c\" d\\","e":1}`,
	} {
		if got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

// document is typical for games: ids, numbers, JSON in a string.
const document = `{"id":"3fa85f64-5717-4562-b3fc-2c963f66afa6","name":"ann","level":12,"items":[{"kind":"sword","power":12.5},{"kind":"bow","power":3}],` +
	`"flags":{"a":true,"b":false,"c":null},"payload":"{\"hp\":100,\"name\":\"ann\",\"items\":[1,2,3]}"}`

// BenchmarkRead compares the reader with jsontext's decoder, which is too slow.
func BenchmarkRead(b *testing.B) {
	b.Run("reader", func(b *testing.B) {
		for b.Loop() {
			r := json.NewReader(document)
			walk(&r)
		}
	})
	b.Run("jsontext", func(b *testing.B) {
		var d jsontext.Decoder
		for b.Loop() {
			d.Reset(strings.NewReader(document), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
			for {
				token, err := d.ReadToken()
				if err != nil {
					break
				}
				if k := token.Kind(); k == '"' {
					_ = token.String()
				} else if k == '0' {
					_, _ = token.Float()
				}
			}
		}
	})
}

func walk(r *json.Reader) {
	switch r.Peek() {
	case '{':
		for more := r.Open('{'); more; more = r.More('{') {
			_ = r.Name()
			walk(r)
		}
	case '[':
		for more := r.Open('['); more; more = r.More('[') {
			walk(r)
		}
	case '"':
		_ = r.String()
	case 't', 'f':
		r.Bool()
	case 'n':
		r.Null()
	default:
		_ = r.Float()
	}
}

// BenchmarkReadString reads JSON in a string, as payloads of RPCs have it.
func BenchmarkReadString(b *testing.B) {
	quoted, _ := json.AppendString(nil, strings.Repeat(`{"hp":100,"name":"ann","items":[1,2,3]},`, 10))
	in := string(quoted)
	b.Run("reader", func(b *testing.B) {
		for b.Loop() {
			r := json.NewReader(in)
			_ = r.String()
		}
	})
	b.Run("jsontext", func(b *testing.B) {
		for b.Loop() {
			s, _ := jsontext.AppendUnquote(nil, in)
			_ = string(s)
		}
	})
}
