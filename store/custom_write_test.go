package store_test

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"kumi/store"
	"kumi/store/storetest"
	"kumi/store/translate"
)

// What statements change, and how many rows they say they touched.
func TestCustomChanges(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		steps := []struct {
			query string
			args  []any
			rows  int64
			then  string // a query
			want  string
		}{
			{query: "CREATE TABLE score (id SERIAL, who TEXT, points INT DEFAULT 0, ok BOOL DEFAULT false, at TIMESTAMPTZ DEFAULT now(), extra JSONB, PRIMARY KEY (id))"},
			{query: "INSERT INTO score (who, points) VALUES ('a', 1), ('b', $1), ('c', 3)", args: []any{2}, rows: 3, then: "SELECT id, who, points, ok, at <= now() FROM score ORDER BY id",
				want: "[1 a 1 false true] [2 b 2 false true] [3 c 3 false true]"},
			{query: "CREATE INDEX CONCURRENTLY IF NOT EXISTS score_who ON score (lower(who))"},
			{query: "INSERT INTO score (id, who, points, ok) VALUES (2, 'b', 5, 'yes') ON CONFLICT (id) DO UPDATE SET points = score.points + EXCLUDED.points, ok = EXCLUDED.ok", rows: 1,
				then: "SELECT points, ok FROM score WHERE id = 2", want: "[7 true]"},
			{query: "INSERT INTO score (id, who) VALUES (2, 'b') ON CONFLICT DO NOTHING", rows: 0},
			{query: "UPDATE score SET at = '2024-01-01T00:00:00Z', extra = '{\"b\":1,\"a\":2}', ok = NOT ok WHERE points > $1", args: []any{2}, rows: 2,
				then: "SELECT at, extra, ok FROM score WHERE at < '2024-01-02' ORDER BY id", want: `[2024-01-01T00:00:00Z {"a": 2, "b": 1} false] [2024-01-01T00:00:00Z {"a": 2, "b": 1} true]`},
			{query: "UPDATE score AS s SET points = v.n FROM (VALUES (1, 10), (2, 20)) AS v(id, n) WHERE s.id = v.id", rows: 2, then: "SELECT points FROM score ORDER BY id", want: "[10] [20] [3]"},
			{query: "ALTER TABLE score ADD COLUMN IF NOT EXISTS note TEXT DEFAULT 'x', ADD COLUMN IF NOT EXISTS who TEXT", then: "SELECT note FROM score WHERE id = 1", want: "[x]"},
			{query: "ALTER TABLE score DROP COLUMN IF EXISTS nothing", then: "SELECT count(*) FROM score", want: "[3]"},
			{query: "ALTER TABLE score RENAME COLUMN note TO remark", then: "SELECT remark FROM score WHERE id = 3", want: "[x]"},
			{query: "SELECT * FROM score", rows: 3},
			{query: "DELETE FROM score USING (VALUES (1)) AS v(id) WHERE score.id = v.id", rows: 1, then: "SELECT id FROM score ORDER BY id", want: "[2] [3]"},
			{query: "WITH old AS (SELECT id FROM score WHERE id = 3) DELETE FROM score WHERE id IN (SELECT id FROM old)", rows: 1},
			{query: "TRUNCATE TABLE score RESTART IDENTITY", then: "SELECT count(*) FROM score", want: "[0]"},
			{query: "INSERT INTO score (who) SELECT 'n' || g FROM generate_series(1, 3) g", rows: 3, then: "SELECT id, who FROM score ORDER BY id", want: "[1 n1] [2 n2] [3 n3]"},
			{query: "DROP TABLE IF EXISTS nowhere; CREATE VIEW best AS SELECT who, points > 0 AS any FROM score", then: "SELECT count(*) FROM best", want: "[3]"},
			{query: "DROP VIEW best; DROP TABLE score CASCADE"},
		}
		for _, s := range steps {
			n, err := db.CustomExec(t.Context(), s.query, s.args...)
			if err != nil {
				t.Fatalf("%s: %v", s.query, err)
			}
			if n != s.rows {
				t.Errorf("%s: %d rows affected, want %d", s.query, n, s.rows)
			}
			if s.then == "" {
				continue
			}
			res, err := db.CustomQuery(t.Context(), s.then)
			if err != nil {
				t.Errorf("%s: %v", s.then, err)
			} else if got := show(res.Rows); got != s.want {
				t.Errorf("after %s\n%s\n got %s\nwant %s", s.query, s.then, got, s.want)
			}
		}
	})
}

