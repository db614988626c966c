package core

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/api"
	"github.com/heroiclabs/nakama-common/runtime"
	"github.com/rs/zerolog"

	"kumi/core/index"
	"kumi/internal/testenv"
	"kumi/internal/testutil"
	"kumi/store"
	"kumi/store/fault"
	"kumi/store/query"
	"kumi/store/storetest"
)

// gear is the collection of these tests.
const gear = "gear"

// testIndexes are one index of each kind: with and without a filter, in memory only,
// and of one key.
func testIndexes() []StorageIndex {
	visible := func(_ context.Context, w *runtime.StorageWrite) (bool, error) {
		return !strings.Contains(w.Value, "hidden"), nil
	}
	return []StorageIndex{
		{Name: "all", Collection: gear, Fields: []string{"level", "kind"}, Sortable: []string{"level"}, MaxEntries: 1000},
		{Name: "visible", Collection: gear, Fields: []string{"level"}, MaxEntries: 1000, Filter: visible, IndexOnly: true},
		{Name: "k1", Collection: gear, Key: "k1", Fields: []string{"level"}, MaxEntries: 1000},
	}
}

// indexModel lists what an index must have, from a scan of the table.
func (c *testCore) indexModel(t *testing.T, d *StorageIndex, text string, caller uuid.UUID) []string {
	t.Helper()
	rows, err := c.readIndexed(t.Context(), objectColumns+"collection = $1", []any{d.Collection})
	if err != nil {
		t.Fatal(err)
	}
	q, err := query.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	level := map[objectID]float64{}
	rows = slices.DeleteFunc(rows, func(r indexedRow) bool {
		var value map[string]any
		if err := json.Unmarshal([]byte(r.Value), &value); err != nil {
			t.Fatal(err)
		}
		indexed := false
		for name := range value {
			if slices.Contains(d.Fields, name) {
				indexed = true
			} else {
				delete(value, name)
			}
		}
		switch l := value["level"].(type) {
		case float64:
			level[r.objectID] = l
		case string:
			level[r.objectID] = 1000 // texts come after numbers
		default:
			level[r.objectID] = -1
		}
		text, _ := json.Marshal(value)
		doc := query.NewDoc()
		_ = doc.AddJSON("value", string(text))
		_, matches := q.Match(doc)
		readable := caller.IsNil() || r.Read == 2 || r.Read == 1 && r.owner == caller
		return !indexed || !matches || !readable || d.Key != "" && d.Key != r.objectID.key || d.Filter != nil && strings.Contains(r.Value, "hidden")
	})
	slices.SortFunc(rows, func(a, b indexedRow) int { // -value.level
		return cmp.Or(cmp.Compare(level[b.objectID], level[a.objectID]), b.Updated.Compare(a.Updated),
			strings.Compare(b.objectID.key, a.objectID.key), slices.Compare(b.owner[:], a.owner[:]))
	})
	var ids []string
	for _, r := range rows {
		ids = append(ids, r.objectID.key+" "+r.owner.String()+" "+r.Version)
	}
	return ids
}

// indexList reads all pages of a list.
func (c *testCore) indexList(t *testing.T, name, text string, caller uuid.UUID) (ids []string) {
	t.Helper()
	id := caller.String()
	if caller.IsNil() {
		id = ""
	}
	for cursor := ""; ; {
		list, next, err := c.Module().StorageIndexList(t.Context(), id, name, text, 7, []string{"-value.level"}, cursor)
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range list.Objects {
			ids = append(ids, o.Key+" "+o.UserId+" "+o.Version)
		}
		if cursor = next; cursor == "" {
			return ids
		}
	}
}

// checkIndexes compares all indexes with the table.
func (c *testCore) checkIndexes(t *testing.T, what string, r *rand.Rand, users []uuid.UUID) {
	t.Helper()
	for _, d := range testIndexes() {
		text := []string{"", "+value.level:>=3", "+value.kind:sword", "-value.level:5"}[r.IntN(4)]
		caller := users[r.IntN(len(users))]
		if got, want := c.indexList(t, d.Name, text, caller), c.indexModel(t, &d, text, caller); !slices.Equal(got, want) {
			t.Fatalf("%s: index %s, query %q, caller %s:\n%q\nwant\n%q", what, d.Name, text, caller, got, want)
		}
	}
}

