// Package gametest makes games for tests of what is above them. It is for tests
// only.
package gametest

import (
	"context"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"kumi/core"
	"kumi/server/game"
)

// New makes a game that is stopped when the test ends. Only Config is required;
// passwords are hashed at the lowest cost.
func New(t testing.TB, o game.Options) *game.Game {
	t.Helper()
	if o.Scope == nil {
		o.Scope = new(core.Scope)
	}
	o.PasswordCost = bcrypt.MinCost
	g, err := game.New(o)
	if err != nil {
		t.Fatalf("make a game: %v", err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		g.Matchmaker.Stop()
		g.Matches.Stop(ctx, 0)
		g.Tracker.Close()
	})
	return g
}
