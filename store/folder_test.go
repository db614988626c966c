package store_test

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/rs/zerolog"

	"kumi/internal/testutil"
	"kumi/store"
	"kumi/store/storetest"
)

// A folder is one server's at a time; a tool may open the file beside it.
func TestFolderBelongsToOneServer(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	open := func(exclusive bool) (*store.DB, error) {
		return store.Open(t.Context(), store.Options{DataDir: dir, Exclusive: exclusive})
	}
	first, err := open(true)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := open(true); err == nil || !strings.Contains(err.Error(), "another server uses the data folder "+dir) {
		t.Errorf("a second server: %v", err)
	}
	tool, err := open(false)
	if err != nil {
		t.Fatalf("a tool: %v", err)
	}
	if err := errors.Join(tool.Close(), first.Close()); err != nil {
		t.Fatal(err)
	}
	second, err := open(true)
	if err != nil {
		t.Fatalf("after the first has ended: %v", err)
	}
	if err := second.Close(); err != nil {
		t.Error(err)
	}
}

// Only the server's own user can read the players' data.
func TestDatabaseFileIsPrivate(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("Windows has other rights")
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "kumi.db"), nil, 0o644); err != nil { // as older versions left it
		t.Fatal(err)
	}
	db, err := store.Open(t.Context(), store.Options{DataDir: dir, Exclusive: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	if err := store.Migrate(t.Context(), db); err != nil {
		t.Fatal(err)
	}
	files, _ := filepath.Glob(filepath.Join(dir, "kumi*"))
	if len(files) < 3 {
		t.Errorf("only %v", files)
	}
	for _, name := range files {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v", filepath.Base(name), info.Mode())
		}
	}
}

// While PostgreSQL cannot be reached, the log has one line, and one with the
// number of failed calls when it can be again.
func TestOutageIsOneLine(t *testing.T) {
	t.Parallel()
	var log testutil.Log
	db, err := store.Open(t.Context(), store.Options{Address: storetest.Postgres(t), Logger: zerolog.New(&log)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	_, refused := pgconn.Connect(t.Context(), "postgres://127.0.0.1:1/x?connect_timeout=1")
	for range 100 {
		if !db.Unreachable(refused) {
			t.Fatalf("%v is not taken for an outage", refused)
		}
	}
	for _, other := range []error{nil, errors.New("x"), context.Canceled, &net.OpError{Op: "dial", Addr: &net.TCPAddr{Port: 80}, Err: errors.New("refused")}} {
		if db.Unreachable(other) {
			t.Errorf("%v is taken for an outage", other)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for !strings.Contains(log.String(), "failed_calls") && ctx.Err() == nil {
		runtime.Gosched()
	}
	lines := strings.Split(strings.TrimSpace(log.String()), "\n")
	if len(lines) != 2 || !strings.Contains(lines[0], "cannot be reached") || !strings.Contains(lines[1], `"failed_calls":100`) {
		t.Errorf("the log has %s", log.String())
	}
}

// Connections that a module never gives back do not keep the server from
// stopping.
func TestCloseWithLeakedTransaction(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"", "postgres"} {
		if address != "" {
			address = storetest.Postgres(t)
		}
		db, err := store.Open(t.Context(), store.Options{Address: address, DataDir: t.TempDir()})
		if err != nil {
			t.Fatal(err)
		}
		tx, err := db.SQL().BeginTx(context.Background(), nil)
		if err != nil {
			t.Fatal(err)
		}
		rows, err := db.SQL().QueryContext(context.Background(), "SELECT 1")
		if err != nil {
			t.Fatal(err)
		}
		closed := make(chan error, 1)
		go func() { closed <- db.Close() }()
		select {
		case err := <-closed:
			if err != nil {
				t.Error(err)
			}
		case <-time.After(time.Minute):
			t.Fatal("it does not close")
		}
		_, _ = rows.Close(), tx.Rollback() // the test leaves nothing behind
	}
}
