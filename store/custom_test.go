package store_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"kumi/store"
	"kumi/store/storetest"
)

// customSetup are the tables that the cases of TestCustomSQL read.
const customSetup = `
CREATE EXTENSION IF NOT EXISTS pgcrypto;
CREATE TABLE IF NOT EXISTS hero (
	id BIGSERIAL PRIMARY KEY,
	Name VARCHAR(20) NOT NULL UNIQUE,
	level INT DEFAULT 1 CHECK (level > 0),
	rate DOUBLE PRECISION,
	alive BOOLEAN NOT NULL DEFAULT true,
	owner UUID,
	data JSONB NOT NULL DEFAULT '{}'::jsonb,
	born DATE,
	seen TIMESTAMPTZ NOT NULL DEFAULT now()
);
CREATE INDEX IF NOT EXISTS hero_data ON hero USING GIN (data);
CREATE INDEX hero_level ON hero USING btree (level DESC NULLS LAST);
INSERT INTO hero (name, level, rate, alive, owner, data, born, seen) VALUES
	('Anna', 5, 1.5, true, 'AAAAAAAA-0000-4000-8000-000000000001', '{"hp": 10, "tags": ["a", "b"], "boss": true, "at": {"x": 1}}', '2024-02-29', '2024-02-29T12:30:45.5Z'),
	('Ben', 7, 2.25, false, 'aaaaaaaa-0000-4000-8000-000000000002', '{"hp": 3, "name": "Bén"}', '2023-12-31', '2023-12-31 23:59:59+00'),
	('Zoë', NULL, NULL, true, NULL, '[1, 2, 3]', NULL, '2024-03-01 00:00:00+02');
`

