package core

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/api"
	"github.com/heroiclabs/nakama-common/runtime"
	"github.com/rs/zerolog"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"kumi/core/rank"
	"kumi/store"
	"kumi/store/fault"
)

func at(text string) int64 {
	t, err := time.Parse("2006-01-02 15:04:05", text)
	if err != nil {
		panic(err)
	}
	return t.Unix()
}

// Periods are those of the reference: with and without a schedule, before the
// start, on a tick, in a gap, across leap days, and cut by the end.
func TestPeriods(t *testing.T) {
	t.Parallel()
	c := New(Options{Config: &testConfig{}})
	const day, hour = int64(86400), int64(3600)
	for name, test := range map[string]struct {
		b    board
		now  string
		want [4]string // start, end, next reset, previous reset; "" is 0
	}{
		"leaderboard without schedule": {board{}, "2024-03-05 10:00:00", [4]string{}},
		"leaderboard, weekly": {board{schedule: "0 0 * * 1"}, "2024-03-05 10:00:00",
			[4]string{"", "", "2024-03-11 00:00:00", "2024-03-04 00:00:00"}},
		"leaderboard, made after the last reset": {board{schedule: "0 0 * * 1", created: at("2024-03-05 00:00:00")}, "2024-03-05 10:00:00",
			[4]string{"", "", "2024-03-11 00:00:00", ""}},
		"leaderboard, leap day": {board{schedule: "0 0 29 2 *"}, "2024-03-05 10:00:00",
			[4]string{"", "", "2028-02-29 00:00:00", "2024-02-29 00:00:00"}},
		"tournament without schedule": {board{duration: day, start: at("2024-03-05 00:00:00")}, "2024-03-05 10:00:00",
			[4]string{"2024-03-05 00:00:00", "2024-03-06 00:00:00", "", ""}},
		"tournament without schedule, cut": {board{duration: day, start: at("2024-03-05 00:00:00"), end: at("2024-03-05 12:00:00")}, "2024-03-05 10:00:00",
			[4]string{"2024-03-05 00:00:00", "2024-03-05 12:00:00", "2024-03-05 12:00:00", ""}},
		"before the start": {board{duration: hour, schedule: "0 0 * * *", start: at("2024-03-05 12:00:00")}, "2024-03-01 10:00:00",
			[4]string{"2024-03-06 00:00:00", "2024-03-06 01:00:00", "2024-03-07 00:00:00", ""}},
		"on a tick": {board{duration: hour, schedule: "0 0 * * *", start: 1}, "2024-03-05 00:00:00",
			[4]string{"2024-03-05 00:00:00", "2024-03-05 01:00:00", "2024-03-06 00:00:00", "2024-03-05 00:00:00"}},
		"in a gap": {board{duration: hour, schedule: "0 0 * * *", start: 1}, "2024-03-05 10:00:00",
			[4]string{"2024-03-05 00:00:00", "2024-03-05 01:00:00", "2024-03-06 00:00:00", "2024-03-05 00:00:00"}},
		"began in the middle of a window": {board{duration: day, schedule: "0 0 * * *", start: at("2024-03-05 09:00:00")}, "2024-03-05 10:00:00",
			[4]string{"2024-03-05 09:00:00", "2024-03-06 00:00:00", "2024-03-06 00:00:00", ""}},
		"began in a gap": {board{duration: hour, schedule: "0 0 * * *", start: at("2024-03-05 09:00:00")}, "2024-03-05 10:00:00",
			[4]string{"2024-03-06 00:00:00", "2024-03-06 01:00:00", "2024-03-07 00:00:00", ""}},
		"uneven": {board{duration: day * 20, schedule: "0 0 1,15 * *", start: 1}, "2024-02-20 00:00:00",
			[4]string{"2024-02-15 00:00:00", "2024-03-01 00:00:00", "2024-03-01 00:00:00", "2024-02-15 00:00:00"}},
		"last period, cut": {board{duration: day, schedule: "0 0 * * *", start: 1, end: at("2024-03-05 12:00:00")}, "2024-03-05 10:00:00",
			[4]string{"2024-03-05 00:00:00", "2024-03-05 12:00:00", "2024-03-05 12:00:00", "2024-03-05 00:00:00"}},
	} {
		p := c.periodOf(&test.b, at(test.now))
		got := [4]string{}
		for i, v := range []int64{p.startActive, p.endActive, p.nextReset, p.prevReset} {
			if v != 0 {
				got[i] = time.Unix(v, 0).UTC().Format("2006-01-02 15:04:05")
			}
		}
		if got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}

// Each operator merges scores as the reference does, in both orders, and what
// changes nothing leaves the record as it is.
func TestOperators(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, ctx context.Context, c *testCore) {
		m := c.Module()
		for name, test := range map[string]struct {
			sort, operator string
			writes         []string // score/subscore
			want           string   // score/subscore after num_score writes
		}{
			"best":              {"desc", "best", []string{"5/1", "4/2", "5/2"}, "5/2 in 2"},
			"best, low is good": {"asc", "best", []string{"5/1", "4/2", "6/0"}, "4/0 in 3"},
			"set":               {"desc", "set", []string{"5/1", "4/2", "4/2"}, "4/2 in 2"},
			"increment":         {"desc", "incr", []string{"5/1", "0/0", "4/2"}, "9/3 in 2"},
			"decrement":         {"desc", "decr", []string{"5/1", "4/2"}, "0/0 in 2"},
			"zero":              {"desc", "best", []string{"0/0", "0/0"}, "0/0 in 1"},
			"equal":             {"asc", "best", []string{"7/7"}, "7/7 in 1"},
		} {
			if err := m.LeaderboardCreate(ctx, name, true, test.sort, test.operator, "", nil, true); err != nil {
				t.Fatal(err)
			}
			owner := uuid.Must(uuid.NewV4()).String()
			var got *api.LeaderboardRecord
			for _, w := range test.writes {
				var score, subscore int64
				_, _ = fmt.Sscanf(w, "%d/%d", &score, &subscore)
				var err error
				if got, err = m.LeaderboardRecordWrite(ctx, name, owner, "", score, subscore, nil, nil); err != nil {
					t.Fatal(err)
				}
			}
			if s := fmt.Sprintf("%d/%d in %d", got.Score, got.Subscore, got.NumScore); s != test.want || got.Rank != 1 {
				t.Errorf("%s: %s, rank %d, want %s", name, s, got.Rank, test.want)
			}
		}
		owner, override := uuid.Must(uuid.NewV4()).String(), int(api.Operator_INCREMENT)
		for range 2 {
			if _, err := m.LeaderboardRecordWrite(ctx, "best", owner, "ann", 5, 0, map[string]any{"a": 1}, &override); err != nil {
				t.Fatal(err)
			}
		}
		got, err := m.LeaderboardRecordWrite(ctx, "best", owner, "", 1, 0, nil, nil)
		if err != nil || got.Score != 10 || got.NumScore != 2 || got.Username.GetValue() != "ann" || !strings.Contains(got.Metadata, `"a"`) {
			t.Errorf("with another operator: %v, %v", got, err)
		}
		_, err = m.LeaderboardRecordWrite(ctx, "increment", owner, "", 1<<62, 0, nil, nil)
		wantCode(t, "a large score", err, fault.OK)
		_, err = m.LeaderboardRecordWrite(ctx, "increment", owner, "", 1<<62, 0, nil, nil)
		wantCode(t, "a sum that is too large", err, fault.InvalidArgument)
	})
}

