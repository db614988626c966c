package nk

import (
	"cmp"
	"context"

	"github.com/heroiclabs/nakama-common/api"

	"kumi/core"
	"kumi/modules/script"
	"kumi/vm"
)

var leaderboardTable = []vm.Func[*core.Module]{
	{Name: vm.N("leaderboard_create"), Body: leaderboardCreate},
	{Name: vm.N("leaderboard_delete"), Body: byID((*core.Module).LeaderboardDelete)},
	{Name: vm.N("leaderboard_list"), Body: leaderboardList},
	{Name: vm.N("leaderboard_ranks_disable"), Body: byID((*core.Module).LeaderboardRanksDisable)},
	{Name: vm.N("leaderboards_get_id"), Body: leaderboardsGetID},
	{Name: vm.N("leaderboard_record_write"), Body: recordWrite((*core.Module).LeaderboardRecordWrite)},
	{Name: vm.N("leaderboard_record_delete"), Body: recordDelete((*core.Module).LeaderboardRecordDelete)},
	{Name: vm.N("leaderboard_records_list"), Body: recordsList(false)},
	{Name: vm.N("leaderboard_records_list_cursor_from_rank"), Body: recordsCursor},
	{Name: vm.N("leaderboard_records_haystack"), Body: leaderboardHaystack},
}

var recordShape = vm.NewShape(
	vm.Str("leaderboard_id", (*api.LeaderboardRecord).GetLeaderboardId),
	vm.Str("owner_id", (*api.LeaderboardRecord).GetOwnerId),
	vm.Str("username", func(r *api.LeaderboardRecord) string { return r.GetUsername().GetValue() }).
		When(func(r *api.LeaderboardRecord) bool { return r.GetUsername() != nil }),
	vm.Int("score", (*api.LeaderboardRecord).GetScore),
	vm.Int("subscore", (*api.LeaderboardRecord).GetSubscore),
	vm.Int("num_score", (*api.LeaderboardRecord).GetNumScore),
	vm.Int("max_num_score", (*api.LeaderboardRecord).GetMaxNumScore),
	vm.JSON("metadata", (*api.LeaderboardRecord).GetMetadata),
	vm.Time("create_time", (*api.LeaderboardRecord).GetCreateTime),
	vm.Time("update_time", (*api.LeaderboardRecord).GetUpdateTime),
	vm.Time("expiry_time", (*api.LeaderboardRecord).GetExpiryTime).When(func(r *api.LeaderboardRecord) bool { return r.GetExpiryTime() != nil }),
	vm.Int("rank", (*api.LeaderboardRecord).GetRank),
)

func leaderboardCreate(nk *core.Module, c *vm.Call) error {
	id, authoritative := c.StrNonEmpty("id"), c.OptBool("authoritative", false)
	sort, op := c.OptStr("sort_order", "desc"), c.OptStr("operator", "best")
	reset, metadata, ranks := c.OptStr("reset_schedule", ""), c.OptMap("metadata"), c.OptBool("enable_ranks", false)
	if err := c.Err(); err != nil {
		return err
	}
	return nk.LeaderboardCreate(c.Ctx, id, authoritative, sort, op, reset, metadata, ranks)
}

func leaderboardList(nk *core.Module, c *vm.Call) error {
	limit, cursor := c.OptInt("limit", 10), c.OptStr("cursor", "")
	if limit < 1 || limit > 100 {
		c.Invalid("limit", "expected a number from 1 to 100")
	}
	if err := c.Err(); err != nil {
		return err
	}
	list, err := nk.LeaderboardList(int(limit), cursor)
	if err != nil {
		return err
	}
	return cmp.Or(
		vm.ReturnList(c, "leaderboards", script.Leaderboards.In(c.E), list.Leaderboards, nil),
		c.ReturnStrOrNil("cursor", list.Cursor, nil))
}

func leaderboardsGetID(nk *core.Module, c *vm.Call) error {
	ids := c.Strs("ids")
	if err := c.Err(); err != nil {
		return err
	}
	list, err := nk.LeaderboardsGetId(c.Ctx, ids)
	return vm.ReturnList(c, "leaderboards", script.Leaderboards.In(c.E), list, err)
}

