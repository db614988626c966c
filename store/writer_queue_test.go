package store_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"kumi/store"
	"kumi/store/fault"
)

type ownerKey struct{}

func owned(t *testing.T) *store.DB {
	t.Helper()
	db, err := store.Open(t.Context(), store.Options{DataDir: t.TempDir(), Owner: func(ctx context.Context) string {
		owner, _ := ctx.Value(ownerKey{}).(string)
		return owner
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := store.Migrate(t.Context(), db); err != nil {
		t.Fatal(err)
	}
	return db
}

// Another user's write does not wait behind all those of one user, nor do the
// server's own; those whose client went away are not run at all.
func TestUsersTakeTurnsAtWriting(t *testing.T) {
	t.Parallel()
	db := owned(t)
	release := hold(t, db)
	gone, leave := context.WithCancel(t.Context())
	var (
		all        sync.WaitGroup
		ran, order atomic.Int32
		places     sync.Map
	)
	write := func(ctx context.Context, owner, name string) {
		all.Go(func() {
			err := db.Tx(context.WithValue(ctx, ownerKey{}, owner), func(context.Context, store.Querier) error {
				places.Store(name, order.Add(1))
				ran.Add(1)
				return nil
			})
			if err != nil && !errors.Is(err, context.Canceled) {
				t.Errorf("%s: %v", name, err)
			}
		})
	}
	const many = 1000
	for i := range many {
		write(gone, "greedy", fmt.Sprint("gone", i))
	}
	queued(t, db, many)
	for i := range many {
		write(t.Context(), "greedy", fmt.Sprint("greedy", i))
	}
	queued(t, db, 2*many)
	write(t.Context(), "modest", "modest")
	write(t.Context(), "", "server")
	queued(t, db, 2*many+2)
	leave()
	release()
	all.Wait()
	if n := ran.Load(); n < many+2 || n > many+2+64 { // a few may have begun before they were left
		t.Errorf("%d writes ran, want %d", n, many+2)
	}
	for _, name := range []string{"modest", "server"} {
		if place, _ := places.Load(name); place.(int32) > 2*64 { // within the first two commits
			t.Errorf("%s came at place %d", name, place)
		}
	}
}

// One user cannot fill the line without end.
func TestWaitingWritesOfOneUserAreBounded(t *testing.T) {
	t.Parallel()
	db := owned(t)
	release := hold(t, db)
	ctx := context.WithValue(t.Context(), ownerKey{}, "greedy")
	var refused atomic.Int32
	var all sync.WaitGroup
	const many = 5000
	for range many {
		all.Go(func() {
			err := db.Tx(ctx, func(context.Context, store.Querier) error { return nil })
			if fault.CodeOf(err) == fault.ResourceExhausted {
				refused.Add(1)
			} else if err != nil {
				t.Error(err)
			}
		})
	}
	queued(t, db, 4096)
	for refused.Load() < many-4096 && t.Context().Err() == nil {
		runtime.Gosched()
	}
	if err := db.Tx(context.WithoutCancel(ctx), func(context.Context, store.Querier) error { return nil }); fault.CodeOf(err) != fault.ResourceExhausted {
		t.Errorf("one more: %v", err)
	}
	release()
	all.Wait()
	if n := refused.Load(); n != many-4096 {
		t.Errorf("%d were refused, want %d", n, many-4096)
	}
}
