package test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"testing"

	"github.com/heroiclabs/nakama-common/runtime"

	"kumi/modules/golang"
	"kumi/server/servertest"
)

func init() { golang.Register("promises", goPromises) }

// goPromises are what the guide for Go says of db and ctx.
func goPromises(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, initializer runtime.Initializer) error {
	if env, _ := ctx.Value(runtime.RUNTIME_CTX_ENV).(map[string]string); env["promises"] != "go" {
		return nil
	}
	if _, err := db.ExecContext(ctx, "CREATE TABLE promised (id VARCHAR(36) PRIMARY KEY, n INT NOT NULL)"); err != nil {
		return err
	}
	type rpc = func(context.Context, runtime.Logger, *sql.DB, runtime.NakamaModule, string) (string, error)
	return errors.Join(
		initializer.RegisterRpc("sql", rpc(func(ctx context.Context, _ runtime.Logger, db *sql.DB, _ runtime.NakamaModule, id string) (string, error) {
			tx, err := db.BeginTx(ctx, nil)
			if err != nil {
				return "", err
			}
			defer func() { _ = tx.Rollback() }()
			if _, err := tx.ExecContext(ctx, "INSERT INTO promised (id, n) VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET n = promised.n + $2", id, 20); err != nil {
				return "", err
			}
			if err := tx.Commit(); err != nil {
				return "", err
			}
			var n int
			err = db.QueryRowContext(ctx, "SELECT n FROM promised WHERE id = $1 AND n >= $2", id, 1).Scan(&n)
			return fmt.Sprint(n), err
		})),
		initializer.RegisterRpc("both", rpc(func(ctx context.Context, _ runtime.Logger, db *sql.DB, nk runtime.NakamaModule, end string) (string, error) {
			tx, err := db.BeginTx(ctx, nil)
			if err != nil {
				return "", err
			}
			defer func() { _ = tx.Rollback() }()
			if _, err := tx.ExecContext(ctx, "INSERT INTO promised (id, n) VALUES ($1, 1)", end); err != nil {
				return "", err
			}
			write := &runtime.StorageWrite{Collection: "promised", Key: end, Value: "{}", UserID: "00000000-0000-0000-0000-000000000000"}
			if _, err := nk.StorageWrite(ctx, []*runtime.StorageWrite{write}); err != nil {
				return "", err
			}
			if end == "commit" {
				err = tx.Commit()
			} else {
				err = tx.Rollback()
			}
			if err != nil {
				return "", err
			}
			var rows, objects int
			err = db.QueryRowContext(ctx, "SELECT (SELECT count(*) FROM promised WHERE id = $1), (SELECT count(*) FROM storage WHERE collection = 'promised' AND key = $1)", end).Scan(&rows, &objects)
			return fmt.Sprint(rows, objects), err
		})),
		initializer.RegisterRpc("wait", rpc(func(ctx context.Context, _ runtime.Logger, _ *sql.DB, _ runtime.NakamaModule, _ string) (string, error) {
			<-ctx.Done()
			return "", ctx.Err()
		})),
		initializer.RegisterRpc("set", rpc(func(ctx context.Context, _ runtime.Logger, db *sql.DB, nk runtime.NakamaModule, statement string) (string, error) {
			if _, err := db.ExecContext(ctx, statement); err != nil {
				return "", err
			}
			for range 10 {
				write := &runtime.StorageWrite{Collection: "promised", Key: "set", Value: "{}", UserID: "00000000-0000-0000-0000-000000000000"}
				if _, err := nk.StorageWrite(ctx, []*runtime.StorageWrite{write}); err != nil {
					return "", err
				}
			}
			return "written", nil
		})))
}

// What a Go module sets for a connection of the pool ends when it gives the
// connection back.
func TestGoModuleSettings(t *testing.T) {
	t.Parallel()
	srv := servertest.Start(t, servertest.Postgres(), servertest.Flags("--runtime.env", "promises=go"))
	for _, statement := range []string{
		"SET default_transaction_read_only = on",
		"\n set SESSION default_transaction_read_only TO on",
		"-- read only\nSET default_transaction_read_only = on",
		"SELECT set_config('default_transaction_read_only', 'on', false)",
		"SELECT 1; SET default_transaction_read_only = on",
		"BEGIN; SET default_transaction_read_only = on; COMMIT",
		"DO $$ BEGIN SET default_transaction_read_only = on; END $$",
		"SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY",
	} {
		if got, a := srv.RPC(t, "set", statement); got != "written" {
			t.Errorf("after %s: %d %s", statement, a.Status, a.Body)
		}
	}
}

func TestGoModulePromises(t *testing.T) {
	t.Parallel()
	for name, on := range map[string][]servertest.Option{"SQLite": nil, "PostgreSQL": {servertest.Postgres()}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := servertest.Start(t, append(on, servertest.Flags("--runtime.env", "promises=go", "--runtime.call_timeout_ms", "1000"))...)
			// On the embedded database what nk writes joins the transaction that is
			// open in the call, on PostgreSQL it is apart, as in Nakama.
			undone := map[string]string{"SQLite": "0 0", "PostgreSQL": "0 1"}[name]
			for end, want := range map[string]string{"commit": "1 1", "rollback": undone} {
				if got, a := srv.RPC(t, "both", end); got != want {
					t.Errorf("nk in a transaction that ends with %s gave %q, want %q in %d %s", end, got, want, a.Status, a.Body)
				}
			}
			for _, want := range []string{"20", "40"} {
				if got, a := srv.RPC(t, "sql", "x"); got != want {
					t.Errorf("sql gave %q, want %q in %d %s", got, want, a.Status, a.Body)
				}
			}
			if _, a := srv.RPC(t, "wait", ""); a.Status != http.StatusGatewayTimeout || a.Code() != 4 {
				t.Errorf("a function that waits for the end of its context: %d %s", a.Status, a.Body)
			}
		})
	}
}
