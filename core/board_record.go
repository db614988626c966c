package core

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/api"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"kumi/core/rank"
	"kumi/store"
	"kumi/store/fault"
)

// record is a row of the table leaderboard_record.
type record struct {
	rank.Key
	board            string
	expiry           time.Time
	username         sql.NullString
	numScore         int
	maxNumScore      int
	metadata         string
	created, updated time.Time
}

const recordColumns = "owner_id, username, score, subscore, num_score, max_num_score, metadata, create_time, update_time"

// scanRecord reads recordColumns of a record of the given board and period.
func scanRecord(row interface{ Scan(...any) error }, b *board, expiry time.Time) (*record, error) {
	r := record{board: b.id, expiry: expiry}
	err := row.Scan(&r.Owner, &r.username, &r.Score, &r.Subscore, &r.numScore, &r.maxNumScore, &r.metadata, &r.created, &r.updated)
	if err != nil {
		return nil, err
	}
	return &r, nil
}

// api is the record as clients and modules see it. A position of 0 is no rank.
func (r *record) api(position int64) *api.LeaderboardRecord {
	out := &api.LeaderboardRecord{
		LeaderboardId: r.board, OwnerId: r.Owner.String(), Score: r.Score, Subscore: r.Subscore,
		NumScore: int32(r.numScore), MaxNumScore: uint32(r.maxNumScore), Metadata: r.metadata,
		CreateTime: seconds(r.created), UpdateTime: seconds(r.updated), ExpiryTime: secondsOrNone(r.expiry), Rank: position,
	}
	if r.username.Valid {
		out.Username = wrapperspb.String(r.username.String)
	}
	return out
}

// submission is a score to be merged into a board.
type submission struct {
	owner    uuid.UUID
	username string // empty keeps the record's
	score    int64
	subscore int64
	metadata string // JSON; empty keeps the record's
	operator *operator
	client   bool // a client sends it, which authoritative boards refuse
}

// check refuses values that no board can store.
func (s *submission) check() error {
	if s.score < 0 {
		return invalid("Score must be 0 or more, not %d.", s.score)
	}
	if s.subscore < 0 {
		return invalid("Subscore must be 0 or more, not %d.", s.subscore)
	}
	if s.metadata != "" {
		var object map[string]json.RawMessage
		if json.Unmarshal([]byte(s.metadata), &object) != nil || object == nil {
			return errBoardMetadata
		}
	}
	return nil
}

// submitScore merges a score into the record that its owner has in the current
// period. Errors are those of checkEntry, InvalidArgument for values that cannot
// be stored, NotFound for an unknown board and PermissionDenied for a client's
// score for an authoritative one. With tournament the board must be one.
func (c *Core) submitScore(ctx context.Context, id string, s *submission, tournament bool) (*api.LeaderboardRecord, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	if err := c.boardTables(ctx); err != nil {
		return nil, failed("write a score", err)
	}
	var stored *record
	var b *board
	var position int64
	var counted bool
	err := c.db.Tx(ctx, func(ctx context.Context, q store.Querier) error {
		ctx = c.db.Brief(ctx)
		now := c.now()
		var err error
		if b, err = findBoard(ctx, q, id, ""); err != nil {
			return err
		}
		// The rules of a tournament also apply to the calls of leaderboards.
		if err := s.mayWrite(b, now.Unix(), tournament); err != nil {
			return err
		}
		p := c.periodOf(b, now.Unix())
		if stored, err = c.mergeScore(ctx, q, b, p, *s, now); err != nil {
			return err
		}
		if c.ranks(b) {
			position, counted, err = c.rankIndex.Counted(ctx, q, rank.Period{Board: b.id, Expiry: stored.expiry}, stored.Key, b.descending)
		}
		return err
	})
	if err != nil {
		if tournament {
			return nil, failedWith("Error writing score to tournament.", err)
		}
		return nil, failedWith("Error writing score to leaderboard.", err)
	}
	if c.ranks(b) && !counted {
		// It takes long, which keeps nobody from writing here. The score is stored: if
		// there is no rank, the call must not fail.
		if position, err = c.rankOf(ctx, c.db.Reader(), b, stored.expiry, stored.Key); err != nil {
			c.log.Warn().Err(err).Str("leaderboard", id).Msg("no rank of a score that was written")
			position = 0
		}
	}
	return stored.api(position), nil
}

