package test

import (
	"testing"

	"kumi/server/servertest"
)

// Clients are told that a player left before they get what matchLeave broadcasts.
func TestLeaveComesBeforeWhatItsHandlerSays(t *testing.T) {
	t.Parallel()
	srv := servertest.Start(t, servertest.Module("index.js", `
		function InitModule(ctx, logger, nk, initializer) {
			initializer.registerMatch("talks", {
				matchInit: () => ({ state: {}, tickRate: 1, label: "" }),
				matchJoinAttempt: (ctx, logger, nk, dispatcher, tick, state) => ({ state, accept: true }),
				matchJoin: (ctx, logger, nk, dispatcher, tick, state) => ({ state }),
				matchLeave: (ctx, logger, nk, dispatcher, tick, state) => { dispatcher.broadcastMessage(1, "left"); return { state }; },
				matchLoop: (ctx, logger, nk, dispatcher, tick, state) => ({ state }),
				matchTerminate: (ctx, logger, nk, dispatcher, tick, state) => ({ state }),
				matchSignal: (ctx, logger, nk, dispatcher, tick, state) => ({ state }),
			});
			initializer.registerRpc("make", (ctx, logger, nk) => nk.matchCreate("talks"));
		}`))
	id, _ := srv.RPC(t, "make", "")
	own := `{"match_id":"` + id + `"}`
	stays, goes := srv.User(t, "ann").Socket(t), srv.User(t, "ben").Socket(t)
	stays.Call(t, "match_join", own)
	stays.Expect(t, "match_presence_event")
	for range 200 {
		goes.Call(t, "match_join", own)
		stays.Expect(t, "match_presence_event") // the join
		goes.Call(t, "match_leave", own)
		stays.Expect(t, "match_data")
		if _, before := stays.Pushed("match_presence_event"); !before {
			t.Fatal("what matchLeave sent came before the leave")
		}
	}
}