// ranksIn is the owners of a list with their ranks.
func ranksIn(list []*api.LeaderboardRecord) string {
	var s []string
	for _, r := range list {
		s = append(s, fmt.Sprintf("%s:%d", r.Username.GetValue(), r.Rank))
	}
	return strings.Join(s, " ")
}

// Lists go through a board in both directions, around an owner, and beside the
// records of some owners.
func TestRecordLists(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, ctx context.Context, c *testCore) {
		m := c.Module()
		ids := map[string]string{}
		for _, sort := range []string{"desc", "asc"} {
			if err := m.LeaderboardCreate(ctx, sort, false, sort, "best", "", nil, true); err != nil {
				t.Fatal(err)
			}
			for i, name := range strings.Split("a b c d e f g", " ") {
				if ids[name] == "" {
					ids[name] = uuid.UUID{0: byte(i), 15: 1}.String()
				}
				score := int64(10 * (i / 2)) // two share a score
				if sort == "desc" {
					score = 100 - score
				}
				if _, err := m.LeaderboardRecordWrite(ctx, sort, ids[name], name, score, 0, nil, nil); err != nil {
					t.Fatal(err)
				}
			}
		}
		// Of two with the same score the higher id is ahead in a descending board.
		order := map[string]string{"desc": "b a d c f e g", "asc": "a b c d e f g"}
		for sort, names := range order {
			var want []string
			for i, n := range strings.Split(names, " ") {
				want = append(want, fmt.Sprintf("%s:%d", n, i+1))
			}
			first, owners, next, prev, err := m.LeaderboardRecordsList(ctx, sort, []string{ids["g"], ids["d"]}, 3, "", 0)
			if err != nil || prev != "" || next == "" || ranksIn(first) != strings.Join(want[:3], " ") {
				t.Errorf("%s, first page: %s, %q, %q, %v", sort, ranksIn(first), next, prev, err)
			}
			if wantOwners := map[string]string{"desc": "d:3 g:7", "asc": "d:4 g:7"}[sort]; ranksIn(owners) != wantOwners {
				t.Errorf("%s, owners: %s, want %s", sort, ranksIn(owners), wantOwners)
			}
			second, _, last, prev, err := m.LeaderboardRecordsList(ctx, sort, nil, 3, next, 0)
			if err != nil || prev == "" || last == "" || ranksIn(second) != strings.Join(want[3:6], " ") {
				t.Errorf("%s, second page: %s, %v", sort, ranksIn(second), err)
			}
			back, _, next, none, err := m.LeaderboardRecordsList(ctx, sort, nil, 3, prev, 0)
			if err != nil || none != "" || next == "" || ranksIn(back) != ranksIn(first) {
				t.Errorf("%s, back: %s, %q, %v", sort, ranksIn(back), none, err)
			}
			third, _, end, _, err := m.LeaderboardRecordsList(ctx, sort, nil, 3, last, 0)
			if err != nil || end != "" || ranksIn(third) != want[6] {
				t.Errorf("%s, third page: %s, %q, %v", sort, ranksIn(third), end, err)
			}
			for rank := 1; rank <= 7; rank++ {
				cursor, err := m.LeaderboardRecordsListCursorFromRank(sort, int64(rank), 0)
				page, _, _, _, err2 := m.LeaderboardRecordsList(ctx, sort, nil, 2, cursor, 0)
				if err != nil || err2 != nil || ranksIn(page) != strings.Join(want[rank-1:min(rank+1, 7)], " ") {
					t.Errorf("%s, from rank %d: %s, %v, %v", sort, rank, ranksIn(page), err, err2)
				}
			}
			for _, w := range []struct {
				place, limit, from, to int // of want
				prev, next             bool
			}{{3, 5, 1, 6, true, true}, {3, 4, 2, 6, true, true}, {3, 1, 3, 4, true, true}, {0, 3, 0, 3, false, true}, {6, 3, 4, 7, true, false}, {1, 100, 0, 7, false, false}} {
				name := strings.Split(names, " ")[w.place]
				list, err := m.LeaderboardRecordsHaystack(ctx, sort, ids[name], w.limit, "", 0)
				if err != nil || ranksIn(list.Records) != strings.Join(want[w.from:w.to], " ") || (list.PrevCursor != "") != w.prev || (list.NextCursor != "") != w.next || list.RankCount != 7 {
					t.Errorf("%s, %d around %s: %s, %v", sort, w.limit, name, ranksIn(list.GetRecords()), err)
				}
			}
		}
		if list, err := m.LeaderboardRecordsHaystack(ctx, "asc", uuid.Must(uuid.NewV4()).String(), 5, "", 0); err != nil || len(list.Records) != 0 {
			t.Errorf("around nobody: %v, %v", list, err)
		}
		_, _, next, _, _ := m.LeaderboardRecordsList(ctx, "asc", nil, 3, "", 0)
		_, _, _, _, err := m.LeaderboardRecordsList(ctx, "desc", nil, 3, next, 0)
		wantCode(t, "a cursor of another board", err, fault.InvalidArgument)

		// A deleted account is gone from ranks, and a board that is made again is empty.
		user := c.user(t, "leaver")
		if _, err := c.WriteLeaderboardRecord(ctx, user, "leaver", &api.WriteLeaderboardRecordRequest{LeaderboardId: "desc",
			Record: &api.WriteLeaderboardRecordRequest_LeaderboardRecordWrite{Score: 1000}}); err != nil {
			t.Fatal(err)
		}
		if err := c.DeleteAccount(ctx, user); err != nil {
			t.Fatal(err)
		}
		if list, err := m.LeaderboardRecordsHaystack(ctx, "desc", ids["b"], 1, "", 0); err != nil || ranksIn(list.Records) != "b:1" || list.RankCount != 7 {
			t.Errorf("after an account was deleted: %v, %v", list, err)
		}
		if err := m.LeaderboardRanksDisable(ctx, "desc"); err != nil {
			t.Fatal(err)
		}
		if list, err := m.LeaderboardRecordsHaystack(ctx, "desc", ids["b"], 1, "", 0); err != nil || ranksIn(list.Records) != "b:0" {
			t.Errorf("without ranks: %v, %v", list, err)
		}
		for range 2 {
			if err := m.LeaderboardDelete(ctx, "asc"); err != nil {
				t.Fatal(err)
			}
			if err := m.LeaderboardCreate(ctx, "asc", false, "asc", "best", "", nil, true); err != nil {
				t.Fatal(err)
			}
			got, err := m.LeaderboardRecordWrite(ctx, "asc", ids["g"], "g", 50, 0, nil, nil)
			if err != nil || got.Rank != 1 {
				t.Errorf("in a board made again: %v, %v", got, err)
			}
		}
	})
}

