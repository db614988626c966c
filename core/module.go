package core

import "github.com/heroiclabs/nakama-common/runtime"

// Module is the server as module code sees it: the nk argument of Go modules,
// and the implementation of the functions of scripts. Its methods skip hooks
// and client permissions, since the caller is the game's own code. It may be
// used from any goroutine.
type Module struct {
	core *Core
}

var _ runtime.NakamaModule = (*Module)(nil)

// Module returns the server as module code sees it.
func (c *Core) Module() *Module { return &Module{core: c} }

// notNil makes a list that is nil an empty one: modules hand lists to clients as
// JSON, where nil would be null.
func notNil[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// listed is notNil for what a function returns.
func listed[T any](list []T, err error) ([]T, error) {
	if err != nil {
		return nil, err
	}
	return notNil(list), nil
}