// run starts RunStorageIndexes until the test, or the returned function, ends it.
func (c *testCore) runIndexes(t *testing.T) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var done sync.WaitGroup
	done.Go(func() { c.RunStorageIndexes(ctx) })
	stop = func() { cancel(); done.Wait() }
	t.Cleanup(stop)
	return stop
}

// awaitIndexes waits until all indexes are complete.
func (c *testCore) awaitIndexes(t *testing.T) {
	t.Helper()
	testutil.Eventually(t, "the indexes are complete", func() bool { return c.unbuilt() == nil })
}

// randomChange changes objects in one of the ways in which they can be. Objects of
// users that are deleted meanwhile cannot be written, which is no error here.
func (c *testCore) randomChange(t *testing.T, r *rand.Rand, users []uuid.UUID) string {
	t.Helper()
	ctx, m := t.Context(), c.Module()
	owner, key := users[1+r.IntN(len(users)-1)], "k"+strconv.Itoa(r.IntN(4))
	value := []string{
		fmt.Sprintf(`{"level": %d, "kind": %q}`, r.IntN(8), []string{"sword", "bow"}[r.IntN(2)]),
		fmt.Sprintf(`{"level": %d, "hidden": true}`, r.IntN(8)),
		`{"kind": "sword"}`, `{"neither": 1}`, `{"level": "5", "kind": ["sword", 1]}`,
	}[r.IntN(5)]
	write := &runtime.StorageWrite{Collection: gear, Key: key, UserID: owner.String(), Value: value, PermissionRead: r.IntN(3), PermissionWrite: 1}
	remove := &runtime.StorageDelete{Collection: gear, Key: key, UserID: owner.String()}
	var err error
	what := ""
	switch r.IntN(9) {
	case 0, 1:
		what = "client write"
		_, err = c.put(ctx, owner, &api.WriteStorageObject{Collection: gear, Key: key, Value: value, PermissionRead: perm(int32(r.IntN(3)))})
	case 2, 3:
		what = "module write"
		_, err = m.StorageWrite(ctx, []*runtime.StorageWrite{write, {Collection: gear, Key: "k1", Value: value}})
	case 4:
		what = "client delete"
		err = c.DeleteStorage(ctx, owner, &api.DeleteStorageObjectsRequest{ObjectIds: []*api.DeleteStorageObjectId{{Collection: gear, Key: key}}})
		if fault.CodeOf(err) == fault.InvalidArgument {
			err = nil // there is none
		}
	case 5:
		what = "module delete"
		err = m.StorageDelete(ctx, []*runtime.StorageDelete{remove})
	case 6:
		what = "multi update"
		_, _, err = m.MultiUpdate(ctx, nil, []*runtime.StorageWrite{write}, []*runtime.StorageDelete{{Collection: gear, Key: "k0", UserID: owner.String()}}, nil, false)
	case 7:
		what = "account delete and import"
		var data string
		if data, err = m.AccountExportId(ctx, owner.String()); err == nil {
			if err = c.DeleteAccount(ctx, owner); err == nil && r.IntN(3) > 0 {
				_, err = m.AccountImportId(ctx, data, owner.String())
			}
		}
	case 8:
		what = "write that is refused"
		write.Version = "another"
		if _, err = m.StorageWrite(ctx, []*runtime.StorageWrite{{Collection: gear, Key: "a", UserID: owner.String(), Value: value}, write}); errors.Is(err, runtime.ErrStorageRejectedVersion) {
			err = nil
		}
	}
	if err != nil && !store.IsForeignKey(err) && fault.CodeOf(err) != fault.NotFound {
		t.Errorf("%s: %v", what, err)
	}
	return what
}

// indexUsers are the server and some users.
func (c *testCore) indexUsers(t *testing.T) []uuid.UUID {
	users := []uuid.UUID{uuid.Nil}
	for i := range 5 {
		users = append(users, c.user(t, "owner"+strconv.Itoa(i)))
	}
	return users
}

