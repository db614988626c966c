package api

import (
	"net/http"
	"slices"
	"strings"
)

var anyOrigin = []string{"*"}

// Headers that browsers may send without permission, and those that clients need.
var (
	simpleHeaders  = []string{"Accept", "Accept-Language", "Content-Language", "Origin"}
	allowedHeaders = []string{"Authorization", "Content-Type", "User-Agent"}
	simpleMethods  = []string{"GET", "HEAD", "POST"}
	allowedMethods = []string{"GET", "HEAD", "POST", "PUT", "DELETE"}
)

// cors adds the headers that allow pages of any origin to use the API. It responds to
// preflight requests itself and returns true for them.
func (a *Server) cors(w http.ResponseWriter, r *http.Request) (answered bool) {
	if len(r.Header["Origin"]) > 0 {
		w.Header()["Access-Control-Allow-Origin"] = anyOrigin
	}
	if r.Method != http.MethodOptions {
		return false
	}
	if len(r.Header["Origin"]) == 0 {
		w.WriteHeader(http.StatusOK) // not a browser: an empty response, as in Nakama
		return true
	}
	h := w.Header()
	asked := r.Header["Access-Control-Request-Method"]
	switch {
	case len(asked) == 0:
		w.WriteHeader(http.StatusBadRequest)
		return true
	case !slices.Contains(allowedMethods, asked[0]):
		w.WriteHeader(http.StatusMethodNotAllowed)
		return true
	}
	headers, ok := preflightHeaders(r.Header.Get("Access-Control-Request-Headers"))
	if !ok {
		w.WriteHeader(http.StatusForbidden)
		return true
	}
	if headers != "" {
		h.Set("Access-Control-Allow-Headers", headers)
	}
	if !slices.Contains(simpleMethods, asked[0]) {
		h.Set("Access-Control-Allow-Methods", asked[0])
	}
	w.WriteHeader(http.StatusOK)
	return true
}

// preflightHeaders returns which of the requested headers need permission; ok is false
// if one of them is not allowed.
func preflightHeaders(asked string) (granted string, ok bool) {
	var list []string
	for name := range strings.SplitSeq(asked, ",") {
		name = http.CanonicalHeaderKey(strings.TrimSpace(name))
		switch {
		case name == "" || slices.Contains(simpleHeaders, name):
		case slices.Contains(allowedHeaders, name):
			if !slices.Contains(list, name) {
				list = append(list, name)
			}
		default:
			return "", false
		}
	}
	return strings.Join(list, ","), true
}
