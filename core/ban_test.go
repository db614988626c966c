package core

import (
	"context"
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"

	"kumi/store/fault"
)

// Bans that are over are lifted, those that a later one replaced are not.
func TestBansAreLifted(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, ctx context.Context, c *testCore) {
		sign := func(name string) (uuid.UUID, error) {
			id, err := c.AuthenticateCustom(ctx, "custom-"+name, name, true)
			return id.UserID, err
		}
		ann, err := sign("ann")
		if err != nil {
			t.Fatal(err)
		}
		bob, err := sign("bob")
		if err != nil {
			t.Fatal(err)
		}
		end := c.now().Add(time.Hour).Truncate(time.Second)
		if err := c.banAll(ctx, []*ban{{user: ann, end: end, reason: "no"}, {user: bob, end: end}}); err != nil {
			t.Fatal(err)
		}
		c.clock.Add(30 * time.Minute)
		if err := c.ban(ctx, []uuid.UUID{bob}); err != nil {
			t.Fatal(err)
		}
		disabled := func(user uuid.UUID) bool {
			t.Helper()
			account, err := c.account(ctx, user)
			if err != nil {
				t.Fatal(err)
			}
			return account.DisableTime != nil
		}
		if err := c.liftBans(ctx); err != nil || !disabled(ann) || !disabled(bob) {
			t.Errorf("before the end: %v, ann is banned %v, bob %v", err, disabled(ann), disabled(bob))
		}
		c.clock.Add(31 * time.Minute)
		if err := c.liftBans(ctx); err != nil || disabled(ann) || !disabled(bob) {
			t.Errorf("after the end: %v, ann is banned %v, bob %v", err, disabled(ann), disabled(bob))
		}
		if err := c.DeleteAccount(ctx, bob); err != nil {
			t.Fatal(err)
		}
		var rows int
		if err := c.db.Reader().QueryRowContext(ctx, "SELECT count(*) FROM kumi_ban").Scan(&rows); err != nil || rows != 0 {
			t.Errorf("of deleted accounts %d bans are left, %v", rows, err)
		}
	})
}

// A ban without an end is left in place by the sweep.
func TestBansWithoutEnd(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, ctx context.Context, c *testCore) {
		id, err := c.AuthenticateCustom(ctx, "custom-bob", "bob", true)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.banAll(ctx, []*ban{{user: id.UserID, reason: "for good"}}); err != nil {
			t.Fatal(err)
		}
		c.clock.Add(1000 * time.Hour)
		if err := c.liftBans(ctx); err != nil {
			t.Fatal(err)
		}
		_, err = c.AuthenticateCustom(ctx, "custom-bob", "bob", true)
		wantCode(t, "the other one", err, fault.PermissionDenied)
	})
}
