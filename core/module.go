package core

import "github.com/heroiclabs/nakama-common/runtime"

// Module is the server as module code sees it: the nk argument of Go modules,
// and what stands behind the functions of scripts. Its methods skip hooks and
// client permissions, as the caller is the game's own code. It is safe for use
// from any goroutine.
type Module struct {
	pending
	core *Core
}

var _ runtime.NakamaModule = (*Module)(nil)

// Module returns the server's face to module code.
func (c *Core) Module() *Module { return &Module{core: c} }
