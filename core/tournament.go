package core

import (
	"context"
	"math"
	"strings"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/api"
	"github.com/heroiclabs/nakama-common/runtime"

	"kumi/core/rank"
	"kumi/store"
	"kumi/store/fault"
)

// The errors of scores for tournaments, and of joining one.
var (
	errTournamentFull      = fault.Wrap(fault.FailedPrecondition, "Tournament has reached max size.", runtime.ErrTournamentMaxSizeReached)
	errTournamentInactive  = fault.Wrap(fault.FailedPrecondition, "Tournament is not active and cannot accept new scores.", runtime.ErrTournamentOutsideDuration)
	errTournamentAttempts  = fault.Wrap(fault.FailedPrecondition, "Reached allowed max number of score attempts.", runtime.ErrTournamentWriteMaxNumScoreReached)
	errTournamentNotJoined = fault.Wrap(fault.FailedPrecondition, "Must join tournament before attempting to write value.", runtime.ErrTournamentWriteJoinRequired)

	errJoinFull     = fault.Wrap(fault.InvalidArgument, "Tournament has reached max size.", runtime.ErrTournamentMaxSizeReached)
	errJoinInactive = fault.Wrap(fault.InvalidArgument, "Tournament is not active and cannot accept new participants.", runtime.ErrTournamentOutsideDuration)
)

// checkEntry checks the rules of a tournament for a score. old is the owner's
// record, nil if there is none.
func (b *board) checkEntry(p period, old *record, now int64) error {
	switch {
	case !p.active(now):
		return errTournamentInactive
	case old == nil && b.joinRequired:
		return errTournamentNotJoined
	case old != nil && old.numScore >= old.maxNumScore:
		return errTournamentAttempts
	}
	return nil
}

// joinTournament enters an owner in the current period, with a score of 0 that
// does not count as an attempt. Joining twice, and joining a tournament that does
// not ask for it, does nothing. Errors: NotFound, and InvalidArgument for one that
// is full or whose window is over.
func (c *Core) joinTournament(ctx context.Context, id string, owner uuid.UUID, username string) error {
	if err := c.boardTables(ctx); err != nil {
		return failedWith("Error while trying to join tournament.", err)
	}
	err := c.db.Tx(ctx, func(ctx context.Context, q store.Querier) error {
		ctx = c.db.Brief(ctx)
		b, err := findBoard(ctx, q, id, "")
		now := c.now().Unix()
		switch {
		case err != nil:
			return err
		case b == nil || !b.tournament() || b.ended(now):
			return errTournamentNotFound
		case !b.joinRequired:
			return nil
		}
		p := c.periodOf(b, now)
		if now >= p.endActive {
			return errJoinInactive
		}
		old, err := findRecord(ctx, q, b, p.expiry(), owner, "")
		if err != nil || old != nil {
			return err
		}
		_, err = c.insertRecord(ctx, q, b, p, submission{owner: owner, username: username}, rank.Key{Owner: owner}, 0)
		if err == errTournamentFull {
			err = errJoinFull
		}
		return err
	})
	if err != nil {
		return failedWith("Error while trying to join tournament.", err)
	}
	return nil
}

// addAttempts changes how many attempts an owner has in the current period. It
// does nothing if the owner has no record.
func (c *Core) addAttempts(ctx context.Context, b *board, owner uuid.UUID, count int) error {
	return c.db.Tx(ctx, func(ctx context.Context, q store.Querier) error {
		expiry := c.periodOf(b, c.now().Unix()).expiry()
		r, err := findRecord(ctx, q, b, expiry, owner, c.db.Dialect().ForUpdate())
		if err != nil || r == nil {
			return err
		}
		attempts := int64(r.maxNumScore) + int64(count)
		if attempts < 1 || attempts > math.MaxInt32 {
			return invalid("expects a count that leaves 1 to %d attempts, not %d", math.MaxInt32, attempts)
		}
		_, err = q.ExecContext(ctx, "UPDATE leaderboard_record SET max_num_score = $4 WHERE leaderboard_id = $1 AND expiry_time = $2 AND owner_id = $3",
			b.id, expiry, owner, attempts)
		return err
	})
}

// tournamentQuery is which tournaments are listed. Times are Unix seconds.
type tournamentQuery struct {
	categoryStart, categoryEnd int
	start                      int64 // those that start then or later; -1 for all
	end                        int64 // those that end by then; 0 for endless ones, -1 for all that have not ended
	limit                      int
	cursor                     string
}

// tournamentPosition is the end of a page of tournaments.
type tournamentPosition struct {
	Start    time.Time `json:"s"`
	End      time.Time `json:"e"`
	Category int       `json:"c"`
	ID       string    `json:"i"`
}

// listTournaments lists tournaments by start, those that end last first among
// those that start together. Errors: InvalidArgument for a bad cursor.
func (c *Core) listTournaments(ctx context.Context, in tournamentQuery) (*api.TournamentList, error) {
	now := c.now()
	query := "SELECT " + boardColumns + " FROM leaderboard WHERE duration <> 0 AND category >= $2 AND category <= $3"
	args := []any{in.limit + 1, in.categoryStart, in.categoryEnd, store.Epoch}
	switch {
	case in.end > 0:
		query += " AND end_time <> $4 AND end_time <= $5"
		args = append(args, time.Unix(in.end, 0).UTC())
	case in.end == 0:
		query += " AND end_time = $4 AND $5 <= start_time"
		args = append(args, store.Epoch)
	default:
		query += " AND (end_time = $4 OR end_time > $5)"
		args = append(args, now)
	}
	start := store.Epoch
	if in.start > 0 {
		start = time.Unix(in.start, 0).UTC()
	}
	query += " AND start_time >= $6"
	args = append(args, start)
	if in.cursor != "" {
		var from tournamentPosition
		if err := decodeCursor(tournamentCursor, in.cursor, &from); err != nil || !storable(from.Start) || !storable(from.End) ||
			from.Category < 0 || from.Category > maxBoardCategory || strings.ContainsRune(from.ID, 0) {
			return nil, errBoardCursor
		}
		query += " AND (start_time > $7 OR start_time = $7 AND (end_time < $8 OR end_time = $8 AND (category, id) > ($9, $10)))"
		args = append(args, from.Start, from.End, from.Category, from.ID)
	}
	rows, err := c.db.Reader().QueryContext(ctx, query+" ORDER BY start_time, end_time DESC, category, id LIMIT $1", args...)
	if err != nil {
		return nil, failedWith("Error listing tournaments.", err)
	}
	defer rows.Close()
	list := &api.TournamentList{Tournaments: []*api.Tournament{}}
	var last *board
	for rows.Next() {
		b, err := scanBoard(rows)
		if err != nil {
			return nil, failedWith("Error listing tournaments.", err)
		}
		if len(list.Tournaments) == in.limit {
			at := tournamentPosition{last.startTime, last.endTime, last.category, last.id}
			if list.Cursor, err = encodeCursor(tournamentCursor, at); err != nil {
				return nil, failedWith("Error listing tournaments.", err)
			}
			break
		}
		list.Tournaments = append(list.Tournaments, c.apiTournament(b, now.Unix()))
		last = b
	}
	if err := rows.Err(); err != nil {
		return nil, failedWith("Error listing tournaments.", err)
	}
	return list, nil
}
