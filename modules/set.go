// Package modules loads the users' modules: Go modules, compiled in or as
// plugins, Lua files, and one JavaScript or TypeScript program.
//
// Load finds the modules, runs them in the order Go, Lua, JavaScript and
// returns a Set: everything that was registered. A Set is immutable; a server
// that reloads makes a new one. Sets may be read from any goroutine.
package modules

import (
	"fmt"
	"sync/atomic"

	"kumi/core"
	"kumi/hooks"
	"kumi/match"
	"kumi/modules/httproute"
	"kumi/modules/registry"
	"kumi/rpc"
	"kumi/vm"
)

// Set is the result of a load.
type Set struct {
	// Version identifies the load in logs and metrics.
	Version string
	// Digest is the checksum of the loaded files, see source.Digest.
	Digest string
	RPC    *rpc.Registry
	Hooks  *hooks.Registry
	// Matches are the registered match handlers by name.
	Matches map[string]match.Factory
	// Indexes are the registered storage indexes, with their filters.
	Indexes []core.StorageIndex
	// Jobs are the registered jobs by name.
	Jobs map[string]core.Job
	// HTTP are the routes of modules, in order of registration.
	HTTP []httproute.Route
	// ConsoleHTTP are those on the console's port.
	ConsoleHTTP []httproute.Route
	// Pools are the VMs of the script runtimes, for metrics.
	Pools []Pool
	// Guard counts stopped calls into scripts; may be nil.
	Guard *vm.Guard
	// Modules describes what was loaded.
	Modules []registry.Loaded

	golang *part // kept by Reload
	close  []func()
}

// Pool are the VMs of one script runtime.
type Pool struct {
	Runtime string // "lua" or "javascript"
	*vm.Pool
}

// Close releases the set's VMs. Nothing of the set may be called afterwards. It may be
// called more than once.
func (s *Set) Close() {
	for _, f := range s.close {
		f()
	}
	s.close = nil
}

var loads atomic.Uint64

// version returns a unique version of a load. The part after the dash is equal for
// equal files.
func version(digest string) string { return fmt.Sprintf("%d-%s", loads.Add(1), digest[:8]) }
