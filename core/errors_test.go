package core

import (
	"context"
	"testing"

	"github.com/heroiclabs/nakama-common/runtime"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"kumi/match"
	"kumi/presence"
)

// Go modules read status.Code(err) of what nk returns, and compare errors with
// the runtime package's values.
func TestErrorsForGoModules(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, ctx context.Context, c *testCore) {
		c.matches = match.NewRegistry(match.Options{Node: testNode, Tracker: c.tracker, Router: presence.NewRouter(c.tracker)})
		m := c.Module()
		user := c.user(t, "a").String()
		code := func(what string, err error, want codes.Code) {
			t.Helper()
			if s := status.Convert(err); s.Code() != want || s.Message() == "" {
				t.Errorf("%s: status %v, want %v", what, s, want)
			}
		}
		_, _, _, err := m.AuthenticateDevice(ctx, "unknown-device", "", false)
		code("unknown account", err, codes.NotFound)
		_, _, _, err = m.AuthenticateDevice(ctx, "x", "", true)
		code("a bad id", err, codes.InvalidArgument)
		_, _, _, err = m.AuthenticateDevice(ctx, "another-device", "a", true)
		code("a taken name", err, codes.AlreadyExists)
		_, err = m.AccountGetId(ctx, "5a1b7d4e-0000-4000-8000-00000000000a")
		code("no account", err, codes.NotFound)

		_, err = m.StorageWrite(ctx, []*runtime.StorageWrite{{Collection: "c", Key: "k", UserID: user, Value: "{}", Version: "x"}})
		values := map[error]error{runtime.ErrStorageRejectedVersion: err}
		_, err = m.MatchSignal(ctx, "5a1b7d4e-0000-4000-8000-00000000000a."+testNode, "")
		values[runtime.ErrMatchNotFound] = err
		_, err = m.MatchGet(ctx, "x")
		values[runtime.ErrMatchIdInvalid] = err
		values[runtime.ErrGroupNotFound] = m.GroupUserJoin(ctx, "5a1b7d4e-0000-4000-8000-00000000000a", user, "a")
		_, _, err = m.FriendsList(ctx, user, 1, nil, "x")
		values[runtime.ErrFriendInvalidCursor] = err
		_, err = m.ChannelMessageSend(ctx, "x", nil, user, "a", true)
		values[runtime.ErrChannelIDInvalid] = err
		_, _, err = m.WalletLedgerList(ctx, user, 1, "x")
		values[runtime.ErrWalletLedgerInvalidCursor] = err
		for want, got := range values {
			if got != want {
				t.Errorf("got %v (%T), want the value %v", got, got, want)
			}
		}
	})
}
