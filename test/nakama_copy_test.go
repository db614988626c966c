package test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"kumi/core"
	"kumi/server/servertest"
	"kumi/store"
	"kumi/store/storetest"
	"kumi/store/transfer"
)

// A database that Nakama wrote works as before in the embedded file, and after the way
// back to PostgreSQL, with what players did in between.
func TestNakamaDatabaseCopied(t *testing.T) {
	t.Parallel()
	source, data, target := restoreNakama(t), t.TempDir(), storetest.EmptyPostgres(t)
	copied := func(t *testing.T, importing bool) map[string]string {
		postgres := target
		if importing {
			postgres = source
		}
		pg := openStore(t, store.Options{Address: postgres, MaxOpenConns: 4})
		lite := openStore(t, store.Options{DataDir: data, Exclusive: true})
		defer pg.Close()
		defer lite.Close()
		from, to := lite, pg
		if importing {
			from, to = pg, lite
		}
		report, err := transfer.Copy(t.Context(), from, to, transfer.Options{Derived: core.DerivedTables})
		if err != nil {
			t.Fatal(err)
		}
		sums := map[string]string{}
		for _, table := range report.Tables {
			sums[table.Name] = table.Checksum
		}
		return sums
	}
	before := copied(t, true)
	t.Run("embedded", func(t *testing.T) {
		srv := servertest.Start(t, servertest.Flags("--data_dir", data), nakamaModule())
		findNakamaData(t, srv)
		alice := checked(t, srv.Authenticate(t, "custom?create=false", `{"id":"custom-of-alice"}`))
		alice("PUT", "/v2/storage", `{"objects":[{"collection":"embedded","key":"big","value":"{\"n\":12345678901234567890,\"f\":1.50,\"t\":\"\\\\N\\t\\n\"}"}]}`, `"key":"big"`)
	})
	after := copied(t, false)
	// Reading has changed nothing, and neither have the tables that the server makes.
	changed := map[string]string{}
	for name, sum := range before {
		if after[name] != sum {
			changed[name] = "changed"
		}
	}
	if d := cmp.Diff(map[string]string{"storage": "changed"}, changed); d != "" {
		t.Errorf("tables (-want +got): %s", d)
	}
	t.Run("postgres", func(t *testing.T) {
		srv := servertest.Start(t, servertest.Flags("--database.address", target), nakamaModule())
		alice := srv.Authenticate(t, "custom?create=false", `{"id":"custom-of-alice"}`)
		checked(t, alice)("GET", "/v2/storage/embedded/"+alice.ID, "", `{\"f\": 1.50, \"n\": 12345678901234567890, \"t\": \"\\\\N\\t\\n\"}`)
		if a := alice.Do(t, "PUT", "/v2/storage/delete", `{"object_ids":[{"collection":"embedded","key":"big"}]}`); a.Status != 200 {
			t.Fatalf("%d %s", a.Status, a.Body)
		}
		findNakamaData(t, srv)
	})
}

func openStore(t *testing.T, o store.Options) *store.DB {
	t.Helper()
	db, err := store.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return db
}
