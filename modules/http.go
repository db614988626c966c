package modules

import "net/http"

// HTTPRoute is a route that a module added to the client port. It has no
// authentication of its own.
type HTTPRoute struct {
	Pattern string
	Methods []string // empty: all
	Handler http.HandlerFunc
	Module  string
}
