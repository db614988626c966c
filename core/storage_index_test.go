package core

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/api"
	"github.com/heroiclabs/nakama-common/runtime"

	"kumi/internal/testutil"
	"kumi/store"
	"kumi/store/fault"
	"kumi/store/query"
	"kumi/store/storetest"
)

// gear is the collection in the tests of storage indexes.
const gear = "gear"

// testIndexes are an index of each kind: with and without a filter, index-only, and of
// one key.
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

// indexModel lists what an index must return, from a scan of the table.
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

// indexList returns all pages of a list by descending level.
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

// runIndexes runs RunStorageIndexes until the test ends or stop is called.
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

// randomChange changes objects in one of the possible ways, and returns which. It may
// fail for a user who was deleted meanwhile.
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

// indexUsers returns the nil id, for the server, and some users.
func (c *testCore) indexUsers(t *testing.T) []uuid.UUID {
	users := []uuid.UUID{uuid.Nil}
	for i := range 5 {
		users = append(users, c.user(t, "owner"+strconv.Itoa(i)))
	}
	return users
}

// After every change of any kind, and after reloads and restarts, an index returns what
// a scan of the table does.
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

// Concurrent writers, builds and reloads leave the indexes equal to the table.
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
