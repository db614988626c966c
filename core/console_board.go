package core

import (
	"context"
	"database/sql"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/api"

	"kumi/core/consolepb"
)

const boardPage = 100

var boardPages = pagedList[*consolepb.Leaderboard, string]{
	cursor: consoleBoardCursor, query: "SELECT " + boardColumns + " FROM leaderboard", order: []string{"id"},
	scan: func(rows *sql.Rows) (*consolepb.Leaderboard, string, error) {
		b, err := scanBoard(rows)
		if err != nil {
			return nil, "", err
		}
		return &consolepb.Leaderboard{
			Id: b.id, SortOrder: b.sortOrder(), Operator: uint32(b.operator), ResetSchedule: b.schedule,
			Authoritative: b.authoritative, Tournament: b.tournament(),
		}, b.id, nil
	},
	values: func(id string) []any { return []any{id} },
}

// ListLeaderboards lists leaderboards and tournaments by id, 100 a page, with their most
// important properties.
func (k *Console) ListLeaderboards(ctx context.Context, in *consolepb.LeaderboardListRequest) (*consolepb.LeaderboardList, error) {
	total, err := k.rowCount(ctx, "leaderboard")
	if err != nil {
		return nil, err
	}
	found, err := boardPages.read(ctx, k.db.Reader(), conditions{}, boardPage, in.Cursor)
	return &consolepb.LeaderboardList{Leaderboards: found.rows, Total: total, Cursor: found.next}, err
}

// GetLeaderboard returns a leaderboard or a tournament. NotFound if there is none.
func (k *Console) GetLeaderboard(ctx context.Context, in *consolepb.LeaderboardRequest) (*consolepb.Leaderboard, error) {
	b, err := k.leaderboard(ctx, in.Id)
	if err != nil {
		return nil, err
	}
	p := k.periodOf(b, k.now().Unix())
	out := &consolepb.Leaderboard{
		Id: b.id, SortOrder: b.sortOrder(), Operator: uint32(b.operator), ResetSchedule: b.schedule, Authoritative: b.authoritative,
		Metadata: b.metadata, CreateTime: seconds(time.Unix(b.created, 0)), PrevReset: uint32(p.prevReset), NextReset: uint32(p.nextReset),
	}
	if !b.tournament() {
		return out, nil
	}
	out.Tournament, out.Title, out.Description, out.Category = true, b.title, b.description, uint32(b.category)
	out.Size, out.MaxSize, out.MaxNumScore, out.JoinRequired = uint32(b.size), uint32(b.maxSize), uint32(b.maxNumScore), b.joinRequired
	out.Duration, out.StartActive, out.EndActive = uint32(b.duration), uint32(p.startActive), uint32(p.endActive)
	out.StartTime = seconds(time.Unix(b.start, 0))
	if b.end > 0 {
		out.EndTime = seconds(time.Unix(b.end, 0))
	}
	return out, nil
}

// ListRecords lists records of a leaderboard or a tournament; see ListLeaderboardRecords.
func (k *Console) ListRecords(ctx context.Context, in *api.ListLeaderboardRecordsRequest) (*api.LeaderboardRecordList, error) {
	return k.ListLeaderboardRecords(ctx, uuid.Nil, in)
}

// DeleteLeaderboard deletes a leaderboard or a tournament with its records. NotFound if
// there is none.
func (k *Console) DeleteLeaderboard(ctx context.Context, in *consolepb.LeaderboardRequest) error {
	b, err := k.leaderboard(ctx, in.Id)
	if err != nil {
		return err
	}
	return k.deleteBoard(ctx, b.id, b.tournament())
}

// DeleteRecord deletes an owner's record of the current period, also if only the server
// may write to the leaderboard. NotFound if there is no such leaderboard.
func (k *Console) DeleteRecord(ctx context.Context, in *consolepb.DeleteLeaderboardRecordRequest) error {
	owner, err := consoleID("owner", in.OwnerId)
	if err != nil {
		return err
	}
	b, err := k.leaderboard(ctx, in.Id)
	if err != nil {
		return err
	}
	if err := k.deleteRecord(ctx, b, owner); err != nil {
		return failed("delete the record", err)
	}
	return nil
}
