// Package console serves the console for operators: its API, REST and JSON on
// console.port and gRPC on the port 3 below, under the names that Nakama uses; and the
// page that uses it.
//
// It is built from the rows of table. What a row does is an operation of core.Console,
// which also checks the rights.
package console

//go:generate go run ./web/generate

import (
	"context"
	"io"
	"net/http"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"kumi/config"
	"kumi/console/web"
	"kumi/core"
	"kumi/core/consolepb"
	"kumi/internal/recent"
	"kumi/modules"
	"kumi/server/history"
	"kumi/server/logs"
	"kumi/server/metrics"
	"kumi/store/fault"
)

// Options are the parts of the server that the console shows. All are required.
type Options struct {
	Config  *config.Config
	Log     zerolog.Logger
	Console *core.Console
	Set     func() *modules.Set // the loaded modules
	Version string              // of the server
	Started time.Time
	// Counts are what is open now, Traffic what was served since the start.
	Counts  func() Counts
	Traffic func() Traffic
	// History has the figures of the last day, Functions what the functions of modules took.
	History   *history.History
	Functions func() []metrics.Function
	// State is that of this node: joining, ready or draining.
	State func() string
	// Others are the other nodes of the cluster.
	Others func() []*consolepb.StatusList_Status
	// Drain stops a node in order. It does not wait for the end. NotFound if there is no
	// node of that name.
	Drain func(ctx context.Context, node string) error
	// Count counts a call by its name.
	Count func(call string, code fault.Code, took time.Duration)
	// Lines are the last lines of the log.
	Lines *logs.Ring
	// Reloads are the last reloads of the modules.
	Reloads *recent.List[*consolepb.Reload]
	// API makes calls of the client API.
	API ClientAPI
	// Client serves the client API, sockets included.
	Client http.Handler
	// ProfileJS writes a profile of the JavaScript that runs for a while.
	ProfileJS func(ctx context.Context, w io.Writer, d time.Duration) error
	// Routes are further handlers on the console's port, by pattern.
	Routes map[string]http.HandlerFunc
}

// Server serves the console's API. It may be used from any goroutine.
type Server struct {
	Options
	maxBody int64
	rates   rates
	pages   pages
	page    http.Handler
	size    databaseSize
	saving  sync.Mutex // of requests, one at a time
}

// New makes the console. It fails if the page cannot be built from its sources, with
// console.dev.
func New(o Options) (*Server, error) {
	s := &Server{Options: o, maxBody: int64(o.Config.Console.MaxMessageSizeBytes)}
	s.pages.init()
	var err error
	if o.Config.Console.Dev {
		s.page, err = web.Dev(web.Sources)
	} else {
		s.page, err = web.Handler()
	}
	return s, err
}

// prefix is in front of the paths of the table.
const prefix = "/v2/console"

// Handler serves the console's port.
func (s *Server) Handler() http.Handler {
	mux, client := http.NewServeMux(), newClient(s.Client)
	for pattern, handle := range s.Routes {
		mux.HandleFunc(pattern, handle)
	}
	for i := range table {
		for _, b := range table[i].bindings {
			mux.HandleFunc(b.verb+" "+prefix+b.path, s.serve(newRoute(&table[i], b)))
		}
	}
	mux.HandleFunc("POST "+importPath, s.importStorage)
	mux.HandleFunc("GET "+recordingPath, s.downloadRecording)
	mux.HandleFunc("GET "+livePath, s.live)
	s.addDebug(mux)
	for _, pattern := range web.Patterns {
		mux.Handle("GET "+pattern, s.page)
	}
	mux.HandleFunc("GET "+filesPrefix, s.moduleFile)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		if !s.moduleRoute(w, r) {
			s.fail(w, r, notFound(mux, r))
		}
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer s.recovered(w, r)
		if isClient(r) {
			client.ServeHTTP(w, r) // with its own limits
			return
		}
		if cors(w, r) {
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, s.maxBody)
		mux.ServeHTTP(w, r)
	})
}

// Patterns returns the console's own paths as patterns of a ServeMux.
func Patterns() []string {
	own := []string{"POST " + importPath, "GET " + livePath, "GET " + recordingPath, debugPath, clientPrefix + "/", filesPrefix}
	for i := range table {
		for _, b := range table[i].bindings {
			own = append(own, b.verb+" "+prefix+b.path)
		}
	}
	for _, pattern := range web.Patterns {
		own = append(own, "GET "+pattern)
	}
	return own
}

// notFound is the error for a request that no handler is for.
func notFound(mux *http.ServeMux, r *http.Request) error {
	var others []string
	for _, verb := range allowedMethods {
		other := *r
		other.Method = verb
		if verb == http.MethodHead {
			continue
		}
		if _, pattern := mux.Handler(&other); pattern != "" && pattern != "/" {
			others = append(others, verb)
		}
	}
	hint := "The calls are listed in docs/console.md."
	if len(others) > 0 {
		hint = "There is " + strings.Join(others, ", ") + " for this path."
	}
	return fault.Newf(fault.NotFound, "Not Found: the console has no %s %s. %s", r.Method, r.URL.Path, hint)
}

// recovered sends an error for a request whose handler panicked.
func (s *Server) recovered(w http.ResponseWriter, r *http.Request) {
	p := recover()
	if p == nil {
		return
	}
	if p == http.ErrAbortHandler {
		panic(p) // net/http aborts the response
	}
	s.Log.Error().Str("call", r.Method+" "+r.URL.Path).Interface("panic", p).Bytes("stack", debug.Stack()).Msg("call of the console panicked")
	s.fail(w, r, fault.New(fault.Internal, "An internal error occurred."))
}
