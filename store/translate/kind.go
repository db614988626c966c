package translate

import "strings"

// Kind is what is known about the type of an expression or a column.
type Kind uint8

// The kinds. Unknown is also the kind of a parameter that is not cast.
const (
	Unknown Kind = iota
	Bool
	Int
	Float
	Text
	Time // with or without time zone: an instant, in UTC
	Date
	Interval
	JSON // json and jsonb
	UUID
	Bytes
	Array // held as a JSON list
)

// typeInfo says how a PostgreSQL type is represented in the embedded database.
type typeInfo struct {
	kind    Kind
	declare string // the type of a column in CREATE TABLE
	cast    string // the function that converts to it
	result  string // what a result column is called that is a cast of a literal
}

var types = map[string]typeInfo{
	"BOOLEAN": {Bool, "BOOLEAN", "pg_bool", "bool"}, "BOOL": {Bool, "BOOLEAN", "pg_bool", "bool"},
	"SMALLINT": {Int, "SMALLINT", "pg_int2", "int2"}, "INT2": {Int, "SMALLINT", "pg_int2", "int2"},
	"INTEGER": {Int, "INTEGER", "pg_int4", "int4"}, "INT": {Int, "INTEGER", "pg_int4", "int4"}, "INT4": {Int, "INTEGER", "pg_int4", "int4"},
	"BIGINT": {Int, "BIGINT", "pg_int8", "int8"}, "INT8": {Int, "BIGINT", "pg_int8", "int8"},
	"REAL": {Float, "REAL", "pg_float", "float4"}, "FLOAT4": {Float, "REAL", "pg_float", "float4"}, "FLOAT": {Float, "REAL", "pg_float", "float8"},
	"FLOAT8": {Float, "DOUBLE PRECISION", "pg_float", "float8"}, "DOUBLE PRECISION": {Float, "DOUBLE PRECISION", "pg_float", "float8"},
	"NUMERIC": {Float, "NUMERIC", "pg_numeric", "numeric"}, "DECIMAL": {Float, "NUMERIC", "pg_numeric", "numeric"},
	"TEXT": {Text, "TEXT", "pg_text", "text"}, "VARCHAR": {Text, "VARCHAR", "pg_text", "varchar"}, "CHARACTER VARYING": {Text, "VARCHAR", "pg_text", "varchar"},
	"CHAR": {Text, "CHAR", "pg_text", "bpchar"}, "CHARACTER": {Text, "CHAR", "pg_text", "bpchar"}, "CITEXT": {Text, "TEXT COLLATE NOCASE", "pg_text", "text"},
	"TIMESTAMPTZ": {Time, "TIMESTAMPTZ", "pg_time", "timestamptz"}, "TIMESTAMP": {Time, "TIMESTAMPTZ", "pg_time", "timestamp"},
	"DATE": {Date, "DATE", "pg_date", "date"}, "INTERVAL": {Interval, "", "pg_interval", "interval"},
	"JSON": {JSON, "JSONB TEXT", "pg_jsonb", "json"}, "JSONB": {JSON, "JSONB TEXT", "pg_jsonb", "jsonb"},
	"UUID": {UUID, "UUID TEXT", "pg_uuid", "uuid"}, "BYTEA": {Bytes, "BYTEA BLOB", "pg_bytea", "bytea"}, "BYTES": {Bytes, "BYTEA BLOB", "pg_bytea", "bytea"},
	"STRING": {Text, "TEXT", "pg_text", "text"},
}

// KindOf returns the kind of a column from its declared type, as SQLite reports it.
func KindOf(declared string) Kind {
	name, _, _ := strings.Cut(strings.ToUpper(declared), "(")
	switch name {
	case "JSONB TEXT":
		return JSON
	case "UUID TEXT":
		return UUID
	case "BYTEA BLOB":
		return Bytes
	}
	return types[strings.TrimSpace(name)].kind
}

// convert converts an expression to a type, unless it has that type already.
func (t typeInfo) convert(n node) node {
	if n.kind == t.kind && t.kind != Int && t.kind != Float && t.kind != Text || n.sql == "NULL" {
		return node{sql: n.sql, kind: t.kind, loose: n.loose}
	}
	from := n.sql
	switch {
	case n.kind == Bool && (t.kind == Text || t.kind == JSON):
		from = "pg_booltext(" + n.sql + ")"
	case n.kind == Date && t.kind == Time, n.kind == Time && t.kind == Date:
	case n.kind == Time && t.kind == Text:
		from = "pg_timetext(" + n.sql + ")"
	}
	return node{sql: t.cast + "(" + from + ")", kind: t.kind}
}

// into converts a value for a column that it is compared with or stored in: text that
// PostgreSQL would parse as a time, a UUID, JSON, a number or a boolean.
func (n node) into(kind Kind) node {
	if n.sql == "NULL" || n.kind == kind {
		return n
	}
	open := n.kind == Unknown || n.literal || n.kind == Text
	switch {
	case kind == Time && (open || n.kind == Date):
		return types["TIMESTAMPTZ"].convert(n)
	case kind == Date && (open || n.kind == Time):
		return types["DATE"].convert(n)
	case kind == UUID && open:
		return types["UUID"].convert(n)
	case kind == JSON && open:
		return types["JSONB"].convert(n)
	case kind == Bool && open:
		return types["BOOL"].convert(n)
	case kind == Interval && open:
		return types["INTERVAL"].convert(n)
	case kind == Int && n.literal:
		return types["INT8"].convert(n)
	}
	return n
}
