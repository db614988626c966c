package transfer

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"

	"kumi/store"
)

// kind says which canonical form the values of a column have. It follows from the
// column's type on PostgreSQL.
type kind uint8

const (
	text      kind = iota // also every type that is not listed here, in PostgreSQL's text form
	integer               // decimal
	float                 // the shortest decimal that is this number
	numeric               // decimal, without exponent and trailing zeros
	boolean               // true or false
	timestamp             // timeLayout, UTC
	jsonb                 // PostgreSQL's text form of jsonb; also for json
	bytea                 // the bytes
)

// timeLayout is how the embedded database stores times.
const timeLayout = "2006-01-02 15:04:05.000000-07:00"

// row is a row in canonical form: one value per column, nil for NULL.
type row [][]byte

// kindOf returns the kind of PostgreSQL's type, named as in pg_type.
func kindOf(typname string) kind {
	switch typname {
	case "int2", "int4", "int8":
		return integer
	case "float4", "float8":
		return float
	case "numeric":
		return numeric
	case "bool":
		return boolean
	case "timestamptz", "timestamp":
		return timestamp
	case "jsonb", "json":
		return jsonb
	case "bytea":
		return bytea
	}
	return text
}

// canonicalTime converts a time as PostgreSQL prints it in UTC, or as custom SQL may
// have stored it in SQLite. What has no such form (infinity, years before 1 or after
// 9999) is returned unchanged.
func canonicalTime(v []byte) []byte {
	if isCanonicalTime(v) {
		return v
	}
	s := string(v)
	for _, layout := range []string{"2006-01-02 15:04:05.999999-07", "2006-01-02 15:04:05.999999", "2006-01-02 15:04:05.999999-07:00", time.RFC3339Nano, time.DateOnly} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC().AppendFormat(nil, timeLayout)
		}
	}
	return v
}

func isCanonicalTime(v []byte) bool {
	return len(v) == len(timeLayout) && bytes.HasSuffix(v, []byte("+00:00"))
}

func canonicalFloat(v []byte) []byte {
	f, err := strconv.ParseFloat(string(v), 64)
	if err != nil {
		return v
	}
	return strconv.AppendFloat(nil, f, 'g', -1, 64)
}

func canonicalNumeric(v []byte) []byte {
	if bytes.ContainsAny(v, "eE") { // SQLite's form of large and small numbers
		if f, err := strconv.ParseFloat(string(v), 64); err == nil {
			v = strconv.AppendFloat(nil, f, 'f', -1, 64)
		}
	}
	if bytes.IndexByte(v, '.') >= 0 {
		v = bytes.TrimSuffix(bytes.TrimRight(v, "0"), []byte("."))
	}
	return v
}

// canonicalJSON converts JSON that is not known to be in PostgreSQL's form.
func canonicalJSON(v []byte) []byte {
	if s, err := store.NormalizeJSON(string(v)); err == nil {
		return []byte(s)
	}
	return v
}

func canonicalBool(v []byte) []byte {
	switch string(v) {
	case "t", "1":
		return []byte("true")
	case "f", "0":
		return []byte("false")
	}
	return v
}

// fromPostgres converts a value in PostgreSQL's text format.
func (c *column) fromPostgres(v []byte) []byte {
	if v == nil {
		return nil
	}
	switch c.kind {
	case timestamp:
		return canonicalTime(v)
	case boolean:
		return canonicalBool(v)
	case float:
		return canonicalFloat(v)
	case numeric:
		return canonicalNumeric(v)
	case jsonb:
		if c.declared == "json" {
			return canonicalJSON(v)
		}
	case bytea:
		raw := make([]byte, hex.DecodedLen(max(len(v)-2, 0)))
		if _, err := hex.Decode(raw, v[min(2, len(v)):]); err == nil {
			return raw
		}
	}
	return v
}

// fromSQLite converts what sqliteExpr returns.
func (c *column) fromSQLite(v []byte) []byte {
	if v == nil {
		return nil
	}
	switch c.kind {
	case float:
		return canonicalFloat(v)
	case numeric:
		return canonicalNumeric(v)
	}
	v = v[1:]
	switch c.kind {
	case timestamp:
		return canonicalTime(v)
	case boolean:
		return canonicalBool(v)
	case jsonb:
		return canonicalJSON(v)
	case bytea:
		raw := make([]byte, hex.DecodedLen(len(v)))
		if _, err := hex.Decode(raw, v); err == nil {
			return raw
		}
	}
	return v
}

// sqliteExpr is an expression for a column from which fromSQLite makes the value. Text
// gets a character in front, because the driver would return a text that looks like a
// time as a time, and an empty blob as NULL.
func (c *column) sqliteExpr() string {
	name := quote(c.name)
	switch c.kind {
	case float, numeric:
		return name
	case bytea:
		return "CASE WHEN " + name + " IS NOT NULL THEN '=' || hex(" + name + ") END"
	}
	return "'=' || " + name
}

// toSQLite converts a canonical value to an argument for SQLite. It fails if SQLite
// cannot hold the value.
func (c *column) toSQLite(v []byte) (any, error) {
	if v == nil {
		return nil, nil
	}
	switch c.kind {
	case integer:
		return strconv.ParseInt(string(v), 10, 64)
	case boolean:
		return string(v) == "true", nil
	case float:
		f, err := strconv.ParseFloat(string(v), 64)
		if err == nil && f != f {
			err = fmt.Errorf("the embedded database cannot store NaN")
		}
		return f, err
	case numeric:
		if n, err := strconv.ParseInt(string(v), 10, 64); err == nil {
			return n, nil
		}
		f, err := strconv.ParseFloat(string(v), 64)
		if err == nil && string(canonicalNumeric(strconv.AppendFloat(nil, f, 'f', -1, 64))) != string(v) {
			err = fmt.Errorf("the embedded database cannot store the number %s exactly", v)
		}
		return f, err
	case timestamp:
		if !isCanonicalTime(v) {
			return nil, fmt.Errorf("the embedded database cannot store the time %s", v)
		}
	case bytea:
		return v, nil
	}
	return string(v), nil
}

// appendCopy appends a canonical value in the text format of PostgreSQL's COPY.
func (c *column) appendCopy(b, v []byte) []byte {
	if v == nil {
		return append(b, `\N`...)
	}
	if c.kind == bytea {
		return hex.AppendEncode(append(b, `\\x`...), v)
	}
	for _, ch := range v {
		switch ch {
		case '\\':
			b = append(b, `\\`...)
		case '\n':
			b = append(b, `\n`...)
		case '\r':
			b = append(b, `\r`...)
		case '\t':
			b = append(b, `\t`...)
		default:
			b = append(b, ch)
		}
	}
	return b
}

// quote quotes a name for SQL.
func quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }
