package server

import (
	"context"
	"sync"
	"time"

	"github.com/heroiclabs/nakama-common/api"

	"kumi/config"
	"kumi/core"
)

// jobs is the part of a Server that runs the modules' jobs, and their handlers of
// the ends and resets of leaderboards and tournaments, and builds storage indexes.
type jobs struct {
	cancel context.CancelFunc
	ended  chan struct{}
}

func (s *Server) startJobs() {
	// A call into a script ends within its limit; add time to wait for a VM and for the
	// database.
	longest := time.Hour
	if limit := config.Milliseconds(s.config.Runtime.CallTimeoutMs); limit > 0 {
		longest = 2*limit + 30*time.Second
	}
	ctx, cancel := context.WithCancel(core.WithMode(context.Background(), s.scope, "job"))
	s.jobs = jobs{cancel, make(chan struct{})}
	var all sync.WaitGroup
	all.Go(func() {
		s.game.Core.RunJobs(ctx, longest, func() map[string]core.Job { return s.set.Load().Jobs })
	})
	all.Go(func() { s.game.Core.RunStorageIndexes(core.WithMode(ctx, s.scope, "storage_index_filter")) })
	all.Go(func() {
		s.game.Core.RunBoards(ctx, s.config.Leaderboard.CallbackQueueWorkers, s.boardHandlers)
	})
	all.Go(func() { s.game.Core.RunBans(ctx) })
	all.Go(func() { s.game.Core.RunMaintenance(ctx) })
	go func() {
		defer close(s.jobs.ended)
		all.Wait()
	}()
}

// boardHandlers are those of the modules that are loaded now.
func (s *Server) boardHandlers() (h core.BoardHandlers) {
	single := &s.set.Load().Hooks.Single
	scoped := func(ctx context.Context, mode string) context.Context { return core.WithMode(ctx, s.scope, mode) }
	if slot := single.TournamentEnd; slot != nil {
		h.TournamentEnd = func(ctx context.Context, t *api.Tournament, end, reset int64) error {
			return slot.Call(scoped(ctx, "tournament_end"), t, end, reset)
		}
	}
	if slot := single.TournamentReset; slot != nil {
		h.TournamentReset = func(ctx context.Context, t *api.Tournament, end, reset int64) error {
			return slot.Call(scoped(ctx, "tournament_reset"), t, end, reset)
		}
	}
	if slot := single.LeaderboardReset; slot != nil {
		h.LeaderboardReset = func(ctx context.Context, l *api.Leaderboard, reset int64) error {
			return slot.Call(scoped(ctx, "leaderboard_reset"), l, reset)
		}
	}
	return h
}

// stopJobs cancels running jobs, which start again after a restart, and running
// handlers of leaderboards, which do not. It waits for them until ctx ends: those of
// Go modules may ignore it.
func (s *Server) stopJobs(ctx context.Context) {
	if s.jobs.cancel == nil {
		return
	}
	s.jobs.cancel()
	select {
	case <-s.jobs.ended:
	case <-ctx.Done():
		s.log.Warn().Msg("job still running after the grace period")
	}
}