// Values that PostgreSQL refuses are refused, in words that say so.
func TestCustomSQLRefusesValues(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		if _, err := db.CustomExec(t.Context(), "CREATE TABLE item (id INT PRIMARY KEY, name VARCHAR(3), data JSONB, owner UUID, at TIMESTAMPTZ, on_sale BOOL)"); err != nil {
			t.Fatal(err)
		}
		for _, query := range []string{
			"INSERT INTO item (id, name) VALUES (1, 'long')",
			"INSERT INTO item (id, data) VALUES (1, '{a:1}')",
			"INSERT INTO item (id, owner) VALUES (1, 'me')",
			"INSERT INTO item (id, at) VALUES (1, 'tomorrow at noon')",
			"INSERT INTO item (id, on_sale) VALUES (1, 'perhaps')",
			"INSERT INTO item (id) VALUES ('one')",
			"SELECT 'x'::int", "SELECT '70000'::smallint", "SELECT 1 / 0", "SELECT '{'::jsonb", "SELECT date_trunc('fortnight', now())",
			"SELECT 'x'::uuid", "SELECT 'soon'::interval", "SELECT generate_series(1, 2) FROM nowhere",
		} {
			if n, err := db.CustomExec(t.Context(), query); err == nil {
				t.Errorf("%s: %d rows, want an error", query, n)
			}
		}
		if res, err := db.CustomQuery(t.Context(), "SELECT * FROM item"); err != nil || len(res.Rows) != 0 {
			t.Errorf("rows %v, %v", res, err)
		}
	})
}

// What cannot be had on the embedded database is an error that says what to
// write instead; nothing of it reaches the database.
func TestCustomSQLNamesWhatIsNotThere(t *testing.T) {
	t.Parallel()
	db := storetest.SQLite(t)
	for query, want := range map[string]string{
		"COMMIT":                           "a call is a transaction by itself",
		"\ufeffCOMMIT":                     "line 1, column 2: COMMIT",
		"/* /* */ x */ rollback":           "ROLLBACK is not available",
		"SELECT 1;\n\ufeff BEGIN":          "line 2, column 3: BEGIN",
		"SAVEPOINT a":                      "db.BeginTx",
		"ATTACH 'x' AS y":                  "one database",
		"PRAGMA query_only = 1":            "pragma_table_info",
		"VACUUM INTO '/tmp/x'":             "VACUUM is not available",
		"SET statement_timeout = 0":        "nothing to set",
		"SELECT pg_sleep(9)":               "holds up others",
		"SELECT nextval('x')":              "SERIAL PRIMARY KEY",
		"SELECT sha256('a')":               "line 1, column 8: sha256(…) is not available",
		"SELECT format('%I', 'a')":         "format(…) is not available",
		"SELECT unnest(ARRAY[1])":          "write it in FROM",
		"CREATE TABLE t (a INT, b SERIAL)": "b SERIAL PRIMARY KEY",
		"CREATE TABLE t (a INT[])":         "make it jsonb",
		"CREATE TABLE t (a INTERVAL)":      "number of seconds",
		"CREATE TABLE t (a money)":         "the type money",
		"CREATE TEMP TABLE t (a INT)":      "do not share a connection",
		"CREATE FUNCTION f() RETURNS int AS $$ SELECT 1 $$ LANGUAGE sql":                      "logic in the module",
		"CREATE TRIGGER x AFTER INSERT ON users BEGIN SELECT 1; END; COMMIT":                  "hook of the module",
		"SELECT DISTINCT ON (a) a FROM t":                                                     "row_number()",
		"INSERT INTO users (id) VALUES (DEFAULT)":                                             "leave the column out",
		"INSERT INTO users (id) VALUES ('x') ON CONFLICT ON CONSTRAINT users_pkey DO NOTHING": "name the columns",
		"WITH x AS (DELETE FROM users RETURNING id) SELECT * FROM x":                          "a statement of its own",
		"ALTER TABLE users ALTER COLUMN id TYPE TEXT":                                         "keeps its type",
		"SELECT 'open": "does not end",
		"SELECT 1 +":   "ends too early",
		"SELEC 1":      "expected a statement",
		"SELECT " + strings.Repeat("(", 2000) + "1": "nested too deep",
	} {
		_, err := db.CustomQuery(t.Context(), query)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.80s: got %v, want %q", query, err, want)
		}
	}
}

