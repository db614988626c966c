package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"strings"

	"github.com/heroiclabs/nakama-common/api"
	"github.com/heroiclabs/nakama-common/runtime"
)

// InitModule registers the module. It is the same function, with the same
// imports, that a Nakama server loads.
func InitModule(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, initializer runtime.Initializer) error {
	if err := initializer.RegisterRpc("clean_text_go", cleanText); err != nil {
		return err
	}
	if err := initializer.RegisterRpc("players_go", countPlayers); err != nil {
		return err
	}
	if err := initializer.RegisterAfterAuthenticateCustom(afterAuthenticateCustom); err != nil {
		return err
	}
	if err := initializer.RegisterMatch("tictactoe_go", newTicTacToe); err != nil {
		return err
	}
	logger.Info("the Go sample is ready")
	return nil
}

var rude = strings.NewReplacer("darn", "****", "heck", "****", "frick", "*****")

// cleanText replaces rude words with asterisks.
func cleanText(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, payload string) (string, error) {
	if payload == "" {
		return "", runtime.NewError("nothing to clean", 3)
	}
	return rude.Replace(payload), nil
}

// countPlayers runs custom SQL, on whichever database the server uses.
func countPlayers(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, payload string) (string, error) {
	var n int
	if err := db.QueryRowContext(ctx, "SELECT count(*) FROM users WHERE username <> $1", "").Scan(&n); err != nil {
		return "", err
	}
	out, err := json.Marshal(map[string]int{"players": n})
	return string(out), err
}

// afterAuthenticateCustom logs players who register with a custom id.
func afterAuthenticateCustom(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, out *api.Session, in *api.AuthenticateCustomRequest) error {
	if out.Created {
		logger.WithField("user", ctx.Value(runtime.RUNTIME_CTX_USER_ID)).Info("a new player")
	}
	return nil
}
