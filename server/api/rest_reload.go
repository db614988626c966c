package api

import (
	"context"
	"net/http"

	"kumi/internal/json"
)

// reloadPath is where other servers and tools request a reload. It is not part of
// Nakama's API.
const reloadPath = "/v2/kumi/reload"

// serveReload reloads the modules and responds with their version. It requires the
// HTTP key, like server-to-server RPCs.
func (a *Server) serveReload(w http.ResponseWriter, r *http.Request) {
	query, err := rpcQuery(r)
	if err != nil {
		a.fail(w, r, err)
		return
	}
	claims, err := a.authenticateRPC(r, query)
	if err == nil && claims != nil {
		err = errHTTPKeyInvalid
	}
	if err == nil {
		// A caller that disconnects does not cancel the reload.
		err = a.Reload(context.WithoutCancel(r.Context()))
	}
	if err != nil {
		a.fail(w, r, err)
		return
	}
	buf := takeBuffer()
	defer buf.give()
	out := json.Writer{B: buf.b}
	out.Begin()
	out.Name("version")
	out.Text(a.Set().Version)
	out.End()
	buf.b = out.B
	a.send(w, r, http.StatusOK, jsonContent, buf.b)
}
