package core

import (
	"context"
	"errors"

	"kumi/store/fault"
)

// SQLQuery runs one statement for a script and reads its whole answer: rows of
// nil, int64, float64, bool, string, []byte or time.Time. A statement that the
// database gave up for another one's sake is tried again, a few times.
func (m *Module) SQLQuery(ctx context.Context, query string, args []any) (columns []string, rows [][]any, err error) {
	if query == "" {
		return nil, nil, invalid("expects a query string")
	}
	res, err := m.core.db.CustomQuery(ctx, query, args...)
	if err != nil {
		return nil, nil, sqlError("run the sql query", err)
	}
	return res.Columns, res.Rows, nil
}

// SQLExec runs one statement for a script and tells how many rows it touched.
func (m *Module) SQLExec(ctx context.Context, query string, args []any) (int64, error) {
	if query == "" {
		return 0, invalid("expects a query string")
	}
	n, err := m.core.db.CustomExec(ctx, query, args...)
	if err != nil {
		return 0, sqlError("run the sql statement", err)
	}
	return n, nil
}

// sqlError shows the database's own words to scripts, whose authors need them.
func sqlError(doing string, err error) error {
	var coded *fault.Error
	if errors.As(err, &coded) {
		return err
	}
	return fault.Private(fault.CodeOf(err), "error while trying to "+doing+": "+err.Error(), err)
}

// DatabaseUnreachable reports whether err says that the database cannot be
// reached. Such errors are logged once for all calls, see [store.DB.Unreachable];
// whoever logs failures asks first.
func (c *Core) DatabaseUnreachable(err error) bool { return c.db.Unreachable(err) }

// DatabaseUnreachable is [Core.DatabaseUnreachable].
func (m *Module) DatabaseUnreachable(err error) bool { return m.core.DatabaseUnreachable(err) }
