//go:build !no_console

package server

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"kumi/console"
	"kumi/core"
	"kumi/modules/httproute"
	"kumi/vm/js"
)

// consoleRoutes lists the console's own paths, which no module can have.
func (s *Server) consoleRoutes() (own []httproute.Own) {
	for _, pattern := range append(console.Patterns(), slices.Collect(maps.Keys(s.notificationRoutes()))...) {
		own = append(own, httproute.OfMux(pattern, "the console"))
	}
	return own
}

// openConsole makes the console, unless its port is 0.
func (s *Server) openConsole(ctx context.Context) error {
	c := &s.config.Console
	if c.Port == 0 {
		return nil
	}
	operations, err := s.game.Core.NewConsole(ctx, core.ConsoleOptions{
		Username: c.Username, Password: string(c.Password), DefaultPassword: c.DefaultPassword(),
		SigningKey: string(c.SigningKey), DefaultKey: c.DefaultSigningKey(),
		TokenLife: time.Duration(c.TokenExpirySec) * time.Second,
		MFAKey:    string(s.config.MFA.StorageEncryptionKey), MFAForAdmin: s.config.MFA.AdminAccountEnabled,
		Dev:            s.dev,
		NoDisplayNames: c.DisableDisplayNameSearch,
		Handlers: func() core.MatchHandlers {
			set := s.set.Load()
			return core.MatchHandlers{Version: set.Version, Find: set.Handler, Go: set.GoHandler}
		},
	})
	if err != nil {
		return fmt.Errorf("open the console: %w", err)
	}
	s.newHistory()
	opened, err := console.New(console.Options{
		Config: s.config, Log: s.log, Console: operations, Set: s.set.Load, Version: Version, Started: time.Now(),
		Count:   s.metrics.ConsoleCall,
		History: s.history, Functions: s.metrics.Functions, Lines: s.lines, Reloads: s.reloads.done,
		Counts: func() console.Counts {
			g := s.game
			return console.Counts{Sessions: g.Sessions.Count(), Presences: g.Tracker.Own(), Matches: g.Matches.Count(), Parties: g.Parties.Count()}
		},
		State:  s.state,
		Others: s.otherNodes,
		Drain:  s.drainNode,
		Traffic: func() (t console.Traffic) {
			t.Requests, t.Took, t.Received, t.Sent = s.metrics.Served()
			return t
		},
		API:       s.api,
		Client:    s.httpHandler(s.api.OwnHandler()),
		ProfileJS: js.Profile,
		Routes:    s.notificationRoutes(),
	})
	if err != nil {
		return fmt.Errorf("open the console: %w", err)
	}
	s.console, s.describe = opened, opened.Node
	return nil
}
