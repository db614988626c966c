package query_test

import (
	"fmt"
	"strings"
	"testing"

	"kumi/store/fault"
	"kumi/store/query"
)

// What is written in few characters and would make a large program is refused
// before it is compiled.
func TestLargePatternsAreRefused(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"+properties.s:/" + strings.Repeat("(a?){1000}", 30) + "b/",
		"+properties.s:/((a{10}){10}){10}b/",
		"+properties.s:/(a|b|c){400,}/",
		"+properties.s:/" + strings.Repeat("x", 1001) + "/",
		"+properties.s:/" + strings.Repeat(`\pL`, 200) + "/",
		"+properties.s:/" + strings.Repeat("(", 20_000) + "/",
		"+properties.s:" + strings.Repeat("a*", 501),
	} {
		_, err := query.Parse(text)
		if fault.CodeOf(err) != fault.InvalidArgument || !strings.Contains(fmt.Sprint(err), "100") && !strings.Contains(fmt.Sprint(err), "16384") {
			t.Errorf("%.40s gave %v, want code 3 and the limit", text, err)
		}
	}
	for _, text := range []string{
		"+label.id:/" + strings.Repeat("11111111-2222-3333-4444-555555555555|", 20) + "x/",
		`+label.name:/\w{3,16}(-[0-9a-f]{4}){1,8}/`,
		"+label.name:/(?i).*some[^x]+thing.*/",
		"+label.name:" + strings.Repeat("a*", 400),
	} {
		q, err := query.Parse(text)
		if err != nil || !q.Costly() {
			t.Errorf("%.40s: costly %v, %v", text, err == nil && q.Costly(), err)
		}
	}
}

// Patterns take steps by their size and the length of the text; plain clauses
// take none, unless they are very many.
func TestBudget(t *testing.T) {
	t.Parallel()
	doc := query.NewDoc()
	doc.AddString("a", strings.Repeat("a", 2000))
	doc.AddString("long", strings.Repeat("a", query.MaxPatternText+1))
	doc.AddNumber("n", 5)
	for i := range 1000 {
		doc.AddNumber("numbers", float64(i))
		doc.AddString("dates", "2024-05-06")
		doc.AddKeyword("texts", strings.Repeat("t", 1+i%7))
	}
	many := strings.Repeat("b:c ", 100)
	for _, row := range []struct {
		query  string
		budget int
		ok     bool
		left   string
	}{
		{"+a:/a*/", 1_000_000, true, "some"},
		{"+a:/a*/", 100, false, "none"},
		{"-a:/b*/", 100, false, "none"},
		{"-a:/b*/", 1_000_000, true, "some"},
		{"+n:5 a:a*", 100, false, "none"},
		{"+n:6 +a:/a*/", 100, false, "all"}, // the cheap clause already says no
		{"+a:x~2", 100, false, "all"},       // its length already says no
		{"+long:/a*/", 1_000_000, false, "all"},
		{"+long:a*", 1_000_000, false, "all"},
		{"+n:>4 -n:6 long:x", 0, true, "all"},
		{many + "n:5", 1000, true, "some"},
		{many + "n:5", 50, false, "none"},
		{"+numbers:>5000", 1000, false, "some"},
		{"-numbers:>5000", 100, false, "none"},
		{"-numbers:5000", 100, false, "none"},
		{`-dates:>"2030-01-01"`, 100, false, "none"},
		{"-texts:t -n:6", 100, false, "none"},
		{"+numbers:*", 0, true, "all"},
	} {
		steps := row.budget
		_, ok := mustParse(t, row.query).MatchWithin(doc, &steps)
		left := "some"
		switch {
		case steps < 0:
			left = "none"
		case steps == row.budget:
			left = "all"
		}
		if ok != row.ok || left != row.left {
			t.Errorf("%.20s with %d steps: %v, left %s; want %v, %s", row.query, row.budget, ok, left, row.ok, row.left)
		}
	}
}

// BenchmarkStep is what a step takes in the worst patterns known.
func BenchmarkStep(b *testing.B) {
	doc := query.NewDoc()
	doc.AddString("s", strings.Repeat("a", 3500))
	for _, text := range []string{"+s:/" + strings.Repeat("(a?){48}", 5) + "b/", "+s:/(a*)*(a|b)*c/", "+s:/(.*a){60}b/", "+s:*" + strings.Repeat("a", 900) + "b", "+s:" + strings.Repeat("a", 3499) + "bc~2"} {
		b.Run(text[:12], func(b *testing.B) {
			q := mustParse(b, text)
			used := 0
			for b.Loop() {
				steps := query.Unbounded
				q.MatchWithin(doc, &steps)
				used += query.Unbounded - steps
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(used), "ns/step")
			b.ReportMetric(float64(used)/float64(b.N), "steps/op")
		})
	}
}
