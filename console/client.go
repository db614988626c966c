package console

import (
	"net/http"
	"strings"

	"kumi/core/consolepb"
)

// clientPrefix is the path of the client API on the console's port, with which pages of
// the console play as players: it has the pages' origin, whatever is in front of the
// server.
const clientPrefix = "/client"

// newClient makes the handler of the client API on the console's port. The browser gives
// no response from it the pages' own rights, because functions of modules decide what is
// in some.
func newClient(api http.Handler) http.Handler {
	inner := http.StripPrefix(clientPrefix, api)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
		h.Set("X-Content-Type-Options", "nosniff")
		inner.ServeHTTP(w, r)
	})
}

// isClient reports whether a request is for the client API.
func isClient(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, clientPrefix+"/") }

// clientSettings is what a page needs to play as players.
func (s *Server) clientSettings() (*consolepb.ClientSettings, error) {
	return &consolepb.ClientSettings{
		ServerKey:             string(s.Config.Socket.ServerKey),
		TokenExpirySec:        s.Config.Session.TokenExpirySec,
		RefreshTokenExpirySec: s.Config.Session.RefreshTokenExpirySec,
		ServerVersion:         s.Version,
	}, nil
}
