package core

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/heroiclabs/nakama-common/api"

	"kumi/core/rank"
	"kumi/store"
)

// BoardHandlers are the handlers of the ends and resets of boards; each may be nil.
type BoardHandlers struct {
	TournamentEnd, TournamentReset func(ctx context.Context, t *api.Tournament, end, reset int64) error
	LeaderboardReset               func(ctx context.Context, l *api.Leaderboard, reset int64) error
}

// of returns a call of the handler of an event, or nil if there is no handler.
func (h BoardHandlers) of(kind eventKind, b *board, c *Core, at int64) func(context.Context) error {
	if kind == earlyReset {
		return h.early(b, c, at)
	}
	// Handlers see the board as it was during the period that is over.
	before := at - 1
	if !b.tournament() {
		if h.LeaderboardReset == nil {
			return nil
		}
		return func(ctx context.Context) error { return h.LeaderboardReset(ctx, c.apiLeaderboard(b, before), at) }
	}
	handle := h.TournamentReset
	if kind == windowEnd {
		handle = h.TournamentEnd
	}
	if handle == nil {
		return nil
	}
	p := c.periodOf(b, before)
	return func(ctx context.Context) error {
		return handle(ctx, c.apiTournament(b, before), p.endActive, p.nextReset)
	}
}

// early is of for a reset that is not in the schedule.
func (h BoardHandlers) early(b *board, c *Core, at int64) func(context.Context) error {
	switch {
	case !b.tournament() && h.LeaderboardReset != nil:
		return func(ctx context.Context) error { return h.LeaderboardReset(ctx, c.apiLeaderboard(b, at), at) }
	case b.tournament() && h.TournamentReset != nil:
		return func(ctx context.Context) error { return h.TournamentReset(ctx, c.apiTournament(b, at), at, at) }
	}
	return nil
}

// eventKind is a kind of event of a board.
type eventKind int

// The kinds, in the order in which they happen at the same time.
const (
	windowEnd   eventKind = iota // a tournament's window ends
	periodReset                  // a period ends, and with it the validity of its records
	earlyReset                   // the same, but at the time that an operator chose
)

// newEventTable returns the table of the next events of boards. A server claims an
// event by moving its time, so each event is handled by one server.
func newEventTable() *ownTable {
	return newOwnTable("kumi_board_event", `CREATE TABLE IF NOT EXISTS kumi_board_event (
		board  VARCHAR(128) NOT NULL,
		kind   SMALLINT NOT NULL,
		run_at BIGINT NOT NULL,
		PRIMARY KEY (board, kind)
	)`, "CREATE INDEX IF NOT EXISTS kumi_board_event_run_at ON kumi_board_event (run_at)")
}

// boardTables creates the tables that boards need in addition to Nakama's.
func (c *Core) boardTables(ctx context.Context) error {
	if err := c.rankTable.ensure(ctx, c.db); err != nil {
		return err
	}
	return c.eventTable.ensure(ctx, c.db)
}

// nextEvent returns the time of the first event of a kind after t, 0 for none.
func (c *Core) nextEvent(b *board, kind eventKind, t int64) int64 {
	if kind == earlyReset {
		return 0
	}
	if b.tournament() {
		if b.ended(t) {
			return 0
		}
		t = max(t, b.start)
	}
	p := c.periodOf(b, t)
	if kind == periodReset {
		return p.nextReset
	}
	if !b.tournament() {
		return 0
	}
	if p.endActive <= t { // between two windows
		if p.nextReset == 0 || b.ended(p.nextReset) {
			return 0
		}
		p = c.periodOf(b, p.nextReset)
	}
	return p.endActive
}

// planEvents stores the next events of a board, unless they are stored.
func (c *Core) planEvents(ctx context.Context, q store.Querier, b *board) error {
	for _, kind := range []eventKind{windowEnd, periodReset} {
		at := c.nextEvent(b, kind, c.now().Unix())
		if at == 0 {
			continue
		}
		if _, err := q.ExecContext(ctx, "INSERT INTO kumi_board_event (board, kind, run_at) VALUES ($1, $2, $3) ON CONFLICT (board, kind) DO NOTHING", b.id, kind, at); err != nil {
			return fmt.Errorf("plan events of a leaderboard: %w", err)
		}
	}
	return nil
}

// forgetEvents removes the events of a board that is deleted.
func (c *Core) forgetEvents(ctx context.Context, q store.Querier, id string) error {
	_, err := q.ExecContext(ctx, "DELETE FROM kumi_board_event WHERE board = $1", id)
	return err
}

// boardsChanged makes RunBoards look for new events, on all nodes.
func (c *Core) boardsChanged() {
	c.lookAtBoards()
	c.give(order{Look: "boards"})
}

// lookAtBoards is boardsChanged for this node.
func (c *Core) lookAtBoards() {
	select {
	case c.boardsWake <- struct{}{}:
	default:
	}
}

