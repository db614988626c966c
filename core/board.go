package core

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/heroiclabs/nakama-common/api"
	"github.com/heroiclabs/nakama-common/runtime"

	"kumi/store"
	"kumi/store/fault"
)

// board is a leaderboard or, if duration is not 0, a tournament: a row of the table
// leaderboard. Times are in Unix seconds.
type board struct {
	id            string
	authoritative bool
	descending    bool
	operator      operator
	schedule      string // cron expression of the resets, empty for none
	metadata      string
	created       int64
	category      int
	title         string
	description   string
	duration      int64 // seconds of a window; 0 for leaderboards
	start, end    int64 // of tournaments; an end of 0 is never
	joinRequired  bool
	size, maxSize int
	maxNumScore   int
	ranked        bool

	startTime, endTime time.Time // as they are stored
}

// operator says how a score is merged into the record of its owner. The values are
// those of the column; api.Operator has others.
type operator int16

const (
	operatorBest operator = iota
	operatorSet
	operatorIncrement
	operatorDecrement
)

// unlimited is the maximum size of tournaments without one. Their size is not counted.
const unlimited = math.MaxInt32

// defaultMaxNumScore is the default number of attempts in a tournament.
const defaultMaxNumScore = 1_000_000

// The errors of boards. Modules compare the runtime package's values, which are
// their causes.
var (
	errBoardNotFound      = fault.Wrap(fault.NotFound, "Leaderboard not found.", runtime.ErrLeaderboardNotFound)
	errBoardAuthoritative = fault.New(fault.PermissionDenied, "Leaderboard only allows authoritative score submissions.")
	errBoardCursor        = fault.New(fault.InvalidArgument, "Cursor is invalid or expired.")
	errBoardMetadata      = fault.New(fault.InvalidArgument, "Metadata value must be JSON, if provided.")

	errTournamentNotFound      = fault.Wrap(fault.NotFound, "Tournament not found or has ended.", runtime.ErrTournamentNotFound)
	errTournamentAuthoritative = fault.Wrap(fault.PermissionDenied, "Tournament only allows authoritative score submissions.", runtime.ErrTournamentAuthoritative)
)

func (b *board) tournament() bool { return b.duration != 0 }

// ended reports whether a tournament is over.
func (b *board) ended(now int64) bool { return b.end > 0 && b.end <= now }

// limited reports whether players are counted because the tournament has a maximum
// size.
func (b *board) limited() bool { return b.tournament() && b.maxSize < unlimited }

const boardColumns = `id, authoritative, sort_order, operator, coalesce(reset_schedule, ''), metadata, create_time, category, title,
	description, duration, start_time, end_time, join_required, size, max_size, max_num_score, coalesce(enable_ranks, true)`

// scanBoard reads boardColumns.
func scanBoard(row interface{ Scan(...any) error }) (*board, error) {
	var b board
	var sort int
	var created time.Time
	if err := row.Scan(&b.id, &b.authoritative, &sort, &b.operator, &b.schedule, &b.metadata, &created, &b.category, &b.title,
		&b.description, &b.duration, &b.startTime, &b.endTime, &b.joinRequired, &b.size, &b.maxSize, &b.maxNumScore, &b.ranked); err != nil {
		return nil, err
	}
	b.descending = sort == 1
	b.created, b.start, b.end = created.Unix(), b.startTime.Unix(), b.endTime.Unix()
	return &b, nil
}

// findBoard reads a board; nil if there is none. suffix is a locking clause.
func findBoard(ctx context.Context, q store.Querier, id, suffix string) (*board, error) {
	if id == "" || strings.ContainsRune(id, 0) {
		return nil, nil
	}
	b, err := scanBoard(q.QueryRowContext(ctx, "SELECT "+boardColumns+" FROM leaderboard WHERE id = $1"+suffix, id))
	if errors.Is(err, sql.ErrNoRows) || store.IsInvalidText(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read leaderboard: %w", err)
	}
	return b, nil
}

