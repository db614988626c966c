package rank

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"

	"kumi/store"
	"kumi/store/storetest"
)

func TestMain(m *testing.M) { storetest.Main(m) }

// databases runs a test on an embedded database and on PostgreSQL.
func databases(t *testing.T, test func(t *testing.T, db *store.DB)) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		for _, statement := range Schema(db.Dialect()) {
			if _, err := db.Exec(t.Context(), statement); err != nil {
				t.Fatal(err)
			}
		}
		test(t, db)
	})
}

// model is a board and the keys that it should have.
type model struct {
	t    *testing.T
	db   *store.DB
	x    *Index
	p    Period
	keys []Key
}

func newModel(t *testing.T, db *store.DB, id string) *model {
	t.Helper()
	if _, err := db.Exec(t.Context(), "INSERT INTO leaderboard (id) VALUES ($1)", id); err != nil {
		t.Fatal(err)
	}
	x := New(db.Dialect())
	x.MaxRange, x.MaxGroup = 8, 4
	return &model{t: t, db: db, x: x, p: Period{Board: id, Expiry: time.Unix(0, 0).UTC()}}
}

// change writes in a transaction, as the server does: the record, and then the counts.
func (m *model) change(fn func(ctx context.Context, q store.Querier) error) {
	m.t.Helper()
	if err := m.db.Tx(m.t.Context(), fn); err != nil {
		m.t.Fatal(err)
	}
}

func (m *model) add(k Key) {
	m.t.Helper()
	m.keys = append(m.keys, k)
	m.change(func(ctx context.Context, q store.Querier) error {
		if err := m.insert(ctx, q, k); err != nil {
			return err
		}
		return m.x.Add(ctx, q, m.p, k)
	})
}

func (m *model) insert(ctx context.Context, q store.Querier, k Key) error {
	_, err := q.ExecContext(ctx, "INSERT INTO leaderboard_record (leaderboard_id, owner_id, score, subscore, expiry_time) VALUES ($1, $2, $3, $4, $5)",
		m.p.Board, k.Owner, k.Score, k.Subscore, m.p.Expiry)
	return err
}

func (m *model) remove(i int) {
	m.t.Helper()
	k := m.keys[i]
	m.keys = slices.Delete(m.keys, i, i+1)
	m.change(func(ctx context.Context, q store.Querier) error {
		if _, err := q.ExecContext(ctx, "DELETE FROM leaderboard_record WHERE leaderboard_id = $1 AND owner_id = $2", m.p.Board, k.Owner); err != nil {
			return err
		}
		return m.x.Remove(ctx, q, m.p, k)
	})
}

func (m *model) move(i int, score, subscore int64) {
	m.t.Helper()
	from := m.keys[i]
	to := Key{score, subscore, from.Owner}
	m.keys[i] = to
	m.change(func(ctx context.Context, q store.Querier) error {
		if _, err := q.ExecContext(ctx, "UPDATE leaderboard_record SET score = $3, subscore = $4 WHERE leaderboard_id = $1 AND owner_id = $2",
			m.p.Board, from.Owner, score, subscore); err != nil {
			return err
		}
		return m.x.Move(ctx, q, m.p, from, to)
	})
}

func compare(a, b Key) int {
	return cmp.Or(cmp.Compare(a.Score, b.Score), cmp.Compare(a.Subscore, b.Subscore), cmp.Compare(a.Owner.String(), b.Owner.String()))
}

// check compares every rank with the position in the sorted list, and the counts
// with what they count.
func (m *model) check(step string, counted bool) {
	m.t.Helper()
	ctx := m.t.Context()
	slices.SortFunc(m.keys, compare)
	for i, k := range m.keys {
		if len(m.keys) > 40 && i%3 != 0 {
			continue // a sample is enough, and all ranks of small boards
		}
		for _, descending := range []bool{false, true} {
			want := int64(i + 1)
			if descending {
				want = int64(len(m.keys) - i)
			}
			if got, err := m.x.Rank(ctx, m.db.Reader(), m.p, k, descending); err != nil || got != want {
				m.t.Fatalf("%s: rank of %v, descending %t, is %d, %v, want %d", step, k, descending, got, err, want)
			}
			if got, found, err := m.x.At(ctx, m.db.Reader(), m.p, want, descending); err != nil || !found || got != k {
				m.t.Fatalf("%s: at rank %d, descending %t, is %v, %t, %v, want %v", step, want, descending, got, found, err, k)
			}
		}
	}
	if n, err := m.x.Count(ctx, m.db.Reader(), m.p); err != nil || n != int64(len(m.keys)) {
		m.t.Fatalf("%s: %d records counted, %v, want %d", step, n, err, len(m.keys))
	}
	for _, out := range []int64{0, int64(len(m.keys)) + 1} {
		if k, found, err := m.x.At(ctx, m.db.Reader(), m.p, out, true); err != nil || found {
			m.t.Fatalf("%s: at rank %d is %v, %t, %v", step, out, k, found, err)
		}
	}
	complete, err := m.x.complete(ctx, m.db.Reader(), m.p)
	if err != nil || complete != counted {
		m.t.Fatalf("%s: complete is %t, %v", step, complete, err)
	}
	m.checkGroups(step)
	for level := ranges; level <= top; level++ {
		var largest, rows int64
		if err := m.db.Reader().QueryRowContext(ctx, "SELECT coalesce(max(records), 0), count(*) FROM kumi_rank_count WHERE board = $1 AND level = $2", m.p.Board, level).
			Scan(&largest, &rows); err != nil {
			m.t.Fatal(err)
		}
		if level == ranges && largest > m.x.MaxRange {
			m.t.Fatalf("%s: a range has %d records", step, largest)
		}
		if limit := int64(len(m.keys)) + 2; rows > limit {
			m.t.Fatalf("%s: level %d has %d rows for %d records", step, level, rows, len(m.keys))
		}
	}
}