// After each change of any kind the indexes are equal to a filtered and sorted list of
// the table, also after reloads and restarts.
func TestStorageIndexFollowsTable(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, ctx context.Context, c *testCore) {
		r := rand.New(rand.NewPCG(7, 7))
		users := c.indexUsers(t)
		for range 20 {
			c.randomChange(t, r, users) // before there are indexes
		}
		c.SetStorageIndexes(testIndexes())
		stop := c.runIndexes(t)
		c.awaitIndexes(t)
		for i := range 150 {
			what := c.randomChange(t, r, users)
			switch i % 30 {
			case 10:
				what += ", reload"
				c.SetStorageIndexes(testIndexes())
			case 15:
				what += ", reload with other indexes"
				c.SetStorageIndexes(testIndexes()[1:])
				if _, _, err := c.Module().StorageIndexList(ctx, "", "all", "", 1, nil, ""); fault.CodeOf(err) != fault.NotFound {
					t.Errorf("an index that is gone: %v", err)
				}
				c.randomChange(t, r, users)
				c.SetStorageIndexes(testIndexes())
				c.awaitIndexes(t)
			case 20:
				what += ", restart"
				stop()
				c = newTestCore(t, c.db)
				c.SetStorageIndexes(testIndexes())
				stop = c.runIndexes(t)
				c.awaitIndexes(t)
			}
			c.checkIndexes(t, what, r, users)
		}
	})
}

// Writers at the same time, builds and reloads leave the indexes equal to the table.
func TestStorageIndexUnderConcurrentChanges(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, _ context.Context, c *testCore) {
		users := c.indexUsers(t)
		c.SetStorageIndexes(testIndexes())
		c.runIndexes(t)
		var writers sync.WaitGroup
		for n := range uint64(4) {
			writers.Go(func() {
				r := rand.New(rand.NewPCG(n, 1))
				for range 60 {
					c.randomChange(t, r, users)
				}
			})
		}
		for range 10 {
			c.SetStorageIndexes(testIndexes()[:2])
			c.SetStorageIndexes(testIndexes())
		}
		writers.Wait()
		c.awaitIndexes(t)
		r := rand.New(rand.NewPCG(9, 9))
		for range 20 {
			c.checkIndexes(t, "after all writers", r, users)
		}
		c.indexes.mu.Lock()
		defer c.indexes.mu.Unlock()
		if len(c.indexes.changed)+len(c.indexes.failed) > 0 {
			t.Errorf("changes are left: %v, %v", c.indexes.changed, c.indexes.failed)
		}
	})
}

// Servers on one database learn of one another's changes.
func TestStorageIndexOnSeveralServers(t *testing.T) {
	t.Parallel()
	db := storetest.PostgresDB(t)
	servers := []*testCore{newTestCore(t, db), newTestCore(t, db)}
	users := servers[0].indexUsers(t)
	for _, c := range servers {
		c.SetStorageIndexes(testIndexes())
		c.runIndexes(t)
	}
	r := rand.New(rand.NewPCG(3, 3))
	for range 60 {
		servers[r.IntN(2)].randomChange(t, r, users)
	}
	for _, c := range servers {
		c.awaitIndexes(t)
		for _, d := range testIndexes() {
			testutil.Eventually(t, "the index "+d.Name+" is equal to the table", func() bool {
				return slices.Equal(c.indexList(t, d.Name, "", uuid.Nil), c.indexModel(t, &d, "", uuid.Nil))
			})
		}
	}
	// A transaction that began before others and ends after them is not missed.
	var late sync.WaitGroup
	begun, end := make(chan struct{}), make(chan struct{})
	late.Go(func() {
		id := objectID{gear, "late", uuid.Nil}
		err := servers[0].storageTx(t.Context(), slices.Values([]objectID{id}), func(ctx context.Context, q store.Querier) error {
			_, err := q.ExecContext(ctx, "INSERT INTO storage (collection, key, user_id, value, version) VALUES ($1, $2, $3, '{\"level\": 100}', 'v')", id.collection, id.key, id.owner)
			close(begun)
			<-end
			return err
		})
		if err != nil {
			t.Error(err)
		}
	})
	<-begun
	other := func(key string) {
		if _, err := servers[0].Module().StorageWrite(t.Context(), []*runtime.StorageWrite{{Collection: gear, Key: key, Value: `{"level": 99}`}}); err != nil {
			t.Error(err)
		}
		testutil.Eventually(t, "the other server has "+key, func() bool {
			return slices.ContainsFunc(servers[1].indexList(t, "all", "", uuid.Nil), func(id string) bool { return strings.HasPrefix(id, key+" ") })
		})
	}
	other("first")
	other("second")
	close(end)
	late.Wait()
	other("third")
	testutil.Eventually(t, "the other server has the late object", func() bool {
		return len(servers[1].indexList(t, "all", "+value.level:100", uuid.Nil)) == 1
	})
}

