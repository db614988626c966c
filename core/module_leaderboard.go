package core

import (
	"context"
	"errors"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/api"
	"github.com/heroiclabs/nakama-common/runtime"

	"kumi/core/rank"
	"kumi/store/fault"
)

// maxModuleRecords is the largest page of records for modules.
const maxModuleRecords = 10_000

// LeaderboardCreate implements runtime.NakamaModule. A leaderboard that exists is
// left as it is. Errors: InvalidArgument, which names the argument.
func (m *Module) LeaderboardCreate(ctx context.Context, id string, authoritative bool, sortOrder, operator, resetSchedule string, metadata map[string]any, enableRanks bool) error {
	b, err := m.core.newBoard(id, authoritative, sortOrder, operator, resetSchedule, metadata, enableRanks)
	if err != nil {
		return err
	}
	return m.core.createBoard(ctx, b)
}

// LeaderboardDelete implements runtime.NakamaModule. Errors: NotFound.
func (m *Module) LeaderboardDelete(ctx context.Context, id string) error {
	return ofModule(m.core.deleteBoard(ctx, id, false))
}

// LeaderboardList implements runtime.NakamaModule: 1 to 100 leaderboards, oldest
// first. Errors: InvalidArgument.
func (m *Module) LeaderboardList(limit int, cursor string) (*api.LeaderboardList, error) {
	if limit < 1 || limit > maxPage {
		return nil, invalid("expects limit to be 1 to %d, not %d", maxPage, limit)
	}
	return m.core.listBoards(context.Background(), limit, cursor)
}

// LeaderboardRanksDisable implements runtime.NakamaModule: ranks of the
// leaderboard are not shown any more. Errors: NotFound.
func (m *Module) LeaderboardRanksDisable(ctx context.Context, id string) error {
	return ofModule(m.core.disableRanks(ctx, id, false))
}

// LeaderboardRecordsList implements runtime.NakamaModule: a page of up to 10,000
// records, none for a limit of 0, and the records of owners. Errors: NotFound and
// InvalidArgument.
func (m *Module) LeaderboardRecordsList(ctx context.Context, id string, ownerIDs []string, limit int, cursor string, expiry int64) (records, ownerRecords []*api.LeaderboardRecord, nextCursor, prevCursor string, err error) {
	list, err := m.recordsList(ctx, false, id, ownerIDs, limit, cursor, expiry)
	if err != nil {
		return nil, nil, "", "", err
	}
	return notNil(list.records), notNil(list.owners), list.next, list.prev, nil
}

// LeaderboardRecords is LeaderboardRecordsList with the number of records of the
// period, which only scripts are given. tournament is which kind of board it is.
func (m *Module) LeaderboardRecords(ctx context.Context, tournament bool, id string, ownerIDs []string, limit int, cursor string, expiry int64) (*api.LeaderboardRecordList, error) {
	list, err := m.recordsList(ctx, tournament, id, ownerIDs, limit, cursor, expiry)
	if err != nil {
		return nil, err
	}
	return &api.LeaderboardRecordList{
		Records: notNil(list.records), OwnerRecords: notNil(list.owners), NextCursor: list.next, PrevCursor: list.prev, RankCount: list.count,
	}, nil
}

func (m *Module) recordsList(ctx context.Context, tournament bool, id string, ids []string, limit int, cursor string, expiry int64) (*recordList, error) {
	if limit < 0 || limit > maxModuleRecords {
		return nil, invalid("expects limit to be 0 to %d, not %d", maxModuleRecords, limit)
	}
	if expiry < 0 {
		return nil, invalid("expects expiry to be 0 or more, not %d", expiry)
	}
	owners := make([]uuid.UUID, 0, len(ids))
	for _, text := range ids {
		owner, err := uuid.FromString(text)
		if err != nil {
			return nil, invalid("expects owner ids to be valid identifiers, not %q", text)
		}
		owners = append(owners, owner)
	}
	b, err := m.core.boardOf(ctx, id, tournament)
	if err != nil {
		return nil, ofModule(err)
	}
	return m.core.listRecords(ctx, b, recordQuery{owners: owners, limit: limit, cursor: cursor, expiry: expiry})
}

// ofModule returns the runtime package's own error where modules compare with it.
func ofModule(err error) error {
	for _, known := range []error{
		runtime.ErrLeaderboardNotFound, runtime.ErrTournamentNotFound, runtime.ErrTournamentAuthoritative, runtime.ErrTournamentMaxSizeReached,
		runtime.ErrTournamentOutsideDuration, runtime.ErrTournamentWriteMaxNumScoreReached, runtime.ErrTournamentWriteJoinRequired,
	} {
		if errors.Is(err, known) {
			return known
		}
	}
	return err
}

