package translate

import (
	"errors"
	"strings"
	"testing"
)

// Whatever comes in, what goes out is read by SQLite as one statement of the
// kind that is said, or it is an error with a place.
func FuzzTranslate(f *testing.F) {
	for _, query := range []string{
		"SELECT 1::int, a->>'b', EXISTS (SELECT 1) FROM t WHERE x = ANY($1) ORDER BY 2 DESC LIMIT 3",
		"\ufeffCOMMIT", "INSERT INTO t (a) VALUES ($1), (now()) ON CONFLICT (a) DO UPDATE SET a = excluded.a RETURNING *",
		"CREATE TABLE t (id SERIAL PRIMARY KEY, b VARCHAR(3) DEFAULT 'x', c JSONB DEFAULT '{}'::jsonb)", "ALTER TABLE t ADD COLUMN IF NOT EXISTS a INT",
		"WITH RECURSIVE x(a) AS (SELECT 1) SELECT a, sum(a) OVER (PARTITION BY a ORDER BY a ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM x, generate_series(1, 2) g",
		"E'a\\'b' $$c$$ /* /* */ */ -- d\n", "TRUNCATE a, b", "SELECT CASE WHEN a THEN ARRAY[1][1] ELSE EXTRACT(EPOCH FROM b) END, (((SELECT 2)))",
		"DELETE FROM t USING u WHERE t.a = u.a; DROP TABLE t CASCADE", "SELECT a.*, * FROM (VALUES (1)) AS a(b) LEFT JOIN unnest($1) WITH ORDINALITY AS u(v, n) ON true",
	} {
		f.Add(query)
	}
	schema := func(table string) []Column {
		if table == "t" {
			return []Column{{"a", Int}, {"b", Time}, {"c", JSON}, {"d", Bool}, {"e", UUID}}
		}
		return nil
	}
	f.Fuzz(func(t *testing.T, query string) {
		if len(query) > 4096 {
			return
		}
		statements, err := Translate(query, schema)
		if err != nil {
			var e *Error
			if !errors.As(err, &e) || e.Line < 1 || e.Column < 1 || e.Message == "" {
				t.Fatalf("%q: %#v", query, err)
			}
			return
		}
		for _, s := range statements {
			if s.SQL == "" {
				continue
			}
			// Our own words begin it: none ends a transaction or changes the connection.
			first, _, _ := strings.Cut(s.SQL, " ")
			switch strings.ToUpper(first) {
			case "SELECT", "VALUES", "WITH", "EXPLAIN":
			case "INSERT", "REPLACE", "UPDATE", "DELETE", "CREATE", "ALTER", "DROP", "ANALYZE", "REINDEX", "SAVEPOINT", "RELEASE", "ROLLBACK":
				if s.Reads {
					t.Errorf("%q becomes %q, which is said to read only", query, s.SQL)
				}
			default:
				t.Errorf("%q becomes %q", query, s.SQL)
			}
			tokens, err := lex(s.SQL)
			if err != nil {
				t.Errorf("%q becomes %q: %v", query, s.SQL, err)
			}
			for _, tok := range tokens {
				if tok.kind == opToken && tok.text == ";" {
					t.Errorf("%q becomes several statements: %q", query, s.SQL)
				}
			}
		}
	})
}
