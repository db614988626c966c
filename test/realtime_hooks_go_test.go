package test

import (
	"context"
	"database/sql"
	"encoding/json"
	"reflect"
	"strconv"
	"sync"

	"github.com/heroiclabs/nakama-common/rtapi"
	"github.com/heroiclabs/nakama-common/runtime"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"kumi/hooks"
	"kumi/modules/golang"
)

func init() { golang.Register("realtime hooks", goRealtimeHooks) }

// waiting is the method for Go modules that Nakama's interface does not have.
type waiting interface {
	MatchmakerExplain(ctx context.Context, ticket string) (map[string]any, error)
	MatchmakerTickets(ctx context.Context, limit int, user string) ([]map[string]any, error)
	MatchmakerRemove(ctx context.Context, ticket string) error
}

// goRealtimeHooks does in Go what hookAll does in scripts. Each server has its
// own counts.
func goRealtimeHooks(ctx context.Context, _ runtime.Logger, _ *sql.DB, _ runtime.NakamaModule, initializer runtime.Initializer) error {
	env, _ := ctx.Value(runtime.RUNTIME_CTX_ENV).(map[string]string)
	mode := env["rthooks"]
	if mode == "" {
		return nil
	}
	var mu sync.Mutex
	counts := map[string]int{}
	note := func(key, name string, in *rtapi.Envelope) {
		// The message is the one that the hook was registered for.
		if reflect.TypeOf(in.GetMessage()).Elem().Name() == "Envelope_"+name {
			mu.Lock()
			counts[key+name]++
			mu.Unlock()
		}
	}
	for _, name := range hooks.RealtimeNames {
		err := initializer.RegisterBeforeRt(name, func(_ context.Context, _ runtime.Logger, _ *sql.DB, _ runtime.NakamaModule, in *rtapi.Envelope) (*rtapi.Envelope, error) {
			note("before ", name, in)
			switch mode {
			case "coded":
				return nil, runtime.NewError("not "+name, 7)
			case "nothing":
				return nil, nil
			case "rewrite":
				goRewrite(in)
			}
			return in, nil
		})
		if err != nil {
			return err
		}
		err = initializer.RegisterAfterRt(name, func(_ context.Context, _ runtime.Logger, _ *sql.DB, _ runtime.NakamaModule, _, in *rtapi.Envelope) error {
			note("after ", name, in)
			return nil
		})
		if err != nil {
			return err
		}
	}
	if err := initializer.RegisterRpc("explain", func(ctx context.Context, _ runtime.Logger, _ *sql.DB, nk runtime.NakamaModule, ticket string) (string, error) {
		x, err := nk.(waiting).MatchmakerExplain(ctx, ticket)
		if err != nil {
			return "", err
		}
		text, err := json.Marshal(x)
		return string(text), err
	}); err != nil {
		return err
	}
	if err := initializer.RegisterRpc("tickets", func(ctx context.Context, _ runtime.Logger, _ *sql.DB, nk runtime.NakamaModule, user string) (string, error) {
		list, err := nk.(waiting).MatchmakerTickets(ctx, 2, user)
		if err != nil {
			return "", err
		}
		text, err := json.Marshal(list)
		return string(text), err
	}); err != nil {
		return err
	}
	if err := initializer.RegisterRpc("drop", func(ctx context.Context, _ runtime.Logger, _ *sql.DB, nk runtime.NakamaModule, ticket string) (string, error) {
		return "", nk.(waiting).MatchmakerRemove(ctx, ticket)
	}); err != nil {
		return err
	}
	return initializer.RegisterRpc("seen", func(_ context.Context, _ runtime.Logger, _ *sql.DB, _ runtime.NakamaModule, key string) (string, error) {
		mu.Lock()
		defer mu.Unlock()
		return strconv.Itoa(counts[key]), nil
	})
}

func goRewrite(in *rtapi.Envelope) {
	if p := in.GetPartyCreate(); p != nil {
		p.Open, p.MaxSize, p.Label = true, 7, `{"by":"hook"}`
	}
	if s := in.GetStatusUpdate(); s != nil {
		s.Status = wrapperspb.String("changed")
	}
	if m := in.GetMatchmakerAdd(); m != nil {
		m.MinCount, m.MaxCount, m.CountMultiple = 2, 4, wrapperspb.Int32(2)
		m.StringProperties = map[string]string{"a": "b"}
	}
}