// A tournament that was full has room in its next period, also before its reset event
// has run.
func TestFullTournamentInNextPeriod(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, ctx context.Context, c *testCore) {
		m := c.Module()
		if err := m.TournamentCreate(ctx, "cup", false, "desc", "best", "0 * * * *", nil, "", "", 0, 0, 0, 3600, 2, 0, true, true); err != nil {
			t.Fatal(err)
		}
		join := func(name string) fault.Code {
			err := c.JoinTournament(ctx, c.user(t, name), name, &api.JoinTournamentRequest{TournamentId: "cup"})
			return fault.CodeOf(err)
		}
		for period, names := range [][]string{{"ann", "bob", "cleo"}, {"dora", "emil", "fred"}} {
			for i, name := range names {
				want := fault.OK
				if i == 2 {
					want = fault.InvalidArgument
				}
				if got := join(name); got != want {
					t.Errorf("period %d: %s joins: code %v, want %v", period, name, got, want)
				}
			}
			if found, err := m.TournamentsGetId(ctx, []string{"cup"}); err != nil || found[0].Size != 2 {
				t.Errorf("period %d: %v, %v, want size 2", period, found, err)
			}
			c.clock.Add(time.Hour)
		}
	})
}

// The rules of tournaments, each with its code and the error that modules compare.
func TestTournamentRules(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, ctx context.Context, c *testCore) {
		m := c.Module()
		create := func(id, schedule string, start, end, duration, size, attempts int, join bool) {
			t.Helper()
			if err := m.TournamentCreate(ctx, id, false, "desc", "incr", schedule, nil, id, "", 1, start, end, duration, size, attempts, join, true); err != nil {
				t.Fatal(err)
			}
		}
		now := int(c.clock.Now().Unix())
		create("open", "", 0, 0, 3600, 0, 2, false)
		create("small", "", 0, 0, 3600, 1, 0, true)
		create("later", "", now+100, 0, 3600, 0, 0, true)
		create("short", "", 0, now+50, 3600, 0, 0, false)
		ann, bob := c.user(t, "ann"), c.user(t, "bob")
		write := func(user uuid.UUID, id string) (*api.LeaderboardRecord, error) {
			return c.WriteTournamentRecord(ctx, user, "name", &api.WriteTournamentRecordRequest{TournamentId: id, Record: &api.WriteTournamentRecordRequest_TournamentRecordWrite{Score: 5}})
		}
		join := func(user uuid.UUID, id string) error {
			return c.JoinTournament(ctx, user, "name", &api.JoinTournamentRequest{TournamentId: id})
		}
		want := func(what string, err error, code fault.Code, cause error) {
			t.Helper()
			wantCode(t, what, err, code)
			if cause != nil && !errors.Is(err, cause) {
				t.Errorf("%s: %v is not %v", what, err, cause)
			}
		}
		for i, code := range []fault.Code{fault.OK, fault.OK, fault.FailedPrecondition} {
			_, err := write(ann, "open")
			want(fmt.Sprint("attempt ", i), err, code, nil)
		}
		if err := m.TournamentAddAttempt(ctx, "open", ann.String(), 1); err != nil {
			t.Fatal(err)
		}
		r, err := write(ann, "open")
		if err != nil || r.Score != 15 || r.NumScore != 3 || r.MaxNumScore != 3 {
			t.Errorf("one more attempt: %v, %v", r, err)
		}
		_, err = m.TournamentRecordWrite(ctx, "open", ann.String(), "", 1, 0, nil, nil)
		if err != runtime.ErrTournamentWriteMaxNumScoreReached {
			t.Errorf("a module's attempt too many: %v", err)
		}
		want("a module's attempt too many", err, fault.FailedPrecondition, nil)
		for what, err := range map[string]error{"delete": m.LeaderboardDelete(ctx, "none"), "no ranks": m.LeaderboardRanksDisable(ctx, "none")} {
			if err != runtime.ErrLeaderboardNotFound {
				t.Errorf("%s: %v is not the runtime package's value", what, err)
			}
			want(what, err, fault.NotFound, nil)
		}
		_, err = write(ann, "small")
		want("not joined", err, fault.FailedPrecondition, runtime.ErrTournamentWriteJoinRequired)
		want("join", join(ann, "small"), fault.OK, nil)
		want("join again", join(ann, "small"), fault.OK, nil)
		want("join a full one", join(bob, "small"), fault.InvalidArgument, runtime.ErrTournamentMaxSizeReached)
		list, err := c.ListTournamentRecords(ctx, ann, &api.ListTournamentRecordsRequest{TournamentId: "small", OwnerIds: []string{ann.String()}, Limit: wrapperspb.Int32(5)})
		if err != nil || len(list.Records) != 1 || list.Records[0].NumScore != 0 || list.OwnerRecords[0].Rank != 1 {
			t.Errorf("joined: %v, %v", list, err)
		}
		if found, err := m.TournamentsGetId(ctx, []string{"small"}); err != nil || found[0].Size != 1 || found[0].CanEnter {
			t.Errorf("full: %v, %v", found, err)
		}
		want("delete", c.DeleteTournamentRecord(ctx, ann, &api.DeleteTournamentRecordRequest{TournamentId: "small"}), fault.OK, nil)
		want("a free place", join(bob, "small"), fault.OK, nil)

		_, err = write(ann, "later")
		want("before the start", err, fault.FailedPrecondition, runtime.ErrTournamentOutsideDuration)
		want("join before the start", join(ann, "later"), fault.OK, nil)
		_, err = c.WriteLeaderboardRecord(ctx, ann, "name", &api.WriteLeaderboardRecordRequest{LeaderboardId: "later", Record: &api.WriteLeaderboardRecordRequest_LeaderboardRecordWrite{Score: 5}})
		want("as a leaderboard", err, fault.FailedPrecondition, runtime.ErrTournamentOutsideDuration)
		_, err = write(ann, "none")
		want("unknown", err, fault.NotFound, runtime.ErrTournamentNotFound)
		c.clock.Add(60 * time.Second)
		_, err = write(ann, "short")
		want("ended", err, fault.NotFound, runtime.ErrTournamentNotFound)
		c.clock.Add(time.Hour)
		want("join when the window is over", join(bob, "small"), fault.InvalidArgument, runtime.ErrTournamentOutsideDuration)

		all, err := c.ListTournaments(ctx, ann, &api.ListTournamentsRequest{Limit: wrapperspb.Int32(2)})
		if err != nil || len(all.Tournaments) != 2 || all.Cursor == "" {
			t.Fatalf("first page: %v, %v", all, err)
		}
		rest, err := c.ListTournaments(ctx, ann, &api.ListTournamentsRequest{Limit: wrapperspb.Int32(2), Cursor: all.Cursor})
		if err != nil || len(rest.Tournaments) != 1 || rest.Tournaments[0].Id != "later" {
			t.Errorf("second page: %v, %v", rest, err)
		}
		ended, err := c.ListTournaments(ctx, ann, &api.ListTournamentsRequest{EndTime: wrapperspb.UInt32(uint32(now + 50))})
		if err != nil || len(ended.Tournaments) != 1 || ended.Tournaments[0].Id != "short" {
			t.Errorf("ended ones: %v, %v", ended, err)
		}
		for what, err := range map[string]error{
			"duration": m.TournamentCreate(ctx, "x", false, "desc", "incr", "", nil, "", "", 0, 0, 0, 0, 0, 0, false, true),
			"category": m.TournamentCreate(ctx, "x", false, "desc", "incr", "", nil, "", "", 128, 0, 0, 1, 0, 0, false, true),
			"end time": m.TournamentCreate(ctx, "x", false, "desc", "incr", "", nil, "", "", 0, now+7200, now+7100, 1, 0, 0, false, true),
			"operator": m.LeaderboardCreate(ctx, "x", false, "desc", "most", "", nil, true),
			"schedule": m.LeaderboardCreate(ctx, "x", false, "desc", "best", "now and then", nil, true),
		} {
			if wantCode(t, what, err, fault.InvalidArgument); !strings.Contains(fmt.Sprint(err), what) {
				t.Errorf("%s: %v does not name it", what, err)
			}
		}
	})
}

