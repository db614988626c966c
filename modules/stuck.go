package modules

import (
	"sync/atomic"

	"github.com/rs/zerolog"

	"kumi/modules/script"
	"kumi/vm"
)

// stuckCalls replaces the VMs of one language whose calls do not end when they are
// stopped.
type stuckCalls struct {
	lang  vm.Lang
	guard *vm.Guard
	log   zerolog.Logger
	pool  atomic.Pointer[vm.Pool] // nil until it is made
}

// abandon is called on any goroutine while the call runs.
func (s *stuckCalls) abandon(v vm.Instance, local *script.Local) {
	s.guard.Abandoned(s.lang)
	function, module := local.Running()
	s.log.Error().Str("function", function).Str("module", module).
		Msg("script call did not end after it was stopped: its VM is abandoned, and keeps a CPU busy until the call ends")
	if p := s.pool.Load(); p != nil {
		p.Abandon(v)
	}
}
