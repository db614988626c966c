package matchmaker

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"kumi/presence"
)

// filledPool returns a matchmaker with two-player tickets of eight modes and a
// rank up to 3000, each for the same mode and a rank at most 50 away. A tenth
// cannot match: half of those want a mode nobody has, half a rank out of
// reach.
func filledPool(tb testing.TB, n int) *Matchmaker {
	r := rand.New(rand.NewPCG(1, 2))
	m := New(Options{Rand: r})
	for i := range n {
		mode, rank := fmt.Sprintf("mode%d", r.IntN(8)), r.IntN(3000)
		low, high, wanted := rank-50, rank+50, mode
		switch i % 20 {
		case 0:
			wanted, mode = fmt.Sprintf("none%d", i), "nobody"
		case 10:
			low, high, rank = 10_000+rank, 10_100+rank, -10_000
		}
		add(tb, m, solo(i, 2, 2).text("mode", mode).num("rank", float64(rank)).
			query(fmt.Sprintf("+properties.mode:%s +properties.rank:>=%d +properties.rank:<=%d", wanted, low, high)))
	}
	return m
}

// BenchmarkPass is one pass over a freshly filled pool: indexing the tickets,
// searching, forming, and removing the formed matches.
func BenchmarkPass(b *testing.B) {
	for _, n := range []int{1_000, 10_000, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.ReportAllocs()
			formed := 0
			for range b.N {
				b.StopTimer()
				m := filledPool(b, n)
				b.StartTimer()
				formed = len(m.Process())
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/ticket")
			b.ReportMetric(float64(formed), "matches")
		})
	}
}

// BenchmarkPassKinds is one pass over ten thousand tickets of other kinds:
// ranked by optional clauses, matches of ten from players and parties, or of
// variable size.
func BenchmarkPassKinds(b *testing.B) {
	kinds := map[string]func(i int, r *rand.Rand) Request{
		"scored": func(i int, r *rand.Rand) Request {
			return solo(i, 2, 2).text("mode", "a").num("rank", float64(r.IntN(3000))).
				query(fmt.Sprintf("+properties.mode:a properties.rank:>=%d^2", r.IntN(2900)))
		},
		"ten": func(i int, r *rand.Rand) Request {
			request := solo(4*i, 10, 10)
			if r.IntN(3) == 0 {
				request = party(fmt.Sprint(i), 10, 10, 4*i, 4*i+1, 4*i+2)
			}
			return request.text("mode", "a").query("+properties.mode:a")
		},
		"varying": func(i int, r *rand.Rand) Request {
			return solo(i, 2, 2+r.IntN(7)).num("rank", float64(r.IntN(3000))).query(fmt.Sprintf("+properties.rank:<%d", r.IntN(3000)))
		},
	}
	for name, kind := range kinds {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for range b.N {
				b.StopTimer()
				r := rand.New(rand.NewPCG(1, 2))
				m := New(Options{Rand: r})
				for i := range 10_000 {
					add(b, m, kind(i, r))
				}
				b.StartTimer()
				m.Process()
			}
		})
	}
}

// BenchmarkPassIdle is a pass in which a few new tickets search a large pool of
// passive ones.
func BenchmarkPassIdle(b *testing.B) {
	const pool = 100_000
	m := New(Options{})
	for i := range pool {
		add(b, m, solo(i, 2, 2).text("mode", fmt.Sprint("m", i%8)).num("rank", float64(i)).query("+properties.mode:none"))
	}
	m.Process()
	b.ReportAllocs()
	n := pool
	for b.Loop() {
		for range 10 {
			n++
			add(b, m, solo(n, 2, 2).text("mode", "other").query(fmt.Sprintf("+properties.mode:m3 +properties.rank:>%d", 2*pool)))
		}
		m.Process()
	}
}

func BenchmarkAdd(b *testing.B) {
	m := New(Options{})
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		n++
		add(b, m, solo(n, 2, 2).text("mode", "a").num("rank", 7).query("+properties.mode:a +properties.rank:>=2 +properties.rank:<=9"))
	}
}

// BenchmarkSync is a leader that takes in what homes offer: 512 tickets at a time.
func BenchmarkSync(b *testing.B) {
	tickets := filledPool(b, 512).Tickets(512, func(*Ticket) bool { return true })
	d := NewDesk(New(Options{}), DeskOptions{})
	b.ReportAllocs()
	for range b.N {
		l := newLeader(d, 1, time.Now().Add(time.Hour))
		d.lead = l
		s := &Sync{Term: 1, Stream: 1, Seq: 1, Reset: true}
		for _, t := range tickets {
			s.Add = append(s.Add, t.Offer())
		}
		if _, err := d.HandleSync(b.Context(), presence.NodeID{1}, s); err != nil {
			b.Fatal(err)
		}
		l.cancel()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(tickets)), "ns/ticket")
}
