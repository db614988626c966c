package server

import (
	"context"
	"time"

	"kumi/core"
)

// runJobs runs the jobs of modules until ctx ends.
func (s *Server) runJobs(ctx context.Context) {
	// A call of a script ends within its limit; what is added is for waiting for
	// a VM and for the database.
	longest := time.Hour
	if limit := milliseconds(s.config.Runtime.CallTimeoutMs); limit > 0 {
		longest = 2*limit + 30*time.Second
	}
	s.core.RunJobs(core.WithMode(ctx, s.scope, "job"), longest, func() map[string]core.Job { return s.set.Load().Jobs })
}
