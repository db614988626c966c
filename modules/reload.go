package modules

import (
	"context"

	"kumi/match"
)

// Reload loads the Lua and JavaScript modules anew and returns a set with them
// and with the Go modules of the set before, whose InitModule does not run
// again. Nothing of it can be reached until the caller puts it in the place of
// old, except that modules which make matches while they load find the new
// handlers. After an error, which says what Load's does, nothing of it is left.
//
// old stays as it is and is the caller's to Retire. o must be as for the first
// Load; Options.Matches is not told of the new handlers.
func Reload(ctx context.Context, o Options, old *Set) (*Set, error) {
	l := newLoading(ctx, o)
	l.kept = old.golang
	return l.load(match.WithHandlers(ctx, l.handler), func(context.Context, *loading) (*part, error) {
		l.begin(old.golang)
		return old.golang, nil
	})
}

// Handler finds a match handler by name.
func (s *Set) Handler(name string) (match.Factory, bool) {
	f, ok := s.Matches[name]
	return f, ok
}

// Retire ends a set whose place another one made by Reload has taken. Calls that
// began with it go on as before; its VMs are gone when they have ended. Its Go
// modules, which are those of the other set, stay.
func (s *Set) Retire() {
	for _, p := range s.Pools {
		p.Retire()
	}
}
