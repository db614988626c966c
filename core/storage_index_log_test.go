package core

import (
	"context"
	"math/rand/v2"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/runtime"
	"github.com/rs/zerolog"

	"kumi/internal/testenv"
	"kumi/internal/testutil"
	"kumi/store"
	"kumi/store/storetest"
)

// Servers on one database get one another's changes.
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

// A server without the privilege to create the table of changes logs a warning, and
// keeps its indexes up to date with its own changes.
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
	if lines := log.Lines("do not get the changes of other servers"); len(lines) != 1 {
		t.Errorf("the log has %q", log.String())
	}
}
