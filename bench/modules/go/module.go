// Package benchmodule is the load generator's module in Go: the same functions
// and the same match as the scripts beside it. Compile it into a server by
// registering InitModule, or build the plugin folder for a server that loads
// shared objects.
package benchmodule

import (
	"context"
	"database/sql"
	"encoding/json"

	"github.com/heroiclabs/nakama-common/runtime"
)

const invalidArgument = 3

// InitModule registers echo_go, json_go, create_match_go and the match
// bench_go, and the word filter if the server's runtime.env has
// bench_filter=go.
func InitModule(ctx context.Context, _ runtime.Logger, _ *sql.DB, _ runtime.NakamaModule, initializer runtime.Initializer) error {
	for id, rpc := range map[string]func(context.Context, runtime.Logger, *sql.DB, runtime.NakamaModule, string) (string, error){
		"echo_go":         echo,
		"json_go":         bumpCounter,
		"create_match_go": createMatch,
	} {
		if err := initializer.RegisterRpc(id, rpc); err != nil {
			return err
		}
	}
	if env, _ := ctx.Value(runtime.RUNTIME_CTX_ENV).(map[string]string); env["bench_filter"] == "go" {
		if err := initializer.RegisterBeforeRt("ChannelMessageSend", filter); err != nil {
			return err
		}
	}
	return initializer.RegisterMatch("bench_go", newMatch)
}

func echo(_ context.Context, _ runtime.Logger, _ *sql.DB, _ runtime.NakamaModule, payload string) (string, error) {
	return payload, nil
}

// bumpCounter reads an object, increments its counter, adds a field and writes
// it.
func bumpCounter(_ context.Context, _ runtime.Logger, _ *sql.DB, _ runtime.NakamaModule, payload string) (string, error) {
	var value map[string]any
	if err := json.Unmarshal([]byte(payload), &value); err != nil || value == nil {
		return "", runtime.NewError("payload must be a JSON object", invalidArgument)
	}
	counter, _ := value["counter"].(float64)
	value["counter"] = counter + 1
	value["seen"] = true
	out, err := json.Marshal(value)
	return string(out), err
}

// createMatch takes {"maxTicks": n}: the match ends by itself after that many
// ticks, never if n is 0 or missing. A "label" becomes the match's label.
func createMatch(ctx context.Context, _ runtime.Logger, _ *sql.DB, nk runtime.NakamaModule, payload string) (string, error) {
	var params struct {
		MaxTicks int64  `json:"maxTicks"`
		Label    string `json:"label"`
	}
	if payload != "" {
		if err := json.Unmarshal([]byte(payload), &params); err != nil {
			return "", runtime.NewError("payload must be a JSON object", invalidArgument)
		}
	}
	return nk.MatchCreate(ctx, "bench_go", map[string]any{"maxTicks": params.MaxTicks, "label": params.Label})
}