// While the records of a large board are being counted, those far behind have no rank
// on any page; afterwards the same cursors show it.
func TestRanksWhileCounting(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, ctx context.Context, c *testCore) {
		m := c.Module()
		if err := m.LeaderboardCreate(ctx, "old", false, "desc", "set", "", nil, true); err != nil {
			t.Fatal(err)
		}
		owner := func(i int) string { return fmt.Sprintf("%08x-0000-4000-8000-000000000001", i) }
		for i := 1; i <= 30; i++ {
			if _, err := c.db.Exec(ctx, "INSERT INTO leaderboard_record (leaderboard_id, owner_id, score) VALUES ('old', $1, $2)", owner(i), 100-i); err != nil {
				t.Fatal(err)
			}
		}
		c.rankIndex.MaxSlow = 5
		around := func(counted bool, who int, want ...int64) string {
			t.Helper()
			list, err := m.LeaderboardRecordsHaystack(ctx, "old", owner(who), 3, "", 0)
			if err != nil || list.RankCount != map[bool]int64{true: 30}[counted] {
				t.Fatalf("around %d: %v, %v", who, list, err)
			}
			wantRanks(t, list.Records, want...)
			return list.NextCursor
		}
		around(false, 3, 2, 3, 4)
		next := around(false, 20, 0, 0, 0)
		page := func(want ...int64) string {
			t.Helper()
			list, _, after, before, err := m.LeaderboardRecordsList(ctx, "old", nil, 3, next, 0)
			if err != nil {
				t.Fatal(err)
			}
			wantRanks(t, list, want...)
			if list, _, _, _, err = m.LeaderboardRecordsList(ctx, "old", nil, 3, before, 0); err != nil {
				t.Fatal(err)
			}
			for i := range want {
				want[i] = max(want[i]-3, 0)
			}
			wantRanks(t, list, want...)
			return after
		}
		page(0, 0, 0)
		if r, err := m.LeaderboardRecordWrite(ctx, "old", owner(10), "", 90, 1, nil, nil); err != nil || r.Rank != 0 {
			t.Errorf("a score while counting: %v, %v", r, err)
		}
		if err := c.rankIndex.Build(ctx, c.db, rank.Period{Board: "old", Expiry: store.Epoch}); err != nil {
			t.Fatal(err)
		}
		around(true, 20, 19, 20, 21)
		page(22, 23, 24)
	})
}

