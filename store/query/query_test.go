package query_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kumi/store/fault"
	"kumi/store/query"
)

func mustParse(t testing.TB, text string) *query.Query {
	t.Helper()
	q, err := query.Parse(text)
	if err != nil {
		t.Fatalf("parse %q: %v", text, err)
	}
	return q
}

func label(t testing.TB, text string) *query.Doc {
	t.Helper()
	doc := query.NewDoc()
	if err := doc.AddJSON("label", text); err != nil {
		t.Fatal(err)
	}
	return doc
}

// none is the score of a row whose document must not match.
const none = -1

func TestMatch(t *testing.T) {
	t.Parallel()
	const (
		deathmatch = `{"mode":"death match","region":"eu-west","level":10,"ratio":0.5,"open":true}`
		nested     = `{"a":{"b":{"c":"deep","n":-3}},"tags":["red","blue",7,true,null],"rooms":[{"id":"r1"},{"id":"r2"}]}`
		dated      = `{"created":"2022-03-01","at":"2022-03-01T12:00:00Z","zone":"2022-03-01T12:00:00+02:00","space":"2022-03-01 12:00:00"}`
		odd        = `{"time":"12:30","path":"/usr/bin","quote":"say \"hi\"","empty":"","digits":"10","sign":"-5","plus":"+1","star":"a*b","back":"a\\b","tilde":"a~b","my key":"v","ipv":"1.2.3","uni":"héllo wörld","upper":"EU"}`
		id         = `{"id":"8a5b1a2c-0d3e-4f56-9a7b-0c1d2e3f4a5b","guild":"g2"}`
	)
	rows := []struct {
		query, label string
		score        float64
	}{
		// Everything, nothing.
		{``, `{}`, 1},
		{`   `, deathmatch, 1},
		{`*`, `{}`, 1},
		{`*`, deathmatch, 1},
		{` * `, deathmatch, 1},
		// Among others or with a sign, * asks for a value of the default field.
		{`+*`, `{}`, none},
		{`-*`, deathmatch, 1},
		{`*^4`, `{}`, none},
		{`* label.region:eu-west^2`, deathmatch, 4},
		{`* label.region:us^2`, deathmatch, none},

		// Text is whole and case-sensitive.
		{`label.region:eu-west`, deathmatch, 1},
		{`label.region:eu`, deathmatch, none},
		{`label.region:west`, deathmatch, none},
		{`label.region:EU-WEST`, deathmatch, none},
		{`label.upper:EU`, odd, 1},
		{`label.upper:eu`, odd, none},
		{`label.Region:eu-west`, deathmatch, none},
		{`region:eu-west`, deathmatch, none},
		{`eu-west`, deathmatch, none},
		{`label.mode:"death match"`, deathmatch, 1},
		{`label.mode:death\ match`, deathmatch, 1},
		{`label.mode:"death"`, deathmatch, none},
		{`label.mode:death match`, deathmatch, none},
		{`label.missing:x`, deathmatch, none},
		{`label.empty:""`, odd, 1},
		{`label.uni:"héllo wörld"`, odd, 1},
		{`label.id:8a5b1a2c-0d3e-4f56-9a7b-0c1d2e3f4a5b`, id, 1},
		{`label.region: eu-west`, deathmatch, 1},
		// Only the space parts clauses.
		{"label.wide:a\u00a0b", "{\"wide\":\"a\u00a0b\"}", 1},
		{"label.wide:a\u3000b", "{\"wide\":\"a\u3000b\"}", 1},
		{"label.tab:a\tb", `{"tab":"a\tb"}`, 1},
		{"\n label.region:eu-west", deathmatch, 1},

		// Must, should, must not.
		{`+label.region:eu-west +label.level:10`, deathmatch, 2},
		{`+label.region:eu-west +label.level:11`, deathmatch, none},
		{`+label.region:eu-west label.level:11`, deathmatch, 1},
		{`+label.region:eu-west label.level:10`, deathmatch, 2},
		{`label.region:us label.level:10`, deathmatch, 1},
		{`label.region:us label.level:11`, deathmatch, none},
		{`-label.region:us`, deathmatch, 1},
		{`-label.region:eu-west`, deathmatch, none},
		{`-label.region:us -label.level:10`, deathmatch, none},
		{`-label.region:us -label.level:11`, `{}`, 1},
		{`label.level:10 -label.region:us`, deathmatch, 1},
		{`label.level:11 -label.region:us`, deathmatch, none},
		{`+label.level:10 -label.region:eu-west`, deathmatch, none},
		{`+ label.level:10`, deathmatch, 1},

		// Boosts.
		{`label.region:eu-west^3`, deathmatch, 9},
		{`+label.region:eu-west^3 label.level:>5^0.5`, deathmatch, 9.5},
		{`label.mode:"death match"^2.5`, deathmatch, 6.25},
		{`label.level:10^3`, deathmatch, 3},
		{`label.region:eu-wect~^2`, deathmatch, 4},
		{`label.region:/eu.*/^2`, deathmatch, 2},
		{`label.region:eu*^2`, deathmatch, 2},
		{`label.region:eu-west^0`, deathmatch, 0},
		{`label.region:eu-west^`, deathmatch, 1},
		{`label.region:us^9 label.level:10`, deathmatch, 1},

		// Numbers and ranges.
		{`label.level:10`, deathmatch, 1},
		{`label.level:10.0`, deathmatch, 1},
		{`label.level:1`, deathmatch, none},
		{`label.ratio:.5`, deathmatch, 1},
		{`label.level:"10"`, deathmatch, none},
		{`label.digits:10`, odd, 1},
		{`label.digits:"10"`, odd, 1},
		{`label.digits:10.0`, odd, none},
		{`label.digits:>5`, odd, none},
		{`label.ipv:1.2.3`, odd, 1},
		{`label.level:>9`, deathmatch, 1},
		{`label.level:>10`, deathmatch, none},
		{`label.level:>=10`, deathmatch, 1},
		{`label.level:<10`, deathmatch, none},
		{`label.level:<=10`, deathmatch, 1},
		{`label.ratio:<0.51`, deathmatch, 1},
		{`+label.level:>=5 +label.level:<=15`, deathmatch, 2},
		{`label.level:>-1`, deathmatch, 1},
		{`label.level:<-1`, deathmatch, none},
		{`label.a.b.n:-3`, nested, 1},
		{`-label.a.b.n:-3`, nested, none},
		{`label.a.b.n:>=-3`, nested, 1},
		{`label.a.b.n:>-3`, nested, none},
		{`label.sign:-5`, odd, 1},
		{`label.region:>5`, deathmatch, none},
		{`label.level:<99999999999999999999`, deathmatch, 1},

		// Booleans, nesting, arrays.
		{`label.open:T`, deathmatch, 1},
		{`label.open:F`, deathmatch, none},
		{`label.open:true`, deathmatch, none},
		{`label.off:F`, `{"off":false}`, 1},
		{`label.a.b.c:deep`, nested, 1},
		{`label.a.b:deep`, nested, none},
		{`label.tags:red`, nested, 1},
		{`+label.tags:red +label.tags:blue`, nested, 2},
		{`+label.tags:red +label.tags:green`, nested, none},
		{`label.tags:7`, nested, 1},
		{`label.tags:T`, nested, 1},
		{`-label.tags:blue`, nested, none},
		{`label.rooms.id:r2`, nested, 1},
		{`label.n:*`, `{"n":null}`, none},

		// Dates.
		{`label.created:>"2022-01-01"`, dated, 1},
		{`label.created:>"2022-03-01"`, dated, none},
		{`label.created:>="2022-03-01"`, dated, 1},
		{`label.created:<"2022-03-01T00:00:01Z"`, dated, 1},
		{`label.at:>"2022-03-01 11:59:59"`, dated, 1},
		{`label.at:<="2022-03-01T12:00:00Z"`, dated, 1},
		{`label.zone:<"2022-03-01T11:00:00"`, dated, 1},
		{`label.zone:>="2022-03-01T12:00:00+02:00"`, dated, 1},
		{`label.space:>="2022-03-01T12:00:00.000Z"`, dated, 1},
		{`label.created:"2022-03-01"`, dated, none},
		{`label.created:2022-03-01`, dated, none},
		{`label.created:>5`, dated, none},
		{`label.region:>"2022-01-01"`, deathmatch, none},

		// Wildcards.
		{`label.region:eu*`, deathmatch, 1},
		{`label.region:*west`, deathmatch, 1},
		{`label.region:*-*`, deathmatch, 1},
		{`label.region:e?-west`, deathmatch, 1},
		{`label.region:e?west`, deathmatch, none},
		{`label.region:*eas*`, deathmatch, none},
		{`label.region:eu-west*`, deathmatch, 1},
		{`label.region:eu-west?`, deathmatch, none},
		{`label.uni:h?llo*`, odd, 1},
		{`label.star:a\*b`, odd, 1},
		{`label.star:a\*c`, odd, none},
		{`label.region:eu\*`, deathmatch, none},
		{`label.region:"eu*"`, deathmatch, none},
		{`label.level:1*`, deathmatch, none},
		{`label.level:*`, deathmatch, 1},
		{`label.created:*`, dated, 1},
		{`label.missing:*`, deathmatch, none},
		{`-label.missing:*`, deathmatch, 1},

		// Regular expressions.
		{`label.region:/eu-(west|east)/`, deathmatch, 1},
		{`label.region:/eu/`, deathmatch, none},
		{`label.region:/west|eu-west/`, deathmatch, 1},
		{`label.region:/.*west/`, deathmatch, 1},
		{`label.mode:/death match/`, deathmatch, none},
		{`label.mode:/death\ match/`, deathmatch, 1},
		{`label.path:/usr/bin`, odd, 1},
		{`label.path:/usr/bin^3`, odd, 9},
		{`label.path:/usr/b`, odd, none},
		{`label.path://usr/bin/`, odd, 1},
		{`label.path:/usr/bin/`, odd, none},
		{`label.time:/12:3[0-9]/`, odd, 1},
		{`label.guild:/(g1|g2|g3)/`, id, 1},
		{`label.tags:/(green|blue)/`, nested, 1},
		{`label.path:/\/usr\/.+/`, odd, 1},
		{`label.ipv:/\d\.\d\.\d/`, odd, 1},
		{`label.back:/a\\b/`, odd, 1},
		{`label.level:/10/`, deathmatch, none},

		// Fuzzy.
		{`label.region:eu-wect~`, deathmatch, 1},
		{`label.region:eu-ect~`, deathmatch, none},
		{`label.region:eu-ect~2`, deathmatch, 1},
		{`label.region:eu-est~1`, deathmatch, 1},
		{`label.region:eeu-west~1`, deathmatch, 1},
		{`label.region:ue-west~1`, deathmatch, none},
		{`label.region:ue-west~2`, deathmatch, 1},
		{`label.region:eu-west~0`, deathmatch, 1},
		{`label.region:eu-wesT~0`, deathmatch, none},
		{`label.region:eu-wesT~1^5`, deathmatch, 25},
		{`label.uni:"hello world"~2`, odd, 1},
		{`label.empty:ab~2`, odd, 1},

		// Escapes and quotes.
		{`label.time:12\:30`, odd, 1},
		{`label.time:"12:30"`, odd, 1},
		{`label.path:\/usr/bin`, odd, 1},
		{`label.path:"/usr/bin"`, odd, 1},
		{`label.quote:"say \"hi\""`, odd, 1},
		{`label.sign:\-5`, odd, 1},
		{`label.sign:"-5"`, odd, 1},
		{`label.plus:\+1`, odd, 1},
		{`label.back:a\b`, odd, 1},
		{`label.back:a\\b`, odd, 1},
		{`label.back:"a\b"`, odd, 1},
		{`label.tilde:a\~b`, odd, 1},
		{`label.my\ key:v`, odd, 1},
	}
	for _, row := range rows {
		q, err := query.Parse(row.query)
		if err != nil {
			t.Errorf("parse %q: %v", row.query, err)
			continue
		}
		score, ok := q.Match(label(t, row.label))
		if !ok {
			if score != 0 {
				t.Errorf("%q on %s: score %v without a match", row.query, row.label, score)
			}
			score = none
		}
		if score != row.score {
			t.Errorf("%q on %s: score %v, want %v", row.query, row.label, score, row.score)
		}
	}
}