// LeaderboardRecordsListCursorFromRank implements runtime.NakamaModule: it returns
// a cursor for the page that begins at a rank, "" for rank 1. Errors: NotFound, also
// for a rank that the board does not have, and InvalidArgument.
func (m *Module) LeaderboardRecordsListCursorFromRank(id string, position, overrideExpiry int64) (string, error) {
	if position < 1 {
		return "", invalid("expects rank to be 1 or more, not %d", position)
	}
	ctx, c := context.Background(), m.core
	b, err := c.leaderboard(ctx, id)
	if err != nil {
		return "", ofModule(err)
	}
	if position == 1 {
		return "", nil
	}
	expiry := c.expiryOf(b, overrideExpiry)
	k, found, err := c.rankIndex.At(ctx, c.db.Reader(), rank.Period{Board: b.id, Expiry: expiry}, position-1, b.descending)
	if err != nil {
		return "", failed("read a rank", err)
	}
	if !found {
		return "", fault.Newf(fault.NotFound, "no record with rank %d", position-1)
	}
	return encodeCursor(recordCursor, recordPosition{Board: b.id, Expiry: expiry.Unix(), Key: k, Rank: position - 1})
}

// LeaderboardRecordWrite implements runtime.NakamaModule; it may write to
// authoritative leaderboards. overrideOperator is a number of api.Operator. Errors:
// NotFound and InvalidArgument.
func (m *Module) LeaderboardRecordWrite(ctx context.Context, id, ownerID, username string, score, subscore int64, metadata map[string]any, overrideOperator *int) (*api.LeaderboardRecord, error) {
	return m.writeRecord(ctx, false, id, ownerID, username, score, subscore, metadata, overrideOperator)
}

func (m *Module) writeRecord(ctx context.Context, tournament bool, id, ownerID, username string, score, subscore int64, metadata map[string]any, override *int) (*api.LeaderboardRecord, error) {
	owner, err := recordOwner(ownerID)
	if err != nil {
		return nil, err
	}
	s := &submission{owner: owner, username: username, score: score, subscore: subscore}
	if metadata != nil {
		if s.metadata, err = m.core.metadataText(metadata); err != nil {
			return nil, err
		}
	}
	if override != nil {
		if s.operator, err = apiOperator(api.Operator(*override)); err != nil {
			return nil, err
		}
	}
	r, err := m.core.submitScore(ctx, id, s, tournament)
	return r, ofModule(err)
}

// LeaderboardRecordDelete implements runtime.NakamaModule. It is no error if there
// is no record. Errors: NotFound for the leaderboard.
func (m *Module) LeaderboardRecordDelete(ctx context.Context, id, ownerID string) error {
	return m.removeRecord(ctx, false, id, ownerID)
}

func (m *Module) removeRecord(ctx context.Context, tournament bool, id, ownerID string) error {
	owner, err := recordOwner(ownerID)
	if err != nil {
		return err
	}
	b, err := m.core.boardOf(ctx, id, tournament)
	if err != nil {
		return ofModule(err)
	}
	if err := m.core.deleteRecord(ctx, b, owner); err != nil {
		return failed("delete a leaderboard record", err)
	}
	return nil
}

// LeaderboardsGetId implements runtime.NakamaModule. Unknown ids are left out.
func (m *Module) LeaderboardsGetId(ctx context.Context, ids []string) ([]*api.Leaderboard, error) {
	found, err := m.core.boards(ctx, ids, false)
	if err != nil {
		return nil, err
	}
	list, now := make([]*api.Leaderboard, len(found)), m.core.now().Unix()
	for i, b := range found {
		list[i] = m.core.apiLeaderboard(b, now)
	}
	return list, nil
}

// LeaderboardRecordsHaystack implements runtime.NakamaModule: up to 100 records
// around an owner's. Errors: NotFound for the leaderboard, and InvalidArgument.
func (m *Module) LeaderboardRecordsHaystack(ctx context.Context, id, ownerID string, limit int, cursor string, expiry int64) (*api.LeaderboardRecordList, error) {
	list, err := m.haystack(ctx, false, id, ownerID, limit, cursor, expiry)
	if err != nil {
		return nil, err
	}
	return &api.LeaderboardRecordList{Records: notNil(list.records), NextCursor: list.next, PrevCursor: list.prev, RankCount: list.count}, nil
}

func (m *Module) haystack(ctx context.Context, tournament bool, id, ownerID string, limit int, cursor string, expiry int64) (*recordList, error) {
	if limit < 1 || limit > maxPage {
		return nil, invalid("expects limit to be 1 to %d, not %d", maxPage, limit)
	}
	if expiry < 0 {
		return nil, invalid("expects expiry to be 0 or more, not %d", expiry)
	}
	owner, err := recordOwner(ownerID)
	if err != nil {
		return nil, err
	}
	b, err := m.core.boardOf(ctx, id, tournament)
	if err != nil {
		return nil, ofModule(err)
	}
	return m.core.around(ctx, b, owner, recordQuery{limit: limit, cursor: cursor, expiry: expiry})
}
