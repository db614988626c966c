package core

import (
	"context"
	"math"

	"github.com/heroiclabs/nakama-common/api"
)

// TournamentCreate implements runtime.NakamaModule. A tournament that exists is
// left as it is. Times are Unix seconds, a start time of 0 is now and an end time of
// 0 never; a max size of 0 is no limit and a max num score of 0 a million.
//
// Errors: InvalidArgument, which names the argument, and AlreadyExists for the id of
// a leaderboard.
func (m *Module) TournamentCreate(ctx context.Context, id string, authoritative bool, sortOrder, operator, resetSchedule string, metadata map[string]any, title, description string, category, startTime, endTime, duration, maxSize, maxNumScore int, joinRequired, enableRanks bool) error {
	b, err := m.core.newBoard(id, authoritative, sortOrder, operator, resetSchedule, metadata, enableRanks)
	if err != nil {
		return err
	}
	if err := m.core.newTournament(b, tournamentOptions{
		title: title, description: description, category: category, start: startTime, end: endTime, duration: duration,
		maxSize: maxSize, maxNumScore: maxNumScore, joinRequired: joinRequired,
	}); err != nil {
		return err
	}
	return m.core.createBoard(ctx, b)
}

// TournamentDelete implements runtime.NakamaModule. Errors: NotFound.
func (m *Module) TournamentDelete(ctx context.Context, id string) error {
	return ofModule(m.core.deleteBoard(ctx, id, true))
}

// TournamentAddAttempt implements runtime.NakamaModule: it changes how many attempts
// an owner has in the current period, and does nothing if it has no record.
//
// Errors: NotFound for the tournament, InvalidArgument for a count of 0 and one that
// leaves no attempt.
func (m *Module) TournamentAddAttempt(ctx context.Context, id, ownerID string, count int) error {
	if count == 0 || count > math.MaxInt32 || count < math.MinInt32 {
		return invalid("expects a count of attempts that is not 0 and has 32 bits, not %d", count)
	}
	owner, err := recordOwner(ownerID)
	if err != nil {
		return err
	}
	b, err := m.core.tournament(ctx, id)
	if err != nil {
		return ofModule(err)
	}
	if err := m.core.addAttempts(ctx, b, owner, count); err != nil {
		return failed("add tournament attempts", err)
	}
	return nil
}

// TournamentJoin implements runtime.NakamaModule. Errors are those of
// [Core.JoinTournament].
func (m *Module) TournamentJoin(ctx context.Context, id, ownerID, username string) error {
	owner, err := recordOwner(ownerID)
	if err != nil {
		return err
	}
	if username == "" {
		return invalid("expects a username")
	}
	return ofModule(m.core.joinTournament(ctx, id, owner, username))
}

// TournamentsGetId implements runtime.NakamaModule. Unknown ids are left out.
func (m *Module) TournamentsGetId(ctx context.Context, tournamentIDs []string) ([]*api.Tournament, error) {
	found, err := m.core.boards(ctx, tournamentIDs, true)
	if err != nil {
		return nil, err
	}
	list, now := make([]*api.Tournament, len(found)), m.core.now().Unix()
	for i, b := range found {
		list[i] = m.core.apiTournament(b, now)
	}
	return list, nil
}

// TournamentList implements runtime.NakamaModule: 1 to 100 tournaments of the
// categories 0 to 127. startTime is the earliest start, -1 for any; endTime the
// latest end, 0 for endless ones only and -1 for all that have not ended. Errors:
// InvalidArgument.
func (m *Module) TournamentList(ctx context.Context, categoryStart, categoryEnd, startTime, endTime, limit int, cursor string) (*api.TournamentList, error) {
	switch {
	case categoryStart < 0 || categoryStart > maxBoardCategory:
		return nil, invalid("expects category start to be 0 to %d, not %d", maxBoardCategory, categoryStart)
	case categoryEnd < categoryStart || categoryEnd > maxBoardCategory:
		return nil, invalid("expects category end to be category start to %d, not %d", maxBoardCategory, categoryEnd)
	case startTime > lastCron || endTime > lastCron:
		return nil, invalid("expects start time and end time in Unix seconds, not %d and %d", startTime, endTime)
	case startTime < -1:
		return nil, invalid("expects start time to be -1 or more, not %d", startTime)
	case endTime < -1 || endTime > 0 && endTime < startTime:
		return nil, invalid("expects end time to be -1, 0 or after the start time, not %d", endTime)
	case limit < 1 || limit > maxPage:
		return nil, invalid("expects limit to be 1 to %d, not %d", maxPage, limit)
	}
	return m.core.listTournaments(ctx, tournamentQuery{
		categoryStart: categoryStart, categoryEnd: categoryEnd, start: int64(startTime), end: int64(endTime), limit: limit, cursor: cursor,
	})
}

// TournamentRanksDisable implements runtime.NakamaModule. Errors: NotFound.
func (m *Module) TournamentRanksDisable(ctx context.Context, id string) error {
	return ofModule(m.core.disableRanks(ctx, id, true))
}

// TournamentRecordsList implements runtime.NakamaModule, see
// [Module.LeaderboardRecordsList]. The cursors are in the other order.
func (m *Module) TournamentRecordsList(ctx context.Context, tournamentID string, ownerIDs []string, limit int, cursor string, overrideExpiry int64) (records, ownerRecords []*api.LeaderboardRecord, prevCursor, nextCursor string, err error) {
	list, err := m.recordsList(ctx, true, tournamentID, ownerIDs, limit, cursor, overrideExpiry)
	if err != nil {
		return nil, nil, "", "", err
	}
	return notNil(list.records), notNil(list.owners), list.prev, list.next, nil
}

// TournamentRecordWrite implements runtime.NakamaModule; it may write to
// authoritative tournaments, but the other rules hold. Errors are those of
// [Core.WriteTournamentRecord].
func (m *Module) TournamentRecordWrite(ctx context.Context, id, ownerID, username string, score, subscore int64, metadata map[string]any, operatorOverride *int) (*api.LeaderboardRecord, error) {
	return m.writeRecord(ctx, true, id, ownerID, username, score, subscore, metadata, operatorOverride)
}

// TournamentRecordDelete implements runtime.NakamaModule. It is no error if there is
// no record. Errors: NotFound for the tournament.
func (m *Module) TournamentRecordDelete(ctx context.Context, id, ownerID string) error {
	return m.removeRecord(ctx, true, id, ownerID)
}

// TournamentRecordsHaystack implements runtime.NakamaModule, see
// [Module.LeaderboardRecordsHaystack].
func (m *Module) TournamentRecordsHaystack(ctx context.Context, id, ownerID string, limit int, cursor string, expiry int64) (*api.TournamentRecordList, error) {
	list, err := m.haystack(ctx, true, id, ownerID, limit, cursor, expiry)
	if err != nil {
		return nil, err
	}
	return &api.TournamentRecordList{Records: notNil(list.records), NextCursor: list.next, PrevCursor: list.prev, RankCount: list.count}, nil
}