// recordsList implements the lists of records of both kinds of boards. Without a
// limit only the owners' records are returned.
func recordsList(tournament bool) func(*core.Module, *vm.Call) error {
	return func(nk *core.Module, c *vm.Call) error {
		id, owners := c.StrNonEmpty("id"), c.OptUUIDs("owner_ids")
		limit, cursor, expiry := c.OptInt("limit", 0), c.OptStr("cursor", ""), c.OptInt("override_expiry", 0)
		if limit < 0 || limit > 10_000 {
			c.Invalid("limit", "expected a number from 0 to 10000")
		}
		if err := c.Err(); err != nil {
			return err
		}
		list, err := nk.LeaderboardRecords(c.Ctx, tournament, id, owners, int(limit), cursor, expiry)
		if err != nil {
			return err
		}
		return cmp.Or(
			vm.ReturnList(c, "records", recordShape, list.Records, nil),
			vm.ReturnList(c, "owner_records", recordShape, list.OwnerRecords, nil),
			c.ReturnStrOrNil("next_cursor", list.NextCursor, nil),
			c.ReturnStrOrNil("prev_cursor", list.PrevCursor, nil),
			c.ReturnInt("rank_count", list.RankCount, nil))
	}
}

func recordsCursor(nk *core.Module, c *vm.Call) error {
	id, rank, expiry := c.StrNonEmpty("id"), c.Int("rank"), c.OptInt("override_expiry", 0)
	if rank < 1 {
		c.Invalid("rank", "expected a number of 1 or more")
	}
	if err := c.Err(); err != nil {
		return err
	}
	cursor, err := nk.LeaderboardRecordsListCursorFromRank(id, rank, expiry)
	return c.ReturnStr("cursor", cursor, err)
}

// operators are the words for an operator that replaces the board's, and the
// numbers of api.Operator.
var operators = map[string]int{
	"no_override": 0, "best": 1, "set": 2, "increment": 3, "incr": 3, "decrement": 4, "decr": 4,
}

// recordWriter is a function that writes a record of a board.
type recordWriter = func(nk *core.Module, ctx context.Context, id, owner, username string, score, subscore int64, metadata map[string]any, operator *int) (*api.LeaderboardRecord, error)

func recordWrite(write recordWriter) func(*core.Module, *vm.Call) error {
	return func(nk *core.Module, c *vm.Call) error {
		id, owner, username := c.StrNonEmpty("id"), c.UUID("owner_id"), c.OptStr("username", "")
		score, subscore := c.OptInt("score", 0), c.OptInt("subscore", 0)
		metadata := c.OptMap("metadata")
		var override *int
		if word := c.OptStrPtr("operator"); word != nil && *word != "" {
			op, known := operators[*word]
			if !known {
				c.Invalid("operator", "expected best, set, increment or decrement")
			}
			override = &op
		}
		if err := c.Err(); err != nil {
			return err
		}
		r, err := write(nk, c.Ctx, id, owner, username, score, subscore, metadata, override)
		return vm.Return(c, "record", recordShape, r, err)
	}
}

func recordDelete(remove func(nk *core.Module, ctx context.Context, id, owner string) error) func(*core.Module, *vm.Call) error {
	return func(nk *core.Module, c *vm.Call) error {
		id, owner := c.StrNonEmpty("id"), c.UUID("owner_id")
		if err := c.Err(); err != nil {
			return err
		}
		return remove(nk, c.Ctx, id, owner)
	}
}

// haystackArguments are those of both kinds of boards.
func haystackArguments(c *vm.Call) (id, owner string, limit int, cursor string, expiry int64) {
	id, owner = c.StrNonEmpty("id"), c.UUID("owner_id")
	limit = int(c.OptInt("limit", 10))
	if limit < 1 || limit > 100 {
		c.Invalid("limit", "expected a number from 1 to 100")
	}
	return id, owner, limit, c.OptStr("cursor", ""), c.OptInt("override_expiry", 0)
}

func leaderboardHaystack(nk *core.Module, c *vm.Call) error {
	id, owner, limit, cursor, expiry := haystackArguments(c)
	if err := c.Err(); err != nil {
		return err
	}
	list, err := nk.LeaderboardRecordsHaystack(c.Ctx, id, owner, limit, cursor, expiry)
	if err != nil {
		return err
	}
	return returnAround(c, list.Records, list.NextCursor, list.PrevCursor, list.RankCount)
}

func returnAround(c *vm.Call, records []*api.LeaderboardRecord, next, prev string, count int64) error {
	return cmp.Or(
		vm.ReturnList(c, "records", recordShape, records, nil),
		c.ReturnStrOrNil("next_cursor", next, nil),
		c.ReturnStrOrNil("prev_cursor", prev, nil),
		c.ReturnInt("rank_count", count, nil))
}

// byID implements the functions whose only argument is the id of a board.
func byID(do func(nk *core.Module, ctx context.Context, id string) error) func(*core.Module, *vm.Call) error {
	return func(nk *core.Module, c *vm.Call) error {
		id := c.StrNonEmpty("id")
		if err := c.Err(); err != nil {
			return err
		}
		return do(nk, c.Ctx, id)
	}
}
