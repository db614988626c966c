// Package door holds what the API and the sockets have in common: their
// dependencies, the caller, and the message that clients get for a failure in
// module code.
package door

import (
	"context"

	"github.com/rs/zerolog"

	"kumi/config"
	"kumi/core"
	"kumi/modules"
	"kumi/server/metrics"
)

// Deps are the dependencies of the API and the sockets. They are set once and
// read from any goroutine.
type Deps struct {
	Config  *config.Config
	Log     zerolog.Logger
	Core    *core.Core
	Set     func() *modules.Set // the loaded set, which changes on reload: read it once per call
	Reload  func(context.Context) error
	Metrics *metrics.Metrics
	Env     map[string]string // runtime.env, parsed
	Version string            // of the server
}

// Scope returns a scope for a call into module code, with what is the same for
// every caller.
func (d *Deps) Scope() *core.Scope {
	return &core.Scope{Env: d.Env, Node: d.Config.Name, Version: d.Version}
}