// mayWrite checks the rules that do not depend on the owner's record.
func (s *submission) mayWrite(b *board, now int64, tournament bool) error {
	switch {
	case b == nil && !tournament:
		return errBoardNotFound
	case b == nil || tournament && !b.tournament() || b.tournament() && b.ended(now):
		return errTournamentNotFound
	case s.client && b.authoritative && b.tournament():
		return errTournamentAuthoritative
	case s.client && b.authoritative:
		return errBoardAuthoritative
	}
	return nil
}

// mergeScore merges a score into the owner's record, in a transaction. It creates the
// record if there is none. s is a copy, as the transaction may be tried again.
func (c *Core) mergeScore(ctx context.Context, q store.Querier, b *board, p period, s submission, now time.Time) (*record, error) {
	old, err := findRecord(ctx, q, b, p.expiry(), s.owner, c.db.Dialect().ForUpdate())
	if err != nil {
		return nil, err
	}
	if b.tournament() {
		if err := b.checkEntry(p, old, now.Unix()); err != nil {
			return nil, err
		}
	}
	op := b.operator
	if s.operator != nil {
		op = *s.operator
	}
	if s.metadata != "" {
		if s.metadata, err = c.db.Dialect().JSON(s.metadata); err != nil {
			return nil, err
		}
	}
	if old == nil {
		first := rank.Key{Score: s.score, Subscore: s.subscore, Owner: s.owner}
		if op == operatorDecrement {
			first.Score, first.Subscore = 0, 0
		}
		made, err := c.insertRecord(ctx, q, b, p, s, first, 1)
		if err != nil || made != nil {
			return made, err
		}
		// On PostgreSQL another server created the record first.
		if old, err = findRecord(ctx, q, b, p.expiry(), s.owner, c.db.Dialect().ForUpdate()); err != nil {
			return nil, err
		}
		if old == nil {
			return nil, fmt.Errorf("record of %s appeared and went away", s.owner)
		}
		if b.tournament() {
			if err := b.checkEntry(p, old, now.Unix()); err != nil {
				return nil, err
			}
		}
	}
	merged, changed, err := op.merge(b.descending, old.Key, s)
	if err != nil || !changed && !b.tournament() {
		return old, err
	}
	if s.username == "" {
		s.username = old.username.String
	}
	if s.metadata == "" {
		s.metadata = old.metadata
	}
	r := *old // locked on PostgreSQL, so it is as it was read
	r.Key, r.username = merged, nullText(s.username)
	r.numScore++
	err = q.QueryRowContext(ctx, `UPDATE leaderboard_record SET score = $4, subscore = $5, num_score = $6, username = $7, metadata = $8, update_time = now()
		WHERE leaderboard_id = $1 AND expiry_time = $2 AND owner_id = $3 RETURNING metadata, update_time`,
		b.id, p.expiry(), s.owner, r.Score, r.Subscore, r.numScore, r.username, s.metadata).Scan(&r.metadata, &r.updated)
	if err != nil {
		return nil, fmt.Errorf("update record: %w", err)
	}
	return &r, c.moveRank(ctx, q, b, p.expiry(), &old.Key, &merged)
}

// insertRecord creates the owner's record, and counts the player in a tournament with
// a maximum size. It returns nil if the record exists already: both unique keys of the
// table have its owner, and of two inserts at once PostgreSQL may notice either first.
func (c *Core) insertRecord(ctx context.Context, q store.Querier, b *board, p period, s submission, first rank.Key, numScore int) (*record, error) {
	if s.metadata == "" {
		s.metadata = "{}"
	}
	r, err := scanRecord(q.QueryRowContext(ctx, `INSERT INTO leaderboard_record (leaderboard_id, expiry_time, `+recordColumns+`)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, now(), now())
		ON CONFLICT DO NOTHING RETURNING `+recordColumns,
		b.id, p.expiry(), s.owner, nullText(s.username), first.Score, first.Subscore, numScore, b.maxNumScore, s.metadata), b, p.expiry())
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("insert record: %w", err)
	}
	if b.limited() {
		if err := c.enterTournament(ctx, q, b, p, c.now()); err != nil {
			return nil, err
		}
	}
	return r, c.moveRank(ctx, q, b, p.expiry(), nil, &first)
}

