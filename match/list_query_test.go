package match

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"kumi/store/fault"
)

func TestListByQuery(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newTestRegistry(t, Options{})
		begin := time.Now().UnixMilli()
		for i, label := range []string{
			`{"mode":"duel","level":3,"open":true,"tags":["eu","fast"]}`,
			`{"mode":"duel","level":7,"open":false,"map":{"name":"ice lake"}}`,
			`{"mode":"raid","level":5}`,
			`plain text`,
			``,
		} {
			name := "arena"
			if i == 2 {
				name = "dungeon"
			}
			w.play(name, &game{label: label, rate: 1 + i})
			pass(10 * time.Millisecond)
		}
		short := func(label string) string { return label[:min(len(label), 22)] }
		for _, c := range []struct{ query, want string }{
			{"", "|plain text|raid|duel7|duel3"},
			{"*", "|plain text|raid|duel7|duel3"},
			{"+label.mode:duel", "duel7|duel3"},
			{"-label.mode:duel", "|plain text|raid"},
			{"+label.level:>=5", "raid|duel7"},
			{"label.mode:duel^2 label.level:5 label.open:T", "duel3|duel7|raid"},
			{"label.mode:raid label.mode:duel", "raid|duel7|duel3"},
			{"+label.open:F", "duel7"},
			{"+label.tags:fast", "duel3"},
			{`+label.map.name:"ice lake"`, "duel7"},
			{"+label.mode:/ra.*/", "raid"},
			{"+label.mode:d*l", "duel7|duel3"},
			{`+label_string:"plain text"`, "plain text"},
			{"+handler_name:dungeon", "raid"},
			{"+tick_rate:2", "duel7"},
			{fmt.Sprintf("+create_time:<%d", begin+25), "raid|duel7|duel3"},
			{"+node:here +tick_rate:>=4", "|plain text"},
			{"+node:there", ""},
		} {
			found, err := w.List(context.Background(), ListFilter{Limit: 10, Query: &c.query, Label: new(string)})
			if err != nil {
				t.Fatalf("%s: %v", c.query, err)
			}
			var got []string
			for _, m := range found {
				text := short(m.Label.Value)
				for _, name := range [][2]string{{`{"mode":"duel","level":3`, "duel3"}, {`{"mode":"duel","level":7`, "duel7"}, {`{"mode":"raid"`, "raid"}} {
					if strings.HasPrefix(m.Label.Value, name[0]) {
						text = name[1]
					}
				}
				got = append(got, text)
			}
			if strings.Join(got, "|") != c.want {
				t.Errorf("%q found %q, want %q", c.query, strings.Join(got, "|"), c.want)
			}
		}
		relayed, bad, query := false, "+label.mode:", "*"
		if _, err := w.List(context.Background(), ListFilter{Limit: 10, Query: &bad}); fault.CodeOf(err) != fault.InvalidArgument {
			t.Errorf("a bad query gave %v, want code 3", err)
		}
		if found, err := w.List(context.Background(), ListFilter{Limit: 10, Query: &query, Authoritative: &relayed}); err != nil || len(found) != 0 {
			t.Errorf("a query among relayed matches found %v %v", found, err)
		}
	})
}

// A listing sees a label changed since the last one.
func TestListFollowsLabels(t *testing.T) {
	t.Parallel()
	w := newTestRegistry(t, Options{})
	_, m := w.play("arena", &game{label: `{"n":1}`})
	for n := 1; n < 4; n++ {
		for _, c := range []struct {
			query string
			want  int
		}{{fmt.Sprintf("+label.n:%d", n), 1}, {fmt.Sprintf("+label.n:%d", n+1), 0}} {
			found, err := w.List(context.Background(), ListFilter{Limit: 10, Query: &c.query})
			if err != nil || len(found) != c.want {
				t.Errorf("with n=%d, %s found %v %v", n, c.query, found, err)
			}
		}
		if err := m.MatchLabelUpdate(fmt.Sprintf(`{"n":%d}`, n+1)); err != nil {
			t.Fatal(err)
		}
	}
}

func TestBest(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	for limit := range 20 {
		all := make([]hit, 50)
		for i, seq := range random.Perm(len(all)) {
			all[i] = hit{&Match{created: int64(seq)}, float64(random.IntN(4))}
		}
		b := topHits{limit: limit + 1}
		for _, h := range all {
			b.add(h)
		}
		slices.SortFunc(all, func(x, y hit) int {
			if x.before(y) {
				return -1
			}
			return 1
		})
		if diff := cmp.Diff(all[:limit+1], b.sorted(), cmp.Comparer(func(x, y hit) bool { return x == y })); diff != "" {
			t.Errorf("best %d: %s", limit+1, diff)
		}
	}
}

func BenchmarkListByQuery(b *testing.B) {
	w := newTestRegistry(b, Options{})
	for i := range 10_000 {
		w.play("arena", &game{rate: 1, label: fmt.Sprintf(`{"mode":"mode%d","level":%d,"region":"eu","open":true,"players":{"least":2,"most":%d}}`, i%10, i%100, i%8)})
	}
	for _, query := range []string{"+label.region:eu +label.mode:mode3 +label.level:>=20", "label.mode:mode3^3 label.level:<50", "-label.mode:mode1"} {
		b.Run(query, func(b *testing.B) {
			for b.Loop() {
				found, err := w.List(context.Background(), ListFilter{Limit: 20, Query: &query})
				if err != nil || len(found) != 20 {
					b.Fatal(len(found), err)
				}
			}
		})
	}
}
