package test

import (
	"context"
	"database/sql"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/heroiclabs/nakama-common/api"
	"github.com/heroiclabs/nakama-common/runtime"

	"kumi/modules/golang"
	"kumi/server/servertest"
)

// The same season in each language: an RPC that uses every function of boards and
// says what it saw, and handlers of ends and resets, which come every second.
var seasonModules = map[string]servertest.Option{
	"javascript": servertest.Module("index.ts", `
		export function InitModule(ctx, logger, nk, initializer) {
			nk.leaderboardCreate("open", false, "desc", "best", null, { title: "Open" }, true);
			nk.leaderboardCreate("closed", true, "asc", "incr", "", {}, true);
			nk.leaderboardCreate("open", true);
			nk.leaderboardCreate("ticking", false, "desc", "best", "* * * * * * *");
			nk.tournamentCreate("cup", false, "desc", "incr", 3600, "", { x: 1 }, "Cup", "A cup", 3, 0, 0, 10, 2, true, true);
			nk.tournamentCreate("quick", false, "desc", "best", 1, "* * * * * * *");
			initializer.registerLeaderboardReset((ctx, logger, nk, l, reset) => logger.info("%s reset %s", l.id, reset > 0));
			initializer.registerTournamentEnd((ctx, logger, nk, t, end, reset) => logger.info("%s end %s", t.id, end > 0));
			initializer.registerTournamentReset((ctx, logger, nk, t, end, reset) => logger.info("%s reset %s", t.id, reset >= end));
			initializer.registerRpc("season", (ctx, logger, nk) => {
				const ids = ["0", "1", "2", "3", "4"].map(n => n + "0000000-0000-4000-8000-000000000000");
				ids.forEach((id, i) => nk.leaderboardRecordWrite("open", id, "p" + i, 10 * i, i, { i }));
				nk.leaderboardRecordWrite("open", ids[0], "p0", 100, 0, null, "set");
				nk.leaderboardRecordDelete("open", ids[4]);
				const show = list => list.map(r => [r.username, r.rank, r.score, r.subscore, r.numScore].join(":")).join(" ");
				const page = nk.leaderboardRecordsList("open", [ids[1]], 2);
				const next = nk.leaderboardRecordsList("open", null, 2, page.nextCursor);
				const hay = nk.leaderboardRecordsHaystack("open", ids[2], 3);
				const from = nk.leaderboardRecordsList("open", [], 1, nk.leaderboardRecordsListCursorFromRank("open", 3));
				nk.tournamentJoin("cup", ids[0], "p0");
				nk.tournamentRecordWrite("cup", ids[0], "p0", 5);
				nk.tournamentAddAttempt("cup", ids[0], 1);
				nk.tournamentRecordWrite("cup", ids[0], "p0", 6);
				const cup = nk.tournamentRecordsList("cup", [ids[0]], 1), t = nk.tournamentsGetId(["cup", "none"]);
				const around = nk.tournamentRecordsHaystack("cup", ids[0], 1);
				let refused = "";
				try { nk.tournamentRecordWrite("cup", ids[1], "p1", 5) } catch (e) { refused = e.message }
				nk.tournamentRecordDelete("cup", ids[0]);
				nk.tournamentsRanksDisable("cup"); nk.leaderboardRanksDisable("closed");
				const all = nk.leaderboardList(100).leaderboards.map(l => l.id).sort().join(), listed = nk.tournamentList(3, 3, 0, 0, 10).tournaments.map(t => t.id).join();
				nk.tournamentDelete("cup"); nk.leaderboardDelete("closed");
				return JSON.stringify({
					page: show(page.records), owners: show(page.ownerRecords), count: page.rankCount, next: show(next.records), back: next.prevCursor ? 1 : 0,
					hay: show(hay.records), from: show(from.records), board: nk.leaderboardsGetId(["open"])[0].metadata.title, all, listed,
					cup: show(cup.records) + " " + cup.ownerRecords[0].maxNumScore, around: show(around.records), t: t.length + t[0].title + t[0].size + t[0].maxSize + t[0].metadata.x,
					refused: refused.includes("join"), left: nk.tournamentsGetId(["cup"]).length,
				});
			});
		}`),
	"lua": servertest.Module("main.lua", `
		local nk = require("nakama")
		nk.leaderboard_create("open", false, "desc", "best", nil, { title = "Open" }, true)
		nk.leaderboard_create("closed", true, "asc", "incr", "", {}, true)
		nk.leaderboard_create("open", true)
		nk.leaderboard_create("ticking", false, "desc", "best", "* * * * * * *")
		nk.tournament_create("cup", false, "desc", "incr", 3600, "", { x = 1 }, "Cup", "A cup", 3, 0, 0, 10, 2, true, true)
		nk.tournament_create("quick", false, "desc", "best", 1, "* * * * * * *")
		nk.register_leaderboard_reset(function(ctx, l, reset) nk.logger_info(l.id .. " reset " .. tostring(reset > 0)) end)
		nk.register_tournament_end(function(ctx, t, ends, reset) nk.logger_info(t.id .. " end " .. tostring(ends > 0)) end)
		nk.register_tournament_reset(function(ctx, t, ends, reset) nk.logger_info(t.id .. " reset " .. tostring(reset >= ends)) end)
		local function show(list)
			local out = {}
			for _, r in ipairs(list) do table.insert(out, string.format("%s:%d:%d:%d:%d", r.username, r.rank, r.score, r.subscore, r.num_score)) end
			return table.concat(out, " ")
		end
		nk.register_rpc(function()
			local ids = {}
			for i = 0, 4 do ids[i] = i .. "0000000-0000-4000-8000-000000000000"; nk.leaderboard_record_write("open", ids[i], "p" .. i, 10 * i, i, { i = i }) end
			nk.leaderboard_record_write("open", ids[0], "p0", 100, 0, nil, "set")
			nk.leaderboard_record_delete("open", ids[4])
			local page, owners, next_cursor, _, count = nk.leaderboard_records_list("open", { ids[1] }, 2)
			local next_page, _, _, prev = nk.leaderboard_records_list("open", nil, 2, next_cursor)
			local hay = nk.leaderboard_records_haystack("open", ids[2], 3)
			local from = nk.leaderboard_records_list("open", {}, 1, nk.leaderboard_records_list_cursor_from_rank("open", 3))
			nk.tournament_join("cup", ids[0], "p0")
			nk.tournament_record_write("cup", ids[0], "p0", 5)
			nk.tournament_add_attempt("cup", ids[0], 1)
			nk.tournament_record_write("cup", ids[0], "p0", 6)
			local cup, cup_owners = nk.tournament_records_list("cup", { ids[0] }, 1)
			local t = nk.tournaments_get_id({ "cup", "none" })
			local around = nk.tournament_records_haystack("cup", ids[0], 1)
			local ok, refused = pcall(nk.tournament_record_write, "cup", ids[1], "p1", 5)
			nk.tournament_record_delete("cup", ids[0])
			nk.tournament_ranks_disable("cup"); nk.leaderboard_ranks_disable("closed")
			local all, listed = {}, {}
			for _, l in ipairs(nk.leaderboard_list(100)) do table.insert(all, l.id) end
			table.sort(all)
			for _, l in ipairs(nk.tournament_list(3, 3, 0, 0, 10)) do table.insert(listed, l.id) end
			nk.tournament_delete("cup"); nk.leaderboard_delete("closed")
			return nk.json_encode({
				page = show(page), owners = show(owners), count = count, next = show(next_page), back = prev and 1 or 0,
				hay = show(hay), from = show(from), board = nk.leaderboards_get_id({ "open" })[1].metadata.title, all = table.concat(all, ","), listed = table.concat(listed, ","),
				cup = show(cup) .. " " .. cup_owners[1].max_num_score, around = show(around), t = #t .. t[1].title .. t[1].size .. t[1].max_size .. t[1].metadata.x,
				refused = not ok and tostring(refused):find("join") ~= nil, left = #nk.tournaments_get_id({ "cup" }),
			})
		end, "season")`),
	"go": servertest.Flags("--runtime.env", "season=go"),
}