// A server that may not create the table of changes warns, and goes on alone.
func TestStorageIndexWithoutTable(t *testing.T) {
	t.Parallel()
	u, err := url.Parse(storetest.Postgres(t))
	if err != nil {
		t.Fatal(err)
	}
	owner, err := store.Open(t.Context(), store.Options{Address: u.String()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = owner.Close() })
	role := "reads_" + strings.NewReplacer("/", "", "-", "_").Replace(u.Path)
	for _, statement := range []string{
		"CREATE ROLE " + role + " LOGIN", "REVOKE CREATE ON SCHEMA public FROM PUBLIC",
		"GRANT USAGE ON SCHEMA public TO " + role, "GRANT ALL ON ALL TABLES IN SCHEMA public TO " + role,
	} {
		if _, err := owner.SQL().ExecContext(t.Context(), statement); err != nil {
			testenv.Skip(t, "no right to create roles: "+err.Error())
		}
	}
	t.Cleanup(func() {
		if _, err := owner.SQL().Exec("DROP OWNED BY " + role + "; DROP ROLE " + role); err != nil {
			t.Error(err)
		}
	})
	u.User = url.User(role)
	db, err := store.Open(t.Context(), store.Options{Address: u.String()})
	if err != nil {
		testenv.Skip(t, "the server asks the new role for a password: "+err.Error())
	}
	t.Cleanup(func() { _ = db.Close() })
	c := newTestCore(t, db)
	var log testutil.Log
	c.log = zerolog.New(&log)
	c.SetStorageIndexes(testIndexes())
	c.runIndexes(t)
	c.awaitIndexes(t)
	if _, err := c.Module().StorageWrite(t.Context(), []*runtime.StorageWrite{{Collection: gear, Key: "k", Value: `{"level":1}`}}); err != nil {
		t.Fatal(err)
	}
	if got := c.indexList(t, "all", "", uuid.Nil); len(got) != 1 {
		t.Errorf("the index has %q", got)
	}
	if lines := log.Lines("other servers do not learn of changes"); len(lines) != 1 {
		t.Errorf("the log has %q", log.String())
	}
}

// A full index has the objects that were updated last. When many were deleted, it is
// built again with those that had no room.
func TestStorageIndexEvicts(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, ctx context.Context, c *testCore) {
		c.SetStorageIndexes([]StorageIndex{{Name: "few", Collection: gear, Fields: []string{"n"}, MaxEntries: 10}})
		c.runIndexes(t)
		for i := range 30 {
			if _, err := c.Module().StorageWrite(ctx, []*runtime.StorageWrite{{Collection: gear, Key: fmt.Sprintf("k%02d", i), Value: `{"n":1}`}}); err != nil {
				t.Fatal(err)
			}
		}
		keys := func() (keys []string) {
			list, _, err := c.Module().StorageIndexList(ctx, "", "few", "", 100, []string{"key"}, "")
			if err != nil {
				t.Fatal(err)
			}
			for _, o := range list.Objects {
				keys = append(keys, o.Key)
			}
			return keys
		}
		if got := keys(); len(got) != 10 || got[0] != "k20" {
			t.Errorf("the index has %q", got)
		}
		c.awaitIndexes(t)
		var gone []*runtime.StorageDelete
		for i := 20; i < 25; i++ {
			gone = append(gone, &runtime.StorageDelete{Collection: gear, Key: fmt.Sprintf("k%02d", i)})
		}
		if err := c.Module().StorageDelete(ctx, gone); err != nil {
			t.Fatal(err)
		}
		testutil.Eventually(t, "the index is full again", func() bool { got := keys(); return len(got) == 10 && got[0] == "k15" })
	})
}

// Writes in a transaction of a Go module are indexed when it is committed.
func TestStorageIndexJoinsTransactions(t *testing.T) {
	t.Parallel()
	c := newTestCore(t, storetest.SQLite(t))
	c.SetStorageIndexes(testIndexes())
	for _, commit := range []bool{true, false} {
		ctx := store.WithCall(t.Context())
		tx, err := c.db.SQL().BeginTx(ctx, nil)
		if err != nil {
			t.Fatal(err)
		}
		key := fmt.Sprint("commit ", commit)
		if _, err := c.Module().StorageWrite(ctx, []*runtime.StorageWrite{{Collection: gear, Key: key, Value: `{"level":1}`}}); err != nil {
			t.Fatal(err)
		}
		count := len(c.indexList(t, "all", "", uuid.Nil))
		end := tx.Rollback
		if commit {
			end = tx.Commit
		}
		if err := end(); err != nil {
			t.Fatal(err)
		}
		after := len(c.indexList(t, "all", "", uuid.Nil))
		if want := count + map[bool]int{true: 1}[commit]; after != want {
			t.Errorf("%s: %d objects before, %d after", key, count, after)
		}
	}
}