// All other functions of SQLite's can be called.
func TestSQLitesFunctionsPassThrough(t *testing.T) {
	t.Parallel()
	db := storetest.SQLite(t)
	res, err := db.CustomQuery(t.Context(), "SELECT DISTINCT name FROM pragma_function_list")
	if err != nil {
		t.Fatal(err)
	}
	if len(res.Rows) < 100 {
		t.Fatalf("only %d functions", len(res.Rows))
	}
	// Not for statements of modules, or with another meaning in PostgreSQL.
	without := regexp.MustCompile(`^(pg_.*|fts5.*|rtree.*|geopoly.*|sqlite_(log|offset|compileoption_.*)|load_extension|subtype|format|fold|to_jsonb|jsonb_concat|current_.*|\W+)$`)
	for _, row := range res.Rows {
		name := row[0].(string)
		if without.MatchString(name) {
			continue
		}
		if _, err := translate.Translate("SELECT "+name+"(1)", nil); err != nil && strings.Contains(err.Error(), "is not available") {
			t.Error(err)
		}
	}
}

// SQL of scripts has no part in the writes of others: whatever it sends, what
// was acknowledged stays, and what it sets for its connection is gone.
func TestCustomSQLLeavesOthersAlone(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		stop := make(chan struct{})
		done := make(chan error, 1)
		written := 0
		go func() {
			for {
				select {
				case <-stop:
					done <- nil
					return
				default:
				}
				if _, err := db.Exec(t.Context(), insertUser, newID(), fmt.Sprint("kept", written)); err != nil {
					done <- err
					return
				}
				written++
			}
		}()
		for _, query := range []string{
			"\ufeffROLLBACK", "\ufeff COMMIT", "BEGIN", "SELECT 1; ROLLBACK", "SET default_transaction_read_only = on", "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY",
			"\ufeffPRAGMA query_only = 1", "SELECT set_config('default_transaction_read_only', 'on', false)", "SET search_path = nowhere", "CREATE TEMP TABLE users (a INT)",
			"SELECT pg_advisory_lock(1)", "RELEASE op", "SAVEPOINT op",
		} {
			for range 5 {
				_, _ = db.CustomQuery(t.Context(), query)
				_, _ = db.CustomExec(t.Context(), query)
			}
		}
		close(stop)
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		for i := range 60 {
			if _, err := db.Exec(t.Context(), insertUser, newID(), fmt.Sprint("after", i)); err != nil {
				t.Fatalf("write %d after: %v", i, err)
			}
		}
		if n := count(t, db, "SELECT count(*) FROM users WHERE username LIKE 'kept%'"); n != written {
			t.Errorf("%d writes were acknowledged, %d are there", written, n)
		}
	})
}

// A query of a script is bounded in memory.
func TestCustomSQLIsBounded(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		_, err := db.CustomQuery(t.Context(), "SELECT repeat('0123456789', 100000) FROM generate_series(1, 1000)")
		if err == nil || !strings.Contains(err.Error(), "LIMIT") {
			t.Errorf("a large answer: %v", err)
		}
	})
	db := storetest.SQLite(t)
	for _, query := range []string{"SELECT length(hex(zeroblob(900000000)))", "SELECT length(replace(hex(zeroblob(20000000)), '00', 'xxxxxxxxxx'))"} {
		if _, err := db.CustomQuery(t.Context(), query); err == nil {
			t.Errorf("%s: no error", query)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := db.CustomQuery(ctx, "SELECT 1"); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}
