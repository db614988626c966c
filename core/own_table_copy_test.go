package core

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kumi/core/rank"
	"kumi/presence"
	"kumi/store"
	"kumi/store/storetest"
	"kumi/store/transfer"
)

// ownTables are all tables of this kind in a database.
func ownTables(db *store.DB) (all []*ownTable) {
	var m maintenance
	m.init()
	d := NewMatchmakerDecider(db, presence.NodeHash("node"), func() uint64 { return 1 })
	all = []*ownTable{
		newEventTable(), newJobTable(), newJobStates().table, newRevocationTable(), newConsoleTable(), newBanTable(), newNotificationTable(), newMetricTable(), m.table,
		NewMatchSnapshots(db).table, NewKeptSessions(db, "node").table, NewNodes(db).table, newOwnTable("kumi_rank_count", rank.Schema(db.Dialect())...),
	}
	if db.Dialect() == store.Postgres { // only clusters, or several servers, have these
		var l changeLog
		l.init()
		all = append(all, d.lease, d.rows, l.table)
	}
	return all
}

// makeOwnTables creates the tables as the server does.
func makeOwnTables(t *testing.T, db *store.DB) {
	t.Helper()
	for _, table := range ownTables(db) {
		if err := table.ensure(t.Context(), db); err != nil {
			t.Fatal(err)
		}
	}
}

// ownColumn matches the columns in the statement that creates a table.
var ownColumn = regexp.MustCompile(`(?m)[(,\n]\s*([a-z_]+)\s+(VARCHAR|TEXT|BIGINT|SMALLINT|INT|BYTEA|TIMESTAMPTZ)\b`)

// fillOwnTables adds a row to each table that a copy takes with it.
func fillOwnTables(t *testing.T, db *store.DB) {
	t.Helper()
	values := map[string]any{"VARCHAR": "é'1", "TEXT": "a\n\\N\t", "BIGINT": int64(1) << 62, "SMALLINT": 7, "INT": 1 << 30, "BYTEA": []byte("\x00\xff\\x00\n"), "TIMESTAMPTZ": "2026-02-28 23:59:59.999999+00"}
	for _, table := range ownTables(db) {
		if DerivedTables[table.name] != "" {
			continue
		}
		var names, params []string
		var args []any
		for _, m := range ownColumn.FindAllStringSubmatch(table.create[0], -1) {
			names, args = append(names, m[1]), append(args, values[m[2]])
			params = append(params, fmt.Sprint("$", len(args)))
		}
		if _, err := db.Exec(t.Context(), "INSERT INTO "+table.name+" ("+strings.Join(names, ", ")+") VALUES ("+strings.Join(params, ", ")+")", args...); err != nil {
			t.Fatalf("%s: %v", table.name, err)
		}
	}
}

// ownSchema returns the columns and indexes of the tables on PostgreSQL, without derived ones.
func ownSchema(t *testing.T, db *store.DB) map[string]string {
	t.Helper()
	rows, err := db.Reader().QueryContext(t.Context(), `SELECT c.relname || '.' || a.attname,
			format_type(a.atttypid, a.atttypmod) || CASE WHEN a.attnotnull THEN ' NOT NULL' ELSE '' END || coalesce(' DEFAULT ' || pg_get_expr(d.adbin, d.adrelid), ''), c.relname
		FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
		WHERE c.relname LIKE 'kumi\_%' AND c.relkind = 'r'
		UNION ALL SELECT indexname, indexdef, tablename FROM pg_indexes WHERE tablename LIKE 'kumi\_%'`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	all := map[string]string{}
	for rows.Next() {
		var name, what, table string
		if err := rows.Scan(&name, &what, &table); err != nil {
			t.Fatal(err)
		}
		if DerivedTables[table] == "" {
			all[name] = what
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

// of returns the entries whose names begin as one of the tables that a database has.
func of(schema map[string]string, tables []*ownTable) map[string]string {
	out := maps.Clone(schema)
	maps.DeleteFunc(out, func(name, _ string) bool {
		for _, t := range tables {
			if name == t.name || strings.HasPrefix(name, t.name+".") || strings.HasPrefix(name, t.name+"_") {
				return false
			}
		}
		return true
	})
	return out
}

// widened returns the columns with bigint in place of integer.
func widened(schema map[string]string) map[string]string {
	for name, what := range schema {
		if rest, ok := strings.CutPrefix(what, "integer"); ok {
			schema[name] = "bigint" + rest
		}
	}
	return schema
}

func copyAll(t *testing.T, from, to *store.DB) map[string]string {
	t.Helper()
	r, err := transfer.Copy(t.Context(), from, to, transfer.Options{Derived: DerivedTables})
	if err != nil {
		t.Fatal(err)
	}
	sums := map[string]string{}
	for _, table := range r.Tables {
		sums[table.Name] = fmt.Sprint(table.Rows, " ", table.Checksum)
	}
	return sums
}

// All own tables, with rows and without, are copied from one database to the other, and
// on PostgreSQL they are then as the server creates them.
func TestOwnTablesAreCopied(t *testing.T) {
	t.Parallel()
	open := func(o store.Options) *store.DB {
		db, err := store.Open(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = db.Close() })
		return db
	}
	empty := func() *store.DB { return open(store.Options{Address: storetest.EmptyPostgres(t), MaxOpenConns: 5}) }
	made := storetest.PostgresDB(t)
	makeOwnTables(t, made)
	want := ownSchema(t, made)
	for _, rows := range []bool{false, true} {
		t.Run(fmt.Sprint("rows=", rows), func(t *testing.T) {
			for _, begin := range []*store.DB{storetest.SQLite(t), storetest.PostgresDB(t)} {
				makeOwnTables(t, begin)
				if rows {
					fillOwnTables(t, begin)
				}
				end, lite, tables := empty(), open(store.Options{DataDir: t.TempDir()}), ownTables(begin)
				var sums []map[string]string
				if begin.Dialect() == store.Postgres {
					sums = append(sums, copyAll(t, begin, lite), copyAll(t, lite, end))
				} else {
					sums = append(sums, copyAll(t, begin, end), copyAll(t, end, lite))
				}
				want, got := of(want, tables), ownSchema(t, end)
				if begin.Dialect() == store.Postgres { // the embedded database has one type for whole numbers of both sizes
					want = widened(want)
				}
				if d := cmp.Diff(want, got); d != "" {
					t.Errorf("columns and indexes, from %s (-as created +as copied): %s", begin.Dialect(), d)
				}
				if d := cmp.Diff(sums[0], sums[1]); d != "" {
					t.Errorf("from %s (-first +second copy): %s", begin.Dialect(), d)
				}
				for _, table := range tables {
					n := map[bool]string{false: "0 ", true: "1 "}[rows]
					if DerivedTables[table.name] == "" && !strings.HasPrefix(sums[1][table.name], n) {
						t.Errorf("%s: rows and checksum %q", table.name, sums[1][table.name])
					}
				}
			}
		})
	}
}

// The tests of copies know all own tables.
func TestOwnTablesAreKnown(t *testing.T) {
	t.Parallel()
	known := map[string]bool{}
	for _, table := range ownTables(storetest.PostgresDB(t)) {
		known[table.name] = true
	}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`newOwnTable\("(\w+)"`).FindAllStringSubmatch(string(text), -1) {
			if !known[m[1]] {
				t.Errorf("%s: ownTables lacks %s", file, m[1])
			}
		}
	}
}
