package transfer_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kumi/store"
	"kumi/store/storetest"
	"kumi/store/transfer"
)

const nakamaDump = "../../test/testdata/nakama-3.40-postgres15.sql.gz"

// batchRows makes the tables of the tests more than one batch.
const batchRows = 40

func TestMain(m *testing.M) {
	transfer.SetBatchRows(batchRows)
	storetest.Main(m)
}

func open(t *testing.T, o store.Options) *store.DB {
	t.Helper()
	db, err := store.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// nakama returns a database that Nakama 3.40 wrote.
func nakama(t *testing.T) *store.DB {
	t.Helper()
	address := storetest.Restore(t, nakamaDump)
	return open(t, store.Options{Address: address, MaxOpenConns: 10})
}

func embedded(t *testing.T) *store.DB { return open(t, store.Options{DataDir: t.TempDir()}) }

func empty(t *testing.T) *store.DB {
	return open(t, store.Options{Address: storetest.EmptyPostgres(t), MaxOpenConns: 10})
}

// sums are the rows and checksums of a report.
func sums(r *transfer.Report) map[string]string {
	out := map[string]string{}
	for _, t := range r.Tables {
		out[t.Name] = fmt.Sprint(t.Rows, " ", t.Checksum)
	}
	return out
}

func mustCopy(t *testing.T, from, to *store.DB, o transfer.Options) *transfer.Report {
	t.Helper()
	r, err := transfer.Copy(t.Context(), from, to, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// rows returns a hash of the rows of each table, computed by PostgreSQL.
func rows(t *testing.T, db *store.DB) map[string]string {
	t.Helper()
	tables, err := db.CustomQuery(t.Context(), `SELECT c.relname::text FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r'
		AND c.relname NOT IN ('migration_info', 'kumi_copy')`)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, row := range tables.Rows {
		name := row[0].(string)
		res, err := db.CustomQuery(t.Context(), `SELECT count(*) || ' ' || coalesce(md5(string_agg(r, '|' ORDER BY r)), '') FROM (SELECT to_jsonb(t)::text AS r FROM "`+name+`" t) AS x`)
		if err != nil {
			t.Fatal(err)
		}
		out[name] = res.Rows[0][0].(string)
	}
	return out
}

func run(t *testing.T, db *store.DB, statements ...string) {
	t.Helper()
	for _, s := range statements {
		if _, err := db.SQL().ExecContext(t.Context(), s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

// odd are rows with values that are easily changed by a copy.
var odd = []string{
	`INSERT INTO users (id, username, display_name, password, metadata, wallet, create_time, update_time, disable_time) VALUES
	('aaaaaaaa-0000-4000-8000-000000000001', E'tab\tline\nback\\slash \\N "quoted" ''single''', E'\\.', '\x', '{"n": 12345678901234567890.123456789000, "e": 1e30, "f": 0.1, "big": 9007199254740993}',
		'{"coins": 9223372036854775807}', '2026-02-28 23:59:59.999999+00', '0001-01-01 00:00:00+00', '9999-12-31 23:59:59.000001+00'),
	('aaaaaaaa-0000-4000-8000-000000000002', '0', '', NULL, '{"b": 1, "aa": {"\u00e9": "\t\"\\", "": null}, "x": [1, [], {}]}', '{}', '2026-01-01 00:00:00.1+00', '2026-01-01 00:00:00+00', '1970-01-01 00:00:00+00'),
	('aaaaaaaa-0000-4000-8000-000000000003', '2026-01-01 00:00:00.000000+00:00', 'ünïcödé 🦊', decode('000102ff27225c0a0d09', 'hex'), '"text"', '{}', now(), now(), now())`,
	`INSERT INTO storage (collection, key, user_id, value, version, read, write) VALUES ('Z', 'a', 'aaaaaaaa-0000-4000-8000-000000000001', '{"deep": [[[[{"a": 1.50}]]]]}', 'v', 2, 0),
	('z', 'é', 'aaaaaaaa-0000-4000-8000-000000000002', 'null', '', 0, 1), ('_', E'\n', '00000000-0000-0000-0000-000000000000', '[]', 'x', 1, 1)`,
	`INSERT INTO console_user (id, username, email, password, mfa_secret, mfa_recovery_codes, mfa_required) VALUES (gen_random_uuid(), 'second', 'second@example.com', '\x00', '\xff00', '\x', NULL)`,
	`INSERT INTO subscription (original_transaction_id, product_id, user_id, expire_time, raw_response) VALUES ('1', 'p', 'aaaaaaaa-0000-4000-8000-000000000001', now(), to_jsonb('{"a": 1}'::text))`,
	`INSERT INTO user_tombstone (user_id) VALUES (gen_random_uuid())`,
}

// A database that Nakama wrote is the same after a copy into the embedded database and
// from there to PostgreSQL.
func TestThereAndBack(t *testing.T) {
	t.Parallel()
	from, lite, back := nakama(t), embedded(t), empty(t)
	run(t, from, odd...)
	r := mustCopy(t, from, lite, transfer.Options{})
	if len(r.Tables) != 19 || r.Rows < 1600 || r.Copied != r.Rows || len(r.Apart) != 0 || len(r.Changed) != 0 || r.Resumed {
		t.Errorf("import: %+v", r)
	}
	r2 := mustCopy(t, lite, back, transfer.Options{})
	if d := cmp.Diff(sums(r), sums(r2)); d != "" {
		t.Errorf("checksums (-import +export): %s", d)
	}
	if d := cmp.Diff(rows(t, from), rows(t, back)); d != "" {
		t.Errorf("rows, by PostgreSQL (-before +after): %s", d)
	}
	for _, db := range []*store.DB{lite, back} {
		if _, err := db.CheckMigrations(t.Context()); err != nil {
			t.Error(err)
		}
		if there, err := db.HasTable(t.Context(), store.CopyTable); there || err != nil {
			t.Errorf("the table of the progress is left: %v", err)
		}
	}
}

// moduleTables are tables as modules make them, each with rows.
var moduleTables = []string{
	`CREATE TABLE shop (id serial PRIMARY KEY, name varchar(40) NOT NULL UNIQUE, price numeric(10,2) NOT NULL DEFAULT 1.5, tags jsonb NOT NULL DEFAULT '{}', ratio double precision, small real,
		since timestamptz NOT NULL DEFAULT now(), day date, open boolean DEFAULT true, owner uuid REFERENCES users (id) ON DELETE CASCADE, image bytea, label text GENERATED ALWAYS AS (upper(name)) STORED, CHECK (price > 0))`,
	`CREATE INDEX shop_by_day ON shop (day, open)`,
	`CREATE TABLE shop_sale (shop int NOT NULL REFERENCES shop (id), at timestamp NOT NULL, note char(5), PRIMARY KEY (shop, at))`,
	`CREATE TABLE aaa_sale_note (shop int NOT NULL, at timestamp NOT NULL, note text, FOREIGN KEY (shop, at) REFERENCES shop_sale (shop, at))`,
	`INSERT INTO shop (name, price, tags, ratio, small, day, owner, image) SELECT 'shop ' || i, i + 0.10, jsonb_build_object('n', i), 1.0 / i, 0.1, '2026-02-01', id, '\x00ff' FROM generate_series(1, 40) i, (SELECT id FROM users WHERE username = 'alice') a`,
	`INSERT INTO shop (name, ratio, open) VALUES ('big', 1e300, NULL)`,
	`INSERT INTO shop_sale SELECT id, '2026-01-01 10:00:00.000001', 'x' FROM shop`,
	`INSERT INTO aaa_sale_note SELECT shop, at, 'n' FROM shop_sale`,
	`CREATE TABLE kumi_job (id VARCHAR(160) PRIMARY KEY, name VARCHAR(128) NOT NULL, schedule VARCHAR(256) NOT NULL, payload TEXT NOT NULL, run_at BIGINT NOT NULL, tries INT NOT NULL)`,
	`CREATE INDEX kumi_job_run_at ON kumi_job (run_at)`,
	`INSERT INTO kumi_job VALUES ('1', 'pay', '', '{}', 1795874150490, 0)`,
	`CREATE TABLE kumi_rank (board text, records bigint)`, `INSERT INTO kumi_rank VALUES ('b', 1)`,
	// These cannot be copied.
	`CREATE TABLE lists (id int PRIMARY KEY, tags text[])`, `CREATE TABLE tree (id int PRIMARY KEY, parent int REFERENCES tree (id))`,
	`CREATE SCHEMA other`, `CREATE TABLE other.place (id int PRIMARY KEY)`,
}

// The tables of modules and Kumi's own are copied with their rows, where the embedded
// database can have them; the others are named.
func TestModuleTables(t *testing.T) {
	t.Parallel()
	from, lite, back := nakama(t), embedded(t), empty(t)
	run(t, from, moduleTables...)
	r := mustCopy(t, from, lite, transfer.Options{Derived: map[string]string{"kumi_rank": "made again"}})
	apart := map[string]string{"kumi_rank": "made again", "lists": "hold lists", "tree": "refers to itself", "other.place": "another schema"}
	for name, reason := range apart {
		if !strings.Contains(r.Apart[name], reason) {
			t.Errorf("%s: %q", name, r.Apart[name])
		}
	}
	if len(r.Apart) != len(apart) {
		t.Errorf("not copied: %v", r.Apart)
	}
	// As a module sees it.
	res, err := lite.CustomQuery(t.Context(), `SELECT s.price, s.label, s.tags->>'n', s.since > '2020-01-01', u.username, count(*) OVER () FROM shop s JOIN users u ON u.id = s.owner WHERE s.name = 'shop 7'`)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([][]any{{7.1, "SHOP 7", "7", true, "alice", int64(1)}}, res.Rows); d != "" {
		t.Error(d)
	}
	if res, err = lite.CustomQuery(t.Context(), "INSERT INTO shop (name) VALUES ('new') RETURNING id, open"); err != nil || res.Rows[0][0] != int64(42) || res.Rows[0][1] != true {
		t.Errorf("a new row: %v, %v", res, err)
	}
	if _, err := lite.CustomExec(t.Context(), "INSERT INTO shop (name) VALUES ('new')"); err == nil {
		t.Error("a second shop with the same name")
	}
	if _, err := lite.CustomExec(t.Context(), "DELETE FROM shop WHERE name = 'new'"); err != nil {
		t.Fatal(err)
	}

	r2 := mustCopy(t, lite, back, transfer.Options{})
	if len(r2.Apart) != 0 {
		t.Errorf("not copied to PostgreSQL: %v", r2.Apart)
	}
	was, is := rows(t, from), rows(t, back)
	for name := range apart {
		delete(was, name)
	}
	for _, name := range []string{"shop", "shop_sale", "aaa_sale_note"} { // types and scales may be others: 1.50 is 1.5
		delete(was, name)
		delete(is, name)
	}
	if d := cmp.Diff(was, is); d != "" {
		t.Errorf("(-before +after): %s", d)
	}
	if res, err = back.CustomQuery(t.Context(), "INSERT INTO shop (name) VALUES ('new') RETURNING id"); err != nil || res.Rows[0][0].(int64) < 42 {
		t.Errorf("a new row on PostgreSQL: %v, %v", res, err)
	}
	if d := cmp.Diff(sums(r), sums(r2)); d != "" {
		t.Errorf("checksums (-import +export): %s", d)
	}
}
