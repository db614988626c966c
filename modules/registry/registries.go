// Package registry holds what the modules of one runtime registered: hooks,
// RPCs, matches, jobs and routes, in any language. A loader fills Registries;
// Merge combines several.
package registry

import (
	"sync"

	"kumi/core"
	"kumi/hooks"
	"kumi/match"
	"kumi/modules/httproute"
	"kumi/rpc"
)

// Registries are all registrations of one or more modules.
type Registries struct {
	RPC   *rpc.Registry
	Hooks *hooks.Registry
	HTTP  []httproute.Route
	// ConsoleHTTP are routes on the console's port.
	ConsoleHTTP []httproute.Route
	Jobs        map[string]hooks.Slot[core.Job]
	// Indexes are storage indexes without their filters, which are in Filters, by the
	// index's name: those may be registered first, and by another module.
	Indexes map[string]hooks.Slot[core.StorageIndex]
	Filters map[string]hooks.Slot[hooks.IndexFilter]
	// Fleet is who registered a fleet manager, which core has; nil: no one.
	Fleet *hooks.Origin

	mu      sync.Mutex
	matches map[string]hooks.Slot[match.Factory] // guarded: modules create matches while they load
}

// New returns empty registries.
func New() *Registries {
	return &Registries{RPC: rpc.NewRegistry(), Hooks: hooks.New(), matches: map[string]hooks.Slot[match.Factory]{},
		Jobs: map[string]hooks.Slot[core.Job]{}, Indexes: map[string]hooks.Slot[core.StorageIndex]{}, Filters: map[string]hooks.Slot[hooks.IndexFilter]{}}
}

// OriginOf returns the origin of a slot, or nil for an empty one.
func OriginOf[F any](s *hooks.Slot[F]) *hooks.Origin {
	if s == nil {
		return nil
	}
	return &s.Origin
}

// Match returns a match handler. It may be called from any goroutine.
func (r *Registries) Match(name string) (match.Factory, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	slot, ok := r.matches[name]
	return slot.Call, ok
}

// Matches are the match handlers by name.
func (r *Registries) Matches() map[string]match.Factory {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := make(map[string]match.Factory, len(r.matches))
	for name, slot := range r.matches {
		all[name] = slot.Call
	}
	return all
}

// SetMatch registers a match handler and returns the origin of the one it
// replaced, if any. It may be called from any goroutine.
func (r *Registries) SetMatch(name string, slot hooks.Slot[match.Factory]) (was *hooks.Origin) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if old, ok := r.matches[name]; ok {
		was = &old.Origin
	}
	r.matches[name] = slot
	return was
}