// enterTournament counts an entrant whose record q has inserted. It is errTournamentFull
// if there is no room.
func (c *Core) enterTournament(ctx context.Context, q store.Querier, b *board, p period, now time.Time) error {
	res, err := q.ExecContext(ctx, "UPDATE leaderboard SET size = size + 1 WHERE id = $1 AND size < max_size", b.id)
	if err != nil {
		return fmt.Errorf("count an entrant: %w", err)
	}
	if n, err := res.RowsAffected(); err != nil || n > 0 {
		return err
	}
	// The size is that of the last period until its reset event has run.
	var stale bool
	err = q.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM kumi_board_event WHERE board = $1 AND kind = $2 AND run_at <= $3)",
		b.id, periodReset, now.Unix()).Scan(&stale)
	switch {
	case err != nil:
		return fmt.Errorf("count entrants: %w", err)
	case !stale:
		return errTournamentFull
	}
	// The lock keeps others from entering between the count and the update.
	if b, err = findBoard(ctx, q, b.id, c.db.Dialect().ForUpdate()); err != nil || b == nil {
		return err
	}
	var joined int // with the new one
	err = q.QueryRowContext(ctx, `SELECT count(*) FROM (SELECT 1 FROM leaderboard_record WHERE leaderboard_id = $1 AND expiry_time = $2 LIMIT $3) AS entrants`,
		b.id, p.expiry(), b.maxSize+1).Scan(&joined)
	switch {
	case err != nil:
		return fmt.Errorf("count entrants: %w", err)
	case joined > b.maxSize:
		return errTournamentFull
	}
	if _, err := q.ExecContext(ctx, "UPDATE leaderboard SET size = $2 WHERE id = $1", b.id, joined); err != nil {
		return fmt.Errorf("count an entrant: %w", err)
	}
	return nil
}

// findRecord reads an owner's record of a period; nil if there is none.
func findRecord(ctx context.Context, q store.Querier, b *board, expiry time.Time, owner uuid.UUID, suffix string) (*record, error) {
	r, err := scanRecord(q.QueryRowContext(ctx, "SELECT "+recordColumns+` FROM leaderboard_record
		WHERE leaderboard_id = $1 AND expiry_time = $2 AND owner_id = $3`+suffix, b.id, expiry, owner), b, expiry)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read record: %w", err)
	}
	return r, nil
}

// merge merges a score into that of a record. changed is false if neither value
// changes. A sum that is too large is InvalidArgument.
func (op operator) merge(descending bool, old rank.Key, s submission) (merged rank.Key, changed bool, err error) {
	better := func(a, b int64) int64 {
		if descending {
			return max(a, b)
		}
		return min(a, b)
	}
	merged = old
	switch op {
	case operatorSet:
		merged.Score, merged.Subscore = s.score, s.subscore
	case operatorIncrement:
		if s.score > math.MaxInt64-old.Score || s.subscore > math.MaxInt64-old.Subscore {
			return old, false, invalid("Score is too large: the sum would be more than %d.", int64(math.MaxInt64))
		}
		merged.Score, merged.Subscore = old.Score+s.score, old.Subscore+s.subscore
	case operatorDecrement:
		merged.Score, merged.Subscore = max(old.Score-s.score, 0), max(old.Subscore-s.subscore, 0)
		// A decrement of what is 0 is still one: only a zero delta changes nothing.
		return merged, s.score != 0 || s.subscore != 0, nil
	default:
		merged.Score, merged.Subscore = better(old.Score, s.score), better(old.Subscore, s.subscore)
	}
	return merged, merged != old, nil
}

