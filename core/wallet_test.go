package core

import (
	"context"
	"errors"
	"math"
	"sync"
	"testing"

	"github.com/gofrs/uuid/v5"
	"github.com/google/go-cmp/cmp"
	"github.com/heroiclabs/nakama-common/runtime"

	"kumi/store/fault"
)

func TestWallet(t *testing.T) {
	t.Parallel()
	type wallet = map[string]int64
	each(t, func(t *testing.T, ctx context.Context, c *testCore) {
		m := c.Module()
		user := c.user(t, "one").String()
		same := func(what string, got, want any) {
			t.Helper()
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", what, diff)
			}
		}
		updated, previous, err := m.WalletUpdate(ctx, user, wallet{"gold": 10, "gems": 2}, map[string]any{"why": "start"}, true)
		if err != nil {
			t.Fatal(err)
		}
		same("updated", updated, wallet{"gold": 10, "gems": 2})
		same("previous", previous, wallet{})
		updated, previous, err = m.WalletUpdate(ctx, user, wallet{"gold": -10}, nil, false)
		if err != nil {
			t.Fatal(err)
		}
		same("updated to zero", updated, wallet{"gold": 0, "gems": 2})
		same("previous", previous, wallet{"gold": 10, "gems": 2})

		updated, previous, err = m.WalletUpdate(ctx, user, wallet{"gems": -3}, nil, true)
		var negative *runtime.WalletNegativeError
		if !errors.As(err, &negative) {
			t.Fatalf("below zero: got %v", err)
		}
		same("error", negative, &runtime.WalletNegativeError{UserID: user, Path: "gems", Current: 2, Amount: -3})
		same("updated on failure", updated, wallet{})
		same("previous on failure", previous, wallet{"gold": 0, "gems": 2})

		_, _, err = m.WalletUpdate(ctx, user, wallet{"gems": math.MaxInt64}, nil, false)
		wantCode(t, "overflow", err, fault.InvalidArgument)
		_, _, err = m.WalletUpdate(ctx, uuid.Must(uuid.NewV4()).String(), wallet{"gold": 1}, nil, false)
		wantCode(t, "unknown user", err, fault.NotFound)
		_, _, err = m.WalletUpdate(ctx, "one", wallet{"gold": 1}, nil, false)
		wantCode(t, "bad id", err, fault.InvalidArgument)

		// Several entries for one user apply in order, one bad entry undoes all.
		two := c.user(t, "two").String()
		results, err := m.WalletsUpdate(ctx, []*runtime.WalletUpdate{
			{UserID: two, Changeset: wallet{"gold": 5}}, {UserID: uuid.Must(uuid.NewV4()).String(), Changeset: wallet{"gold": 5}},
			{UserID: user, Changeset: wallet{"gold": 1}}, {UserID: two, Changeset: wallet{"gold": -5}},
		}, true)
		if err != nil {
			t.Fatal(err)
		}
		same("several", results, []*runtime.WalletUpdateResult{
			{UserID: two, Previous: wallet{}, Updated: wallet{"gold": 5}},
			{UserID: user, Previous: wallet{"gold": 0, "gems": 2}, Updated: wallet{"gold": 1, "gems": 2}},
			{UserID: two, Previous: wallet{"gold": 5}, Updated: wallet{"gold": 0}},
		})
		if _, err = m.WalletsUpdate(ctx, []*runtime.WalletUpdate{
			{UserID: two, Changeset: wallet{"gold": 5}}, {UserID: user, Changeset: wallet{"gold": -9}},
		}, true); err == nil {
			t.Error("a wallet went below zero")
		}
		a, err := m.AccountGetId(ctx, two)
		if err != nil || a.Wallet != `{"gold": 0}` {
			t.Errorf("wallet after a refused update: %s, %v", a.GetWallet(), err)
		}

		// The ledger, newest first.
		var changes []int64
		cursor := ""
		for pages := 0; pages < 5; pages++ {
			items, next, err := m.WalletLedgerList(ctx, two, 1, cursor)
			if err != nil {
				t.Fatal(err)
			}
			for _, i := range items {
				changes = append(changes, i.GetChangeset()["gold"])
			}
			if cursor = next; cursor == "" {
				break
			}
			if _, _, err := m.WalletLedgerList(ctx, user, 1, cursor); err != runtime.ErrWalletLedgerInvalidCursor {
				t.Errorf("another user's cursor: got %v", err)
			}
		}
		if len(changes) != 2 || changes[0]+changes[1] != 0 {
			t.Errorf("ledger of the second user: %v, want 5 and -5", changes)
		}
		items, _, err := m.WalletLedgerList(ctx, user, 100, "")
		if err != nil || len(items) != 2 {
			t.Fatalf("got %d ledger items, %v; want 2", len(items), err)
		}
		first := items[1]
		same("metadata", first.GetMetadata(), map[string]any{"why": "start"})
		merged, err := m.WalletLedgerUpdate(ctx, first.GetID(), map[string]any{"more": "x"})
		if err != nil {
			t.Fatal(err)
		}
		same("merged metadata", merged.GetMetadata(), map[string]any{"why": "start", "more": "x"})
		same("its changeset", merged.GetChangeset(), wallet{"gold": 10, "gems": 2})
		_, err = m.WalletLedgerUpdate(ctx, uuid.Must(uuid.NewV4()).String(), nil)
		wantCode(t, "unknown ledger item", err, fault.NotFound)
	})
}