// A change that cannot be read at once is read later.
func TestStorageIndexTriesAgain(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, ctx context.Context, c *testCore) {
		c.SetStorageIndexes(testIndexes())
		c.runIndexes(t)
		c.awaitIndexes(t)
		_, err := c.db.Exec(ctx, "INSERT INTO storage (collection, key, user_id, value, version) VALUES ($1, 'k', $2, '{\"level\": 1}', 'v')", gear, uuid.Nil)
		if err != nil {
			t.Fatal(err)
		}
		canceled, cancel := context.WithCancel(ctx)
		cancel()
		c.objectsChanged(canceled, slices.Values([]objectID{{gear, "k", uuid.Nil}}))
		testutil.Eventually(t, "the object is indexed", func() bool { return len(c.indexList(t, "all", "", uuid.Nil)) == 1 })
	})
}

// What a filter that fails says about an object changes nothing; bad requests are told.
func TestStorageIndexErrors(t *testing.T) {
	t.Parallel()
	c := newTestCore(t, storetest.SQLite(t))
	ctx, m := t.Context(), c.Module()
	fail := false
	c.SetStorageIndexes([]StorageIndex{{Name: "i", Collection: gear, Fields: []string{"n"}, MaxEntries: 10, IndexOnly: true,
		Filter: func(context.Context, *runtime.StorageWrite) (bool, error) {
			if fail {
				return false, errors.New("failed")
			}
			return true, nil
		}}})
	for _, value := range []string{`{"n":1,"other":1}`, `{"n":2}`} {
		if _, err := m.StorageWrite(ctx, []*runtime.StorageWrite{{Collection: gear, Key: "k", Value: value}}); err != nil {
			t.Fatal(err)
		}
		fail = true
	}
	list, cursor, err := m.StorageIndexList(ctx, "", "i", "", 1, nil, "")
	if err != nil || len(list.Objects) != 1 || list.Objects[0].Value != `{"n":1}` || cursor != "" {
		t.Errorf("%v, %q, %v", list, cursor, err)
	}
	for _, test := range []struct {
		name, query, want string
		limit             int
		order             []string
		cursor            string
	}{
		{"x", "", `index "x" not found`, 1, nil, ""},
		{"i", "", "limit must be 1-10000, not 0", 0, nil, ""},
		{"i", "", "limit must be 1-10000, not 10001", 10001, nil, ""},
		{"i", "+", `nothing follows`, 1, nil, ""},
		{"i", "", `cannot sort by "-value.x"`, 1, []string{"-value.x"}, ""},
		{"i", "", "invalid cursor", 1, nil, "abc"},
		{"i", "", "an order has at most 8 fields, not 9", 1, strings.Split("n,n,n,n,n,n,n,n,n", ","), ""},
	} {
		_, _, err := m.StorageIndexList(ctx, "", test.name, test.query, test.limit, test.order, test.cursor)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%+v: %v", test, err)
		}
	}
	fail = false
	if _, err := m.StorageWrite(ctx, []*runtime.StorageWrite{{Collection: gear, Key: "k2", Value: `{"n":3}`}}); err != nil {
		t.Fatal(err)
	}
	_, cursor, err = m.StorageIndexList(ctx, "", "i", "", 1, nil, "")
	if err != nil || cursor == "" {
		t.Fatalf("%q, %v", cursor, err)
	}
	if _, _, err = m.StorageIndexList(ctx, "", "i", "+value.n:1", 1, nil, cursor); err == nil || !strings.Contains(err.Error(), "invalid cursor") {
		t.Errorf("the cursor of another query: %v", err)
	}
	// A cursor that a client made, of the right list but with a position of another order.
	forged, err := encodeCursor(indexListCursor, indexCursor{listHash("i", "", []string{"n"}), &index.Position{}})
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = m.StorageIndexList(ctx, "", "i", "", 1, []string{"n"}, forged)
	if fault.CodeOf(err) != fault.InvalidArgument || !strings.Contains(fmt.Sprint(err), "invalid cursor: its position has 0 values, and the order 1") {
		t.Errorf("a forged cursor: %v", err)
	}
}

