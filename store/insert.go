package store

import "context"

// InsertRows inserts rows with one statement for at most batch of them, which must be a power
// of two. insert is the statement before VALUES, args has the values of all rows, of columns
// each. The statements have numbers of rows that are powers of two, so that few are prepared.
func InsertRows(ctx context.Context, q Querier, insert string, columns, batch int, args []any) error {
	for len(args) > 0 {
		rows := batch
		for columns*rows > len(args) {
			rows /= 2
		}
		query := insert + " VALUES "
		for i := range rows {
			if i > 0 {
				query += ", "
			}
			query += "(" + Placeholders(columns*i+1, columns) + ")"
		}
		if _, err := q.ExecContext(ctx, query, args[:columns*rows]...); err != nil {
			return err
		}
		args = args[columns*rows:]
	}
	return nil
}
