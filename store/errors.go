package store

import (
	"errors"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"kumi/internal/json"
)

// ErrText is returned for text that neither database can store: invalid UTF-8,
// or text that contains a zero byte.
var ErrText = errors.New("text is not valid utf-8 or contains a zero byte")

var errBusy = errors.New("database is busy")

// namedConstraints are the constraints whose names do not follow PostgreSQL's rule:
// table, columns, and _key or _pkey.
var namedConstraints = map[string]string{
	"console_user.email":        "console_user_email_uniq",
	"console_user.username":     "console_user_username_uniq",
	"console_acl_template.name": "template_name_uniq",
	"setting.name":              "setting_name_uniq",
}

// IsUnique reports whether err is a violation of a unique constraint or
// primary key, and returns the constraint's name, which is the same on both
// databases: users_username_key, users_email_key, users_<provider>_key,
// user_device_pkey, storage_pkey and so on.
func IsUnique(err error) (constraint string, ok bool) {
	if pg, ok := asPostgres(err); ok {
		return pg.ConstraintName, pg.Code == "23505"
	}
	code, msg := asSQLite(err)
	if code != sqlite3.SQLITE_CONSTRAINT_UNIQUE && code != sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY {
		return "", false
	}
	// UNIQUE constraint failed: users.username, users.x (2067)
	_, list, _ := strings.Cut(msg, "constraint failed: ")
	if i := strings.LastIndex(list, " ("); i >= 0 {
		list = list[:i]
	}
	if i := strings.LastIndex(list, "constraint failed: "); i >= 0 {
		list = list[i+len("constraint failed: "):]
	}
	if name, ok := strings.CutPrefix(list, "index '"); ok { // an index on an expression
		return strings.TrimSuffix(name, "'"), true
	}
	if name, ok := namedConstraints[list]; ok {
		return name, true
	}
	columns := strings.Split(list, ", ")
	table, _, _ := strings.Cut(columns[0], ".")
	if code == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY {
		return table + "_pkey", true
	}
	name := table
	for _, c := range columns {
		_, column, _ := strings.Cut(c, ".")
		name += "_" + column
	}
	return name + "_key", true
}

// IsCheck reports whether err is a violation of a check constraint, and
// returns its name, for example users_edge_count_check. A text too long for
// its column is not one of them; see [IsTooLong].
func IsCheck(err error) (constraint string, ok bool) {
	if pg, ok := asPostgres(err); ok {
		return pg.ConstraintName, pg.Code == "23514"
	}
	name, ok := sqliteCheck(err)
	return name, ok && !strings.HasSuffix(name, "_length")
}

// IsTooLong reports whether err means that a text is too long for its column.
func IsTooLong(err error) bool {
	if pg, ok := asPostgres(err); ok {
		return pg.Code == "22001"
	}
	name, ok := sqliteCheck(err)
	return ok && strings.HasSuffix(name, "_length")
}

// IsForeignKey reports whether err means that a row refers to one that does not exist.
func IsForeignKey(err error) bool {
	if pg, ok := asPostgres(err); ok {
		return pg.Code == "23503"
	}
	code, _ := asSQLite(err)
	return code == sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY
}

// IsDenied reports whether err means that the database user lacks a privilege.
func IsDenied(err error) bool {
	pg, ok := asPostgres(err)
	return ok && pg.Code == "42501"
}

// IsNotNull reports whether err means that a required column has no value.
func IsNotNull(err error) bool {
	if pg, ok := asPostgres(err); ok {
		return pg.Code == "23502"
	}
	code, _ := asSQLite(err)
	return code == sqlite3.SQLITE_CONSTRAINT_NOTNULL
}

// IsInvalidText reports whether err means that an argument cannot be stored: invalid
// UTF-8, or invalid JSON or an invalid UUID for a column of that type.
func IsInvalidText(err error) bool {
	if errors.Is(err, ErrText) {
		return true
	}
	var bad *json.SyntaxError
	if errors.As(err, &bad) {
		return true
	}
	if pg, ok := asPostgres(err); ok {
		switch pg.Code {
		case "22021", "22P02", "22P05", "22032":
			return true
		}
		return false
	}
	name, ok := sqliteCheck(err)
	return ok && (strings.HasSuffix(name, "_json") || strings.HasSuffix(name, "_uuid"))
}

// isRetryable reports whether a transaction may succeed if it runs again. PostgreSQL's
// class 40 is transaction rollback (serialization failure, deadlock); SQLite's busy
// means that another process holds the file.
func isRetryable(err error) bool {
	if pg, ok := asPostgres(err); ok {
		return strings.HasPrefix(pg.Code, "40")
	}
	return isBusy(err)
}

func isBusy(err error) bool {
	code, _ := asSQLite(err)
	return code&0xff == sqlite3.SQLITE_BUSY || errors.Is(err, errBusy)
}

func asPostgres(err error) (*pgconn.PgError, bool) {
	var pg *pgconn.PgError
	ok := errors.As(err, &pg)
	return pg, ok
}

func asSQLite(err error) (code int, msg string) {
	var e *sqlite.Error
	if errors.As(err, &e) {
		return e.Code(), e.Error()
	}
	return 0, ""
}

func sqliteCheck(err error) (string, bool) {
	code, msg := asSQLite(err)
	if code != sqlite3.SQLITE_CONSTRAINT_CHECK {
		return "", false
	}
	i := strings.LastIndex(msg, "constraint failed: ")
	if i < 0 {
		return "", true
	}
	name := msg[i+len("constraint failed: "):]
	if j := strings.LastIndex(name, " ("); j >= 0 {
		name = name[:j]
	}
	return name, true
}