// The next page follows even the longest cursor: of an order of many fields, with long
// texts of characters that JSON escapes.
func TestStorageIndexLongCursors(t *testing.T) {
	t.Parallel()
	c := newTestCore(t, storetest.SQLite(t))
	ctx, m := t.Context(), c.Module()
	fields := strings.Split("a,b,c,d,e,f,g,h", ",")
	c.SetStorageIndexes([]StorageIndex{{Name: "i", Collection: gear, Fields: fields, MaxEntries: 10}})
	value := map[string]string{}
	for _, f := range fields {
		value[f] = strings.Repeat("\u2028<&", 100)
	}
	text, _ := json.Marshal(value)
	for _, last := range []string{"1", "2"} {
		write := &runtime.StorageWrite{Collection: gear, Key: strings.Repeat("😀", 127) + last, Value: string(text)}
		if _, err := m.StorageWrite(ctx, []*runtime.StorageWrite{write}); err != nil {
			t.Fatal(err)
		}
	}
	for _, order := range [][]string{fields, slices.Repeat([]string{"key"}, 8)} {
		list, cursor, err := m.StorageIndexList(ctx, "", "i", "", 1, order, "")
		if err != nil || len(list.Objects) != 1 || cursor == "" {
			t.Fatalf("%v, %q, %v", list, cursor, err)
		}
		next, _, err := m.StorageIndexList(ctx, "", "i", "", 1, order, cursor)
		if err != nil || len(next.Objects) != 1 || next.Objects[0].Key == list.Objects[0].Key {
			t.Errorf("the page after a cursor of %d bytes: %v, %v", len(cursor), next, err)
		}
	}
}

// indexMetrics keep whether indexes are complete, and how often entries were counted.
type indexMetrics struct {
	noMetrics
	mu       sync.Mutex
	complete map[string]bool
	counts   int
}

func (m *indexMetrics) StorageIndexEntries(string, int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.counts++
}

func (m *indexMetrics) StorageIndex(name string, _ int, complete bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.complete[name] = complete
}

func (m *indexMetrics) isComplete(name string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.complete[name]
}

// A write does not update the metrics of all indexes; RunStorageIndexes does once a
// second.
func TestStorageIndexCountsEntriesOnce(t *testing.T) {
	t.Parallel()
	c := newTestCore(t, storetest.SQLite(t))
	metrics := &indexMetrics{complete: map[string]bool{}}
	c.metrics = metrics
	c.SetStorageIndexes(testIndexes())
	for range 5 {
		if _, err := c.Module().StorageWrite(t.Context(), []*runtime.StorageWrite{{Collection: gear, Key: "k", Value: `{"level":1}`}}); err != nil {
			t.Fatal(err)
		}
	}
	if metrics.counts != 0 {
		t.Errorf("five writes counted entries %d times", metrics.counts)
	}
	if err := c.workIndexes(t.Context()); err != nil {
		t.Fatal(err)
	}
	if metrics.counts != len(testIndexes()) {
		t.Errorf("entries of %d indexes were counted %d times", len(testIndexes()), metrics.counts)
	}
}

