package servertest_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"testing"

	"github.com/heroiclabs/nakama-common/runtime"

	"kumi/modules/golang"
	"kumi/server/servertest"
)

// InitModule is the game's module, in Go.
func InitModule(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, initializer runtime.Initializer) error {
	return initializer.RegisterRpc("go_greet", func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, payload string) (string, error) {
		name, _ := ctx.Value(runtime.RUNTIME_CTX_USERNAME).(string)
		return "hello " + name, nil
	})
}

// A test program registers its Go modules once.
func init() { golang.Register("game", InitModule) }

// testGreeting is a test: in a game its name is TestGreeting.
func testGreeting(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t,
		servertest.Module("index.js", `function InitModule(ctx, logger, nk, initializer) {
			initializer.registerRpc("create", (ctx, logger, nk) => nk.matchCreate("echo", {}));
			const same = (ctx, logger, nk, dispatcher, tick, state) => ({ state });
			initializer.registerMatch("echo", {
				matchInit: () => ({ state: {}, tickRate: 10, label: "" }),
				matchJoinAttempt: (ctx, logger, nk, dispatcher, tick, state) => ({ state, accept: true }),
				matchJoin: same, matchLeave: same, matchTerminate: same, matchSignal: same,
				matchLoop(ctx, logger, nk, dispatcher, tick, state, messages) {
					for (const m of messages) dispatcher.broadcastMessage(m.opCode, m.data);
					return { state };
				},
			});
		}`),
		servertest.Flags("--session.token_expiry_sec", "60"),
	)
	ann := s.User(t, "ann")
	if got, _ := ann.RPC(t, "go_greet", ""); got != "hello ann" {
		t.Errorf("the module in Go answered %q", got)
	}

	id, _ := ann.RPC(t, "create", "")
	socket := ann.Socket(t)
	socket.Call(t, "match_join", `{"match_id":"`+id+`"}`)
	socket.Send(t, `{"match_data_send":{"match_id":"`+id+`","op_code":"1","data":"aGVsbG8="}}`)
	var message struct{ Data []byte }
	if err := json.Unmarshal(socket.Expect(t, "match_data")["match_data"], &message); err != nil || string(message.Data) != "hello" {
		t.Errorf("the match sent %q, %v", message.Data, err)
	}
}

// In a file of tests this is func TestGreeting(t *testing.T).
func Example() { _ = testGreeting }