// checkGroups compares the count of each group with those of its members.
func (m *model) checkGroups(step string) {
	m.t.Helper()
	rows, err := m.db.Reader().QueryContext(m.t.Context(), "SELECT level, first_key, records FROM kumi_rank_count WHERE board = $1 AND level > 0 ORDER BY first_key, level DESC", m.p.Board)
	if err != nil {
		m.t.Fatal(err)
	}
	defer rows.Close()
	var at [top + 1]row // the last row of each level; records are those that are not in members yet
	check := func(level int) {
		m.t.Helper()
		if level > ranges && at[level].records != 0 {
			m.t.Fatalf("%s: group %v of level %d has %d records more than its members", step, at[level].first, level, at[level].records)
		}
	}
	for rows.Next() {
		var level int
		var r row
		if err := rows.Scan(&level, &r.first, &r.records); err != nil {
			m.t.Fatal(err)
		}
		check(level)
		at[level] = r
		if level < top {
			at[level+1].records -= r.records
		}
	}
	for level := range at {
		check(level)
	}
	if rows.Err() != nil {
		m.t.Fatal(rows.Err())
	}
	var alone int
	if err := m.db.Reader().QueryRowContext(m.t.Context(), `SELECT count(*) FROM kumi_rank_count g WHERE board = $1 AND level > 1
		AND NOT EXISTS (SELECT 1 FROM kumi_rank_count r WHERE r.board = g.board AND r.expiry = g.expiry AND r.level = g.level - 1 AND r.first_key = g.first_key)`, m.p.Board).
		Scan(&alone); err != nil || alone > 0 {
		m.t.Fatalf("%s: %d groups do not begin with a member, %v", step, alone, err)
	}
}

func randomKey(r *rand.Rand) Key {
	return Key{r.Int64N(12), r.Int64N(3), uuid.UUID{byte(r.IntN(256)), byte(r.IntN(256)), byte(r.IntN(256)), 15: 1}}
}

// Ranks are those of a sorted list whatever is added, moved and removed: with
// ties, growing to many ranges and shrinking to none.
func TestModel(t *testing.T) {
	t.Parallel()
	databases(t, func(t *testing.T, db *store.DB) {
		r := rand.New(rand.NewPCG(1, 2))
		m := newModel(t, db, "model")
		for round, grow := range []int{80, 20, 60, 0} {
			for i := range 100 {
				switch roll := r.IntN(100); {
				case roll < grow || len(m.keys) == 0:
					m.add(randomKey(r))
				case roll < grow+20 && grow > 0:
					m.move(r.IntN(len(m.keys)), r.Int64N(12), r.Int64N(3))
				default:
					m.remove(r.IntN(len(m.keys)))
				}
				if i%50 == 49 {
					m.check(fmt.Sprintf("round %d, step %d", round, i), true)
				}
			}
		}
		for len(m.keys) > 0 {
			m.remove(0)
		}
		m.check("at the end", true)
		m.add(randomKey(r))
		m.check("once more", true)
	})
}

// Records that were there before are counted in pieces, while others come and go
// on both sides of what is counted already.
func TestBuild(t *testing.T) {
	t.Parallel()
	databases(t, func(t *testing.T, db *store.DB) {
		r := rand.New(rand.NewPCG(3, 4))
		m := newModel(t, db, "old")
		for range 260 {
			k := randomKey(r)
			m.keys = append(m.keys, k)
			m.change(func(ctx context.Context, q store.Querier) error { return m.insert(ctx, q, k) })
		}
		m.check("before", false)
		m.add(randomKey(r))
		m.check("added before", false)
		pieces := 0
		for more := true; more; pieces++ {
			m.change(func(ctx context.Context, q store.Querier) (err error) {
				more, err = m.x.piece(ctx, q, m.p)
				return err
			})
			for range 3 {
				m.add(randomKey(r))
				m.move(r.IntN(len(m.keys)), r.Int64N(12), r.Int64N(3))
				m.remove(r.IntN(len(m.keys)))
			}
			m.check(fmt.Sprintf("after piece %d", pieces), !more)
		}
		if pieces < 4 {
			t.Errorf("%d pieces, want several", pieces)
		}
		if err := m.x.Build(t.Context(), db, m.p); err != nil {
			t.Error(err)
		}
		m.check("built twice", true)
	})
}

