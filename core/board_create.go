package core

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/heroiclabs/nakama-common/api"

	"kumi/store"
	"kumi/store/fault"
)

// Limits of boards.
const (
	maxBoardID       = 128 // bytes
	maxBoardSchedule = 64  // bytes
	maxBoardCategory = 127
	maxBoardText     = 255 // characters of a title or description
)

// sortOrders and operators are the words that modules create boards with.
var (
	sortOrders = map[string]bool{"asc": false, "ascending": false, "desc": true, "descending": true}
	operators  = map[string]operator{
		"best": operatorBest, "set": operatorSet,
		"incr": operatorIncrement, "increment": operatorIncrement, "decr": operatorDecrement, "decrement": operatorDecrement,
	}
)

// newBoard validates the options that all boards have.
func (c *Core) newBoard(id string, authoritative bool, sortOrder, op, schedule string, metadata map[string]any, ranked bool) (*board, error) {
	now := c.now().UTC()
	b := &board{id: id, start: now.Unix(), startTime: now, authoritative: authoritative, schedule: strings.TrimSpace(schedule), ranked: ranked, maxSize: 100_000_000, maxNumScore: defaultMaxNumScore}
	var known bool
	if id == "" || len(id) > maxBoardID {
		return nil, invalid("expects an id of 1 to %d bytes, not %d", maxBoardID, len(id))
	}
	if b.descending, known = sortOrders[sortOrder]; !known {
		return nil, invalid("expects sort order to be asc or desc, not %q", sortOrder)
	}
	if b.operator, known = operators[op]; !known {
		return nil, invalid("expects operator to be best, set, incr or decr, not %q", op)
	}
	if len(b.schedule) > maxBoardSchedule {
		return nil, invalid("expects a reset schedule of at most %d bytes, not %d", maxBoardSchedule, len(b.schedule))
	}
	if b.schedule != "" && c.schedules.get(b.schedule) == nil {
		_, err := parseCron(b.schedule)
		return nil, fault.Wrap(fault.InvalidArgument, fmt.Sprintf("expects reset schedule to be a valid cron expression, not %q", schedule), err)
	}
	if b.schedule != "" && c.schedules.get(b.schedule).after(now.Unix()) == 0 {
		return nil, invalid("expects reset schedule to have a time to come, which %q has not", schedule)
	}
	var err error
	b.metadata, err = c.metadataText(metadata)
	return b, err
}

// createBoard stores a new board. An existing one is unchanged.
func (c *Core) createBoard(ctx context.Context, b *board) error {
	sort := 0
	if b.descending {
		sort = 1
	}
	if err := c.boardTables(ctx); err != nil {
		return failed("create a leaderboard", err)
	}
	err := c.db.Tx(ctx, func(ctx context.Context, q store.Querier) error {
		res, err := q.ExecContext(ctx, `INSERT INTO leaderboard (id, authoritative, sort_order, operator, reset_schedule, metadata, create_time,
				category, title, description, duration, start_time, end_time, join_required, max_size, max_num_score, enable_ranks)
			VALUES ($1, $2, $3, $4, $5, $6, now(), $7, $8, $9, $10, $11, $12, $13, $14, $15, $16) ON CONFLICT (id) DO NOTHING`,
			b.id, b.authoritative, sort, b.operator, nullText(b.schedule), b.metadata, b.category, b.title, b.description, b.duration,
			b.startTime, time.Unix(b.end, 0).UTC(), b.joinRequired, b.maxSize, b.maxNumScore, b.ranked)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n > 0 {
			return cmp.Or(err, c.planEvents(ctx, q, b))
		}
		old, err := findBoard(ctx, q, b.id, "")
		if err == nil && old != nil && b.tournament() && !old.tournament() {
			return fault.Newf(fault.AlreadyExists, "%q is the id of a leaderboard, which cannot become a tournament", b.id)
		}
		return err
	})
	if err != nil {
		return failed("create a leaderboard", err)
	}
	c.boardsChanged()
	return nil
}

// tournamentOptions are the options that only tournaments have.
type tournamentOptions struct {
	title, description             string
	category, start, end, duration int
	maxSize, maxNumScore           int
	joinRequired                   bool
}