// Each case answers with the same values on both databases.
var customCases = []struct {
	query string
	args  []any
	want  string // rows, as %v of the values, a time as RFC 3339
}{
	// booleans
	{query: "SELECT EXISTS (SELECT 1 FROM hero), NOT EXISTS (SELECT FROM hero), true, 1 = 2, level > 5 FROM hero WHERE name = 'Ben'", want: "[true false true false true]"},
	{query: "SELECT alive AND level > 1, alive IS NOT TRUE, level BETWEEN 1 AND 6, name IN ('Anna', 'x'), name LIKE 'A%', name IS NULL FROM hero WHERE id = 1", want: "[true false true true true false]"},
	{query: "SELECT ok FROM (SELECT level = 5 AS ok FROM hero WHERE id = 1) s", want: "[true]"},
	{query: "WITH h AS (SELECT name, alive FROM hero) SELECT alive FROM h ORDER BY name", want: "[true] [false] [true]"},
	{query: "SELECT bool_and(alive), bool_or(level > 6), count(*) > 2, COALESCE(bool_or(level > 100), true), CASE WHEN max(level) = 7 THEN true ELSE false END FROM hero", want: "[false true true false true]"},
	{query: "SELECT 'yes'::bool, alive::int, alive::text, NOT alive FROM hero WHERE id = 2", want: "[true 0 false true]"},
	{query: "SELECT h.alive, h.* FROM (SELECT alive, level FROM hero WHERE id = 1) h", want: "[true true 5]"},
	// names of columns
	{query: "SELECT count(*), max(level), lower(name), name, level + 1, 'x', level::text, coalesce(rate, 0), now() IS NULL, EXISTS (SELECT 1), CASE WHEN true THEN 1 END, Name AS heroName FROM hero WHERE id = 1 GROUP BY 3, name, level, rate",
		want: "count max lower name ?column? ?column? level coalesce ?column? exists case heroname"},
	// casts
	{query: "SELECT '12'::int, 2.5::int, '3.5'::float8, 7::text, '{\"a\":1}'::jsonb ->> 'a', CAST('5' AS bigint), 'abc'::varchar(2), 'AAAAAAAA-0000-4000-8000-000000000001'::uuid::text", want: "[12 3 3.5 7 1 5 ab aaaaaaaa-0000-4000-8000-000000000001]"},
	{query: "SELECT $1::int + 1, $2::text || 'x', $3::uuid = owner FROM hero WHERE id = 1", args: []any{41, "y", "aaaaaaaa-0000-4000-8000-000000000001"}, want: "[42 yx true]"},
	{query: "SELECT 5 # 3, 5 & 4, 5 | 2, 1 << 3, ~1, |/ 16.0 = 4", want: "[6 4 7 8 -2 true]"},
	{query: "SELECT 7 / 2, 7 % 4, -7 / 2, 7 / 2.0::float8, 2 ^ 3 = 8, round(2.5::float8 * 10) = 25", want: "[3 3 -3 3.5 true true]"},
	// lists
	{query: "SELECT name FROM hero WHERE id = ANY($1) ORDER BY id", args: []any{[]int64{1, 3}}, want: "[Anna] [Zoë]"},
	{query: "SELECT name FROM hero WHERE owner = ANY($1::uuid[])", args: []any{[]string{"AAAAAAAA-0000-4000-8000-000000000002"}}, want: "[Ben]"},
	{query: "SELECT name FROM hero WHERE name = ANY('{Anna,\"Zoë\"}'::text[]) AND name <> ALL($1) ORDER BY 1", args: []any{[]string{"Anna"}}, want: "[Zoë]"},
	{query: "SELECT name FROM hero WHERE level > ALL(ARRAY[1, 5]) OR 3 = ANY(ARRAY[level, 3]) AND id = 3 ORDER BY id", want: "[Ben] [Zoë]"},
	{query: "SELECT array_length(ARRAY[1,2,3], 1), (ARRAY['a','b'])[2], array_to_string(ARRAY[1,2], '-'), cardinality('{}'::int[]), array_position(ARRAY['a','b'], 'b')", want: "[3 b 1-2 0 2]"},
	{query: "SELECT ARRAY(SELECT name FROM hero WHERE id < 3 ORDER BY id), array_agg(id ORDER BY id DESC) FROM hero", want: "[{Anna,Ben} {3,2,1}]"},
	{query: "SELECT x FROM unnest($1::int[]) AS x ORDER BY x DESC", args: []any{[]int64{1, 3, 2}}, want: "[3] [2] [1]"},
	{query: "SELECT u.v, u.n FROM unnest(ARRAY['a','b']) WITH ORDINALITY AS u(v, n)", want: "[a 1] [b 2]"},
	// json
	{query: "SELECT data->>'hp', data->'tags'->>0, data->'tags', data #>> '{at,x}', data->>'boss', data->'none' IS NULL, data ? 'hp' FROM hero WHERE id = 1", want: `[10 a ["a", "b"] 1 true true true]`},
	{query: "SELECT name FROM hero WHERE data @> '{\"boss\": true}'", want: "[Anna]"},
	{query: "SELECT name FROM hero WHERE data @> $1 ORDER BY id", args: []any{`{"tags": ["b"]}`}, want: "[Anna]"},
	{query: "SELECT name FROM hero WHERE (data->>'hp')::int < 5 AND data->>'name' = 'Bén'", want: "[Ben]"},
	{query: "SELECT jsonb_set(data, '{hp}', '99'), jsonb_set(data, '{at,y}', '[1]'::jsonb), data || '{\"new\": null}', data - 'tags', data #- '{at,x}' FROM hero WHERE id = 1",
		want: `[{"at": {"x": 1}, "hp": 99, "boss": true, "tags": ["a", "b"]} {"at": {"x": 1, "y": [1]}, "hp": 10, "boss": true, "tags": ["a", "b"]} {"at": {"x": 1}, "hp": 10, "new": null, "boss": true, "tags": ["a", "b"]} {"at": {"x": 1}, "hp": 10, "boss": true} {"at": {}, "hp": 10, "boss": true, "tags": ["a", "b"]}]`},
	{query: "SELECT jsonb_build_object('n', name, 'a', alive, 'l', level, 'd', data->'hp'), jsonb_build_array(1, 'x', true, NULL), to_jsonb(name), jsonb_typeof(data), jsonb_array_length(data->'tags') FROM hero WHERE id = 1",
		want: `[{"a": true, "d": 10, "l": 5, "n": "Anna"} [1, "x", true, null] "Anna" object 2]`},
	{query: "SELECT jsonb_agg(name ORDER BY id), jsonb_object_agg(name, level) FROM hero WHERE id < 3", want: `[["Anna", "Ben"] {"Ben": 7, "Anna": 5}]`},
	{query: "SELECT e, e->>0 IS NULL FROM hero, jsonb_array_elements(data) e WHERE id = 3 ORDER BY 1", want: "[1 false] [2 false] [3 false]"},
	{query: "SELECT h.name, t FROM hero h CROSS JOIN LATERAL jsonb_array_elements_text(h.data->'tags') AS t WHERE h.id = 1", want: "[Anna a] [Anna b]"},
	{query: "SELECT key, value FROM hero, jsonb_each(data) WHERE id = 2 ORDER BY key", want: `[hp 3] [name "Bén"]`},
	{query: "SELECT k FROM hero, jsonb_object_keys(data) k WHERE id = 2 ORDER BY k", want: "[hp] [name]"},
	// times
	{query: "SELECT seen, born, seen::date, seen::text FROM hero WHERE id = 1", want: "[2024-02-29T12:30:45.5Z 2024-02-29T00:00:00Z 2024-02-29T00:00:00Z 2024-02-29 12:30:45.5+00]"},
	{query: "SELECT seen + interval '1 day', seen - INTERVAL '2 hours 30 minutes', seen + $1::interval, born + 1, date_trunc('month', seen) FROM hero WHERE id = 2", args: []any{"1 month"},
		want: "[2024-01-01T23:59:59Z 2023-12-31T21:29:59Z 2024-01-31T23:59:59Z 2024-01-01T00:00:00Z 2023-12-01T00:00:00Z]"},
	{query: "SELECT EXTRACT(YEAR FROM seen)::int, date_part('dow', seen)::int, extract(epoch from seen)::bigint, extract(epoch from seen - '2024-02-29'::timestamptz)::int FROM hero WHERE id = 1", want: "[2024 4 1709209846 45046]"},
	{query: "SELECT now() - interval '1 minute' < now(), now() - seen > interval '1 day', seen < now(), seen = '2024-02-29 12:30:45.5', age(seen, seen) = interval '0' FROM hero WHERE id = 1", want: "[true true true true true]"},
	{query: "SELECT name FROM hero WHERE seen BETWEEN '2023-12-31' AND $1 ORDER BY seen", args: []any{time.Date(2024, 2, 29, 23, 0, 0, 0, time.UTC)}, want: "[Ben] [Anna] [Zoë]"},
	{query: "SELECT to_char(seen, 'YYYY-MM-DD HH24:MI:SS'), to_timestamp(0), make_interval(days => 1)::text, (seen - '2024-02-28 12:30:45.5'::timestamptz)::text FROM hero WHERE id = 1", want: "[2024-02-29 12:30:45 1970-01-01T00:00:00Z 1 day 1 day]"},
	{query: "SELECT CURRENT_TIMESTAMP > seen, current_date >= '2024-01-01', seen AT TIME ZONE 'Europe/Berlin' FROM hero WHERE id = 1", want: "[true true 2024-02-29T13:30:45.5Z]"},
	{query: "SELECT date(seen), date('2024-02-29 10:00'), date(born) + 1, date(seen) = '2024-02-29' FROM hero WHERE id = 1", want: "[2024-02-29T00:00:00Z 2024-02-29T00:00:00Z 2024-03-01T00:00:00Z true]"},
	{query: "SELECT g FROM generate_series('2024-01-31'::timestamptz, '2024-03-31'::timestamptz, interval '1 month') g", want: "[2024-01-31T00:00:00Z] [2024-02-29T00:00:00Z] [2024-03-29T00:00:00Z]"},
	// text
	{query: "SELECT name ILIKE 'ANN%', name ~ '^A', name ~* '^a', name !~ 'x', name NOT ILIKE '%B%', 'a_b' LIKE 'a\\_b', 'axb' LIKE 'a\\_b' FROM hero WHERE id = 1", want: "[true true true true true true false]"},
	{query: "SELECT name FROM hero WHERE lower(name) = 'zoë' OR upper(name) LIKE 'ZOË'", want: "[Zoë]"},
	{query: "SELECT substring(name from 2 for 2), substring(name, 2), left(name, 2), right(name, -1), lpad('7', 3, '0'), split_part('a-b-c', '-', 2), position('n' in name), strpos(name, 'z'), initcap('hi there') FROM hero WHERE id = 1", want: "[nn nna An nna 007 b 2 0 Hi There]"},
	{query: "SELECT trim(both 'x' from 'xaxx'), btrim('  a '), concat('a', NULL, 1, true), concat_ws('-', 'a', NULL, 'b'), 'a' || 1 + 2, repeat('ab', 2), replace('aa', 'a', 'b'), regexp_replace('a1b2', '[0-9]', '#', 'g'), length('Zoë'), E'a\\'b', $$it's$$, md5('a')",
		want: "[a a a1t a-b a3 abab bb a#b# 3 a'b it's 0cc175b9c0f1b6a831c399e269772661]"},
	{query: "SELECT string_agg(name, ', ' ORDER BY name DESC), count(*) FILTER (WHERE alive), count(DISTINCT level), min(seen), sum(level) = 12 FROM hero", want: "[Zoë, Ben, Anna 2 2 2023-12-31T23:59:59Z true]"},
	// order, limits, windows
	{query: "SELECT name FROM hero ORDER BY level", want: "[Anna] [Ben] [Zoë]"},
	{query: "SELECT name FROM hero ORDER BY level DESC LIMIT 2", want: "[Zoë] [Ben]"},
	{query: "SELECT name FROM hero ORDER BY level DESC NULLS LAST OFFSET 1 ROWS FETCH FIRST 1 ROW ONLY", want: "[Anna]"},
	{query: "SELECT name, rank() OVER (ORDER BY level DESC NULLS LAST), lag(name) OVER w FROM hero WINDOW w AS (ORDER BY id) ORDER BY id", want: "[Anna 2 <nil>] [Ben 1 Anna] [Zoë 3 Ben]"},
	{query: "SELECT name FROM hero WHERE id = 1 FOR UPDATE", want: "[Anna]"},
	{query: "SELECT n FROM generate_series(1, 5, 2) AS n", want: "[1] [3] [5]"},
	{query: "SELECT * FROM generate_series(3, 1, -1)", want: "[3] [2] [1]"},
	{query: "SELECT v.id, v.word FROM (VALUES (1, 'one'), (2, 'two')) AS v(id, word) ORDER BY v.id", want: "[1 one] [2 two]"},
	{query: "(SELECT 1) UNION ALL (SELECT 2) ORDER BY 1 DESC", want: "[2] [1]"},
	{query: "WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t WHERE n < 3) SELECT n, n = 3 FROM t", want: "[1 false] [2 false] [3 true]"},
	{query: "SELECT a.name, b.name FROM hero a JOIN hero b ON b.id = a.id + 1 LEFT JOIN hero c ON c.id = a.id WHERE a.id = 1 LIMIT ALL", want: "[Anna Ben]"},
	{query: "SELECT level IS DISTINCT FROM NULL, level IS NOT DISTINCT FROM 5 FROM hero WHERE id = 1", want: "[true true]"},
	// what there is
	{query: "SELECT EXISTS (SELECT FROM information_schema.tables WHERE table_schema = 'public' AND table_name = 'hero')", want: "[true]"},
	{query: "SELECT to_regclass('hero') IS NOT NULL, to_regclass('public.nowhere') IS NULL, current_schema(), version() <> '', (SELECT count(*) FROM pg_tables WHERE tablename = 'hero')", want: "[true true public true 1]"},
	{query: "SELECT string_agg(DISTINCT name, ',') FROM hero WHERE id = 1", want: "[Anna]"},
	{query: "SELECT column_name FROM information_schema.columns WHERE table_name = 'hero' AND column_name LIKE 'a%'", want: "[alive]"},
	{query: "SELECT length(gen_random_uuid()::text), public.hero.name FROM public.hero WHERE id = 1", want: "[36 Anna]"},
	{query: "SELECT random() < 1, random() >= 0, greatest(1, NULL, 3), least(2, 1), nullif(1, 1), abs(-3)", want: "[true true 3 1 <nil> 3]"},
	// Nakama's own tables
	{query: "SELECT id, username = '', metadata, metadata->>'x' IS NULL, create_time < now(), (metadata || '{\"x\": 1}') ->> 'x' FROM users WHERE id = '00000000-0000-0000-0000-000000000000'", want: "[00000000-0000-0000-0000-000000000000 true {} true true 1]"},
}

