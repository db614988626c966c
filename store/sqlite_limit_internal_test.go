package store

import (
	"database/sql/driver"
	"testing"
	"time"
)

func TestStableLimits(t *testing.T) {
	t.Parallel()
	for query, want := range map[string]string{
		"SELECT 1":                             "SELECT 1",
		"SELECT 1 LIMIT 5":                     "SELECT 1 LIMIT 5",
		"SELECT a FROM t LIMIT $1 OFFSET $2":   "SELECT a FROM t LIMIT +$1 OFFSET $2",
		"SELECT (SELECT 1 limit ?) LIMIT  $12": "SELECT (SELECT 1 limit +?) LIMIT  +$12",
		"SELECT 'it''s LIMIT $1' LIMIT $1":     "SELECT 'it''s LIMIT $1' LIMIT +$1",
	} {
		if got := stableLimits(query); got != want {
			t.Errorf("%s becomes %s, want %s", query, got, want)
		}
	}
}

// A limit that is a parameter costs about as much as one in the text: SQLite does not
// parse the statement again for each value.
func TestLimitsAreNotParsedAgain(t *testing.T) {
	t.Parallel()
	c, err := (&connector{dsn: ":memory:"}).Connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	own := c.(*conn)
	// Many columns take long to parse and none to read, since there are no rows.
	from := " FROM (SELECT 1 AS a) WHERE a = $1 AND a IN (1, 2, 3) AND (a, a) > (SELECT max(b), min(b) FROM (SELECT 5 AS b)) ORDER BY a LIMIT "
	run := func(limit string, args ...driver.NamedValue) time.Duration {
		began := time.Now()
		for range 200 {
			rows, err := own.QueryContext(t.Context(), "SELECT a, a + 1, a || 'x', CASE a WHEN 1 THEN 2 ELSE 3 END, coalesce(a, 1), abs(a)"+from+limit, args)
			if err != nil {
				t.Fatal(err)
			}
			_ = rows.Close()
		}
		return time.Since(began)
	}
	one, ten := driver.NamedValue{Ordinal: 1, Value: int64(1)}, driver.NamedValue{Ordinal: 2, Value: int64(10)}
	best := time.Duration(1<<63 - 1)
	bound, literal := best, best
	for range 20 {
		bound, literal = min(bound, run("$2", one, ten)), min(literal, run("10", one))
	}
	if bound > 2*literal {
		t.Errorf("with a parameter %s, with a number %s", bound, literal)
	}
}
