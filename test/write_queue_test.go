package test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"kumi/server/servertest"
)

// Queued writes of clients that have disconnected are dropped, and a script's statement
// that keeps others from writing is cancelled.
func TestWritesOfClientsThatWentAway(t *testing.T) {
	t.Parallel()
	var log servertest.Journal
	srv := servertest.Start(t, log.Keep(), servertest.Flags("--database.transaction_timeout_ms", "3000", "--runtime.call_timeout_ms", "60000", "--socket.idle_timeout_ms", "60000"), servertest.Module("index.js", `
function InitModule(ctx, logger, nk, initializer) {
	initializer.registerRpc("slow", () => {
		logger.info("the statement begins");
		try {
			nk.sqlExec("INSERT INTO users (id, username) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT gen_random_uuid(), 'slow-' || i FROM n");
		} catch (e) { return e.message; }
	});
	initializer.registerRpc("count", () => String(nk.sqlQuery("SELECT count(*) FROM storage WHERE collection = 'gone' AND key <> 'first'")[0].count));
}`))
	ann, bob, cleo := srv.User(t, "ann"), srv.User(t, "bob"), srv.User(t, "cleo")
	slow := make(chan string, 1)
	go func() {
		text, _ := ann.RPC(t, "slow", "")
		slow <- text
	}()
	servertest.Eventually(t, "the slow statement", func() bool { return len(log.Lines("the statement begins")) > 0 })
	// It has its turn once a write has to wait, far longer than a write takes.
	servertest.Eventually(t, "a write that waits", func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		defer cancel()
		return put(ctx, srv, bob, "first") != nil
	})
	var all sync.WaitGroup
	for i := range 300 {
		all.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
			defer cancel()
			_ = put(ctx, srv, bob, fmt.Sprint("k", i))
		})
	}
	all.Wait()
	if err := put(t.Context(), srv, cleo, "kept"); err != nil {
		t.Errorf("another user's write: %v", err)
	}
	if text := <-slow; !strings.Contains(text, "database.transaction_timeout_ms") {
		t.Errorf("the slow statement: %q", text)
	}
	if n, _ := ann.RPC(t, "count", ""); n != "1" {
		t.Errorf("%s writes were made, want the one that was waited for", n)
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
