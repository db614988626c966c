package test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/heroiclabs/nakama-common/api"

	"kumi/server/servertest"
)

// The seasons of the TypeScript sample and of the Lua guide pay the best players
// from the records of the season that is over.
func TestSeasonPays(t *testing.T) {
	t.Parallel()
	for name, module := range map[string]servertest.Option{
		"typescript": servertest.Modules("../data/modules"),
		"lua":        servertest.Module("season.lua", servertest.Examples(t, "../docs/lua.md")["season.lua"]),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := servertest.Start(t, module)
			ann, ben := srv.User(t, "ann"), srv.User(t, "ben")
			for _, call := range []struct {
				who          *servertest.User
				points, want string
			}{{ann, "5", `"rank":1`}, {ben, "7", `"rank":1`}, {ann, "1", `"score":6`}} {
				if got, a := call.who.RPC(t, "season_points", call.points); !strings.Contains(got, call.want) {
					t.Errorf("%s points: %q in %d %s", call.points, got, a.Status, a.Body)
				}
			}
			for _, bad := range []string{"", "11", "-1", "many"} {
				if _, a := ann.RPC(t, "season_points", bad); a.Code() != 3 {
					t.Errorf("%q points: %d %s", bad, a.Status, a.Body)
				}
			}
			if a := ann.Do(t, "POST", "/v2/leaderboard/season", `{"score":"1000"}`); a.Code() != 7 {
				t.Errorf("a score of a client: %d %s", a.Status, a.Body)
			}
			var list struct {
				Records []struct {
					Expiry time.Time `json:"expiry_time"`
				}
			}
			if err := json.Unmarshal([]byte(ann.Do(t, "GET", "/v2/leaderboard/season", "").Body), &list); err != nil || len(list.Records) != 1 {
				t.Fatal(list, err)
			}
			if err := srv.Modules().Hooks.Single.LeaderboardReset.Call(t.Context(), &api.Leaderboard{Id: "season"}, list.Records[0].Expiry.Unix()); err != nil {
				t.Fatal(err)
			}
			for user, coins := range map[*servertest.User]string{ben: `{\"coins\": 100}`, ann: `{\"coins\": 50}`} {
				if a := user.Do(t, "GET", "/v2/account", ""); !strings.Contains(a.Body, coins) {
					t.Errorf("want %s in %s", coins, a.Body)
				}
			}
		})
	}
}
