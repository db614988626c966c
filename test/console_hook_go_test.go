package test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/heroiclabs/nakama-common/api"
	"github.com/heroiclabs/nakama-common/rtapi"
	"github.com/heroiclabs/nakama-common/runtime"

	"kumi/core"
	"kumi/modules/golang"
)

func init() { golang.Register("lone hooks", goLoneHooks) }

// goLoneHooks does in Go what hookModules do in scripts.
func goLoneHooks(ctx context.Context, _ runtime.Logger, _ *sql.DB, _ runtime.NakamaModule, initializer runtime.Initializer) error {
	if env, _ := ctx.Value(runtime.RUNTIME_CTX_ENV).(map[string]string); env["lone"] != "go" {
		return nil
	}
	return errors.Join(
		initializer.RegisterBeforeAddFriends(goBeforeFriends),
		initializer.RegisterAfterAddFriends(func(ctx context.Context, logger runtime.Logger, _ *sql.DB, _ runtime.NakamaModule, in *api.AddFriendsRequest) error {
			if in.Ids[0] == "coded" {
				return runtime.NewError("too late", 9)
			}
			logger.Info("%s added %s, true", ctx.Value(runtime.RUNTIME_CTX_USERNAME), in.Ids[0])
			return nil
		}),
		initializer.RegisterBeforeAuthenticateCustom(func(ctx context.Context, _ runtime.Logger, _ *sql.DB, _ runtime.NakamaModule, in *api.AuthenticateCustomRequest) (*api.AuthenticateCustomRequest, error) {
			in.Username = "nobody"
			if ctx.Value(runtime.RUNTIME_CTX_USER_ID) != nil {
				in.Username = "somebody"
			}
			return in, nil
		}),
		initializer.RegisterAfterAuthenticateCustom(func(ctx context.Context, logger runtime.Logger, _ *sql.DB, _ runtime.NakamaModule, out *api.Session, in *api.AuthenticateCustomRequest) error {
			logger.Info("%s has %s, new: %v, as %s", ctx.Value(runtime.RUNTIME_CTX_USERNAME), out.Token, out.Created, in.Account.Id)
			return nil
		}),
		initializer.RegisterBeforeGetAccount(func(ctx context.Context, logger runtime.Logger, _ *sql.DB, _ runtime.NakamaModule) error {
			logger.Info("asked by %s", ctx.Value(runtime.RUNTIME_CTX_USERNAME))
			return nil
		}),
		initializer.RegisterBeforeRt("StatusUpdate", func(ctx context.Context, _ runtime.Logger, _ *sql.DB, _ runtime.NakamaModule, in *rtapi.Envelope) (*rtapi.Envelope, error) {
			switch in.GetStatusUpdate().Status.Value {
			case "refuse":
				return nil, nil
			case "other":
				return &rtapi.Envelope{Message: &rtapi.Envelope_Ping{Ping: &rtapi.Ping{}}}, nil
			}
			in.GetStatusUpdate().Status.Value = fmt.Sprint(ctx.Value(runtime.RUNTIME_CTX_USERNAME))
			return in, nil
		}),
		initializer.RegisterAfterRt("MatchCreate", func(_ context.Context, logger runtime.Logger, _ *sql.DB, _ runtime.NakamaModule, out, in *rtapi.Envelope) error {
			logger.Info("%s is %s", in.GetMatchCreate().Name, out.GetMatch().MatchId)
			return nil
		}),
		initializer.RegisterAfterRt("MatchDataSend", func(_ context.Context, logger runtime.Logger, _ *sql.DB, _ runtime.NakamaModule, out, in *rtapi.Envelope) error {
			logger.Info("%d, %v", in.GetMatchDataSend().OpCode, out == nil)
			return nil
		}),
	)
}

func goBeforeFriends(ctx context.Context, logger runtime.Logger, _ *sql.DB, nk runtime.NakamaModule, in *api.AddFriendsRequest) (*api.AddFriendsRequest, error) {
	user := ctx.Value(runtime.RUNTIME_CTX_USERNAME)
	switch in.Ids[0] {
	case "same":
		return in, nil
	case "refuse":
		return nil, nil
	case "coded":
		return nil, runtime.NewError(fmt.Sprintf("not you, %s", user), 7)
	case "crash":
		return nil, errors.New("out of order")
	}
	logger.Info("adding for %s", user)
	id, _ := ctx.Value(runtime.RUNTIME_CTX_USER_ID).(string)
	if _, err := nk.StorageWrite(ctx, []*runtime.StorageWrite{{Collection: "c", Key: "k", UserID: id, Value: "{}"}}); err != nil {
		return nil, err
	}
	vars, _ := ctx.Value(runtime.RUNTIME_CTX_VARS).(map[string]string)
	in.Usernames = []string{fmt.Sprintf("%s by %s", vars["team"], ctx.Value(core.OperatorKey))}
	return in, nil
}
