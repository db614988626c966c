package test

import (
	"context"
	"database/sql"
	"errors"
	"net/http"
	"testing"

	"github.com/heroiclabs/nakama-common/runtime"

	"kumi/modules/golang"
	"kumi/server/servertest"
	"kumi/store/storetest"
)

func init() {
	golang.Register("logout", func(ctx context.Context, _ runtime.Logger, _ *sql.DB, _ runtime.NakamaModule, initializer runtime.Initializer) error {
		if env, _ := ctx.Value(runtime.RUNTIME_CTX_ENV).(map[string]string); env["logout"] != "go" {
			return nil
		}
		return errors.Join(initializer.RegisterRpc("logout_go", func(_ context.Context, _ runtime.Logger, _ *sql.DB, nk runtime.NakamaModule, user string) (string, error) {
			return "", nk.SessionLogout(user, "", "")
		}))
	})
}

// Revoked tokens stay revoked after a restart of the server, whatever revoked them, and
// tokens issued later stay valid.
func TestLogOutsOutliveTheServer(t *testing.T) {
	t.Parallel()
	const get, logout = http.MethodGet, "/v2/session/logout"
	cases := map[string]func(t *testing.T, srv *servertest.Server, u *servertest.User){
		"tokens": func(t *testing.T, _ *servertest.Server, u *servertest.User) {
			must(t, u.Do(t, http.MethodPost, logout, `{"token":"`+u.Token+`","refresh_token":"`+u.Refresh+`"}`))
		},
		"all": func(t *testing.T, _ *servertest.Server, u *servertest.User) {
			must(t, u.Do(t, http.MethodPost, logout, `{}`))
		},
		"deleted": func(t *testing.T, _ *servertest.Server, u *servertest.User) {
			must(t, u.Do(t, http.MethodDelete, "/v2/account", ""))
		},
	}
	for _, rpc := range []string{"ban", "logout_javascript", "logout_lua", "logout_go"} {
		cases[rpc] = func(t *testing.T, srv *servertest.Server, u *servertest.User) {
			_, a := srv.RPC(t, rpc, u.ID)
			must(t, a)
		}
	}
	run := func(t *testing.T, database ...servertest.Option) {
		options := append(database,
			servertest.Flags("--data_dir", t.TempDir(), "--runtime.env", "logout=go"),
			servertest.Module("index.js", `function InitModule(ctx, logger, nk, initializer) {
				initializer.registerRpc("logout_javascript", (ctx, logger, nk, user) => nk.sessionLogout(user));
				initializer.registerRpc("ban", (ctx, logger, nk, user) => { nk.usersBanId([user]); nk.usersUnbanId([user]); });
			}`),
			servertest.Module("main.lua", `local nk = require("nakama")
				nk.register_rpc(function(ctx, user) nk.session_logout(user) end, "logout_lua")`))
		srv := servertest.Start(t, options...)
		stays := srv.User(t, "stays")
		out, again := map[string]*servertest.User{}, map[string]*servertest.User{}
		for name, end := range cases {
			out[name] = srv.User(t, name)
			end(t, srv, out[name])
			again[name] = srv.User(t, name)
		}
		if err := srv.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}

		srv = servertest.Start(t, options...)
		as := func(u *servertest.User) int { return srv.Do(t, get, "/v2/account", "Bearer "+u.Token, "").Status }
		refresh := func(u *servertest.User) int {
			return srv.Do(t, http.MethodPost, "/v2/account/session/refresh", servertest.ServerKey, `{"token":"`+u.Refresh+`"}`).Status
		}
		if status := as(stays); status != http.StatusOK {
			t.Errorf("a token that nobody revoked: %d", status)
		}
		for name, u := range out {
			if s, r := as(u), refresh(u); s != http.StatusUnauthorized || r != http.StatusUnauthorized {
				t.Errorf("%s: the session token is answered %d, the refresh token %d, want 401", name, s, r)
			}
		}
		for name, u := range again {
			if s, r := as(u), refresh(u); s != http.StatusOK || r != http.StatusOK {
				t.Errorf("%s: the session token given out since is answered %d, the refresh token %d, want 200", name, s, r)
			}
		}
	}
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		run(t)
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		run(t, servertest.Flags("--database.address", storetest.Postgres(t)))
	})
}

// With session.single_session a log-in revokes the tokens before it.
func TestSingleSessionOutlivesTheServer(t *testing.T) {
	t.Parallel()
	options := []servertest.Option{servertest.Flags("--data_dir", t.TempDir(), "--session.single_session")}
	srv := servertest.Start(t, options...)
	var tokens []string
	for range 3 {
		tokens = append(tokens, srv.User(t, "one").Token)
	}
	if err := srv.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	srv = servertest.Start(t, options...)
	for i, want := range []int{401, 401, 200} {
		if a := srv.Do(t, http.MethodGet, "/v2/account", "Bearer "+tokens[i], ""); a.Status != want {
			t.Errorf("the token of log-in %d: %d, want %d", i+1, a.Status, want)
		}
	}
}

func must(t *testing.T, a servertest.Answer) {
	t.Helper()
	if a.Status != http.StatusOK {
		t.Fatalf("%d %s", a.Status, a.Body)
	}
}
