package core

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"strconv"
	"time"

	"github.com/gofrs/uuid/v5"

	"kumi/store"
	"kumi/store/fault"
)

// boughtTable is one of the tables of purchases and of subscriptions, which are found and
// listed alike.
type boughtTable[R any] struct {
	name, id, columns string
	cursor            byte
	scan              func(row interface{ Scan(...any) error }) (*R, error) // reads the columns
	position          func(*R) boughtPosition
}

// find returns a row by its id, or nil if there is none. suffix may lock the row.
func (t *boughtTable[R]) find(ctx context.Context, q store.Querier, id, suffix string) (*R, error) {
	row, err := t.scan(q.QueryRowContext(ctx, "SELECT "+t.columns+" FROM "+t.name+" WHERE "+t.id+" = $1"+suffix, id))
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return row, err
}

// boughtPosition is the place of a row in a list, and with Of and Back a cursor.
type boughtPosition struct {
	Time time.Time  `json:"t"`
	User uuid.UUID  `json:"u"`
	ID   string     `json:"i"`
	Of   *uuid.UUID `json:"o,omitempty"` // the user whose list it is
	Back bool       `json:"b,omitempty"` // towards newer rows
}

func (p *boughtPosition) decode(kind byte, cursor string, user *uuid.UUID) error {
	if err := decodeCursor(kind, cursor, p); err != nil {
		return err
	}
	if (p.Of == nil) != (user == nil) || user != nil && *p.Of != *user || !storable(p.Time) {
		return errCursor
	}
	return nil
}

// timeSpan bounds a time; zero times do not. The first bound is included.
type timeSpan struct{ after, before time.Time }

// list reads a page of the rows of a user, or of all users, newest first, with
// the cursors of the next page and of the one before; the latter only for a page that
// was reached with a cursor.
func (t *boughtTable[R]) list(ctx context.Context, q store.Querier, user *uuid.UUID, bought timeSpan, limit int, cursor string) (list []*R, next, prev string, err error) {
	failure := "list " + t.name + "s"
	var from boughtPosition
	where, order, args := "", "DESC", []any{limit + 1}
	arg := func(v any) string {
		args = append(args, v)
		return "$" + strconv.Itoa(len(args))
	}
	and := func(condition string) {
		if where == "" {
			where = " WHERE " + condition
		} else {
			where += " AND " + condition
		}
	}
	if user != nil {
		and("user_id = " + arg(*user))
	}
	if !bought.after.IsZero() {
		and("purchase_time >= " + arg(bought.after))
	}
	if !bought.before.IsZero() {
		and("purchase_time < " + arg(bought.before))
	}
	if cursor != "" {
		if err := from.decode(t.cursor, cursor, user); err != nil {
			return nil, "", "", fault.Wrap(fault.InvalidArgument, t.name+"s list cursor invalid", err)
		}
		compare := " < "
		if from.Back {
			compare, order = " > ", "ASC"
		}
		and("(purchase_time, user_id, " + t.id + ")" + compare + "(" + arg(from.Time) + ", " + arg(from.User) + ", " + arg(from.ID) + ")")
	}
	rows, err := q.QueryContext(ctx, "SELECT "+t.columns+" FROM "+t.name+where+
		" ORDER BY purchase_time "+order+", user_id "+order+", "+t.id+" "+order+" LIMIT $1", args...)
	if err != nil {
		return nil, "", "", failed(failure, err)
	}
	defer rows.Close()
	for rows.Next() {
		row, err := t.scan(rows)
		if err != nil {
			return nil, "", "", failed(failure, err)
		}
		list = append(list, row)
	}
	if err := rows.Err(); err != nil {
		return nil, "", "", failed(failure, err)
	}
	more := len(list) > limit
	if more {
		list = list[:limit]
	}
	if from.Back {
		slices.Reverse(list)
	}
	if len(list) == 0 {
		return list, "", "", nil
	}
	if more || from.Back {
		last := t.position(list[len(list)-1])
		last.Of = user
		if next, err = encodeCursor(t.cursor, last); err != nil {
			return nil, "", "", failed(failure, err)
		}
	}
	if cursor != "" && (more || !from.Back) {
		first := t.position(list[0])
		first.Of, first.Back = user, true
		if prev, err = encodeCursor(t.cursor, first); err != nil {
			return nil, "", "", failed(failure, err)
		}
	}
	return list, next, prev, nil
}
