package store_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kumi/store"
	"kumi/store/storetest"
)

// The migrations make the schema that Nakama's make: the same columns, constraints and
// indexes.
func TestSchemaIsNakamas(t *testing.T) {
	t.Parallel()
	nakama, err := store.Open(t.Context(), store.Options{Address: storetest.Restore(t, "../test/testdata/nakama-3.40-postgres15.sql.gz")})
	if err != nil {
		t.Fatal(err)
	}
	defer nakama.Close()
	for what, query := range map[string]string{
		"columns": `SELECT concat_ws(' ', table_name, column_name, data_type, character_maximum_length, is_nullable, column_default, is_identity, is_generated)
			FROM information_schema.columns WHERE table_schema = 'public'`,
		"constraints": `SELECT conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid) FROM pg_constraint WHERE connamespace = 'public'::regnamespace`,
		"indexes":     "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'",
		"migrations":  "SELECT id FROM migration_info",
	} {
		lines := func(db *store.DB) []string {
			res, err := db.CustomQuery(t.Context(), query)
			if err != nil {
				t.Fatal(err)
			}
			var out []string
			for _, row := range res.Rows {
				out = append(out, row[0].(string))
			}
			slices.Sort(out)
			return out
		}
		if want, got := lines(nakama), lines(storetest.PostgresDB(t)); len(want) == 0 || !slices.Equal(want, got) {
			t.Errorf("%s (-Nakama +Kumi): %s", what, cmp.Diff(want, got))
		}
	}
}
