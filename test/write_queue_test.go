package test

import (
	"context"
	"database/sql"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/heroiclabs/nakama-common/api"
	"github.com/heroiclabs/nakama-common/runtime"

	"kumi/modules/golang"
	"kumi/server/servertest"
)

func init() { golang.Register("write turn", goWriteTurn) }

// writeTurn is what the Go module of TestWritesOfClientsThatWentAway does for it.
type writeTurn struct {
	held    chan struct{}        // closed when no one else can write
	release chan struct{}        // closed by the test
	arrived chan context.Context // those of requests that will write
}

var writeTurns sync.Map // *writeTurn, by the value of "turn" in the environment

func goWriteTurn(ctx context.Context, _ runtime.Logger, _ *sql.DB, _ runtime.NakamaModule, initializer runtime.Initializer) error {
	env, _ := ctx.Value(runtime.RUNTIME_CTX_ENV).(map[string]string)
	x, ok := writeTurns.Load(env["turn"])
	if !ok {
		return nil
	}
	turn := x.(*writeTurn)
	if err := initializer.RegisterBeforeWriteStorageObjects(func(ctx context.Context, _ runtime.Logger, _ *sql.DB, _ runtime.NakamaModule, in *api.WriteStorageObjectsRequest) (*api.WriteStorageObjectsRequest, error) {
		turn.arrived <- ctx
		return in, nil
	}); err != nil {
		return err
	}
	return initializer.RegisterRpc("hold", func(ctx context.Context, _ runtime.Logger, db *sql.DB, _ runtime.NakamaModule, _ string) (string, error) {
		tx, err := db.BeginTx(ctx, nil)
		if err != nil {
			return "", err
		}
		if _, err := tx.ExecContext(ctx, "DELETE FROM storage WHERE collection = 'none'"); err != nil {
			return "", err
		}
		close(turn.held)
		<-turn.release
		return "", tx.Rollback()
	})
}

// Queued writes of clients that have disconnected are dropped.
func TestWritesOfClientsThatWentAway(t *testing.T) {
	t.Parallel()
	const n = 300
	turn := &writeTurn{held: make(chan struct{}), release: make(chan struct{}), arrived: make(chan context.Context, n+1)}
	key := t.TempDir()
	writeTurns.Store(key, turn)
	srv := servertest.Start(t, servertest.Flags("--runtime.env", "turn="+key, "--database.transaction_timeout_ms", "60000", "--runtime.call_timeout_ms", "60000", "--socket.idle_timeout_ms", "60000"),
		servertest.Module("index.js", `function InitModule(ctx, logger, nk, initializer) {
			initializer.registerRpc("count", () => String(nk.sqlQuery("SELECT count(*) FROM storage WHERE collection = 'gone'")[0].count));
		}`))
	ann, bob, cleo := srv.User(t, "ann"), srv.User(t, "bob"), srv.User(t, "cleo")
	var all sync.WaitGroup
	all.Go(func() { ann.RPC(t, "hold", "") })
	<-turn.held
	ctx, leave := context.WithCancel(t.Context())
	for i := range n {
		all.Go(func() { _ = put(ctx, srv, bob, fmt.Sprint("k", i)) })
	}
	requests := make([]context.Context, n)
	for i := range requests {
		requests[i] = <-turn.arrived
	}
	leave()
	for _, ctx := range requests {
		<-ctx.Done()
	}
	close(turn.release)
	if err := put(t.Context(), srv, cleo, "kept"); err != nil {
		t.Errorf("another user's write: %v", err)
	}
	all.Wait()
	if n, _ := ann.RPC(t, "count", ""); n != "1" {
		t.Errorf("%s writes were made, want the one that was waited for", n)
	}
}

// A script's statement that keeps others from writing is cancelled.
func TestStatementThatKeepsOthersFromWriting(t *testing.T) {
	t.Parallel()
	srv := servertest.Start(t, servertest.Flags("--database.transaction_timeout_ms", "500", "--runtime.call_timeout_ms", "60000", "--socket.idle_timeout_ms", "60000"),
		servertest.Module("index.js", `function InitModule(ctx, logger, nk, initializer) {
			initializer.registerRpc("slow", () => {
				try {
					nk.sqlExec("INSERT INTO users (id, username) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT gen_random_uuid(), 'slow-' || i FROM n");
				} catch (e) { return e.message; }
			});
		}`))
	ann, bob := srv.User(t, "ann"), srv.User(t, "bob")
	slow := make(chan string, 1)
	go func() {
		text, _ := ann.RPC(t, "slow", "")
		slow <- text
	}()
	for {
		select {
		case text := <-slow:
			if !strings.Contains(text, "database.transaction_timeout_ms") {
				t.Errorf("the slow statement: %q", text)
			}
			return
		default:
		}
		if err := put(t.Context(), srv, bob, "kept"); err != nil {
			t.Fatalf("another user's write: %v", err)
		}
	}
}

func put(ctx context.Context, srv *servertest.Server, u *servertest.User, key string) error {
	body := `{"objects":[{"collection":"gone","key":"` + key + `","value":"{}"}]}`
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, srv.URL+"/v2/storage", strings.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+u.Token)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("status %d", res.StatusCode)
	}
	return nil
}
