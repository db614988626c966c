package server

import (
	"context"

	"github.com/rs/zerolog"

	"kumi/config"
	"kumi/core"
	"kumi/modules"
)

// door is what every door of the server needs: REST and gRPC (api), sockets.
// It is filled once and only read afterwards, from any goroutine.
type door struct {
	config  *config.Config
	log     zerolog.Logger
	core    *core.Core
	set     func() *modules.Set // the loaded set, changes on reload: read once per call
	reload  func(context.Context) error
	metrics *Metrics
	env     map[string]string // runtime.env, parsed
	version string
}

// scope begins the context of a call into module code: what is the same for
// every caller.
func (d *door) scope() *core.Scope {
	return &core.Scope{Env: d.env, Node: d.config.Name, Version: d.version}
}
