package core

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/api"
	"github.com/heroiclabs/nakama-common/runtime"

	"kumi/store/fault"
)

func TestStorageList(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, ctx context.Context, c *testCore) {
		a, b := c.user(t, "a"), c.user(t, "b")
		m := c.Module()
		var writes []*runtime.StorageWrite
		for i := range 9 {
			for name, user := range map[string]uuid.UUID{"a": a, "b": b} {
				writes = append(writes, &runtime.StorageWrite{Collection: "c", Key: fmt.Sprint(name, i), UserID: user.String(), Value: "{}", PermissionRead: i % 3})
			}
		}
		writes = append(writes, &runtime.StorageWrite{Collection: "c", Key: "s", Value: "{}", PermissionRead: 2},
			&runtime.StorageWrite{Collection: "other", Key: "x", UserID: a.String(), Value: "{}", PermissionRead: 2})
		if _, err := m.StorageWrite(ctx, writes); err != nil {
			t.Fatal(err)
		}
		type page = func(limit int, cursor string) ([]*api.StorageObject, string, error)
		client := func(caller uuid.UUID, owner string) page {
			return func(limit int, cursor string) ([]*api.StorageObject, string, error) {
				out, err := c.ListStorage(ctx, caller, &api.ListStorageObjectsRequest{Collection: "c", UserId: owner, Limit: perm(int32(limit)), Cursor: cursor})
				return out.GetObjects(), out.GetCursor(), err
			}
		}
		module := func(caller, owner string) page {
			return func(limit int, cursor string) ([]*api.StorageObject, string, error) {
				return m.StorageList(ctx, caller, owner, "c", limit, cursor)
			}
		}
		for what, tc := range map[string]struct {
			page page
			want string
		}{
			"own":                      {client(a, a.String()), "a1 a4 a7 a2 a5 a8"},
			"another's":                {client(a, b.String()), "b2 b5 b8"},
			"public":                   {client(a, ""), "a2 a5 a8 b2 b5 b8 s"},
			"module, of one":           {module("", a.String()), "a0 a3 a6 a1 a4 a7 a2 a5 a8"},
			"module, of all":           {module("", ""), "a0 a3 a6 b0 b3 b6 a1 a4 a7 b1 b4 b7 a2 a5 a8 b2 b5 b8 s"},
			"module, of the server":    {module("", uuid.Nil.String()), "s"},
			"module as owner":          {module(a.String(), a.String()), "a1 a4 a7 a2 a5 a8"},
			"module as another":        {module(a.String(), b.String()), "b2 b5 b8"},
			"module as client, of all": {module(b.String(), ""), "a2 a5 a8 b2 b5 b8 s"},
		} {
			for _, limit := range []int{1, 2, 3, 100} {
				var keys []string
				cursor := ""
				for pages := 0; ; pages++ {
					objects, next, err := tc.page(limit, cursor)
					if err != nil || len(objects) > limit || pages > 30 {
						t.Fatalf("%s, limit %d: %d objects on page %d, %v", what, limit, len(objects), pages, err)
					}
					for _, o := range objects {
						keys = append(keys, o.Key)
					}
					if cursor = next; cursor == "" {
						break
					}
				}
				if got := strings.Join(keys, " "); got != tc.want {
					t.Errorf("%s, limit %d:\n got %s\nwant %s", what, limit, got, tc.want)
				}
			}
		}

		for what, in := range map[string]*api.ListStorageObjectsRequest{
			"limit 0": {Limit: perm(0)}, "limit 101": {Limit: perm(101)}, "bad user": {UserId: "someone"},
			"bad cursor": {Cursor: "noise"}, "other cursor": {Cursor: "d3t9"},
		} {
			in.Collection = "c"
			_, err := c.ListStorage(ctx, a, in)
			wantCode(t, what, err, fault.InvalidArgument)
		}
		if out, err := c.ListStorage(ctx, a, &api.ListStorageObjectsRequest{Collection: "c"}); err != nil || len(out.Objects) != 1 {
			t.Errorf("without a limit: got %d objects, %v; want 1", len(out.GetObjects()), err)
		}
		if list, cursor, err := m.StorageList(ctx, "", "", "c", 0, ""); err != nil || len(list) != 0 || cursor != "" {
			t.Errorf("module, limit 0: got %v, %q, %v; want nothing", list, cursor, err)
		}
	})
}