// season is what the RPC answers in every language.
const season = `{"all":"closed,open,ticking","around":"p0:1:11:0:2","back":1,"board":"Open","count":4,"cup":"p0:1:11:0:2 3","from":"p2:3:20:2:1",` +
	`"hay":"p3:2:30:3:1 p2:3:20:2:1 p1:4:10:1:1","left":0,"listed":"cup","next":"p2:3:20:2:1 p1:4:10:1:1","owners":"p1:4:10:1:1","page":"p0:1:100:0:2 p3:2:30:3:1","refused":true,"t":"1Cup1101"}`

func init() { golang.Register("season", goSeason) }

func goSeason(ctx context.Context, _ runtime.Logger, _ *sql.DB, nk runtime.NakamaModule, initializer runtime.Initializer) error {
	if env, _ := ctx.Value(runtime.RUNTIME_CTX_ENV).(map[string]string); env["season"] != "go" {
		return nil
	}
	for _, err := range []error{
		nk.LeaderboardCreate(ctx, "open", false, "desc", "best", "", map[string]any{"title": "Open"}, true),
		nk.LeaderboardCreate(ctx, "closed", true, "asc", "incr", "", nil, true),
		nk.LeaderboardCreate(ctx, "open", true, "desc", "best", "", nil, false),
		nk.LeaderboardCreate(ctx, "ticking", false, "desc", "best", "* * * * * * *", nil, false),
		nk.TournamentCreate(ctx, "cup", false, "desc", "incr", "", map[string]any{"x": 1}, "Cup", "A cup", 3, 0, 0, 3600, 10, 2, true, true),
		nk.TournamentCreate(ctx, "quick", false, "desc", "best", "* * * * * * *", nil, "", "", 0, 0, 0, 1, 0, 0, false, false),
		initializer.RegisterLeaderboardReset(func(_ context.Context, logger runtime.Logger, _ *sql.DB, _ runtime.NakamaModule, l *api.Leaderboard, reset int64) error {
			logger.Info("%s reset %t", l.Id, reset > 0)
			return nil
		}),
		initializer.RegisterTournamentEnd(func(_ context.Context, logger runtime.Logger, _ *sql.DB, _ runtime.NakamaModule, t *api.Tournament, end, _ int64) error {
			logger.Info("%s end %t", t.Id, end > 0)
			return nil
		}),
		initializer.RegisterTournamentReset(func(_ context.Context, logger runtime.Logger, _ *sql.DB, _ runtime.NakamaModule, t *api.Tournament, end, reset int64) error {
			logger.Info("%s reset %t", t.Id, reset >= end)
			return nil
		}),
		initializer.RegisterRpc("season", func(ctx context.Context, _ runtime.Logger, _ *sql.DB, nk runtime.NakamaModule, _ string) (string, error) {
			return playSeason(ctx, nk)
		}),
	} {
		if err != nil {
			return err
		}
	}
	return nil
}