func TestCustomSQL(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		if _, err := db.CustomExec(t.Context(), customSetup); err != nil {
			t.Fatal(err)
		}
		for _, c := range customCases {
			res, err := db.CustomQuery(t.Context(), c.query, c.args...)
			if err != nil {
				t.Errorf("%s: %v", c.query, err)
				continue
			}
			got := show(res.Rows)
			if strings.HasPrefix(c.want, "count ") { // a case of names
				got = strings.Join(res.Columns, " ")
			}
			if got != c.want {
				t.Errorf("%s:\n got %s\nwant %s", c.query, got, c.want)
			}
			rows, err := goRows(t.Context(), db.SQL(), c.query, c.args)
			if err != nil {
				t.Errorf("%s in Go: %v", c.query, err)
			} else if !strings.HasPrefix(c.want, "count ") && show(rows) != c.want {
				t.Errorf("%s in Go:\n got %s\nwant %s", c.query, show(rows), c.want)
			}
		}
	})
}

// show writes rows for a comparison: bytes as text, times as RFC 3339.
func show(rows [][]any) string {
	var out []string
	for _, row := range rows {
		values := make([]any, len(row))
		for i, v := range row {
			switch v := v.(type) {
			case []byte:
				values[i] = string(v)
			case time.Time:
				values[i] = v.Format(time.RFC3339Nano)
			default:
				values[i] = v
			}
		}
		out = append(out, fmt.Sprint(values))
	}
	return strings.Join(out, " ")
}

// goRows is what a Go module reads.
func goRows(ctx context.Context, db *sql.DB, query string, args []any) (out [][]any, err error) {
	rows, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	columns, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	for rows.Next() {
		row := make([]any, len(columns))
		into := make([]any, len(columns))
		for i := range row {
			into[i] = &row[i]
		}
		if err := rows.Scan(into...); err != nil {
			return nil, err
		}
		out = append(out, row)
	}
	return out, rows.Err()
}
