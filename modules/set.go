// Package modules loads what users wrote: Go modules compiled in or as
// plugins, Lua files, and one JavaScript or TypeScript program.
//
// Load finds the modules, runs them in the order Go, Lua, JavaScript and
// returns a Set: everything that was registered. A Set never changes; a server
// that reloads makes a new one. Sets may be read from any goroutine.
package modules

import (
	"kumi/core"
	"kumi/hooks"
	"kumi/match"
	"kumi/modules/httproute"
	"kumi/modules/registry"
	"kumi/rpc"
	"kumi/vm"
)

// Set is what a load produced.
type Set struct {
	// Version tells loads apart in logs and metrics.
	Version string
	// Digest is the checksum of the files it was loaded from, see source.Digest.
	Digest string
	RPC    *rpc.Registry
	Hooks  *hooks.Registry
	// Matches are the registered match handlers by name.
	Matches map[string]match.Factory
	// Filters are the filters of storage indexes by the index's name.
	Filters map[string]hooks.Slot[hooks.IndexFilter]
	// Jobs are the registered jobs by name.
	Jobs map[string]core.Job
	// HTTP are the routes modules added, in order of registration.
	HTTP []httproute.Route
	// Pools are the VMs of the script runtimes, for metrics.
	Pools []Pool
	// Guard counts the calls into scripts that were stopped; nil when there is none.
	Guard *vm.Guard
	// Modules says what was loaded, for people.
	Modules []registry.Loaded

	golang *part // kept by Reload
	close  []func()
}

// Pool is the VMs of one runtime.
type Pool struct {
	Runtime string // "lua" or "javascript"
	*vm.Pool
}

// Close frees the script engines behind the set. Nothing of the set may be
// called afterwards. It may be called twice.
func (s *Set) Close() {
	for _, f := range s.close {
		f()
	}
	s.close = nil
}
