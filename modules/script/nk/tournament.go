package nk

import (
	"cmp"

	"kumi/core"
	"kumi/modules/script"
	"kumi/vm"
)

var tournamentTable = []vm.Func[*core.Module]{
	{Name: vm.N("tournament_create"), Body: tournamentCreate},
	{Name: vm.N("tournament_delete"), Body: byID((*core.Module).TournamentDelete)},
	{Name: vm.N("tournament_list"), Body: tournamentList},
	// The reference's declarations have one name in JavaScript and its server another.
	{Name: vm.NameAs("tournament_ranks_disable", "tournamentsRanksDisable"), Alias: []vm.Name{vm.N("tournament_ranks_disable")}, Body: byID((*core.Module).TournamentRanksDisable)},
	{Name: vm.N("tournaments_get_id"), Body: tournamentsGetID},
	{Name: vm.N("tournament_join"), Body: tournamentJoin},
	{Name: vm.N("tournament_add_attempt"), Body: tournamentAddAttempt},
	{Name: vm.N("tournament_record_write"), Body: recordWrite((*core.Module).TournamentRecordWrite)},
	{Name: vm.N("tournament_record_delete"), Body: recordDelete((*core.Module).TournamentRecordDelete)},
	{Name: vm.N("tournament_records_list"), Body: recordsList(true)},
	{Name: vm.N("tournament_records_haystack"), Body: tournamentHaystack},
}

// tournamentCreate has the duration before the schedule, unlike Go.
func tournamentCreate(nk *core.Module, c *vm.Call) error {
	id, authoritative := c.StrNonEmpty("id"), c.OptBool("authoritative", true)
	sort, op := c.OptStr("sort_order", "desc"), c.OptStr("operator", "best")
	duration := c.Int("duration")
	if duration < 1 || duration > maxInt32 {
		c.Invalid("duration", "expected a number of seconds of 1 or more")
	}
	reset, metadata := c.OptStr("reset_schedule", ""), c.OptMap("metadata")
	title, description, category := c.OptStr("title", ""), c.OptStr("description", ""), c.OptInt("category", 0)
	start, end := c.OptInt("start_time", 0), c.OptInt("end_time", 0)
	size, attempts := c.OptInt("max_size", 0), c.OptInt("max_num_score", 0)
	join, ranks := c.OptBool("join_required", false), c.OptBool("enable_ranks", false)
	if end != 0 && end <= start {
		c.Invalid("end_time", "expected a time after start_time")
	}
	if err := c.Err(); err != nil {
		return err
	}
	return nk.TournamentCreate(c.Ctx, id, authoritative, sort, op, reset, metadata, title, description,
		int(category), int(start), int(end), int(duration), int(size), int(attempts), join, ranks)
}

// tournamentList lists the tournaments of category 0 where no categories are given,
// as in the reference.
func tournamentList(nk *core.Module, c *vm.Call) error {
	from, to := c.OptInt("category_start", 0), c.OptInt("category_end", 0)
	start, end := c.OptInt("start_time", -1), c.OptInt("end_time", -1)
	limit, cursor := c.OptInt("limit", 10), c.OptStr("cursor", "")
	if err := c.Err(); err != nil {
		return err
	}
	list, err := nk.TournamentList(c.Ctx, int(from), int(to), int(start), int(end), int(limit), cursor)
	if err != nil {
		return err
	}
	return cmp.Or(
		vm.ReturnList(c, "tournaments", script.Tournaments.In(c.E), list.Tournaments, nil),
		c.ReturnStrOrNil("cursor", list.Cursor, nil))
}

func tournamentsGetID(nk *core.Module, c *vm.Call) error {
	ids := c.Strs("ids")
	if err := c.Err(); err != nil {
		return err
	}
	list, err := nk.TournamentsGetId(c.Ctx, ids)
	return vm.ReturnList(c, "tournaments", script.Tournaments.In(c.E), list, err)
}

func tournamentJoin(nk *core.Module, c *vm.Call) error {
	id, user, username := c.StrNonEmpty("id"), c.UUID("user_id"), c.StrNonEmpty("username")
	if err := c.Err(); err != nil {
		return err
	}
	return nk.TournamentJoin(c.Ctx, id, user, username)
}

func tournamentAddAttempt(nk *core.Module, c *vm.Call) error {
	id, owner, count := c.StrNonEmpty("id"), c.UUID("owner_id"), c.Int("count")
	if count == 0 || count > maxInt32 || count < -maxInt32 {
		c.Invalid("count", "expected a number of attempts that is not 0")
	}
	if err := c.Err(); err != nil {
		return err
	}
	return nk.TournamentAddAttempt(c.Ctx, id, owner, int(count))
}

func tournamentHaystack(nk *core.Module, c *vm.Call) error {
	id, owner, limit, cursor, expiry := haystackArguments(c)
	if err := c.Err(); err != nil {
		return err
	}
	list, err := nk.TournamentRecordsHaystack(c.Ctx, id, owner, limit, cursor, expiry)
	if err != nil {
		return err
	}
	return returnAround(c, list.Records, list.NextCursor, list.PrevCursor, list.RankCount)
}
