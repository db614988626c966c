package query_test

import (
	"encoding/json"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"kumi/store/fault"
	"kumi/store/query"
)

// condition is a clause of the reference interpreter, which works on the plain
// JSON values and shares no code with the package.
type condition struct {
	sign  string // "", "+" or "-"
	field string
	text  string
	holds func(value any) bool
	boost float64
}

func (c condition) matches(object map[string]any) bool {
	switch value := object[c.field].(type) {
	case nil:
		return false
	case []any:
		for _, element := range value {
			if c.holds(element) {
				return true
			}
		}
		return false
	default:
		return c.holds(value)
	}
}

func interpret(conditions []condition, object map[string]any) (score float64, ok bool) {
	musts, shoulds, matched := 0, 0, 0
	for _, c := range conditions {
		hit := c.matches(object)
		switch {
		case c.sign == "-" && hit, c.sign == "+" && !hit:
			return 0, false
		case c.sign == "+":
			musts++
		case c.sign == "":
			shoulds++
		}
		if hit && c.sign != "-" {
			score += c.boost
			matched++
		}
	}
	if musts+shoulds == 0 {
		return 1, true
	}
	return score, musts > 0 || matched > 0
}

func referenceDate(text string) (time.Time, bool) {
	for _, layout := range []string{"2006-01-02", "2006-01-02T15:04:05Z"} {
		if date, err := time.Parse(layout, text); err == nil {
			return date, true
		}
	}
	return time.Time{}, false
}

// asText is how a value reads to text clauses.
func asText(value any) (string, bool) {
	switch value := value.(type) {
	case string:
		_, date := referenceDate(value)
		return value, !date
	case bool:
		return map[bool]string{true: "T", false: "F"}[value], true
	}
	return "", false
}

func compare(sign string, order int) bool {
	return order > 0 && sign[0] == '>' || order < 0 && sign[0] == '<' || order == 0 && len(sign) == 2
}

func levenshtein(a, b []rune) int {
	if len(a) == 0 || len(b) == 0 {
		return len(a) + len(b)
	}
	cost := 1
	if a[0] == b[0] {
		cost = 0
	}
	return min(levenshtein(a[1:], b[1:])+cost, levenshtein(a[1:], b)+1, levenshtein(a, b[1:])+1)
}

var special = regexp.MustCompile(`[-+=&|><!(){}\[\]^"~*?:\\/ ]`)

func escape(text string) string { return special.ReplaceAllString(text, `\$0`) }

var (
	fields  = rapid.SampledFrom([]string{"a", "c.d", "x: *"})
	words   = rapid.OneOf(rapid.StringMatching(`[abé]{1,5}`), rapid.StringMatching(`[ab:* é"\\-]{1,5}`))
	numbers = rapid.SampledFrom([]float64{-2, -0.5, 0, 1, 2.25, 30})
	dates   = rapid.SampledFrom([]string{"2020-01-01", "2020-01-02", "2020-01-01T10:00:00Z"})
	ranges  = rapid.SampledFrom([]string{">", ">=", "<", "<="})
)

// Tests that run in parallel share these: rapid would describe them when one of the tests
// first needs that, and race with the others.
func init() {
	_, _, _, _, _ = fields.String(), words.String(), numbers.String(), dates.String(), ranges.String()
}

