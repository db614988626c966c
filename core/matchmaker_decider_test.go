package core

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kumi/presence"
	"kumi/store"
	"kumi/store/storetest"
)

func deciders(t *testing.T, n int) (*store.DB, []*MatchmakerDecider) {
	t.Helper()
	db := storetest.PostgresDB(t)
	list := make([]*MatchmakerDecider, n)
	for i := range list {
		list[i] = NewMatchmakerDecider(db, presence.NodeHash(fmt.Sprint("node ", i)), func() uint64 { return 1 })
	}
	return db, list
}

// endLease makes the lease end as if three seconds had passed.
func endLease(t *testing.T, db *store.DB) {
	t.Helper()
	if _, err := db.Exec(t.Context(), "UPDATE kumi_lease SET until = now() - interval '1 millisecond'"); err != nil {
		t.Fatal(err)
	}
}

// holdLease makes the lease last for the whole test.
func holdLease(t *testing.T, db *store.DB) {
	t.Helper()
	if _, err := db.Exec(t.Context(), "UPDATE kumi_lease SET until = now() + interval '1 hour'"); err != nil {
		t.Fatal(err)
	}
}

func TestLease(t *testing.T) {
	t.Parallel()
	db, list := deciders(t, 2)
	a, b := list[0], list[1]
	want := func(d *MatchmakerDecider, campaign bool, holder *MatchmakerDecider, term int64, mine bool) {
		t.Helper()
		l, err := d.Lease(t.Context(), campaign)
		if err != nil {
			t.Fatal(err)
		}
		if holder != nil && l.Holder != holder.holder || l.Term != term || l.Mine != mine {
			t.Errorf("got %+v, want term %d, mine %v", l, term, mine)
		}
	}
	want(a, false, nil, 0, false)
	want(a, true, a, 1, true)
	want(b, true, a, 1, false)
	want(a, true, a, 1, true) // renewed
	want(a, false, a, 1, false)
	endLease(t, db)
	want(b, false, a, 1, false)
	want(b, true, b, 2, true)
	want(a, true, b, 2, false)
	endLease(t, db)
	want(b, true, b, 3, true) // it ended in between, so this is another term
	if err := a.Release(t.Context(), 3); err != nil {
		t.Fatal(err)
	}
	want(a, true, b, 3, false) // not a's to release
	if err := b.Release(t.Context(), 2); err != nil {
		t.Fatal(err)
	}
	want(a, true, b, 3, false) // nor that of another term
	if err := b.Release(t.Context(), 3); err != nil {
		t.Fatal(err)
	}
	want(a, true, a, 4, true)
	again := NewMatchmakerDecider(db, a.holder, func() uint64 { return 2 })
	want(again, true, a, 4, false) // the lease is of the process before
}

// Two leaders, one of them with a term that is over, and two homes that have waited too
// long decide the same matches at once. All of them read the same.
func TestDecide(t *testing.T) {
	t.Parallel()
	db, list := deciders(t, 4)
	if _, err := list[0].Lease(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	endLease(t, db)
	if l, err := list[1].Lease(t.Context(), true); err != nil || l.Term != 2 {
		t.Fatalf("%+v, %v", l, err)
	}
	holdLease(t, db)
	const n = 200
	for round := range 10 {
		var matches []string
		for i := range n {
			matches = append(matches, fmt.Sprintf("%d-%d", round, i))
		}
		places := func(leader int) map[string]string {
			out := map[string]string{}
			for _, match := range matches {
				out[match] = fmt.Sprint("place of ", leader)
			}
			return out
		}
		read := make([]map[string]string, 4)
		var all sync.WaitGroup
		for i, d := range list {
			all.Go(func() {
				var err error
				switch i {
				case 0, 1:
					read[i], err = d.Decide(t.Context(), int64(i)+1, places(i))
				default:
					read[i], err = d.Resolve(t.Context(), slices.Clone(matches[:n/2]))
				}
				if err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		settled, err := list[2].Resolve(t.Context(), matches)
		if err != nil {
			t.Fatal(err)
		}
		for i := range read {
			for match, place := range read[i] {
				if settled[match] != place {
					t.Errorf("%d read %q of %s, it is %q", i, place, match, settled[match])
				}
			}
		}
		for match, place := range settled {
			if place != "" && place != "place of 1" {
				t.Errorf("%s is %q, by a leader whose term is over", match, place)
			}
		}
		if len(read[1]) != n || len(read[2]) != n/2 || len(settled) != n {
			t.Errorf("read %d of %d, %d of %d, %d of %d", len(read[1]), n, len(read[2]), n/2, len(settled), n)
		}
	}
	// Again, as after an error: what was decided stays.
	first, err := list[1].Decide(t.Context(), 2, map[string]string{"again": "here"})
	if err != nil {
		t.Fatal(err)
	}
	second, err := list[1].Decide(t.Context(), 2, map[string]string{"again": "here", "0-0": "elsewhere"})
	if err != nil {
		t.Fatal(err)
	}
	if first["again"] != "here" || second["again"] != "here" || second["0-0"] == "elsewhere" {
		t.Errorf("decided %v, then %v", first, second)
	}
}

func TestDecidedRowsGo(t *testing.T) {
	t.Parallel()
	db, list := deciders(t, 1)
	d := list[0]
	if _, err := d.Resolve(t.Context(), []string{"old", "new"}); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec(t.Context(), "UPDATE kumi_decided SET made = now() - interval '61 minutes' WHERE match = 'old'"); err != nil {
		t.Fatal(err)
	}
	d.prune(t.Context())
	rows, err := db.Reader().QueryContext(t.Context(), "SELECT match FROM kumi_decided")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	left := map[string]bool{}
	for rows.Next() {
		var match string
		if err := rows.Scan(&match); err != nil {
			t.Fatal(err)
		}
		left[match] = true
	}
	if diff := cmp.Diff([]string{"new"}, slices.Sorted(maps.Keys(left))); diff != "" {
		t.Error(diff)
	}
}
