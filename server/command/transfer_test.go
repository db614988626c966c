package command

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"kumi/store"
	"kumi/store/storetest"
)

func TestMain(m *testing.M) {
	if os.Getenv(testProcessEnv) != "" { // kumi test starts its own program again for each file
		os.Exit(Main(os.Args[1:]))
	}
	storetest.Main(m)
}

// A database goes from PostgreSQL into the embedded file and from there to another one,
// which is created.
func TestImportAndExport(t *testing.T) {
	t.Parallel()
	source := storetest.Postgres(t)
	data := filepath.Join(t.TempDir(), "data")
	target := storetest.EmptyPostgres(t)
	db, err := store.Open(t.Context(), store.Options{Address: source})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, query := range []string{
		"INSERT INTO users (id, username) VALUES (gen_random_uuid(), 'ann')", "CREATE TABLE lists (id int PRIMARY KEY, tags text[])", "CREATE TABLE plain (id int PRIMARY KEY)",
	} {
		if _, err := db.SQL().ExecContext(t.Context(), query); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		args string
		code int
		want []string
	}{
		{"import", 2, []string{"--from postgres://"}},
		{"import --from", 1, []string{"--from needs a value"}},
		{"export --to x --database.address y", 2, []string{"leave out database.address"}},
		{"export --to " + target + " --data_dir " + data, 1, []string{"no embedded database to export"}},
		{"import --from postgres://nobody:secret@127.0.0.1:1/x --data_dir " + data, 1, []string{"connect to postgres://nobody:xxxxx@127.0.0.1:1/x"}},
		{"import --from " + source + " --exclude plain --data_dir " + data, 0, []string{
			"copied   users                2 of 2 rows", "verified users                2 rows", "not copied: lists: the table cannot be made", "not copied: plain: it was excluded", "copied 3 rows from postgres://",
		}},
		{"import --from " + source + " --data_dir " + data, 1, []string{"has rows in users (1): a copy begins with an empty database"}},
		{"export --to=" + target + " --data_dir=" + data, 0, []string{"copied 3 rows from " + data}},
	} {
		var out buffer
		code := dispatch(t.Context(), strings.Fields(c.args), streams{&out, &out, nil})
		for _, want := range c.want {
			if code != c.code || !strings.Contains(out.String(), want) {
				t.Errorf("%s: exit %d, want %d with %q in:\n%s", c.args, code, c.code, want, out.String())
			}
		}
		if strings.Contains(out.String(), "secret") {
			t.Errorf("the output has the password: %s", out.String())
		}
	}
	// A running server keeps its folder.
	running, err := store.Open(t.Context(), store.Options{DataDir: data, Exclusive: true})
	if err != nil {
		t.Fatal(err)
	}
	defer running.Close()
	var out buffer
	if code := dispatch(t.Context(), []string{"export", "--to", target, "--data_dir", data}, streams{&out, &out, nil}); code != exitFailed || !strings.Contains(out.String(), "another server uses the data folder") {
		t.Errorf("exit %d: %s", code, out.String())
	}
}
