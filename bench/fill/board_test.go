package fill

import (
	"testing"

	"kumi/store"
)

// The records are ones that a server could have written: the database opens, its
// constraints hold, and each owner has one.
func TestBoard(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := Board(t.Context(), dir, "large", 300); err != nil {
		t.Fatal(err)
	}
	db, err := store.Open(t.Context(), store.Options{DataDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.CheckMigrations(t.Context()); err != nil {
		t.Error(err)
	}
	var state string
	if err := db.Reader().QueryRowContext(t.Context(), "SELECT * FROM pragma_integrity_check").Scan(&state); err != nil || state != "ok" {
		t.Errorf("integrity: %s, %v", state, err)
	}
	var records, scores, mine int
	if err := db.Reader().QueryRowContext(t.Context(), "SELECT count(*), count(DISTINCT score), count(*) FILTER (WHERE owner_id = $1) FROM leaderboard_record WHERE leaderboard_id = 'large'", Owner(299)).
		Scan(&records, &scores, &mine); err != nil || records != 300 || scores < 290 || mine != 1 {
		t.Errorf("%d records with %d scores, %d of the last owner, %v", records, scores, mine, err)
	}
}