const (
	boardReview = 5 * time.Minute // between searches for boards without events or counts
	// maxMissedEvents is the maximum number of events of a board that are handled
	// later because no server was running; these are the latest ones.
	maxMissedEvents = 100
)

// RunBoards calls the handlers of the events of boards until ctx ends, and waits for
// those that are running. Each event is handled at most once, by whichever server on
// the database is first, including events that were missed while no server was
// running: an event is claimed when its handler begins, and lost if the server is
// killed before the handler ends.
// RunBoards also counts, in the background, the records of boards that Nakama has
// filled. At most workers handlers run at a time; those of one board run in the order
// of its events.
func (c *Core) RunBoards(ctx context.Context, workers int, handlers func() BoardHandlers) {
	r := &boardRunner{Core: c, handlers: handlers, workers: max(workers, 1), busy: map[string]bool{}}
	defer r.work.Wait()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-c.boardsWake:
		case <-timer.C:
		}
		wait, err := r.turn(ctx)
		if err != nil && ctx.Err() == nil && !c.DatabaseUnreachable(err) {
			c.log.Error().Err(err).Msg("could not run the events of leaderboards")
		}
		timer.Reset(wait)
	}
}

type boardRunner struct {
	*Core
	handlers func() BoardHandlers
	reviewed time.Time
	workers  int
	work     sync.WaitGroup
	counting atomic.Bool // records are being counted

	mu   sync.Mutex
	busy map[string]bool // boards whose handler runs
}

// boardEvent is a row of the table.
type boardEvent struct {
	board string
	kind  eventKind
	at    int64
}

// turn handles the events that are due and returns when to look again.
func (r *boardRunner) turn(ctx context.Context) (time.Duration, error) {
	// A database without boards does not get their tables.
	var boards bool
	if err := r.db.Reader().QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM leaderboard)").Scan(&boards); err != nil {
		return jobRetry, err
	}
	if !boards {
		return r.pollOthers(), nil
	}
	if err := r.boardTables(ctx); err != nil {
		return jobRetry, err
	}
	if r.now().Sub(r.reviewed).Abs() >= boardReview {
		if err := r.review(ctx); err != nil {
			return jobRetry, err
		}
		r.reviewed = r.now()
	}
	for {
		rows, err := r.events(ctx)
		if err != nil {
			return jobRetry, err
		}
		handled := 0
		waiting := map[string]bool{} // boards whose later events must wait as well
		for _, e := range rows {
			if waiting[e.board] {
				continue
			}
			ok, err := r.run(ctx, e)
			if err != nil {
				return jobRetry, err
			}
			if !ok {
				waiting[e.board] = true
				continue
			}
			handled++
		}
		if handled == 0 && len(rows) > 0 {
			return r.pollOthers(), nil // until a handler ends, which wakes RunBoards
		}
		if handled == 0 {
			break
		}
	}
	var next int64
	if err := r.db.Reader().QueryRowContext(ctx, "SELECT coalesce(min(run_at), 0) FROM kumi_board_event").Scan(&next); err != nil {
		return jobRetry, err
	}
	if next == 0 {
		return r.pollOthers(), nil
	}
	return r.untilDue(time.Unix(next, 0)), nil
}

// events returns the events that are due, in the order in which they happened.
func (r *boardRunner) events(ctx context.Context) (due []boardEvent, err error) {
	rows, err := r.db.Reader().QueryContext(ctx, "SELECT board, kind, run_at FROM kumi_board_event WHERE run_at <= $1 ORDER BY run_at, kind LIMIT 100", r.now().Unix())
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var e boardEvent
		if err := rows.Scan(&e.board, &e.kind, &e.at); err != nil {
			return nil, err
		}
		due = append(due, e)
	}
	return due, rows.Err()
}

// never is the time of the next event of a tournament that has ended. Its row stays,
// so that no server with a slower clock plans the last event again.
const never = 1 << 40

// run claims an event and calls its handler on a new goroutine. It is false if the
// handler has to wait: for another one of the same board, or for a worker.
func (r *boardRunner) run(ctx context.Context, e boardEvent) (handled bool, err error) {
	b, err := findBoard(ctx, r.db.Reader(), e.board, "")
	if err != nil {
		return false, err
	}
	if b == nil { // deleted by another program
		return true, r.db.Tx(ctx, func(ctx context.Context, q store.Querier) error { return r.forgetEvents(ctx, q, e.board) })
	}
	call := r.handlers().of(e.kind, b, r.Core, e.at)
	next := r.nextEvent(b, e.kind, e.at)
	if latest := r.latest(b, e.kind, next, call != nil); latest != next {
		next, call = latest, nil
	}
	if next == 0 {
		next = never
	}
	if call != nil && !r.enter(e.board) {
		return false, nil
	}
	claimed := false
	err = r.db.Tx(ctx, func(ctx context.Context, q store.Querier) (err error) {
		claimed, err = r.claim(ctx, q, e, next)
		return err
	})
	switch {
	case call == nil:
	case err != nil || !claimed:
		r.leave(e.board)
	default:
		r.work.Go(func() {
			defer r.leave(e.board)
			if err := call(ctx); err != nil {
				r.log.Error().Err(err).Str("leaderboard", e.board).Time("at", time.Unix(e.at, 0).UTC()).Msg("handler of a leaderboard's end or reset failed")
			}
		})
	}
	return true, err
}