func wantRanks(t *testing.T, records []*api.LeaderboardRecord, want ...int64) {
	t.Helper()
	var got []int64
	for _, r := range records {
		got = append(got, r.Rank)
	}
	if !slices.Equal(got, want) {
		t.Errorf("ranks %v, want %v", got, want)
	}
}

// Of several first scores of a player at the same time only as many count as it
// has attempts, and its record keeps what was stored first.
func TestConcurrentFirstScores(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, ctx context.Context, c *testCore) {
		m := c.Module()
		if err := m.TournamentCreate(ctx, "cup", true, "desc", "incr", "", nil, "", "", 0, 0, 0, 3600, 5, 2, false, true); err != nil {
			t.Fatal(err)
		}
		owner := c.user(t, "ann").String()
		results := make(chan error)
		for range 8 {
			go func() {
				_, err := m.TournamentRecordWrite(ctx, "cup", owner, "ann", 1, 0, nil, nil)
				results <- err
			}()
		}
		written := 0
		for range 8 {
			switch err := <-results; err {
			case nil:
				written++
			case runtime.ErrTournamentWriteMaxNumScoreReached:
			default:
				t.Error(err)
			}
		}
		list, _, _, _, err := m.TournamentRecordsList(ctx, "cup", nil, 1, "", 0)
		if err != nil || written != 2 || len(list) != 1 || list[0].NumScore != 2 || list[0].Score != 2 {
			t.Errorf("%d scores were written: %v, %v", written, list, err)
		}
		if found, err := m.TournamentsGetId(ctx, []string{"cup", "\x00"}); err != nil || len(found) != 1 || found[0].Size != 1 {
			t.Errorf("entrants: %v, %v", found, err)
		}
		wantCode(t, "a huge number of attempts", m.TournamentAddAttempt(ctx, "cup", owner, 1<<31-1), fault.InvalidArgument)
		if err := c.DeleteAccount(ctx, uuid.FromStringOrNil(owner)); err != nil {
			t.Fatal(err)
		}
		if found, err := m.TournamentsGetId(ctx, []string{"cup"}); err != nil || found[0].Size != 0 {
			t.Errorf("entrants after an account was deleted: %v, %v", found, err)
		}
		_, _, _, _, err = m.TournamentRecordsList(ctx, "cup", nil, 1, "", 1<<62)
		wantCode(t, "an expiry beyond all times", err, fault.InvalidArgument)
	})
}

