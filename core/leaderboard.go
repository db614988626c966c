package core

import (
	"context"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/api"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// maxRecords is the largest page of records of a leaderboard; those of
// tournaments, and those around an owner, are at most maxPage.
const (
	maxRecords = 1000
	maxPage    = 100
)

// WriteLeaderboardRecord merges a score of the caller into a leaderboard. The
// rules of a tournament hold also if its id is given here. username is the
// caller's, as its token has it.
//
// Errors: NotFound, PermissionDenied for an authoritative leaderboard, and
// InvalidArgument for negative values and metadata that is not a JSON object.
func (c *Core) WriteLeaderboardRecord(ctx context.Context, caller uuid.UUID, username string, in *api.WriteLeaderboardRecordRequest) (*api.LeaderboardRecord, error) {
	if in.GetLeaderboardId() == "" {
		return nil, invalid("Invalid leaderboard ID.")
	}
	op, err := apiOperator(in.GetRecord().GetOperator())
	if err != nil {
		return nil, err
	}
	r := in.GetRecord()
	return c.submitScore(ctx, in.GetLeaderboardId(), &submission{
		owner: caller, username: username, score: r.GetScore(), subscore: r.GetSubscore(), metadata: r.GetMetadata(), operator: op, client: true,
	}, false)
}

// DeleteLeaderboardRecord deletes the caller's record of the current period. It
// is no error if there is none.
//
// Errors: NotFound, also for a tournament, and PermissionDenied for an
// authoritative leaderboard.
func (c *Core) DeleteLeaderboardRecord(ctx context.Context, caller uuid.UUID, in *api.DeleteLeaderboardRecordRequest) error {
	b, err := c.leaderboard(ctx, in.GetLeaderboardId())
	switch {
	case err != nil:
		return err
	case b.tournament():
		return errBoardNotFound
	case b.authoritative:
		return errBoardAuthoritative
	}
	if err := c.deleteRecord(ctx, b, caller); err != nil {
		return failedWith("Error deleting score from leaderboard.", err)
	}
	return nil
}

// ListLeaderboardRecords lists a page of 1 to 1000 records, by default 1, and
// the records of some owners. With owners alone there is no page.
//
// Errors: NotFound, and InvalidArgument for a bad limit, cursor or owner id.
func (c *Core) ListLeaderboardRecords(ctx context.Context, _ uuid.UUID, in *api.ListLeaderboardRecordsRequest) (*api.LeaderboardRecordList, error) {
	if in.GetLeaderboardId() == "" {
		return nil, invalid("Invalid leaderboard ID.")
	}
	list, err := c.recordPage(ctx, false, in.GetLeaderboardId(), in.GetOwnerIds(), in.GetLimit(), 1, maxRecords, in.GetCursor(), in.GetExpiry().GetValue())
	if err != nil {
		return nil, err
	}
	return &api.LeaderboardRecordList{
		Records: list.records, OwnerRecords: list.owners, NextCursor: list.next, PrevCursor: list.prev, RankCount: list.count,
	}, nil
}

// recordPage checks what the calls for pages of records have in common.
func (c *Core) recordPage(ctx context.Context, tournament bool, id string, ids []string, limit *wrapperspb.Int32Value, missing, max int, cursor string, expiry int64) (*recordList, error) {
	n := 0
	var err error
	if limit != nil || len(ids) == 0 && cursor == "" {
		if n, err = limitOf(limit, missing, max); err != nil {
			return nil, err
		}
	} else if len(ids) == 0 {
		n = missing // a cursor asks for a page
	}
	owners := make([]uuid.UUID, 0, len(ids))
	for _, text := range ids {
		owner, err := uuid.FromString(text)
		if err != nil {
			return nil, invalid("One or more owner IDs are invalid.")
		}
		owners = append(owners, owner)
	}
	b, err := c.boardOf(ctx, id, tournament)
	if err != nil {
		return nil, err
	}
	if tournament && expiry == 0 && b.ended(c.now().Unix()) {
		return nil, errTournamentNotFound
	}
	return c.listRecords(ctx, b, recordQuery{owners: owners, limit: n, cursor: cursor, expiry: expiry})
}

// boardOf reads a board of either kind, or a tournament.
func (c *Core) boardOf(ctx context.Context, id string, tournament bool) (*board, error) {
	if tournament {
		return c.tournament(ctx, id)
	}
	return c.leaderboard(ctx, id)
}

// ListLeaderboardRecordsAroundOwner lists 1 to 100 records around an owner's,
// which is in the middle as far as there are as many on both sides. The list is
// empty if the owner has no record.
//
// Errors: NotFound, and InvalidArgument for a bad limit, cursor or owner id.
func (c *Core) ListLeaderboardRecordsAroundOwner(ctx context.Context, _ uuid.UUID, in *api.ListLeaderboardRecordsAroundOwnerRequest) (*api.LeaderboardRecordList, error) {
	list, err := c.aroundPage(ctx, false, in.GetLeaderboardId(), in.GetOwnerId(), in.GetLimit(), 1, in.GetCursor(), in.GetExpiry().GetValue())
	if err != nil {
		return nil, err
	}
	return &api.LeaderboardRecordList{Records: list.records, NextCursor: list.next, PrevCursor: list.prev, RankCount: list.count}, nil
}

func (c *Core) aroundPage(ctx context.Context, tournament bool, id, owner string, limit *wrapperspb.UInt32Value, missing int, cursor string, expiry int64) (*recordList, error) {
	n := missing
	if limit != nil {
		if n = int(limit.GetValue()); n < 1 || n > maxPage {
			return nil, invalid("Invalid limit - limit must be between 1 and %d.", maxPage)
		}
	}
	who, err := recordOwner(owner)
	if err != nil {
		return nil, err
	}
	b, err := c.boardOf(ctx, id, tournament)
	if err != nil {
		return nil, err
	}
	return c.around(ctx, b, who, recordQuery{limit: n, cursor: cursor, expiry: expiry})
}

// ListTournaments lists a page of 1 to 100 tournaments, by default 100.
//
// Errors: InvalidArgument for a bad limit, category or time, or a cursor that is
// not of this list.
func (c *Core) ListTournaments(ctx context.Context, _ uuid.UUID, in *api.ListTournamentsRequest) (*api.TournamentList, error) {
	limit, err := limitOf(in.GetLimit(), maxPage, maxPage)
	if err != nil {
		return nil, err
	}
	q := tournamentQuery{categoryEnd: maxBoardCategory, start: -1, end: -1, limit: limit, cursor: in.GetCursor()}
	if v := in.GetCategoryStart(); v != nil {
		q.categoryStart = int(v.GetValue())
	}
	if v := in.GetCategoryEnd(); v != nil {
		q.categoryEnd = int(v.GetValue())
	}
	if q.categoryStart > maxBoardCategory || q.categoryEnd > maxBoardCategory || q.categoryEnd < q.categoryStart {
		return nil, invalid("Tournament category end must be between category start and %d.", maxBoardCategory)
	}
	if v := in.GetStartTime(); v != nil {
		q.start = int64(v.GetValue())
	}
	if v := in.GetEndTime(); v != nil {
		if q.end = int64(v.GetValue()); q.end > 0 && q.end < q.start {
			return nil, invalid("Tournament end time must be greater than start time.")
		}
	}
	return c.listTournaments(ctx, q)
}

// JoinTournament enters the caller in the current period of a tournament. It does
// nothing if it is entered already, or if the tournament need not be joined.
//
// Errors: NotFound, and InvalidArgument if it is full or its window is over.
func (c *Core) JoinTournament(ctx context.Context, caller uuid.UUID, username string, in *api.JoinTournamentRequest) error {
	if in.GetTournamentId() == "" {
		return invalid("Tournament ID must be provided.")
	}
	return c.joinTournament(ctx, in.GetTournamentId(), caller, username)
}

// WriteTournamentRecord merges a score of the caller into a tournament.
//
// Errors: NotFound, PermissionDenied for an authoritative tournament,
// InvalidArgument as for leaderboards, and FailedPrecondition if it is not active,
// full, has not been joined or allows no more attempts.
func (c *Core) WriteTournamentRecord(ctx context.Context, caller uuid.UUID, username string, in *api.WriteTournamentRecordRequest) (*api.LeaderboardRecord, error) {
	if in.GetTournamentId() == "" {
		return nil, invalid("Invalid tournament ID.")
	}
	op, err := apiOperator(in.GetRecord().GetOperator())
	if err != nil {
		return nil, err
	}
	r := in.GetRecord()
	return c.submitScore(ctx, in.GetTournamentId(), &submission{
		owner: caller, username: username, score: r.GetScore(), subscore: r.GetSubscore(), metadata: r.GetMetadata(), operator: op, client: true,
	}, true)
}

// DeleteTournamentRecord deletes the caller's record of the current period.
//
// Errors: NotFound, and PermissionDenied for an authoritative tournament.
func (c *Core) DeleteTournamentRecord(ctx context.Context, caller uuid.UUID, in *api.DeleteTournamentRecordRequest) error {
	b, err := c.tournament(ctx, in.GetTournamentId())
	switch {
	case err != nil:
		return err
	case b.authoritative:
		return errTournamentAuthoritative
	}
	if err := c.deleteRecord(ctx, b, caller); err != nil {
		return failedWith("Error deleting score from tournament.", err)
	}
	return nil
}

// ListTournamentRecords lists a page of 1 to 100 records, by default 10, and the
// records of some owners. With owners alone there is no page.
//
// Errors: NotFound, also for a tournament that has ended unless a period is given,
// and InvalidArgument for a bad limit, cursor or owner id.
func (c *Core) ListTournamentRecords(ctx context.Context, _ uuid.UUID, in *api.ListTournamentRecordsRequest) (*api.TournamentRecordList, error) {
	list, err := c.recordPage(ctx, true, in.GetTournamentId(), in.GetOwnerIds(), in.GetLimit(), 10, maxPage, in.GetCursor(), in.GetExpiry().GetValue())
	if err != nil {
		return nil, err
	}
	return &api.TournamentRecordList{
		Records: list.records, OwnerRecords: list.owners, NextCursor: list.next, PrevCursor: list.prev, RankCount: list.count,
	}, nil
}

// ListTournamentRecordsAroundOwner is ListLeaderboardRecordsAroundOwner for a
// tournament, with up to 100 records, which is also the default.
func (c *Core) ListTournamentRecordsAroundOwner(ctx context.Context, _ uuid.UUID, in *api.ListTournamentRecordsAroundOwnerRequest) (*api.TournamentRecordList, error) {
	list, err := c.aroundPage(ctx, true, in.GetTournamentId(), in.GetOwnerId(), in.GetLimit(), maxPage, in.GetCursor(), in.GetExpiry().GetValue())
	if err != nil {
		return nil, err
	}
	return &api.TournamentRecordList{Records: list.records, NextCursor: list.next, PrevCursor: list.prev, RankCount: list.count}, nil
}