// claim moves an event to its next time, unless another server has, and sets the
// size of a tournament that a new period begins for.
func (r *boardRunner) claim(ctx context.Context, q store.Querier, e boardEvent, next int64) (bool, error) {
	res, err := q.ExecContext(ctx, "UPDATE kumi_board_event SET run_at = $4 WHERE board = $1 AND kind = $2 AND run_at = $3", e.board, e.kind, e.at, next)
	if err != nil {
		return false, err
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return false, err
	}
	if e.kind != periodReset {
		return true, nil
	}
	// The lock keeps players from joining between the count and the update.
	b, err := findBoard(ctx, q, e.board, r.db.Dialect().ForUpdate())
	if err != nil || b == nil || !b.limited() {
		return true, err
	}
	var joined int64 // those who have joined since belong to the new period
	if now := max(r.now().Unix(), e.at); !b.ended(now) {
		if joined, err = r.rankIndex.Count(ctx, q, rank.Period{Board: b.id, Expiry: r.periodOf(b, now).expiry()}); err != nil {
			return true, err
		}
	}
	_, err = q.ExecContext(ctx, "UPDATE leaderboard SET size = $2 WHERE id = $1", b.id, joined)
	return true, err
}

// enter takes a worker for a board, if one is free and none has the board already.
func (r *boardRunner) enter(board string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.busy[board] || len(r.busy) >= r.workers {
		return false
	}
	r.busy[board] = true
	return true
}

// leave gives the worker back.
func (r *boardRunner) leave(board string) {
	r.mu.Lock()
	delete(r.busy, board)
	r.mu.Unlock()
	r.lookAtBoards()
}

// latest skips missed events from t on: all of them if there is no handler, otherwise
// all but about the last maxMissedEvents.
func (r *boardRunner) latest(b *board, kind eventKind, t int64, handled bool) int64 {
	now := r.now().Unix()
	if t == 0 || t > now {
		return t
	}
	if !handled {
		return r.nextEvent(b, kind, now)
	}
	// More events than are ever walked through begin so long ago that the gap between
	// the first ones tells where the last ones are.
	at, gap := t, int64(1)
	for range maxMissedEvents {
		next := r.nextEvent(b, kind, at)
		if next == 0 || next > now {
			return t
		}
		gap, at = max(gap, next-at), next
	}
	if at < now-maxMissedEvents*gap {
		r.log.Warn().Str("leaderboard", b.id).Msgf("ends or resets were missed while no server ran, only about the last %d are handled", maxMissedEvents)
		t = r.nextEvent(b, kind, now-maxMissedEvents*gap)
	}
	return t
}

// review plans the events of boards that have none, as those that another program
// has made, and counts the records of current periods that are not counted.
func (r *boardRunner) review(ctx context.Context) error {
	all, err := r.allBoards(ctx, "")
	if err != nil {
		return err
	}
	unplanned, err := r.allBoards(ctx, ` WHERE (reset_schedule <> '' OR duration <> 0)
		AND NOT EXISTS (SELECT 1 FROM kumi_board_event e WHERE e.board = leaderboard.id AND e.kind <> `+strconv.Itoa(int(earlyReset))+`)`)
	if err != nil {
		return err
	}
	now := r.now().Unix()
	for _, b := range unplanned {
		if r.nextEvent(b, windowEnd, now) == 0 && r.nextEvent(b, periodReset, now) == 0 {
			continue // a tournament that has ended
		}
		if err := r.db.Tx(ctx, func(ctx context.Context, q store.Querier) error { return r.planEvents(ctx, q, b) }); err != nil {
			return err
		}
	}
	if !r.counting.CompareAndSwap(false, true) {
		return nil
	}
	r.work.Go(func() {
		defer r.counting.Store(false)
		for _, b := range all {
			if ctx.Err() != nil {
				return
			}
			p := rank.Period{Board: b.id, Expiry: r.periodOf(b, r.now().Unix()).expiry()}
			if err := r.rankIndex.Build(ctx, r.db, p); err != nil && ctx.Err() == nil {
				r.log.Error().Err(err).Str("leaderboard", b.id).Msg("could not count the records of a leaderboard")
			}
		}
	})
	return nil
}

// allBoards reads all boards, or those of a condition.
func (r *boardRunner) allBoards(ctx context.Context, where string) (all []*board, err error) {
	rows, err := r.db.Reader().QueryContext(ctx, "SELECT "+boardColumns+" FROM leaderboard"+where)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		b, err := scanBoard(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, b)
	}
	return all, rows.Err()
}