func drawCondition(t *rapid.T) condition {
	c := condition{
		sign:  rapid.SampledFrom([]string{"", "+", "-"}).Draw(t, "sign"),
		field: fields.Draw(t, "field"),
		boost: 1,
	}
	ofText := func(holds func(string) bool) func(any) bool {
		return func(value any) bool {
			text, ok := asText(value)
			return ok && holds(text)
		}
	}
	kind := rapid.IntRange(0, 7).Draw(t, "kind")
	switch kind {
	case 0:
		word := words.Draw(t, "word")
		c.text, c.holds = escape(word), ofText(func(text string) bool { return text == word })
	case 1:
		word := rapid.SampledFrom([]string{"T", "F", "", "2020-01-01", "30"}).Draw(t, "phrase")
		c.text, c.holds = strconv.Quote(word), ofText(func(text string) bool { return text == word })
	case 2:
		number := numbers.Draw(t, "number")
		c.text = strconv.FormatFloat(number, 'f', -1, 64)
		digits := c.text
		c.holds = func(value any) bool { return value == number || value == digits }
	case 3:
		sign, number := ranges.Draw(t, "range"), numbers.Draw(t, "end")
		c.text = sign + strconv.FormatFloat(number, 'f', -1, 64)
		c.holds = func(value any) bool {
			n, ok := value.(float64)
			order := 0
			if n > number {
				order = 1
			} else if n < number {
				order = -1
			}
			return ok && compare(sign, order)
		}
	case 4:
		sign, end := ranges.Draw(t, "range"), dates.Draw(t, "end")
		c.text = sign + `"` + end + `"`
		limit, _ := referenceDate(end)
		c.holds = func(value any) bool {
			text, _ := value.(string)
			date, ok := referenceDate(text)
			return ok && compare(sign, date.Compare(limit))
		}
	case 5:
		parts := rapid.SliceOfN(rapid.SampledFrom([]string{"*", "?", "a", "b", " ", "é", "*"}), 1, 5).Draw(t, "wildcard")
		expression := "^"
		for _, part := range append(parts, "?") { // never stars alone, which ask for any value
			switch part {
			case "*":
				c.text, expression = c.text+part, expression+".*"
			case "?":
				c.text, expression = c.text+part, expression+"."
			default:
				c.text, expression = c.text+escape(part), expression+regexp.QuoteMeta(part)
			}
		}
		matcher := regexp.MustCompile(`(?s)` + expression + "$")
		c.holds = ofText(matcher.MatchString)
	case 6:
		expression := rapid.SampledFrom([]string{`a+b*`, `a|b`, `(aa|b)é?`, `\W`, `.`, `[^/]*`}).Draw(t, "expression")
		c.text = "/" + strings.ReplaceAll(expression, "/", `\/`) + "/"
		matcher := regexp.MustCompile(`^(` + expression + `)$`)
		c.holds = ofText(matcher.MatchString)
	case 7:
		word, edits := words.Draw(t, "word"), rapid.IntRange(0, 2).Draw(t, "edits")
		c.text = escape(word) + "~" + strconv.Itoa(edits)
		c.holds = ofText(func(text string) bool { return levenshtein([]rune(word), []rune(text)) <= edits })
	}
	if rapid.Bool().Draw(t, "boosted") {
		c.boost = rapid.SampledFrom([]float64{0, 0.25, 2, 8}).Draw(t, "boost") // exact in sums of any order
		c.text += fmt.Sprintf("^%v", c.boost)
		if kind == 0 || kind == 1 || kind == 7 { // texts, also fuzzy ones, are boosted twice
			c.boost *= c.boost
		}
	}
	return c
}

func drawValue(t *rapid.T) any {
	switch rapid.IntRange(0, 7).Draw(t, "type") {
	case 0:
		return numbers.Draw(t, "number")
	case 1:
		return rapid.Bool().Draw(t, "bool")
	case 2:
		return dates.Draw(t, "date")
	case 3:
		return rapid.SampledFrom([]string{"", "T", "30", "-2", "a", "ab", "aab"}).Draw(t, "text")
	default:
		return words.Draw(t, "word")
	}
}

func drawObject(t *rapid.T) map[string]any {
	object := map[string]any{}
	for range rapid.IntRange(0, 5).Draw(t, "fields") {
		if rapid.Bool().Draw(t, "array") {
			list := []any{}
			for range rapid.IntRange(0, 3).Draw(t, "length") {
				list = append(list, drawValue(t))
			}
			object[fields.Draw(t, "name")] = list
			continue
		}
		object[fields.Draw(t, "name")] = drawValue(t)
	}
	return object
}