// Ends and resets are told once, by one of two servers, also those that were
// missed, and with the times of the period that is over.
func TestBoardEvents(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, ctx context.Context, c *testCore) {
		second := newTestCore(t, c.db)
		second.Core.now = c.clock.Now
		told := make(chan string, 100)
		handlers := func() BoardHandlers {
			tournament := func(kind string) func(context.Context, *api.Tournament, int64, int64) error {
				return func(_ context.Context, tour *api.Tournament, end, reset int64) error {
					told <- fmt.Sprintf("%s of %s at %s, reset %s, size %d", kind, tour.Id, clockText(end), clockText(reset), tour.Size)
					return nil
				}
			}
			return BoardHandlers{
				TournamentEnd: tournament("end"), TournamentReset: tournament("reset"),
				LeaderboardReset: func(_ context.Context, l *api.Leaderboard, reset int64) error {
					told <- fmt.Sprintf("reset of %s at %s", l.Id, clockText(reset))
					return nil
				},
			}
		}
		run := func() (stop func()) {
			ctx, cancel := context.WithCancel(ctx)
			done := make(chan struct{}, 2)
			for _, core := range []*Core{c.Core, second.Core} {
				go func() { core.RunBoards(ctx, 4, handlers); done <- struct{}{} }()
			}
			return func() { cancel(); <-done; <-done }
		}
		m := c.Module()
		c.clock.Add(time.Unix(at("2023-11-15 00:00:30"), 0).Sub(c.clock.Now()))
		if err := m.LeaderboardCreate(ctx, "daily", false, "desc", "best", "0 0 * * *", nil, true); err != nil {
			t.Fatal(err)
		}
		if err := m.TournamentCreate(ctx, "cup", false, "desc", "best", "0 * * * *", nil, "", "", 0, 0, 0, 1800, 5, 0, true, true); err != nil {
			t.Fatal(err)
		}
		if err := m.TournamentJoin(ctx, "cup", c.user(t, "ann").String(), "ann"); err != nil {
			t.Fatal(err)
		}
		stop := run()
		expect := func(step string, want ...string) {
			t.Helper()
			c.boardsChanged()
			second.boardsChanged()
			var got []string
			for range want {
				select {
				case s := <-told:
					got = append(got, s)
				case <-time.After(20 * time.Second):
					t.Fatalf("%s: told %q, want %q", step, got, want)
				}
			}
			slices.Sort(got)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Errorf("%s: told %q, want %q", step, got, want)
			}
		}
		c.clock.Add(30 * time.Minute)
		expect("the window ends", "end of cup at 00:30:00, reset 01:00:00, size 1")
		c.clock.Add(30 * time.Minute)
		expect("the period ends", "reset of cup at 00:30:00, reset 01:00:00, size 1")
		stop()
		c.clock.Add(22*time.Hour + 40*time.Minute) // to 23:40:30; a tournament that is deleted has no ends and resets
		if err := m.TournamentDelete(ctx, "cup"); err != nil {
			t.Fatal(err)
		}
		if err := m.TournamentCreate(ctx, "cup", false, "desc", "best", "0 * * * *", nil, "", "", 0, 0, 0, 1800, 5, 0, true, true); err != nil {
			t.Fatal(err)
		}
		c.clock.Add(2 * time.Hour) // to 01:40:30
		defer run()()
		expect("what was missed",
			"reset of daily at 00:00:00",
			"end of cup at 00:30:00, reset 01:00:00, size 0", "reset of cup at 00:30:00, reset 01:00:00, size 0",
			"end of cup at 01:30:00, reset 02:00:00, size 0")
		select {
		case s := <-told:
			t.Errorf("told again: %s", s)
		default:
		}
	})
}