// TestMatchTicket goes over the fields a matchmaker ticket has, which are added
// one by one.
func TestMatchTicket(t *testing.T) {
	t.Parallel()
	doc := query.NewDoc()
	doc.AddString("properties.region", "europe")
	doc.AddString("properties.since", "2024-05-06")
	doc.AddNumber("properties.rank", 8)
	doc.AddNumber("min_count", 2)
	doc.AddNumber("max_count", 4)
	doc.AddKeyword("ticket", "2024-05-06")
	doc.AddBool("open", true)
	for text, want := range map[string]bool{
		`+properties.region:europe +properties.rank:>=7 +properties.rank:<=9`: true,
		`+properties.region:europe +properties.rank:>=9`:                      false,
		`+min_count:2 +max_count:<=4`:                                         true,
		`+ticket:2024-05-06`:                                                  true,
		`+ticket:>"2000-01-01"`:                                               false,
		`+properties.since:>"2000-01-01"`:                                     true,
		`+open:T`:                                                             true,
		`europe`:                                                              false,
	} {
		if _, ok := mustParse(t, text).Match(doc); ok != want {
			t.Errorf("%s: matched %v, want %v", text, ok, want)
		}
	}

	doc.AddKeyword(query.DefaultField, "europe")
	if _, ok := mustParse(t, `europe`).Match(doc); !ok {
		t.Error("a clause without a field does not look in the default field")
	}
}