func TestWalletsAtOnce(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, ctx context.Context, c *testCore) {
		m := c.Module()
		one, two := c.user(t, "one").String(), c.user(t, "two").String()
		var wait sync.WaitGroup
		for i := range 8 {
			wait.Go(func() {
				for range 5 {
					updates := []*runtime.WalletUpdate{{UserID: one, Changeset: map[string]int64{"n": 1}}, {UserID: two, Changeset: map[string]int64{"n": 1}}}
					if i%2 == 0 {
						updates[0], updates[1] = updates[1], updates[0]
					}
					if _, err := m.WalletsUpdate(ctx, updates, false); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wait.Wait()
		for _, user := range []string{one, two} {
			if a, err := m.AccountGetId(ctx, user); err != nil || a.Wallet != `{"n": 40}` {
				t.Errorf("got wallet %s, %v; want 40", a.GetWallet(), err)
			}
		}
	})
}

func TestMultiUpdate(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, ctx context.Context, c *testCore) {
		m := c.Module()
		user := c.user(t, "one")
		c.user(t, "taken")
		id := user.String()
		write := func(key, version string) []*runtime.StorageWrite {
			return []*runtime.StorageWrite{{Collection: "c", Key: key, UserID: id, Value: "{}", Version: version}}
		}
		money := func(n int64) []*runtime.WalletUpdate {
			return []*runtime.WalletUpdate{{UserID: id, Changeset: map[string]int64{"gold": n}}}
		}
		named := func(name string) []*runtime.AccountUpdate {
			return []*runtime.AccountUpdate{{UserID: id, Username: name, DisplayName: name}}
		}
		if _, err := m.StorageWrite(ctx, write("old", "")); err != nil {
			t.Fatal(err)
		}
		remove := []*runtime.StorageDelete{{Collection: "c", Key: "old", UserID: id, Version: version("{}")}}

		// Each step in turn fails, and then nothing may have happened.
		_, _, err := m.MultiUpdate(ctx, named("taken"), write("new", "*"), nil, money(1), true)
		wantCode(t, "taken username", err, fault.InvalidArgument)
		_, _, err = m.MultiUpdate(ctx, named("renamed"), write("new", "never"), nil, money(1), true)
		if err != runtime.ErrStorageRejectedVersion {
			t.Errorf("rejected write: got %v", err)
		}
		_, _, err = m.MultiUpdate(ctx, named("renamed"), write("new", "*"), []*runtime.StorageDelete{{Collection: "c", Key: "x", Version: "never"}}, nil, true)
		if err != runtime.ErrStorageRejectedVersion {
			t.Errorf("rejected delete: got %v", err)
		}
		_, results, err := m.MultiUpdate(ctx, named("renamed"), write("new", "*"), remove, money(-1), true)
		var negative *runtime.WalletNegativeError
		if !errors.As(err, &negative) || len(results) != 1 {
			t.Errorf("wallet below zero: got %v, %v", results, err)
		}
		a, err := m.AccountGetId(ctx, id)
		if err != nil || a.User.Username != "one" || a.Wallet != "{}" || c.object(t, "new", user) != nil || c.object(t, "old", user) == nil {
			t.Errorf("failed updates left a trace: %v, %v", a, err)
		}

		acks, results, err := m.MultiUpdate(ctx, named("renamed"), write("new", "*"), remove, money(3), true)
		if err != nil || len(acks) != 1 || len(results) != 1 || results[0].Updated["gold"] != 3 {
			t.Fatalf("got %v, %v, %v", acks, results, err)
		}
		a, err = m.AccountGetId(ctx, id)
		if err != nil || a.User.Username != "renamed" || a.Wallet != `{"gold": 3}` || c.object(t, "new", user) == nil || c.object(t, "old", user) != nil {
			t.Errorf("after the update: %v, %v", a, err)
		}
		if acks, results, err := m.MultiUpdate(ctx, nil, nil, nil, nil, true); acks != nil || results != nil || err != nil {
			t.Errorf("nothing to update: got %v, %v, %v", acks, results, err)
		}
	})
}
