package index

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"
)

// player makes an object of a usual size: five fields, three of which are indexed.
func player(r *rand.Rand, n int) *Object {
	id := uuid.NewV5(uuid.Nil, fmt.Sprint(n))
	return &Object{
		ID: ID{Key: "profile", Owner: id}, Version: fmt.Sprintf("%032x", n), Read: 2, Write: 1,
		Value: fmt.Sprintf(`{"level": %d, "rating": %d, "region": %q, "name": "player %d", "bio": "not indexed"}`,
			r.IntN(100), r.IntN(100_000), []string{"eu", "us", "asia", "africa"}[r.IntN(4)], n),
		Created: time.Unix(int64(n), 0), Updated: time.Unix(int64(n), 0),
	}
}

func filled(n int) *Index {
	x := New(Options{Collection: "players", Fields: []string{"level", "rating", "region"}, Sortable: []string{"rating"}, MaxEntries: n})
	r := rand.New(rand.NewPCG(1, 1))
	for i := range n {
		if err := x.add(player(r, i)); err != nil {
			panic(err)
		}
	}
	return x
}

// The memory of an entry with three fields is what docs/limits.md says.
func TestMemory(t *testing.T) {
	n := 100_000
	before := heap()
	x := filled(n)
	each := float64(heap()-before) / float64(n)
	t.Logf("%.0f bytes per entry", each)
	if each > 300 {
		t.Errorf("an entry takes %.0f bytes, at most 300 are documented", each)
	}
	runtime.KeepAlive(x)
}

func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

func BenchmarkList(b *testing.B) {
	x := filled(100_000)
	for _, test := range []struct {
		query string
		order []string
	}{
		{"+value.region:eu +value.level:>=10 +value.level:<=20", []string{"-value.rating"}},
		{"+value.region:eu +value.level:>=10 +value.level:<=20", nil},
		{"+value.region:eu +value.level:50", []string{"-value.rating"}},
		{"+value.region:eu +value.rating:>=5000 +value.rating:<=5100", nil},
		{"+value.rating:>=50000", []string{"value.rating"}},
		{"+value.level:>=10 +value.level:<=20", []string{"value.level"}},
		{"+value.level:>=90 +value.rating:<1000", []string{"-update_time"}},
		{"value.region:eu value.level:>90", nil},
		{"", []string{"-value.rating"}},
		{"+user_id:5f4c8e9c-0000-5000-8000-000000000000", nil},
		{"+value.region:/e.*/", nil},
		{"+value.region:nowhere*", nil},
	} {
		b.Run(test.query+fmt.Sprint(test.order), func(b *testing.B) {
			r := Request{Query: must(b, test.query), Order: test.order, Limit: 10}
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := x.List(r); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkPut(b *testing.B) {
	const n = 100_000
	x := filled(n)
	r := rand.New(rand.NewPCG(2, 2))
	objects, fields := make([]*Object, 1000), make([]*Fields, 1000)
	for i := range objects {
		objects[i] = player(r, r.IntN(n))
		objects[i].Updated = time.Unix(int64(n+i), 0)
		fields[i], _ = x.Parse(objects[i].Value)
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		x.Put(objects[i%len(objects)], fields[i%len(objects)])
	}
}

// BenchmarkParse parses a small value, and a large one with few fields that are indexed.
func BenchmarkParse(b *testing.B) {
	x := New(Options{Collection: "players", Fields: []string{"level", "rating", "region"}, MaxEntries: 1})
	small := player(rand.New(rand.NewPCG(1, 1)), 1).Value
	for name, value := range map[string]string{
		"small": small,
		"100kB": `{"items": [` + strings.Repeat(small+",", 1000) + small + `], ` + small[1:],
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := x.Parse(value); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