func playSeason(ctx context.Context, nk runtime.NakamaModule) (string, error) {
	var failed error
	check := func(err error) {
		if failed == nil {
			failed = err
		}
	}
	show := func(list []*api.LeaderboardRecord) string {
		var out []string
		for _, r := range list {
			out = append(out, strings.Join([]string{r.Username.GetValue(), text(r.Rank), text(r.Score), text(r.Subscore), text(int64(r.NumScore))}, ":"))
		}
		return strings.Join(out, " ")
	}
	var ids [5]string
	for i := range ids {
		ids[i] = text(int64(i)) + "0000000-0000-4000-8000-000000000000"
		_, err := nk.LeaderboardRecordWrite(ctx, "open", ids[i], "p"+text(int64(i)), int64(10*i), int64(i), map[string]any{"i": i}, nil)
		check(err)
	}
	set := int(api.Operator_SET)
	_, err := nk.LeaderboardRecordWrite(ctx, "open", ids[0], "p0", 100, 0, nil, &set)
	check(err)
	check(nk.LeaderboardRecordDelete(ctx, "open", ids[4]))
	page, owners, next, _, err := nk.LeaderboardRecordsList(ctx, "open", []string{ids[1]}, 2, "", 0)
	check(err)
	nextPage, _, _, prev, err := nk.LeaderboardRecordsList(ctx, "open", nil, 2, next, 0)
	check(err)
	hay, err := nk.LeaderboardRecordsHaystack(ctx, "open", ids[2], 3, "", 0)
	check(err)
	cursor, err := nk.LeaderboardRecordsListCursorFromRank("open", 3, 0)
	check(err)
	from, _, _, _, err := nk.LeaderboardRecordsList(ctx, "open", nil, 1, cursor, 0)
	check(err)
	check(nk.TournamentJoin(ctx, "cup", ids[0], "p0"))
	_, err = nk.TournamentRecordWrite(ctx, "cup", ids[0], "p0", 5, 0, nil, nil)
	check(err)
	check(nk.TournamentAddAttempt(ctx, "cup", ids[0], 1))
	_, err = nk.TournamentRecordWrite(ctx, "cup", ids[0], "p0", 6, 0, nil, nil)
	check(err)
	cup, cupOwners, _, _, err := nk.TournamentRecordsList(ctx, "cup", []string{ids[0]}, 1, "", 0)
	check(err)
	t, err := nk.TournamentsGetId(ctx, []string{"cup", "none"})
	check(err)
	around, err := nk.TournamentRecordsHaystack(ctx, "cup", ids[0], 1, "", 0)
	check(err)
	_, refused := nk.TournamentRecordWrite(ctx, "cup", ids[1], "p1", 5, 0, nil, nil)
	check(nk.TournamentRecordDelete(ctx, "cup", ids[0]))
	check(nk.TournamentRanksDisable(ctx, "cup"))
	check(nk.LeaderboardRanksDisable(ctx, "closed"))
	boards, err := nk.LeaderboardList(100, "")
	check(err)
	listed, err := nk.TournamentList(ctx, 3, 3, 0, 0, 10, "")
	check(err)
	check(nk.TournamentDelete(ctx, "cup"))
	check(nk.LeaderboardDelete(ctx, "closed"))
	left, err := nk.TournamentsGetId(ctx, []string{"cup"})
	check(err)
	open, err := nk.LeaderboardsGetId(ctx, []string{"open"})
	check(err)
	if failed != nil {
		return "", failed
	}
	all := map[string]bool{}
	for _, b := range boards.Leaderboards {
		all[b.Id] = true
	}
	var title struct{ Title string }
	_ = json.Unmarshal([]byte(open[0].Metadata), &title)
	out, err := json.Marshal(map[string]any{
		"page": show(page), "owners": show(owners), "count": hay.RankCount, "next": show(nextPage), "back": len(prev) / max(len(prev), 1),
		"hay": show(hay.Records), "from": show(from), "board": title.Title, "all": strings.Join(slices.Sorted(maps.Keys(all)), ","), "listed": listed.Tournaments[0].Id,
		"cup": show(cup) + " " + text(int64(cupOwners[0].MaxNumScore)), "around": show(around.Records),
		"t":       text(int64(len(t))) + t[0].Title + text(int64(t[0].Size)) + text(int64(t[0].MaxSize)) + strings.Trim(t[0].Metadata, `{"x: }`),
		"refused": refused == runtime.ErrTournamentWriteJoinRequired, "left": len(left),
	})
	return string(out), err
}