// An event whose handler has to wait is not claimed: a server that stops before
// that leaves it to the next one.
func TestWaitingEventsAreKept(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, ctx context.Context, c *testCore) {
		m := c.Module()
		c.clock.Add(time.Unix(at("2023-11-15 00:00:30"), 0).Sub(c.clock.Now()))
		for _, id := range []string{"one", "two"} {
			if err := m.LeaderboardCreate(ctx, id, false, "desc", "best", "0 * * * *", nil, true); err != nil {
				t.Fatal(err)
			}
		}
		c.clock.Add(time.Hour)
		started, release := make(chan string, 2), make(chan struct{})
		handlers := func() BoardHandlers {
			return BoardHandlers{LeaderboardReset: func(_ context.Context, l *api.Leaderboard, _ int64) error {
				started <- l.Id
				<-release
				return nil
			}}
		}
		run := func() (stop func()) {
			ctx, cancel := context.WithCancel(ctx)
			done := make(chan struct{})
			go func() { c.RunBoards(ctx, 1, handlers); close(done) }()
			return func() { cancel(); <-done }
		}
		stop := run()
		first := <-started
		var due int
		if err := c.db.Reader().QueryRowContext(ctx, "SELECT count(*) FROM kumi_board_event WHERE run_at <= $1", c.clock.Now().Unix()).Scan(&due); err != nil || due != 1 {
			t.Errorf("%d events are due while a handler runs, %v", due, err)
		}
		stopped := make(chan struct{})
		go func() { stop(); close(stopped) }()
		close(release)
		<-stopped
		defer run()()
		if len(started) == 0 {
			c.boardsChanged()
		}
		if second := <-started; second == first {
			t.Errorf("%s was told twice", first)
		}
	})
}