// In a large period that is not counted yet, only the first records have a rank.
func TestNotCounted(t *testing.T) {
	t.Parallel()
	databases(t, func(t *testing.T, db *store.DB) {
		m := newModel(t, db, "large")
		m.x.MaxSlow = 5
		for i := range 20 {
			k := Key{Score: int64(i), Owner: uuid.UUID{15: 1}}
			k.Owner[0] = byte(i)
			m.keys = append(m.keys, k)
			m.change(func(ctx context.Context, q store.Querier) error { return m.insert(ctx, q, k) })
		}
		check := func(step string, known int64, ranks map[int64]int64) {
			t.Helper()
			if n, err := m.x.Known(t.Context(), db.Reader(), m.p); err != nil || n != known {
				t.Errorf("%s: %d records are known, %v, want %d", step, n, err, known)
			}
			if n, err := m.x.Count(t.Context(), db.Reader(), m.p); err != nil || n != 20 {
				t.Errorf("%s: %d records, %v", step, n, err)
			}
			for at, want := range ranks {
				if got, err := m.x.Rank(t.Context(), db.Reader(), m.p, m.keys[at], false); err != nil || got != want {
					t.Errorf("%s: rank of record %d is %d, %v, want %d", step, at, got, err, want)
				}
			}
		}
		check("not counted", 0, map[int64]int64{0: 1, 5: 6, 6: 0, 19: 0})
		if err := m.x.Build(t.Context(), db, m.p); err != nil {
			t.Fatal(err)
		}
		check("counted", 20, map[int64]int64{0: 1, 5: 6, 6: 7, 19: 20})
	})
}

// Concurrent changes leave the right counts.
func TestConcurrentChanges(t *testing.T) {
	t.Parallel()
	databases(t, func(t *testing.T, db *store.DB) {
		m := newModel(t, db, "busy")
		type result struct {
			keys []Key
			err  error
		}
		results := make(chan result)
		for seed := range uint64(6) {
			go func() {
				r := rand.New(rand.NewPCG(seed, 5))
				var own []Key
				var failed error
				for range 40 {
					k := randomKey(r)
					k.Owner[15] = byte(seed) // no two goroutines write the same record
					if len(own) > 3 && r.IntN(3) == 0 {
						i := r.IntN(len(own))
						from, to := own[i], Key{r.Int64N(12), 0, own[i].Owner}
						failed = cmp.Or(failed, db.Tx(t.Context(), func(ctx context.Context, q store.Querier) error {
							if _, err := q.ExecContext(ctx, "UPDATE leaderboard_record SET score = $3, subscore = 0 WHERE leaderboard_id = $1 AND owner_id = $2", m.p.Board, from.Owner, to.Score); err != nil {
								return err
							}
							return m.x.Move(ctx, q, m.p, from, to)
						}))
						own[i] = to
						continue
					}
					own = append(own, k)
					failed = cmp.Or(failed, db.Tx(t.Context(), func(ctx context.Context, q store.Querier) error {
						if err := m.insert(ctx, q, k); err != nil {
							return err
						}
						return m.x.Add(ctx, q, m.p, k)
					}))
				}
				results <- result{own, failed}
			}()
		}
		for range 6 {
			res := <-results
			if res.err != nil {
				t.Fatal(res.err)
			}
			m.keys = append(m.keys, res.keys...)
		}
		m.check("in the end", true)
	})
}

// A rank counts the records of its range only, also if many have the same score: the
// index is searched by the whole key.
func TestTies(t *testing.T) {
	t.Parallel()
	db := storetest.SQLite(t)
	for _, statement := range Schema(db.Dialect()) {
		if _, err := db.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	x := New(db.Dialect())
	for _, descending := range []bool{false, true} {
		rows, err := db.Reader().QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+x.rankStatement(descending), "b", 0, lowest.text(), store.Epoch, 0, 0, lowest.Owner)
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		var plan strings.Builder
		for rows.Next() {
			var id, parent, unused int
			var detail string
			if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
				t.Fatal(err)
			}
			plan.WriteString(detail + "\n")
		}
		if want := "(score,subscore,owner_id)>(?,?,?) AND (score,subscore,owner_id)<(?,?,?)"; !strings.Contains(plan.String(), want) {
			t.Errorf("descending %t: the plan has no %s:\n%s", descending, want, plan.String())
		}
	}
}
