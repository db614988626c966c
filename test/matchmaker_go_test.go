package test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/heroiclabs/nakama-common/runtime"

	"kumi/modules/golang"
)

func init() { golang.Register("matched hook", goMatched) }

// goMatched does in Go what the scripts of matchedHooks do.
func goMatched(ctx context.Context, _ runtime.Logger, _ *sql.DB, _ runtime.NakamaModule, initializer runtime.Initializer) error {
	env, _ := ctx.Value(runtime.RUNTIME_CTX_ENV).(map[string]string)
	if env["matched"] != "go" {
		return nil
	}
	if err := initializer.RegisterMatch("arena", func(context.Context, runtime.Logger, *sql.DB, runtime.NakamaModule) (runtime.Match, error) {
		return arena{}, nil
	}); err != nil {
		return err
	}
	return initializer.RegisterMatchmakerMatched(func(ctx context.Context, _ runtime.Logger, _ *sql.DB, nk runtime.NakamaModule, entries []runtime.MatchmakerEntry) (string, error) {
		properties := entries[0].GetProperties()
		switch properties["how"] {
		case "fail", "wrong":
			return "", errors.New("no")
		case "none":
			return "", nil
		}
		var names []string
		for _, e := range entries {
			names = append(names, e.GetPresence().GetUsername())
		}
		slices.Sort(names)
		return nk.MatchCreate(ctx, "arena", map[string]any{"players": strings.Join(names, "+"), "rank": properties["rank"]})
	})
}

// arena is a match that everybody may join.
type arena struct{}

func (arena) MatchInit(_ context.Context, _ runtime.Logger, _ *sql.DB, _ runtime.NakamaModule, params map[string]any) (any, int, string) {
	return 0, 1, fmt.Sprint(params["players"], " ", params["rank"])
}

func (arena) MatchJoinAttempt(_ context.Context, _ runtime.Logger, _ *sql.DB, _ runtime.NakamaModule, _ runtime.MatchDispatcher, _ int64, state any, _ runtime.Presence, _ map[string]string) (any, bool, string) {
	return state, true, ""
}

func (arena) MatchJoin(_ context.Context, _ runtime.Logger, _ *sql.DB, _ runtime.NakamaModule, _ runtime.MatchDispatcher, _ int64, state any, _ []runtime.Presence) any {
	return state
}

func (arena) MatchLeave(_ context.Context, _ runtime.Logger, _ *sql.DB, _ runtime.NakamaModule, _ runtime.MatchDispatcher, _ int64, state any, _ []runtime.Presence) any {
	return state
}

func (arena) MatchLoop(_ context.Context, _ runtime.Logger, _ *sql.DB, _ runtime.NakamaModule, _ runtime.MatchDispatcher, _ int64, state any, _ []runtime.MatchData) any {
	return state
}

func (arena) MatchTerminate(_ context.Context, _ runtime.Logger, _ *sql.DB, _ runtime.NakamaModule, _ runtime.MatchDispatcher, _ int64, state any, _ int) any {
	return state
}

func (arena) MatchSignal(_ context.Context, _ runtime.Logger, _ *sql.DB, _ runtime.NakamaModule, _ runtime.MatchDispatcher, _ int64, state any, _ string) (any, string) {
	return state, ""
}