// deleteRecord deletes an owner's record of the current period, if there is one.
func (c *Core) deleteRecord(ctx context.Context, b *board, owner uuid.UUID) error {
	if err := c.boardTables(ctx); err != nil {
		return err
	}
	return c.db.Tx(ctx, func(ctx context.Context, q store.Querier) error {
		ctx = c.db.Brief(ctx)
		expiry := c.periodOf(b, c.now().Unix()).expiry()
		k := rank.Key{Owner: owner}
		err := q.QueryRowContext(ctx, `DELETE FROM leaderboard_record
			WHERE leaderboard_id = $1 AND expiry_time = $2 AND owner_id = $3 RETURNING score, subscore`, b.id, expiry, owner).Scan(&k.Score, &k.Subscore)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("delete record: %w", err)
		}
		if b.limited() {
			if err := leaveTournament(ctx, q, b.id); err != nil {
				return err
			}
		}
		return c.moveRank(ctx, q, b, expiry, &k, nil)
	})
}

// deletedRecords is how many records of an account one transaction deletes.
const deletedRecords = 200

// deleteRecordsOf deletes records of an owner, in a transaction, and takes them
// out of ranks and the sizes of tournaments. more is true if there may be others.
func (c *Core) deleteRecordsOf(ctx context.Context, q store.Querier, owner uuid.UUID) (more bool, err error) {
	rows, err := q.QueryContext(ctx, `DELETE FROM leaderboard_record WHERE owner_id = $1 AND (leaderboard_id, expiry_time) IN
		(SELECT leaderboard_id, expiry_time FROM leaderboard_record WHERE owner_id = $1 ORDER BY leaderboard_id, expiry_time LIMIT $2)
		RETURNING leaderboard_id, expiry_time, score, subscore`, owner, deletedRecords)
	if err != nil {
		return false, err
	}
	defer rows.Close()
	var gone []record
	for rows.Next() {
		r := record{Key: rank.Key{Owner: owner}}
		if err := rows.Scan(&r.board, &r.expiry, &r.Score, &r.Subscore); err != nil {
			return false, err
		}
		gone = append(gone, r)
	}
	if err := rows.Err(); err != nil {
		return false, err
	}
	// All transactions take the locks of boards in the same order.
	slices.SortFunc(gone, func(a, b record) int {
		return cmp.Or(strings.Compare(a.board, b.board), a.expiry.Compare(b.expiry))
	})
	for _, r := range gone {
		b, err := findBoard(ctx, q, r.board, "")
		if err != nil {
			return false, err
		}
		if b == nil {
			continue
		}
		if b.limited() && r.expiry.Equal(c.periodOf(b, c.now().Unix()).expiry()) {
			if err := leaveTournament(ctx, q, b.id); err != nil {
				return false, err
			}
		}
		if err := c.moveRank(ctx, q, b, r.expiry, &r.Key, nil); err != nil {
			return false, err
		}
	}
	return len(gone) == deletedRecords, nil
}

// leaveTournament counts an entrant less.
func leaveTournament(ctx context.Context, q store.Querier, id string) error {
	if _, err := q.ExecContext(ctx, "UPDATE leaderboard SET size = size - 1 WHERE id = $1 AND size > 0", id); err != nil {
		return fmt.Errorf("count an entrant: %w", err)
	}
	return nil
}

// apiOperator converts an operator of the protocol; it returns nil if none is given.
func apiOperator(op api.Operator) (*operator, error) {
	if op == api.Operator_NO_OVERRIDE {
		return nil, nil
	}
	if op < api.Operator_BEST || op > api.Operator_DECREMENT {
		return nil, invalid("Invalid operator %d.", op)
	}
	own := operator(op - 1)
	return &own, nil
}

// recordOwner parses an owner's id.
func recordOwner(text string) (uuid.UUID, error) {
	id, err := uuid.FromString(text)
	if err != nil {
		return uuid.Nil, fault.Wrap(fault.InvalidArgument, "Invalid owner ID provided.", err)
	}
	return id, nil
}

// nullText returns NULL for an empty string.
func nullText(text string) sql.NullString { return sql.NullString{String: text, Valid: text != ""} }
