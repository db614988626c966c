package store

import (
	"context"
	"database/sql"
	"errors"
	"strings"
)

var errControl = errors.New("BEGIN, COMMIT, ROLLBACK, SAVEPOINT, RELEASE, ATTACH and DETACH are not allowed inside a transaction")

// controlled is the Querier of SQLite transactions. The transaction is shared
// with other callers, so no statement may end it.
type controlled struct{ conn *sql.Conn }

func (c controlled) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if controlsTx(query) {
		return nil, errControl
	}
	return c.conn.QueryContext(ctx, query, args...)
}

func (c controlled) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	if controlsTx(query) {
		// A Row cannot be made by hand; a statement that fails to compile is
		// the way to one that holds an error.
		query = "SELECT transaction_control_is_not_allowed_here"
		args = nil
	}
	return c.conn.QueryRowContext(ctx, query, args...)
}

func (c controlled) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	if controlsTx(query) {
		return nil, errControl
	}
	return c.conn.ExecContext(ctx, query, args...)
}

// controlsTx reports whether one of the statements in query begins or ends a
// transaction or savepoint.
func controlsTx(query string) bool {
	for {
		word, rest := firstWord(query)
		switch word {
		case "":
			if rest == "" {
				return false
			}
		case "BEGIN", "COMMIT", "END", "ROLLBACK", "SAVEPOINT", "RELEASE", "ATTACH", "DETACH":
			return true
		case "CREATE":
			// A trigger's body has statements and an END of its own; whatever
			// follows it is not looked at, since SQLite would not run a COMMIT
			// within it either way.
			second, rest2 := firstWord(rest)
			if second == "TEMP" || second == "TEMPORARY" {
				second, _ = firstWord(rest2)
			}
			if second == "TRIGGER" {
				i := strings.LastIndex(strings.ToUpper(rest), "END")
				if i < 0 {
					return false
				}
				rest = rest[i+3:]
			}
		}
		var ok bool
		if query, ok = nextStatement(rest); !ok {
			return false
		}
	}
}

// readsOnly reports whether query looks like a single statement that only
// reads. It errs towards true for odd ones; the read connections refuse writes
// in any case.
func readsOnly(query string) bool {
	word, rest := firstWord(query)
	switch word {
	case "SELECT", "VALUES", "EXPLAIN", "TABLE", "SHOW":
	case "WITH":
		upper := strings.ToUpper(rest)
		for _, verb := range []string{"INSERT", "UPDATE", "DELETE", "REPLACE", "MERGE"} {
			if strings.Contains(upper, verb) {
				return false
			}
		}
	default:
		return false
	}
	more, ok := nextStatement(rest)
	if !ok {
		return true
	}
	word, _ = firstWord(more)
	return word == ""
}

// firstWord returns the first word of a statement in upper case, without
// comments, blanks and opening brackets before it, and what follows.
func firstWord(s string) (word, rest string) {
	for s != "" {
		switch {
		case strings.IndexByte(" \t\r\n\f(", s[0]) >= 0:
			s = s[1:]
		case strings.HasPrefix(s, "--"), strings.HasPrefix(s, "/*"):
			s = s[skipToken(s):]
		default:
			i := 0
			for i < len(s) && (s[i]|0x20 >= 'a' && s[i]|0x20 <= 'z' || s[i] == '_') {
				i++
			}
			return strings.ToUpper(s[:i]), s[i:]
		}
	}
	return "", ""
}

// nextStatement returns what follows the first semicolon that is not inside a
// string, a quoted name or a comment.
func nextStatement(s string) (string, bool) {
	for s != "" {
		if s[0] == ';' {
			return s[1:], true
		}
		s = s[skipToken(s):]
	}
	return "", false
}

// skipToken returns the length of the quoted text or comment that s begins
// with, or 1.
func skipToken(s string) int {
	end := func(from int, mark string) int {
		if i := strings.Index(s[from:], mark); i >= 0 {
			return from + i + len(mark)
		}
		return len(s)
	}
	switch {
	case s[0] == '\'' || s[0] == '"' || s[0] == '`':
		return end(1, s[:1]) // a doubled quote is two strings in a row
	case s[0] == '[':
		return end(1, "]")
	case strings.HasPrefix(s, "--"):
		return end(2, "\n")
	case strings.HasPrefix(s, "/*"):
		return end(2, "*/")
	}
	return 1
}
