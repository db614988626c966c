package query_test

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kumi/store/query"
)

func TestRangesAndTermsNeeded(t *testing.T) {
	t.Parallel()
	low, high := math.Inf(-1), math.Inf(1)
	rows := []struct {
		query  string
		ranges []query.Range
		terms  []query.Term
		best   float64
	}{
		{`*`, nil, nil, 1},
		{`+a:>=5 +a:<9.5 +b:x -c:>1`, []query.Range{
			{Field: "a", Low: 5, High: high}, {Field: "a", Low: low, High: 9.5, HighOpen: true},
		}, []query.Term{{Field: "b", Text: "x"}}, 3},
		{`+a:>-1^0.5 b:x^2`, []query.Range{{Field: "a", Low: -1, High: high, LowOpen: true}}, nil, 4.5},
		{`a:7.0`, []query.Range{{Field: "a", Low: 7, High: 7, Text: "7.0"}}, nil, 1},
		{`a:x^4`, nil, []query.Term{{Field: "a", Text: "x"}}, 16},
		{`a:x b:y`, nil, nil, 2},
		{`-a:x`, nil, nil, 1},
		{`a:x -b:y`, nil, []query.Term{{Field: "a", Text: "x"}}, 1},
		{`+a:ab* +d:>"2020-01-01"`, nil, nil, 2},
	}
	for _, row := range rows {
		q := mustParse(t, row.query)
		if diff := cmp.Diff(row.ranges, q.Ranges()); diff != "" {
			t.Errorf("%s: ranges (-want +got):\n%s", row.query, diff)
		}
		if diff := cmp.Diff(row.terms, q.Needed()); diff != "" {
			t.Errorf("%s: terms (-want +got):\n%s", row.query, diff)
		}
		if got := q.MaxScore(); got != row.best {
			t.Errorf("%s: best score %v, want %v", row.query, got, row.best)
		}
	}
}

func TestFailing(t *testing.T) {
	t.Parallel()
	doc := label(t, `{"mode":"duel","level":7}`)
	rows := []struct {
		query string
		want  []string
	}{
		{`+label.mode:duel label.x:y`, nil},
		{`+label.mode:team +label.level:>=5`, []string{`+label.mode:team`}},
		{`+label.level:>=8^2  -label.mode:duel +label.mode:"duel"`, []string{`+label.level:>=8^2`, `-label.mode:duel`}},
		{`label.a:b label.level:<3 -label.x:y`, []string{`label.a:b label.level:<3`}},
		{`label.a:b label.mode:du?l`, nil},
	}
	for _, row := range rows {
		if diff := cmp.Diff(row.want, mustParse(t, row.query).Failing(doc, new(query.Unbounded))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", row.query, diff)
		}
	}
}

func TestNumber(t *testing.T) {
	t.Parallel()
	doc := label(t, `{"a":[3,4],"b":"5"}`)
	for _, row := range []struct {
		field string
		want  float64
		ok    bool
	}{{"label.a", 3, true}, {"label.b", 0, false}, {"label.c", 0, false}} {
		if got, ok := doc.Number(row.field); got != row.want || ok != row.ok {
			t.Errorf("%s: %v %v", row.field, got, ok)
		}
	}
}
