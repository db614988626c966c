package modules

import (
	"context"

	"kumi/match"
)

// Reload loads the Lua and JavaScript modules again and returns a set with
// them and with the Go modules of the previous set, whose InitModule does not
// run again. The new set is not visible to others until the caller replaces
// old with it; only modules that create matches while they load find its
// handlers. After an error, which is like Load's, nothing of it is left.
//
// old is not changed; the caller has to Retire it. o must be as for the first
// Load; Options.Matches does not get the new handlers.
func Reload(ctx context.Context, o Options, old *Set) (*Set, error) {
	l := newLoading(ctx, o)
	l.kept = old.golang
	return l.load(match.WithHandlers(ctx, l.handler), func(context.Context, *loading) (*part, error) {
		l.begin(old.golang)
		return old.golang, nil
	})
}

// Handler returns a match handler by name.
func (s *Set) Handler(name string) (match.Factory, bool) {
	f, ok := s.Matches[name]
	return f, ok
}

// Retire ends a set that was replaced by one from Reload. Calls that began
// with it continue; its VMs are released after they have ended. Its Go
// modules, which belong to the new set too, stay.
func (s *Set) Retire() {
	for _, p := range s.Pools {
		p.Retire()
	}
}
