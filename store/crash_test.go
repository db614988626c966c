package store_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"kumi/store"
)

const crashDirEnv = "KUMI_TEST_CRASH_DIR"

// TestKilledUnderLoadLosesNothingAcknowledged runs this test binary as a child
// that writes as fast as it can and prints each name once its write is
// acknowledged, kills it, and looks for every printed name.
func TestKilledUnderLoadLosesNothingAcknowledged(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	child := exec.CommandContext(ctx, os.Args[0], "-test.run=^TestCrashChild$")
	child.Env = append(os.Environ(), crashDirEnv+"="+dir)
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	var names []string
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if name, ok := strings.CutPrefix(lines.Text(), "acknowledged "); ok {
			names = append(names, name)
			if len(names) == 2000 {
				_ = child.Process.Kill() // SIGKILL; go on reading what was printed before it
			}
		}
	}
	var exit *exec.ExitError
	if err := child.Wait(); !errors.As(err, &exit) || exit.Exited() {
		t.Fatalf("the child was not killed: %v", err)
	}
	if len(names) < 2000 {
		t.Fatalf("only %d writes", len(names))
	}

	db, err := store.Open(t.Context(), store.Options{DataDir: dir})
	if err != nil {
		t.Fatalf("open after the crash: %v", err)
	}
	defer func() { _ = db.Close() }()
	for _, name := range names {
		if count(t, db, "SELECT count(*) FROM users WHERE username = $1", name) != 1 {
			t.Fatalf("%s was acknowledged and is not there (of %d)", name, len(names))
		}
	}
	res, err := db.CustomQuery(t.Context(), "SELECT * FROM pragma_integrity_check()")
	if err != nil || len(res.Rows) != 1 || res.Rows[0][0] != "ok" {
		t.Errorf("integrity check: %v, %v", res, err)
	}
}

func TestCrashChild(t *testing.T) {
	dir := os.Getenv(crashDirEnv)
	if dir == "" {
		t.Skip("runs only as the child of TestKilledUnderLoadLosesNothingAcknowledged")
	}
	db, err := store.Open(t.Context(), store.Options{DataDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Migrate(t.Context(), db); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for w := range 16 {
		wg.Go(func() {
			for i := 0; ; i++ {
				name := fmt.Sprintf("w%d-%d", w, i)
				if _, err := db.Exec(t.Context(), insertUser, newID(), name); err != nil {
					t.Error(err)
					return
				}
				fmt.Println("acknowledged " + name) // one write to the pipe, not buffered
			}
		})
	}
	wg.Wait()
}
