package core

import "github.com/heroiclabs/nakama-common/runtime"

// Module is the server as module code sees it: the nk argument of Go modules,
// and the implementation of the functions of scripts. Its methods skip hooks
// and client permissions, since the caller is the game's own code. It may be
// used from any goroutine.
type Module struct {
	pending
	core *Core
}

var _ runtime.NakamaModule = (*Module)(nil)

// Module returns the server as module code sees it.
func (c *Core) Module() *Module { return &Module{core: c} }
