// Package transport holds what the client-facing transports (REST, gRPC and
// sockets) share: their dependencies, the address of a client, and the message
// that a client gets when module code fails.
package transport

import (
	"context"

	"github.com/rs/zerolog"

	"kumi/config"
	"kumi/core"
	"kumi/modules"
	"kumi/server/metrics"
)

// Deps are the dependencies of the API and the sockets. They are set once,
// before the first connection, and may be read from any goroutine.
type Deps struct {
	Config  *config.Config
	Log     zerolog.Logger
	Core    *core.Core
	Set     func() *modules.Set // the loaded modules. A reload replaces them: read once per call
	Reload  func(context.Context) error
	Metrics *metrics.Metrics
	Env     map[string]string // runtime.env, parsed
	Version string            // of the server
}

// Scope returns a new scope for a call into module code. It has the fields that
// are the same for every caller; the transport adds the caller's own.
func (d *Deps) Scope() *core.Scope {
	return &core.Scope{Env: d.Env, Node: d.Config.Name, Version: d.Version}
}
