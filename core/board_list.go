package core

import (
	"context"
	"math"
	"slices"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/api"

	"kumi/core/rank"
	"kumi/store"
)

// recordList is a page of a board's records.
type recordList struct {
	records, owners []*api.LeaderboardRecord
	next, prev      string
	count           int64 // records of the period
}

// recordPosition is the first or last record of a page, from which the previous or
// next page is read. It is bound to the board and the period.
type recordPosition struct {
	Board  string `json:"b"`
	Expiry int64  `json:"e"`
	rank.Key
	Rank     int64 `json:"r"` // of the record at the edge; 0 if it was not known
	Backward bool  `json:"p,omitempty"`
}

// decode parses a cursor and checks that it belongs to the board and the period.
func (p *recordPosition) decode(cursor string, b *board, expiry time.Time) error {
	if err := decodeCursor(recordCursor, cursor, p); err != nil || p.Board != b.id || p.Expiry != expiry.Unix() {
		return errBoardCursor
	}
	return nil
}

// recordQuery says which records of a board are listed.
type recordQuery struct {
	owners []uuid.UUID // whose records are listed beside the page
	limit  int         // 0 for no page
	cursor string
	expiry int64 // of a past period; 0 for the current one
}

// maxOwners is how many owners' records are listed beside a page.
const maxOwners = 1000

// check refuses what no list can be asked for.
func (q *recordQuery) check() error {
	if len(q.owners) > maxOwners {
		return invalid("At most %d owner IDs are listed, not %d.", maxOwners, len(q.owners))
	}
	if q.expiry < 0 || q.expiry > lastCron {
		return invalid("Invalid expiry %d - expiry must be a time in seconds.", q.expiry)
	}
	return nil
}

// expiryOf returns the expiry_time of the records that a query lists.
func (c *Core) expiryOf(b *board, override int64) time.Time {
	if override > 0 {
		return time.Unix(override, 0).UTC()
	}
	return c.periodOf(b, c.now().Unix()).expiry()
}

// listRecords lists records of a board. Errors: InvalidArgument for a cursor that
// is not of this board and period.
func (c *Core) listRecords(ctx context.Context, b *board, in recordQuery) (*recordList, error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	ctx = c.db.Brief(ctx)
	expiry, q := c.expiryOf(b, in.expiry), c.db.Reader()
	out := &recordList{}
	if in.limit > 0 {
		from := recordPosition{}
		if in.cursor != "" {
			if err := from.decode(in.cursor, b, expiry); err != nil {
				return nil, err
			}
		}
		if err := c.pageOf(ctx, q, b, expiry, in, &from, out); err != nil {
			return nil, failedWith("Error listing records from leaderboard.", err)
		}
	}
	if err := c.ownersOf(ctx, q, b, expiry, in.owners, out); err != nil {
		return nil, failedWith("Error listing records from leaderboard.", err)
	}
	var err error
	if c.ranks(b) {
		if out.count, err = c.rankIndex.Known(ctx, q, rank.Period{Board: b.id, Expiry: expiry}); err != nil {
			return nil, failedWith("Error listing records from leaderboard.", err)
		}
	}
	return out, nil
}

// pageOf reads the page behind a position or, for a backward cursor, ahead of it.
// Records are numbered from there, also in boards without ranks.
func (c *Core) pageOf(ctx context.Context, q store.Querier, b *board, expiry time.Time, in recordQuery, from *recordPosition, out *recordList) error {
	var at *rank.Key
	if in.cursor != "" {
		at = &from.Key
	}
	found, err := c.neighbours(ctx, q, b, expiry, at, from.Backward, in.limit+1)
	if err != nil {
		return err
	}
	more := len(found) > in.limit
	if more {
		found = found[:in.limit]
	}
	if len(found) == 0 {
		return nil
	}
	if at != nil && from.Rank == 0 {
		if from.Rank, err = c.rankOf(ctx, q, b, expiry, *at); err != nil {
			return err
		}
	}
	first := from.Rank + 1
	if from.Backward {
		slices.Reverse(found)
		first = from.Rank - int64(len(found))
	}
	if at != nil && from.Rank == 0 {
		first = unknownRank
	}
	out.number(found, first)
	ahead, behind := in.cursor != "", more // whether there are records on that side of the page
	if from.Backward {
		ahead, behind = more, true
	}
	return out.edges(b, expiry, found, first, ahead, behind)
}

// unknownRank is the rank of the first record of a page in a board whose records are
// being counted. None of the page has one then.
const unknownRank = math.MinInt32

// number adds the records of a page, the first of which has the given rank.
func (l *recordList) number(found []*record, first int64) {
	for i, r := range found {
		l.records = append(l.records, r.api(max(first+int64(i), 0)))
	}
}

// edges sets the cursors of a page.
func (l *recordList) edges(b *board, expiry time.Time, found []*record, first int64, ahead, behind bool) (err error) {
	position := func(r *record, rank int64, backward bool) recordPosition {
		return recordPosition{Board: b.id, Expiry: expiry.Unix(), Key: r.Key, Rank: max(rank, 0), Backward: backward}
	}
	if behind {
		if l.next, err = encodeCursor(recordCursor, position(found[len(found)-1], first+int64(len(found))-1, false)); err != nil {
			return err
		}
	}
	if ahead {
		l.prev, err = encodeCursor(recordCursor, position(found[0], first, true))
	}
	return err
}