// While a new index is built, lists get what it has so far. One whose filter may have
// changed answers with its old entries, and writes reach them, until the new ones are
// complete. The log and the metrics say when that is.
func TestStorageIndexWhileItIsBuilt(t *testing.T) {
	t.Parallel()
	c := newTestCore(t, storetest.SQLite(t))
	var log testutil.Log
	metrics := &indexMetrics{complete: map[string]bool{}}
	c.log, c.metrics = zerolog.New(&log), metrics
	write := func(key, value string) {
		t.Helper()
		if _, err := c.Module().StorageWrite(t.Context(), []*runtime.StorageWrite{{Collection: gear, Key: key, Value: value}}); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 3 {
		write(fmt.Sprint("k", i), fmt.Sprintf(`{"level":%d}`, i))
	}
	// The build stops before its second object until it may go on.
	indexes := func(limit string, reached, proceed chan struct{}) []StorageIndex {
		return []StorageIndex{{Name: "i", Collection: gear, Fields: []string{"level"}, MaxEntries: 10,
			Filter: func(_ context.Context, w *runtime.StorageWrite) (bool, error) {
				if w.Key == "k1" && reached != nil {
					close(reached)
					<-proceed
					reached = nil
				}
				return w.Value <= `{"level": `+limit+`}`, nil
			}}}
	}
	keys := func() string {
		t.Helper()
		var keys []string
		for _, id := range c.indexList(t, "i", "", uuid.Nil) {
			keys = append(keys, id[:2])
		}
		return strings.Join(keys, " ")
	}
	want := func(when, want string, complete bool) {
		t.Helper()
		if got := keys(); got != want || metrics.isComplete("i") != complete {
			t.Errorf("%s: the index has %q, want %q; complete is %t", when, got, want, metrics.isComplete("i"))
		}
	}
	reached, proceed := make(chan struct{}), make(chan struct{})
	c.SetStorageIndexes(indexes("9", reached, proceed))
	c.runIndexes(t)
	<-reached
	want("during the first build", "k0", false)
	write("k9", `{"level":9}`)
	want("after a write during the first build", "k9 k0", false)
	close(proceed)
	testutil.Eventually(t, "the index is complete", func() bool { return metrics.isComplete("i") })
	want("after the first build", "k9 k2 k1 k0", true)

	reached, proceed = make(chan struct{}), make(chan struct{})
	c.SetStorageIndexes(indexes("1", reached, proceed))
	<-reached
	want("during the second build", "k9 k2 k1 k0", true)
	write("k3", `{"level":1}`)
	want("after a write during the second build", "k9 k2 k3 k1 k0", true)
	close(proceed)
	testutil.Eventually(t, "the old entries are gone", func() bool { return keys() == "k3 k1 k0" })
	if lines := log.Lines("storage index complete"); len(lines) != 2 {
		t.Errorf("the log has %q", lines)
	}
}

// A build that failed half-way begins anew, without what it had read: objects may have
// been deleted since by servers that this one did not hear of.
func TestStorageIndexBuildBeginsAgain(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, ctx context.Context, c *testCore) {
		for i := range 3 {
			if _, err := c.Module().StorageWrite(ctx, []*runtime.StorageWrite{{Collection: gear, Key: fmt.Sprint("k", i), Value: `{"level":1}`}}); err != nil {
				t.Fatal(err)
			}
		}
		failing, fail := context.WithCancel(ctx)
		c.SetStorageIndexes([]StorageIndex{{Name: "i", Collection: gear, Fields: []string{"level"}, MaxEntries: 10,
			Filter: func(_ context.Context, w *runtime.StorageWrite) (bool, error) {
				if w.Key == "k1" {
					fail()
				}
				return true, nil
			}, IndexOnly: true}})
		if err := c.workIndexes(failing); err == nil {
			t.Fatal("the build did not fail")
		}
		if list := c.indexList(t, "i", "", uuid.Nil); len(list) == 0 {
			t.Fatal("the build failed before it read an object")
		}
		if _, err := c.db.Exec(ctx, "DELETE FROM storage WHERE collection = $1 AND key = 'k0'", gear); err != nil {
			t.Fatal(err)
		}
		if err := c.workIndexes(ctx); err != nil {
			t.Fatal(err)
		}
		if list := c.indexList(t, "i", "", uuid.Nil); len(list) != 2 {
			t.Errorf("the index has %q, want k1 and k2", list)
		}
	})
}

// storage.disable_index_only makes lists return whole objects.
func TestStorageIndexOnlyIsDisabled(t *testing.T) {
	t.Parallel()
	c := newTestCore(t, storetest.SQLite(t))
	c.noIndexOnly = true
	c.SetStorageIndexes([]StorageIndex{{Name: "i", Collection: gear, Fields: []string{"n"}, MaxEntries: 10, IndexOnly: true}})
	if _, err := c.Module().StorageWrite(t.Context(), []*runtime.StorageWrite{{Collection: gear, Key: "k", Value: `{"n":1,"other":1}`}}); err != nil {
		t.Fatal(err)
	}
	list, _, err := c.Module().StorageIndexList(t.Context(), "", "i", "", 1, nil, "")
	if err != nil || len(list.Objects) != 1 || !strings.Contains(list.Objects[0].Value, "other") {
		t.Errorf("%v, %v", list, err)
	}
}