func TestStorageWritersAtOnce(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, ctx context.Context, c *testCore) {
		user := c.user(t, "owner")
		m := c.Module()
		reads := []*runtime.StorageRead{{Collection: "c", Key: "counter", UserID: user.String()}}
		var wait sync.WaitGroup
		for range 8 {
			wait.Go(func() {
				for range 5 {
					for {
						_, err := m.StorageWriteRetry(ctx, reads, func(found []*api.StorageObject) ([]*runtime.StorageWrite, error) {
							n, expected := 0, "*"
							if len(found) > 0 {
								expected = found[0].Version
								if _, err := fmt.Sscanf(found[0].Value, `{"n": %d}`, &n); err != nil {
									return nil, err
								}
							}
							return []*runtime.StorageWrite{{Collection: "c", Key: "counter", UserID: user.String(),
								Value: fmt.Sprintf(`{"n":%d}`, n+1), Version: expected}}, nil
						}, 10)
						if err == nil {
							break
						}
						if !errors.Is(err, runtime.ErrStorageWriteExhaustedRetries) {
							t.Error(err)
							return
						}
					}
				}
			})
		}
		wait.Wait()
		if got, want := c.object(t, "counter", user).GetValue(), `{"n": 40}`; got != want {
			t.Errorf("after 40 increments the counter is %s, want %s", got, want)
		}

		// Of those who create, one wins.
		var won, lost int
		var mu sync.Mutex
		for range 8 {
			wait.Go(func() {
				_, err := c.put(ctx, user, &api.WriteStorageObject{Collection: "c", Key: "once", Value: "{}", Version: "*"})
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					won++
				} else if errors.Is(err, runtime.ErrStorageRejectedVersion) {
					lost++
				}
			})
		}
		wait.Wait()
		if won != 1 || lost != 7 {
			t.Errorf("of 8 creators %d won and %d were rejected, want 1 and 7", won, lost)
		}
	})
}

func TestStorageWriteRetryGivesUp(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, ctx context.Context, c *testCore) {
		m := c.Module()
		calls := 0
		_, err := m.StorageWriteRetry(ctx, nil, func([]*api.StorageObject) ([]*runtime.StorageWrite, error) {
			calls++
			return []*runtime.StorageWrite{{Collection: "c", Key: "k", Value: "{}", Version: "never"}}, nil
		}, 2)
		if err != runtime.ErrStorageWriteExhaustedRetries || calls != 3 {
			t.Errorf("got %v after %d calls, want %v after 3", err, calls, runtime.ErrStorageWriteExhaustedRetries)
		}
		acks, err := m.StorageWriteRetry(ctx, nil, func([]*api.StorageObject) ([]*runtime.StorageWrite, error) { return nil, nil }, 0)
		if err != nil || len(acks) != 0 {
			t.Errorf("nothing to write: got %v, %v", acks, err)
		}
		_, err = m.StorageWriteRetry(ctx, nil, nil, 11)
		wantCode(t, "11 retries", err, fault.InvalidArgument)
	})
}

func FuzzStorageCursor(f *testing.F) {
	cursor, err := encodeCursor(storageCursor, objectPosition{Read: 1, Key: "k"})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(cursor)
	f.Add("")
	f.Add("c3t9")
	f.Fuzz(func(t *testing.T, cursor string) {
		var p objectPosition
		if p.decode(cursor) != nil {
			return
		}
		if p.Read < 0 || p.Read > 2 {
			t.Fatalf("cursor %q gives read permission %d", cursor, p.Read)
		}
		again, err := encodeCursor(storageCursor, p)
		if err != nil {
			t.Fatal(err)
		}
		var q objectPosition
		if err := q.decode(again); err != nil || p != q {
			t.Fatalf("cursor %q gives %v, written again %v, %v", cursor, p, q, err)
		}
	})
}