// neighbours reads up to limit records behind a key in the board's order or, with
// backward, ahead of it, nearest first. Without a key it begins at the top.
func (c *Core) neighbours(ctx context.Context, q store.Querier, b *board, expiry time.Time, from *rank.Key, backward bool, limit int) ([]*record, error) {
	query := "SELECT " + recordColumns + " FROM leaderboard_record WHERE leaderboard_id = $1 AND expiry_time = $2"
	args := []any{b.id, expiry, limit}
	if from != nil {
		side := b.after()
		if backward {
			side = b.before()
		}
		query += " AND (score, subscore, owner_id) " + side + " ($4, $5, $6)"
		args = append(args, from.Score, from.Subscore, from.Owner)
	}
	return recordsOf(ctx, q, b, expiry, query+b.order(backward)+" LIMIT $3", args...)
}

// recordsOf reads records of a board and period.
func recordsOf(ctx context.Context, q store.Querier, b *board, expiry time.Time, query string, args ...any) ([]*record, error) {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []*record
	for rows.Next() {
		r, err := scanRecord(rows, b, expiry)
		if err != nil {
			return nil, err
		}
		list = append(list, r)
	}
	return list, rows.Err()
}

// ownersOf reads the records of some owners, in the board's order.
func (c *Core) ownersOf(ctx context.Context, q store.Querier, b *board, expiry time.Time, owners []uuid.UUID, out *recordList) error {
	if len(owners) == 0 {
		return nil
	}
	found, err := recordsOf(ctx, q, b, expiry, "SELECT "+recordColumns+" FROM leaderboard_record WHERE leaderboard_id = $1 AND expiry_time = $2 AND owner_id "+
		c.db.Dialect().AnyOf("$3", "uuid")+b.order(false), b.id, expiry, owners)
	if err != nil {
		return err
	}
	for _, r := range found {
		var position int64
		if c.ranks(b) {
			if position, err = c.rankOf(ctx, q, b, expiry, r.Key); err != nil {
				return err
			}
		}
		out.owners = append(out.owners, r.api(position))
	}
	return nil
}

// around lists the records around that of an owner: half of limit, rounded down,
// behind it and the rest ahead; if one side has fewer, the other gets more. With a
// cursor it is the normal list. It is empty if the owner has no record.
func (c *Core) around(ctx context.Context, b *board, owner uuid.UUID, in recordQuery) (*recordList, error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	if in.cursor != "" {
		return c.listRecords(ctx, b, in)
	}
	out := &recordList{}
	err := c.window(ctx, b, owner, in, out)
	if err != nil {
		return nil, failedWith("Error listing records around owner.", err)
	}
	return out, nil
}

func (c *Core) window(ctx context.Context, b *board, owner uuid.UUID, in recordQuery, out *recordList) error {
	ctx = c.db.Brief(ctx)
	expiry, q := c.expiryOf(b, in.expiry), c.db.Reader()
	if c.ranks(b) {
		var err error
		if out.count, err = c.rankIndex.Known(ctx, q, rank.Period{Board: b.id, Expiry: expiry}); err != nil {
			return err
		}
	}
	centre, err := findRecord(ctx, q, b, expiry, owner, "")
	if err != nil || centre == nil {
		return err
	}
	// One more than is shown on a side tells whether there are others. Where there
	// are too few on one side, the other one is read again for more.
	wantBehind := in.limit / 2
	wantAhead := in.limit - 1 - wantBehind
	ahead, err := c.neighbours(ctx, q, b, expiry, &centre.Key, true, wantAhead+1)
	if err != nil {
		return err
	}
	if len(ahead) < wantAhead {
		wantBehind = in.limit - 1 - len(ahead)
	}
	behind, err := c.neighbours(ctx, q, b, expiry, &centre.Key, false, wantBehind+1)
	if err != nil {
		return err
	}
	if len(behind) < wantBehind && len(ahead) > wantAhead {
		wantAhead = in.limit - 1 - len(behind)
		if ahead, err = c.neighbours(ctx, q, b, expiry, &centre.Key, true, wantAhead+1); err != nil {
			return err
		}
	}
	showAhead, showBehind := min(len(ahead), wantAhead), min(len(behind), wantBehind)
	found := make([]*record, 0, in.limit)
	for _, r := range slices.Backward(ahead[:showAhead]) {
		found = append(found, r)
	}
	found = append(append(found, centre), behind[:showBehind]...)

	position, err := c.rankOf(ctx, q, b, expiry, centre.Key)
	if err != nil {
		return err
	}
	first := position - int64(showAhead)
	if position == 0 {
		first = unknownRank
	}
	if c.ranks(b) {
		out.number(found, first)
	} else {
		out.number(found, unknownRank)
	}
	return out.edges(b, expiry, found, first, len(ahead) > showAhead, len(behind) > showBehind)
}