func TestParseErrors(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`label.a:`:              `character 9: field "label.a" has no value`,
		`+`:                     `character 2: nothing follows "+"`,
		`a:b -`:                 `character 6: nothing follows "-"`,
		`++a:b`:                 `character 2: a clause cannot begin with "+"`,
		`:b`:                    `character 1: a clause cannot begin with ":"`,
		`a:b:c`:                 `character 4: a clause cannot begin with ":"`,
		`a:12:30`:               `character 5: a clause cannot begin with ":"`,
		`a:-b`:                  `character 3: a value cannot begin with "-"`,
		`a:+5`:                  `character 3: a value cannot begin with "+"`,
		`a:=5`:                  `character 3: unexpected "="`,
		`a:~b`:                  `character 3: a value cannot begin with "~b"`,
		`>5`:                    `character 1: a clause cannot begin with ">"`,
		`^5`:                    `character 1: a clause cannot begin with "^5"`,
		`a:>b`:                  `character 3: a range needs a number or a quoted date`,
		`a:>=`:                  `character 3: a range needs a number or a quoted date`,
		`a:>-b`:                 `character 3: a range needs a number or a quoted date`,
		`a:>-"2020-01-01"`:      `character 3: a range needs a number or a quoted date`,
		`a:>"soon"`:             `character 4: "soon" is not a date`,
		`a:>"2020-13-01"`:       `character 4: "2020-13-01" is not a date`,
		`é:"open`:               `character 3: the quote is not closed`,
		`a:"open\"`:             `character 3: the quote is not closed`,
		`a:/`:                   `character 3: the regular expression has no closing slash`,
		`a:/[/`:                 `character 3: invalid regular expression: missing closing ]: [`,
		`a:/a[/`:                `character 3: invalid regular expression: missing closing ]: [`,
		"a:b\nc:d":              `character 6: a clause cannot begin with ":"`,
		`a:/(b/`:                `character 3: invalid regular expression: missing closing ): (b`,
		`a:/b)|(c/`:             `character 3: invalid regular expression: unexpected ): b)|(c`,
		`a:b~3`:                 `character 4: "3" is not a number of edits from 0 to 2`,
		`a:b~c`:                 `character 4: "c" is not a number of edits`,
		`a:b*~`:                 `character 5: only a plain value can be fuzzy`,
		`a:/b/~1`:               `character 6: only a plain value can be fuzzy`,
		`a:b^x`:                 `character 4: "x" is not a boost`,
		`a:b^-1`:                `character 4: "-1" is not a boost`,
		`a:b^NaN`:               `character 4: "NaN" is not a boost`,
		`a:b^1e999`:             `character 4: "1e999" is not a boost`,
		`a:b^1^2`:               `character 6: a clause cannot begin with "^2"`,
		`a:/` + `x{2000}` + `/`: `character 3: invalid regular expression: invalid repeat count`,
	} {
		q, err := query.Parse(text)
		if err == nil {
			t.Errorf("parse %q: no error, want %q", text, want)
			continue
		}
		if q != nil {
			t.Errorf("parse %q: a query beside the error", text)
		}
		if code := fault.CodeOf(err); code != fault.InvalidArgument {
			t.Errorf("parse %q: code %d, want %d", text, code, fault.InvalidArgument)
		}
		if message := fault.MessageOf(err, ""); !strings.HasPrefix(message, "query at "+want) {
			t.Errorf("parse %q: %q, want %q", text, message, want)
		}
	}
}

func TestRequired(t *testing.T) {
	t.Parallel()
	q := mustParse(t, `+b:/x/ +label.mode:"a b"^2 +n:5 c:d -e:f +label.open:T +g:h* +i:j~`)
	want := []query.Term{{Field: "label.mode", Text: "a b"}, {Field: "label.open", Text: "T"}}
	if diff := cmp.Diff(want, q.Required()); diff != "" {
		t.Errorf("required terms (-want +got):\n%s", diff)
	}
	if got := mustParse(t, `a:b`).Required(); len(got) != 0 {
		t.Errorf("optional clause required: %v", got)
	}
}

func TestMatchesAll(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		``: true, ` `: true, `*`: true, ` * `: true, `+*^2`: false, `+* *`: false,
		`* a:b`: false, `+* a:b`: false, `-*`: false, `-a:b`: false, `a:*`: false,
	} {
		if got := mustParse(t, text).MatchesAll(); got != want {
			t.Errorf("%q: matches all %v, want %v", text, got, want)
		}
	}
}
