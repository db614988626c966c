// Package registry is what the modules of one runtime registered: functions of
// hooks, RPCs, matches, jobs and routes, whatever language is behind them. A loader
// fills Registries; Merge makes one of several.
package registry

import (
	"sync"

	"kumi/core"
	"kumi/hooks"
	"kumi/match"
	"kumi/modules/httproute"
	"kumi/rpc"
)

// Registries are what a program's registrations become.
type Registries struct {
	RPC   *rpc.Registry
	Hooks *hooks.Registry
	HTTP  []httproute.Route
	Jobs  map[string]hooks.Slot[core.Job]
	// Indexes and their filters are kept for operations that use them.
	Indexes []StorageIndex
	Filters map[string]hooks.Slot[hooks.IndexFilter]

	mu      sync.Mutex
	matches map[string]hooks.Slot[match.Factory] // guarded: modules make matches while they load
}

// New returns empty registries.
func New() *Registries {
	return &Registries{RPC: rpc.NewRegistry(), Hooks: hooks.New(), matches: map[string]hooks.Slot[match.Factory]{},
		Jobs: map[string]hooks.Slot[core.Job]{}, Filters: map[string]hooks.Slot[hooks.IndexFilter]{}}
}

// StorageIndex is a storage index as a script asked for it.
type StorageIndex struct {
	Name, Collection, Key string
	Fields, Sortable      []string
	MaxEntries            int
	IndexOnly             bool
}

// origin says where what is in a slot comes from; nil for an empty one.
func OriginOf[F any](s *hooks.Slot[F]) *hooks.Origin {
	if s == nil {
		return nil
	}
	return &s.Origin
}

// Match finds a match handler. It may be called from any goroutine.
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

// SetMatch registers a match handler and says what it took the place of, if
// anything. It may be called from any goroutine.
func (r *Registries) SetMatch(name string, slot hooks.Slot[match.Factory]) (was *hooks.Origin) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if old, ok := r.matches[name]; ok {
		was = &old.Origin
	}
	r.matches[name] = slot
	return was
}
