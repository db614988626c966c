package server

import (
	"context"
	"time"

	"kumi/config"
	"kumi/core"
)

// jobs is the part of a Server that runs the modules' jobs.
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
	go func() {
		defer close(s.jobs.ended)
		s.game.Core.RunJobs(ctx, longest, func() map[string]core.Job { return s.set.Load().Jobs })
	}()
}

// stopJobs cancels running jobs, which start again after a restart, and waits
// for them until ctx ends: those of Go modules may ignore it.
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
