// Package door has what the API and the sockets have in common: what they are
// given, who calls, and what a client reads of a failure in module code.
package door

import (
	"context"

	"github.com/rs/zerolog"

	"kumi/config"
	"kumi/core"
	"kumi/modules"
	"kumi/server/metrics"
)

// Deps is what every door of the server needs. It is filled once and only read
// afterwards, from any goroutine.
type Deps struct {
	Config  *config.Config
	Log     zerolog.Logger
	Core    *core.Core
	Set     func() *modules.Set // the loaded set, changes on reload: read once per call
	Reload  func(context.Context) error
	Metrics *metrics.Metrics
	Env     map[string]string // runtime.env, parsed
	Version string            // of the server
}

// Scope begins the context of a call into module code: what is the same for
// every caller.
func (d *Deps) Scope() *core.Scope {
	return &core.Scope{Env: d.Env, Node: d.Config.Name, Version: d.Version}
}