// The events of a board happen in order, also if a worker becomes free between two
// of them.
func TestEventsOfABoardInOrder(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, ctx context.Context, c *testCore) {
		c.clock.Add(time.Unix(at("2023-11-15 00:00:30"), 0).Sub(c.clock.Now()))
		if err := c.Module().TournamentCreate(ctx, "cup", false, "desc", "best", "0 * * * *", nil, "", "", 0, 0, 0, 1800, 0, 0, false, true); err != nil {
			t.Fatal(err)
		}
		c.clock.Add(time.Hour) // both the end of the window and the reset are due
		told := make(chan string, 2)
		tournament := func(kind string) func(context.Context, *api.Tournament, int64, int64) error {
			return func(context.Context, *api.Tournament, int64, int64) error { told <- kind; return nil }
		}
		r := &boardRunner{Core: c.Core, workers: 1, busy: map[string]bool{"another": true}}
		asked := 0
		r.handlers = func() BoardHandlers { // asked for before each event takes a worker
			if asked++; asked == 2 {
				r.leave("another")
			}
			return BoardHandlers{TournamentEnd: tournament("end"), TournamentReset: tournament("reset")}
		}
		for range 3 {
			if _, err := r.turn(ctx); err != nil {
				t.Fatal(err)
			}
			r.work.Wait()
		}
		if first, second := <-told, <-told; first != "end" || second != "reset" {
			t.Errorf("%s was told before %s", first, second)
		}
	})
}

// Of very many missed events the latest ones are handled, and only then it is logged
// that others are not.
func TestManyMissedEvents(t *testing.T) {
	t.Parallel()
	var logged bytes.Buffer
	r := &boardRunner{Core: New(Options{Config: &testConfig{}, Logger: zerolog.New(&logged), Now: func() time.Time { return time.Unix(at("2023-11-15 00:00:30"), 0) }})}
	t.Cleanup(r.Core.Close)
	b := &board{id: "hourly", schedule: "0 * * * *"}
	for _, test := range []struct {
		first, want string
		logged      bool
	}{
		{"2023-11-14 23:00:00", "2023-11-14 23:00:00", false},
		{"2023-11-08 18:00:00", "2023-11-08 18:00:00", false}, // 150 hours ago
		{"2023-11-01 00:00:00", "2023-11-10 21:00:00", true},
	} {
		logged.Reset()
		if got := r.latest(b, periodReset, at(test.first), true); got != at(test.want) {
			t.Errorf("missed since %s: begins at %s", test.first, time.Unix(got, 0).UTC())
		}
		if (logged.Len() > 0) != test.logged {
			t.Errorf("missed since %s: logged %q", test.first, logged.String())
		}
	}
}

func clockText(t int64) string { return time.Unix(t, 0).UTC().Format("15:04:05") }
