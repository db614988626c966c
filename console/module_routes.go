package console

import (
	"context"
	"net/http"
	"strings"
	"time"

	"kumi/core"
	"kumi/core/acl"
	"kumi/modules/httproute"
)

// moduleRoute serves a request for a route that modules registered on the console's port,
// and returns true for it. The console's own paths come first; a module that has one of
// them is not loaded.
func (s *Server) moduleRoute(w http.ResponseWriter, r *http.Request) bool {
	routes := s.Set().ConsoleHTTP
	for i := range routes {
		if rt := &routes[i]; rt.Match(r) {
			s.serveModuleRoute(w, r, rt)
			return true
		}
	}
	return false
}

// serveModuleRoute lets operators through, with the right that the route names. What they
// do there is recorded, unless they only read.
func (s *Server) serveModuleRoute(w http.ResponseWriter, r *http.Request, rt *httproute.Route) {
	// Pages that a route returns have the console's origin, and may show what players wrote.
	// The route can set another policy.
	w.Header().Set("Content-Security-Policy", filesPolicy)
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if rt.Auth != httproute.AuthConsole {
		s.API.ServeConsoleRoute(w, r, rt, "")
		return
	}
	call := core.ConsoleCall{Name: r.Method + " " + rt.Pattern, Resource: routeResource(r.URL.Path)}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		call.Action = core.AuditInvoke
	}
	if rt.Right != "" {
		right, err := acl.Parse(rt.Right)
		if err != nil {
			s.fail(w, r, invalid(err.Error(), err))
			return
		}
		call.Right = right
	}
	served, start := false, time.Now()
	err := s.Console.Run(r.Context(), visitorOf(r, s.Config.Socket.ProxyCount), call, func(ctx context.Context, op *core.Operator) error {
		served = true
		s.API.ServeConsoleRoute(w, r.WithContext(ctx), rt, op.Username)
		return nil
	})
	s.counted("ModuleRoute", start, err)
	switch {
	case err != nil && served:
		s.logFailure(call.Name, err)
	case err != nil:
		s.fail(w, r, err)
	}
}

// routeResource is what calls of a route without a right are recorded for: of Hiro's paths
// the resource that they are about, otherwise that of calls into modules.
func routeResource(path string) acl.Resource {
	if rest, ok := strings.CutPrefix(path, "/v2/console/hiro/"); ok {
		system, _, _ := strings.Cut(rest, "/")
		if resource, ok := acl.Named("HIRO_" + strings.ToUpper(system)); ok {
			return resource
		}
	}
	return acl.APIExplorer
}