// TestMatchAgreesWithInterpreter writes random clauses as a query, parses and
// matches it, and compares with interpreting the clauses directly.
func TestMatchAgreesWithInterpreter(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var text []string
		var conditions []condition
		for range rapid.IntRange(1, 3).Draw(t, "clauses") {
			c := drawCondition(t)
			conditions = append(conditions, c)
			text = append(text, c.sign+`l.`+escape(c.field)+":"+c.text)
		}
		q, err := query.Parse(strings.Join(text, " "))
		if err != nil {
			t.Fatal(err)
		}
		for range 40 {
			object := drawObject(t)
			encoded, err := json.Marshal(object)
			if err != nil {
				t.Fatal(err)
			}
			doc := query.NewDoc()
			if err := doc.AddJSON("l", string(encoded)); err != nil {
				t.Fatal(err)
			}
			score, ok := q.Match(doc)
			wantScore, want := interpret(conditions, object)
			if !want {
				wantScore = 0
			}
			if ok != want || score != wantScore {
				t.Fatalf("%s on %s: %v %v, want %v %v", q, encoded, score, ok, wantScore, want)
			}
			if ok {
				requireTerms(t, q, doc)
			}
		}
	})
}

// requireTerms checks that a posting-set filter would not lose doc.
func requireTerms(t *rapid.T, q *query.Query, doc *query.Doc) {
	for _, term := range q.Required() {
		found := false
		for have := range doc.Terms() {
			found = found || have == term
		}
		if !found {
			t.Fatalf("%s matches a document without its required %v", q, term)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		``, `*`, `+a:b -c:"d e" f:>=5^2 g:/h|i/ j*k? l:m~1`, `a:>-1.5`, `a:<"2020-01-01T00:00:00Z"`,
		`\`, `a\:b:c`, `a:"\"`, `/\//`, `~`, `^`, `-`, `:`, `a:-5`, `é?:ü~2^3`, "\xff:\xfe*", `a:/(/`,
	} {
		f.Add(seed)
	}
	doc := label(f, `{"a":["b","\u00fcx","",-1.5,"2020-01-01",true],"b":{"c":"d e"}}`)
	doc.AddKeyword(query.DefaultField, "a\xff")
	doc.AddString("a", "b")
	f.Fuzz(func(t *testing.T, text string) {
		q, err := query.Parse(text)
		if err != nil {
			if fault.CodeOf(err) != fault.InvalidArgument || q != nil {
				t.Fatalf("%q: query %v, error %v of code %d", text, q, err, fault.CodeOf(err))
			}
			return
		}
		score, ok := q.Match(doc)
		if math.IsNaN(score) || score < 0 || !ok && score != 0 {
			t.Fatalf("%q: score %v, matched %v", text, score, ok)
		}
		if q.MatchesAll() && !ok {
			t.Fatalf("%q: matches all but not this", text)
		}
		if q.String() != text {
			t.Fatalf("%q: prints as %q", text, q)
		}
	})
}

// TestFuzzyAgreesWithDistance compares the band of the edit matrix with the
// whole of it on words that are near each other.
func TestFuzzyAgreesWithDistance(t *testing.T) {
	t.Parallel()
	near := rapid.StringMatching(`[abé]{0,6}`)
	rapid.Check(t, func(t *rapid.T) {
		word, text := near.Filter(func(s string) bool { return s != "" }).Draw(t, "word"), near.Draw(t, "text")
		doc := query.NewDoc()
		doc.AddKeyword("f", text)
		distance := levenshtein([]rune(word), []rune(text))
		for edits := range 3 {
			q, err := query.Parse(fmt.Sprintf("f:%s~%d", word, edits))
			if err != nil {
				t.Fatal(err)
			}
			if _, ok := q.Match(doc); ok != (distance <= edits) {
				t.Fatalf("%s on %q: matched %v at distance %d", q, text, ok, distance)
			}
		}
	})
}
