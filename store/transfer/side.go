package transfer

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"

	"kumi/store"
)

// order is the order in which a table is read.
type order uint8

const (
	anyOrder   order = iota
	byKey            // that of the primary key's index
	byKeyBytes       // by the primary key, text by its bytes: the same on both databases
)

// side is one of the two databases. It is used by one goroutine at a time, except that
// write and remove may be called while rows are being read.
type side interface {
	// name names the database, without a password.
	name() string
	// tables describes all tables. apart are those that can not be copied, with the
	// reason.
	tables(ctx context.Context) (all map[string]*table, apart map[string]string, err error)
	// create runs a statement that makes a table or an index, in PostgreSQL's SQL.
	create(ctx context.Context, statement string) error
	// read returns the rows of a table, those after a key if it is not nil. A row is
	// valid until the next one.
	read(ctx context.Context, p *pair, o order, after row) iter.Seq2[row, error]
	// count counts the rows of a table that fulfil a condition.
	count(ctx context.Context, table, where string) (int64, error)
	// write inserts rows and runs the statement that records it, in one transaction.
	write(ctx context.Context, p *pair, b *batch, record statement) error
	// remove deletes the rows with the primary keys in b.
	remove(ctx context.Context, p *pair, b *batch) error
	// exec runs statements in one transaction.
	exec(ctx context.Context, statements ...statement) error
	// progress reads the table of the progress; nil if it does not exist.
	progress(ctx context.Context) (map[string]progress, error)
	// finish brings what the database keeps about its rows up to date: sequences and
	// statistics.
	finish(ctx context.Context, pairs []*pair) error
	// version returns a text that is another one when others may have changed rows.
	version(ctx context.Context) (string, error)
	// renew lets a source see its rows as they are now.
	renew(ctx context.Context) error
	close()
}

type statement struct {
	query string
	args  []any
}

// open returns a side for a database.
func open(ctx context.Context, db *store.DB, source bool) (side, error) {
	if db.Dialect() == store.Postgres {
		return openPostgres(ctx, db, source)
	}
	return &sqlite{db: db}, nil
}

// query returns a SELECT of the rows after one, or of all rows. collate is what a text
// column needs in ORDER BY to be compared by its bytes. parameter returns the parameter
// of the statement that has the value of a column of the key, the i-th: $1 or $1::uuid.
func (p *pair) query(columns string, o order, collate string, after row, parameter func(i int, c *column) string) string {
	var b strings.Builder
	b.WriteString("SELECT " + columns + " FROM " + quote(p.name))
	if after != nil {
		b.WriteString(" WHERE (" + p.keyNames(plain) + ") > (")
		for i, k := range p.key {
			if i > 0 {
				b.WriteString(", ")
			}
			b.WriteString(parameter(i+1, &p.columns[k]))
		}
		b.WriteString(")")
	}
	if o == anyOrder || len(p.key) == 0 {
		return b.String()
	}
	suffix := plain
	if o == byKeyBytes {
		suffix = func(c *column) string {
			if c.kind == text && c.declared != "uuid" {
				return collate
			}
			return ""
		}
	}
	return b.String() + " ORDER BY " + p.keyNames(suffix)
}

// errUndo rolls back a transaction that was only tried.
var errUndo = errors.New("undo")

// wrap adds what was done with which table to an error.
func wrap(what, table string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s table %s: %w", what, table, err)
}
