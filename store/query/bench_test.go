package query_test

import (
	"fmt"
	"testing"

	"kumi/store/query"
)

func labels(tb testing.TB, count int) []*query.Doc {
	docs := make([]*query.Doc, count)
	for i := range docs {
		docs[i] = label(tb, fmt.Sprintf(
			`{"mode":%q,"region":%q,"level":%d,"open":%t,"map":"m%d","tags":["t%d","t%d"],"host":{"name":"h%d"}}`,
			[]string{"duel", "team", "free"}[i%3], []string{"eu-west", "us-east"}[i%2], i%100, i%5 != 0, i%7, i%11, i%13, i))
	}
	return docs
}

const threeClauses = `+label.mode:duel +label.level:>=20 label.region:eu-west^2`

// BenchmarkMatch10000 is one listing over ten thousand labels.
func BenchmarkMatch10000(b *testing.B) {
	docs := labels(b, 10_000)
	for _, text := range []string{threeClauses, `+label.mode:duel +label.map:/m[1-3]/`, `label.region:eu* label.mode:taem~2`} {
		b.Run(text, func(b *testing.B) {
			q := mustParse(b, text)
			b.ReportAllocs()
			for b.Loop() {
				for _, doc := range docs {
					q.Match(doc)
				}
			}
		})
	}
}

func BenchmarkParse(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := query.Parse(threeClauses); err != nil {
			b.Fatal(err)
		}
	}
}

func TestMatchDoesNotAllocate(t *testing.T) {
	docs := labels(t, 20)
	for _, text := range []string{
		threeClauses,
		`-label.map:m? label.region:eu* label.mode:taem~2 label.level:5 label.at:<"2030-01-01" label.host:*`,
	} { // regular expressions use pools, which the race detector empties at random
		q := mustParse(t, text)
		if allocs := testing.AllocsPerRun(50, func() {
			for _, doc := range docs {
				q.Match(doc)
			}
		}); allocs >= 1 {
			t.Errorf("%s: %v allocations for %d documents", text, allocs, len(docs))
		}
	}
}