// leaderboard reads a board of either kind, for the calls of leaderboards.
func (c *Core) leaderboard(ctx context.Context, id string) (*board, error) {
	b, err := findBoard(c.db.Brief(ctx), c.db.Reader(), id, "")
	switch {
	case err != nil:
		return nil, failed("read a leaderboard", err)
	case b == nil:
		return nil, errBoardNotFound
	}
	if err := c.boardTables(ctx); err != nil {
		return nil, failed("read a leaderboard", err)
	}
	return b, nil
}

// tournament reads a tournament.
func (c *Core) tournament(ctx context.Context, id string) (*board, error) {
	b, err := findBoard(c.db.Brief(ctx), c.db.Reader(), id, "")
	switch {
	case err != nil:
		return nil, failed("read a tournament", err)
	case b == nil || !b.tournament():
		return nil, errTournamentNotFound
	}
	if err := c.boardTables(ctx); err != nil {
		return nil, failed("read a tournament", err)
	}
	return b, nil
}

// boards reads the boards with the given ids, in the order of ids, of one kind.
func (c *Core) boards(ctx context.Context, ids []string, tournaments bool) ([]*board, error) {
	ids = slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return strings.ContainsRune(id, 0) || !utf8.ValidString(id) })
	rows, err := c.db.Reader().QueryContext(ctx, "SELECT "+boardColumns+" FROM leaderboard WHERE id "+c.db.Dialect().AnyOf("$1", "text"), ids)
	if err != nil {
		return nil, failed("read leaderboards", err)
	}
	defer rows.Close()
	found := map[string]*board{}
	for rows.Next() {
		b, err := scanBoard(rows)
		if err != nil {
			return nil, failed("read leaderboards", err)
		}
		if b.tournament() == tournaments {
			found[b.id] = b
		}
	}
	if err := rows.Err(); err != nil {
		return nil, failed("read leaderboards", err)
	}
	var list []*board
	for _, id := range ids {
		if b := found[id]; b != nil {
			list = append(list, b)
			delete(found, id) // an id that is given twice is listed once
		}
	}
	return list, nil
}

// apiLeaderboard returns the board as modules see it.
func (c *Core) apiLeaderboard(b *board, now int64) *api.Leaderboard {
	p := c.periodOf(b, now)
	return &api.Leaderboard{
		Id: b.id, SortOrder: b.sortOrder(), Operator: api.Operator(b.operator + 1), Authoritative: b.authoritative,
		Metadata: b.metadata, CreateTime: seconds(time.Unix(b.created, 0)),
		PrevReset: uint32(p.prevReset), NextReset: uint32(p.nextReset),
	}
}

// apiTournament returns the tournament as clients and modules see it.
func (c *Core) apiTournament(b *board, now int64) *api.Tournament {
	p := c.periodOf(b, now)
	t := &api.Tournament{
		Id: b.id, Title: b.title, Description: b.description, Category: uint32(b.category),
		SortOrder: b.sortOrder(), Operator: api.Operator(b.operator + 1), Authoritative: b.authoritative, JoinRequired: b.joinRequired,
		Size: uint32(b.size), MaxSize: uint32(b.maxSize), MaxNumScore: uint32(b.maxNumScore),
		CanEnter: p.startActive <= now && now <= p.endActive && (!b.limited() || b.size < b.maxSize),
		Duration: uint32(b.duration), StartActive: uint32(p.startActive), EndActive: uint32(p.endActive),
		PrevReset: uint32(p.prevReset), NextReset: uint32(p.nextReset),
		Metadata: b.metadata, CreateTime: seconds(time.Unix(b.created, 0)), StartTime: seconds(time.Unix(b.start, 0)),
	}
	if b.end > 0 {
		t.EndTime = seconds(time.Unix(b.end, 0))
	}
	return t
}

// sortOrder is the value of the column and of the protocol.
func (b *board) sortOrder() uint32 {
	if b.descending {
		return 1
	}
	return 0
}
