package modules

import (
	"context"

	"kumi/match"
)

// Reload loads the Lua and JavaScript modules again. It returns a new set with them
// and with the Go modules of old, whose InitModule does not run again. Until the
// caller replaces old, only the modules that are being loaded see the handlers of the
// new set. After an error, which is like those of Load, the new set is closed.
//
// Reload does not change old; the caller has to Retire it. o must be as for the first
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

// GoHandler tells whether the match handler of a name is one in Go, which takes precedence over
// those of scripts.
func (s *Set) GoHandler(name string) bool {
	_, ok := s.golang.handler(name)
	return ok
}

// Retire ends a set that one from Reload has replaced. Calls that are running
// continue; VMs are released when their calls return. The Go modules stay, because
// they belong to the new set too.
func (s *Set) Retire() {
	for _, p := range s.Pools {
		p.Retire()
	}
}