func text(n int64) string { return strconv.FormatInt(n, 10) }

// Every function of boards works in every language, on both databases, and
// handlers are told of ends and resets.
func TestSeason(t *testing.T) {
	t.Parallel()
	for language, module := range seasonModules {
		for database, option := range map[string]servertest.Option{"sqlite": servertest.Flags(), "postgres": nil} {
			t.Run(language+"/"+database, func(t *testing.T) {
				t.Parallel()
				var log servertest.Journal
				if option == nil {
					option = servertest.Postgres()
				}
				srv := servertest.Start(t, module, option, log.Keep())
				if got, a := srv.RPC(t, "season", ""); sorted(got) != season {
					t.Errorf("%s in %s\nwant %s", sorted(got), a.Body, season)
				}
				for _, line := range []string{"ticking reset true", "quick end true", "quick reset true"} {
					servertest.Eventually(t, line, func() bool { return len(log.Lines(line)) > 0 })
				}
				user := srv.User(t, "ann")
				if a := user.Do(t, "POST", "/v2/leaderboard/open", `{"score":"55","subscore":"1","metadata":"{\"a\":1}"}`); a.Status != 200 || a.Get("rank") != "2" || a.Get("username") != "ann" {
					t.Errorf("a client's score: %d %s", a.Status, a.Body)
				}
				if a := user.Do(t, "GET", "/v2/leaderboard/open?limit=2", ""); !strings.Contains(a.Body, `"score":"55"`) || a.Get("rank_count") != "5" {
					t.Errorf("a client's list: %d %s", a.Status, a.Body)
				}
			})
		}
	}
}
