package console

import (
	"net/http"
	"net/http/pprof"
	"strconv"
	"time"

	"kumi/store/fault"
)

// debugPath is where profiles of the running server are, for go tool pprof.
const debugPath = "/debug/pprof/"

// maxProfile is the longest time that a profile of JavaScript is of, defaultProfile the
// time without one.
const (
	maxProfile     = 50 * time.Second
	defaultProfile = 30 * time.Second
)

// addDebug adds the profiles. They are for the administrator that the configuration names.
// The command line is not among them: it may have secrets.
func (s *Server) addDebug(mux *http.ServeMux) {
	for name, handle := range map[string]http.HandlerFunc{
		"": pprof.Index, "profile": pprof.Profile, "symbol": pprof.Symbol, "trace": pprof.Trace, "profile_js": s.profileJS,
	} {
		mux.HandleFunc(debugPath+name, func(w http.ResponseWriter, r *http.Request) {
			if err := s.Console.CheckAdmin(r.Context(), visitorOf(r, s.Config.Socket.ProxyCount)); err != nil {
				if fault.CodeOf(err) == fault.Unauthenticated {
					w.Header().Set("WWW-Authenticate", `Basic realm="console"`)
				}
				s.fail(w, r, err)
				return
			}
			handle(w, r)
		})
	}
}

// profileJS sends a profile of the JavaScript that runs in the next seconds.
func (s *Server) profileJS(w http.ResponseWriter, r *http.Request) {
	length := defaultProfile
	if text := r.FormValue("seconds"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > int(maxProfile/time.Second) {
			s.fail(w, r, fault.Newf(fault.InvalidArgument, "seconds must be between 1 and %d.", int(maxProfile/time.Second)))
			return
		}
		length = time.Duration(n) * time.Second
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Disposition", `attachment; filename="profile_js"`)
	if err := s.ProfileJS(r.Context(), w, length); err != nil {
		w.Header().Del("Content-Disposition")
		s.fail(w, r, err)
	}
}
