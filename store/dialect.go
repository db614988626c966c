package store

import "strconv"

// Dialect is the kind of database. Its methods return the SQL fragments that differ.
type Dialect uint8

// The two databases.
const (
	SQLite Dialect = iota
	Postgres
)

// String returns "sqlite" or "postgres".
func (d Dialect) String() string {
	if d == Postgres {
		return "postgres"
	}
	return "sqlite"
}

// Now returns the SQL expression for the current time: on PostgreSQL the time
// the transaction began, on SQLite the time of the call.
func (d Dialect) Now() string { return "now()" }

// ForUpdate returns the row-locking suffix of a SELECT in a write transaction.
// SQLite needs none, because write transactions run one at a time.
func (d Dialect) ForUpdate() string {
	if d == Postgres {
		return " FOR UPDATE"
	}
	return ""
}

// AnyOf returns a comparison with a list that is one argument: write "id " +
// d.AnyOf("$1", "uuid") and pass a []string, []int64 or []uuid.UUID. pgType is the
// PostgreSQL type of an element.
func (d Dialect) AnyOf(placeholder, pgType string) string {
	if d == Postgres {
		return "= ANY(" + placeholder + "::" + pgType + "[])"
	}
	return "IN (SELECT value FROM json_each(" + placeholder + "))"
}

// ILike returns a case-insensitive LIKE with backslash as the escape
// character.
func (d Dialect) ILike(expr, pattern string) string {
	if d == Postgres {
		return expr + " ILIKE " + pattern + ` ESCAPE '\'`
	}
	// SQLite's lower knows ASCII only. fold is called for other texts only, as a call
	// from SQLite into Go costs more than a comparison.
	return "CASE WHEN octet_length(" + expr + ") = length(" + expr + ") THEN lower(" + expr + ") ELSE fold(" + expr + ") END LIKE fold(" + pattern + `) ESCAPE '\'`
}

// JSONConcat returns PostgreSQL's a || b on two JSONB expressions: the members
// of b replace those of a, one level deep.
func (d Dialect) JSONConcat(a, b string) string {
	if d == Postgres {
		return "(" + a + ")::jsonb || (" + b + ")::jsonb"
	}
	return "jsonb_concat(" + a + ", " + b + ")"
}

// JSON prepares text for a JSONB column. On SQLite it is converted to the form that
// PostgreSQL would store (see [NormalizeJSON]); for PostgreSQL it is returned
// unchanged.
func (d Dialect) JSON(text string) (string, error) {
	if d == Postgres {
		return text, nil
	}
	return NormalizeJSON(text)
}

// Greatest returns the larger of two expressions. Like Least it ignores NULL on both
// databases.
func (d Dialect) Greatest(a, b string) string { return "greatest(" + a + ", " + b + ")" }

// Least returns the smaller of two expressions; see [Dialect.Greatest].
func (d Dialect) Least(a, b string) string { return "least(" + a + ", " + b + ")" }

// Placeholders returns "$from, …, $(from+n-1)".
func Placeholders(from, n int) string {
	b := make([]byte, 0, 5*n)
	for i := range n {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = append(b, '$')
		b = strconv.AppendInt(b, int64(from+i), 10)
	}
	return string(b)
}