// newTournament validates the options of a tournament and sets them.
func (c *Core) newTournament(b *board, o tournamentOptions) error {
	if o.start == 0 {
		o.start = int(b.start)
	} else {
		b.startTime = time.Unix(int64(o.start), 0).UTC()
	}
	switch {
	case o.duration <= 0 || o.duration > math.MaxInt32:
		return invalid("expects duration to be more than 0 seconds, not %d", o.duration)
	case o.category < 0 || o.category > maxBoardCategory:
		return invalid("expects category to be 0 to %d, not %d", maxBoardCategory, o.category)
	case o.start < 0 || o.end < 0 || o.end > lastCron || o.start > lastCron:
		return invalid("expects start time and end time in Unix seconds, not %d and %d", o.start, o.end)
	case o.end > 0 && o.end < o.start:
		return invalid("expects end time to be after the start time, %d is before %d", o.end, o.start)
	case o.maxSize < 0 || o.maxSize > unlimited:
		return invalid("expects max size to be 0 or more, not %d", o.maxSize)
	case o.maxNumScore < 0 || o.maxNumScore > math.MaxInt32:
		return invalid("expects max num score to be 0 or more, not %d", o.maxNumScore)
	case len([]rune(o.title)) > maxBoardText:
		return invalid("expects a title of at most %d characters", maxBoardText)
	case len([]rune(o.description)) > maxBoardText:
		return invalid("expects a description of at most %d characters", maxBoardText)
	}
	b.title, b.description, b.category, b.joinRequired = o.title, o.description, o.category, o.joinRequired
	b.start, b.end, b.duration = int64(o.start), int64(o.end), int64(o.duration)
	if b.maxSize = o.maxSize; b.maxSize == 0 {
		b.maxSize = unlimited
	}
	if b.maxNumScore = o.maxNumScore; b.maxNumScore == 0 {
		b.maxNumScore = defaultMaxNumScore
	}
	if b.schedule != "" {
		if first := c.schedules.get(b.schedule).after(b.start); first == 0 || b.end > 0 && b.end <= first {
			return invalid("expects end time to be after the first time of the reset schedule that follows the start time")
		}
	}
	return nil
}

// deleteBoard deletes a board with its records.
func (c *Core) deleteBoard(ctx context.Context, id string, tournament bool) error {
	if err := c.boardTables(ctx); err != nil {
		return failed("delete a leaderboard", err)
	}
	err := c.db.Tx(ctx, func(ctx context.Context, q store.Querier) error {
		b, err := findBoard(ctx, q, id, "")
		switch {
		case err != nil:
			return err
		case b == nil || b.tournament() != tournament:
			return boardMissing(tournament)
		}
		if _, err := q.ExecContext(ctx, "DELETE FROM leaderboard WHERE id = $1", id); err != nil { // the foreign key deletes its records
			return err
		}
		if err := c.forgetEvents(ctx, q, id); err != nil {
			return err
		}
		return c.rankIndex.Drop(ctx, q, id)
	})
	if err != nil {
		return failed("delete a leaderboard", err)
	}
	c.boardsChanged()
	return nil
}

// boardMissing is the error for an unknown board.
func boardMissing(tournament bool) error {
	if tournament {
		return errTournamentNotFound
	}
	return errBoardNotFound
}

// disableRanks disables the ranks of a board permanently.
func (c *Core) disableRanks(ctx context.Context, id string, tournament bool) error {
	kind := "="
	if tournament {
		kind = "<>"
	}
	res, err := c.db.Exec(ctx, "UPDATE leaderboard SET enable_ranks = false WHERE id = $1 AND duration "+kind+" 0", id)
	if err != nil {
		return failed("disable ranks", err)
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		if err == nil {
			err = boardMissing(tournament)
		}
		return failed("disable ranks", err)
	}
	return nil
}

// boardPosition is the last leaderboard of a page.
type boardPosition struct {
	Created time.Time `json:"t"`
	ID      string    `json:"i"`
}

// listBoards lists leaderboards, oldest first.
func (c *Core) listBoards(ctx context.Context, limit int, cursor string) (*api.LeaderboardList, error) {
	query, args := "SELECT "+boardColumns+", create_time FROM leaderboard WHERE duration = 0", []any{limit + 1}
	if cursor != "" {
		var from boardPosition
		if err := decodeCursor(boardCursor, cursor, &from); err != nil || !storable(from.Created) || strings.ContainsRune(from.ID, 0) {
			return nil, errBoardCursor
		}
		query += " AND (create_time, id) > ($2, $3)"
		args = append(args, from.Created, from.ID)
	}
	rows, err := c.db.Reader().QueryContext(ctx, query+" ORDER BY create_time, id LIMIT $1", args...)
	if err != nil {
		return nil, failed("list leaderboards", err)
	}
	defer rows.Close()
	list, now := &api.LeaderboardList{Leaderboards: []*api.Leaderboard{}}, c.now().Unix()
	var last boardPosition
	for rows.Next() {
		var created time.Time
		b, err := scanBoard(extended{rows, &created})
		if err != nil {
			return nil, failed("list leaderboards", err)
		}
		if len(list.Leaderboards) == limit {
			if list.Cursor, err = encodeCursor(boardCursor, last); err != nil {
				return nil, failed("list leaderboards", err)
			}
			break
		}
		list.Leaderboards = append(list.Leaderboards, c.apiLeaderboard(b, now))
		last = boardPosition{created, b.id}
	}
	if err := rows.Err(); err != nil {
		return nil, failed("list leaderboards", err)
	}
	return list, nil
}

// extended scans one more column after those that the caller scans.
type extended struct {
	row interface{ Scan(...any) error }
	to  any
}

// Scan implements the method of sql.Rows.
func (e extended) Scan(to ...any) error { return e.row.Scan(append(to, e.to)...) }
