// Package server assembles a whole game server: REST and gRPC, sockets,
// metrics and everything below.
//
// A Server is made with New, runs between Start and Stop, and is used from the
// goroutine that made it; the handlers of its ports run on any.
package server

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"kumi/config"
	"kumi/core"
	"kumi/core/consolepb"
	"kumi/fleet"
	"kumi/hooks"
	"kumi/match"
	"kumi/modules"
	"kumi/modules/httproute"
	"kumi/modules/source"
	"kumi/server/api"
	"kumi/server/game"
	"kumi/server/history"
	"kumi/server/logs"
	"kumi/server/metrics"
	"kumi/server/socket"
	"kumi/server/transport"
	"kumi/store"
	"kumi/vm"
)

// Version is the server's version, shown to clients, modules and operators. A release
// build sets it with -ldflags "-X kumi/server.Version=…".
var Version = "0.1.0-dev"

// Server is a whole game server.
type Server struct {
	config *config.Config
	log    zerolog.Logger

	db      *store.DB
	game    *game.Game
	metrics *metrics.Metrics
	events  *events
	early   earlyEvents
	guard   *vm.Guard
	set     atomic.Pointer[modules.Set]

	api     *api.Server
	sockets *socket.Server
	console consolePort // nil if disabled
	ports   *ports
	// anyConsolePort opens the console on a free port.
	anyConsolePort bool
	listener       net.Listener // see On; nil: the configured ports
	scope          *core.Scope  // for calls without a caller, such as shutdown
	// describe says what this node does, with a console.
	describe func() *consolepb.StatusList_Status
	dev      bool             // see Dev
	lines    *logs.Ring       // the last lines of the log, for the console
	history  *history.History // with a console: the figures of the last day
	figures  *metrics.Figures
	reloads  reloads
	drain    drain
	jobs     jobs
	node     *clusterNode // nil outside a cluster
	recorder *match.Recorder
	failed   chan error
	fleet    *fleet.Manager // nil if it is not configured
}

// Option changes something that has no setting.
type Option func(*Server, *game.Options)

// PasswordCost sets bcrypt's cost for new passwords. Only tests need it.
func PasswordCost(cost int) Option { return func(_ *Server, o *game.Options) { o.PasswordCost = cost } }

// SteadyClock says that nobody sets the clock, the machine never sleeps and no other server
// uses the database. Only tests with virtual time can promise that.
func SteadyClock() Option { return func(_ *Server, o *game.Options) { o.SteadyClock = true } }

// FreeConsolePort opens the console on a free port instead of the configured one. Only
// tests need it.
func FreeConsolePort() Option { return func(s *Server, _ *game.Options) { s.anyConsolePort = true } }

// Dev says that the server runs for a developer, who may pause matches.
func Dev() Option { return func(s *Server, _ *game.Options) { s.dev = true } }

// Lines says that the log also goes to a ring, for the console.
func Lines(ring *logs.Ring) Option { return func(s *Server, _ *game.Options) { s.lines = ring } }

// Providers replaces the transport and the trusted roots for requests to sign-in
// providers and stores of apps. Only tests need it.
func Providers(transport http.RoundTripper, roots *x509.CertPool) Option {
	return func(_ *Server, o *game.Options) { o.Transport, o.Roots = transport, roots }
}

// New opens the database, migrates the embedded one and loads the modules. It
// does not listen yet. If it fails, it closes what it opened.
func New(ctx context.Context, cfg *config.Config, log zerolog.Logger, options ...Option) (_ *Server, err error) {
	s := &Server{config: cfg, log: log, lines: logs.NewRing(), failed: make(chan error, 6), drain: drain{requested: make(chan struct{})}}
	if cfg.Cluster.On() {
		s.log = log.With().Str("node", cfg.Name).Logger()
		log = s.log
	}
	s.reloads.init()
	defer func() {
		if err != nil {
			_ = s.close() // report the first error
		}
	}()
	if err := s.openDatabase(ctx); err != nil {
		return nil, err
	}

	env := parseEnv(cfg.GetRuntime().GetEnv())
	s.scope = &core.Scope{Env: env, Node: cfg.Name, Version: Version}
	s.metrics = metrics.New(cfg, s.db.Stats)
	o := game.Options{
		Config: cfg, DB: s.db, Logger: log, Metrics: s.metrics, Version: Version, Scope: s.scope,
		Hooks: func() *hooks.Registry { return s.set.Load().Hooks },
	}
	s.recorder = s.newRecorder()
	o.Recorder = s.recorder
	for _, option := range options {
		option(s, &o)
	}
	s.makeNode()
	s.connectGame(&o)
	if s.game, err = game.New(o); err != nil {
		return nil, err
	}
	s.serveGame()
	if err := s.game.Core.LoadRevocations(ctx); err != nil {
		return nil, err
	}
	if err := s.game.Core.LoadMaintenance(ctx); err != nil {
		return nil, err
	}
	s.guard = vm.NewGuard(vm.GuardOptions{
		Call: uint64(cfg.Runtime.MaxCallMemoryMB) << 20, Heap: uint64(cfg.Runtime.MaxHeapMB) << 20, Report: s.heapLimit,
	})
	s.events = newEvents(cfg.Runtime.EventQueueSize, cfg.Runtime.EventQueueWorkers, s.metrics, log)
	s.game.Core.OnEvent(s.customEvent)

	if err := s.startFleet(); err != nil {
		return nil, err
	}
	s.reloads.sums = source.Sums(cfg.Runtime.Path)
	set, err := modules.Load(ctx, s.moduleOptions(env))
	if err != nil {
		return nil, err
	}
	s.set.Store(set)
	s.game.Core.SetStorageIndexes(set.Indexes)
	s.early.release()
	s.metrics.Pools(set)
	s.game.Matches.SetHandlers(func(name string) (match.Factory, bool) { return s.set.Load().Handler(name) })

	deps := transport.Deps{
		Config: cfg, Log: log, Core: s.game.Core, Set: s.set.Load, Reload: s.Reload,
		Metrics: s.metrics, Env: env, Version: Version,
	}
	s.api = api.New(deps)
	s.sockets = socket.New(socket.Options{Deps: deps, Game: s.game, Event: s.sessionEvent})
	if err := s.openConsole(ctx); err != nil {
		return nil, err
	}
	if n := len(set.ConsoleHTTP); n > 0 && s.console == nil {
		log.Warn().Int("routes", n).Msg("modules registered routes on the console's port, which is not open")
	}
	return s, nil
}

// callOwner identifies who a write belongs to: the user of a call, or else the address
// it came from.
func callOwner(ctx context.Context) string {
	s, _ := core.ScopeOf(ctx)
	if s == nil || s.UserID == "" && s.ClientIP == "" {
		return ""
	}
	if s.UserID != "" {
		return s.UserID
	}
	return "ip " + s.ClientIP
}

func (s *Server) openDatabase(ctx context.Context) (err error) {
	cfg := s.config
	s.db, err = store.Open(ctx, store.Options{
		Address: databaseAddress(cfg), DataDir: cfg.DataDir, Exclusive: true, Owner: callOwner,
		MaxOpenConns: cfg.Database.MaxOpenConns, MaxIdleConns: cfg.Database.MaxIdleConns,
		TransactionTimeout: time.Duration(cfg.Database.TransactionTimeoutMs) * time.Millisecond,
		ConnMaxLifetime:    config.Milliseconds(cfg.Database.ConnMaxLifetimeMs), Logger: s.log,
	})
	if err != nil {
		return fmt.Errorf("open database: %w", err)
	}
	// The embedded database belongs to this server alone, so migrate it. PostgreSQL
	// may be shared: there the operator migrates.
	if s.db.Dialect() == store.SQLite {
		if err := store.Migrate(ctx, s.db); err != nil {
			return fmt.Errorf("migrate the embedded database: %w", err)
		}
	}
	warning, err := s.db.CheckMigrations(ctx)
	if err != nil {
		return err
	}
	if warning != "" {
		s.log.Warn().Msg(warning)
	}
	return nil
}

func (s *Server) moduleOptions(env map[string]string) modules.Options {
	rt := &s.config.Runtime
	return modules.Options{
		Path: rt.Path, JSEntrypoint: rt.JSEntrypoint,
		Core: s.game.Core, Matches: s.game.Matches, Config: s.config, DB: s.db, Logger: s.log,
		Env: env, Node: s.config.Name, Version: Version,
		CallTimeout: config.Milliseconds(rt.CallTimeoutMs), TickTimeout: config.Milliseconds(rt.TickTimeoutMs),
		Guard: s.guard, MaxResult: rt.MaxResultBytes,
		JSMin: rt.JSMinCount, JSMax: rt.JSMaxCount, JSStack: rt.JSStackSize, JSReadOnlyGlobals: rt.JSReadOnlyGlobals,
		JSMatchStateNulls: rt.JSMatchStateNulls,
		LuaMin:            rt.LuaMinCount, LuaMax: rt.LuaMaxCount, LuaStack: rt.LuaCallStackSize,
		OwnRoutes: ownRoutes, ConsoleRoutes: s.consoleRoutes,
		LuaRegistry: rt.LuaRegistrySize, LuaReadOnlyGlobals: rt.LuaReadOnlyGlobals,
	}
}

// ownRoutes lists the server's own paths on the client port.
func ownRoutes() []httproute.Own {
	return append(api.Routes(), httproute.Own{Pattern: socket.Path, Name: "the socket", First: true})
}

// Modules returns the loaded set of modules.
func (s *Server) Modules() *modules.Set { return s.set.Load() }

// Start joins the cluster, if there is one, and opens the ports. After that the server is
// healthy.
func (s *Server) Start(ctx context.Context) error {
	if err := s.startNode(ctx); err != nil {
		return err
	}
	ports, err := listen(ctx, s) // before anything is taken out of the database
	if err != nil {
		return err
	}
	s.restoreSessions(ctx) // first, so that what matches send is queued for them
	if err := s.game.Matches.Restore(ctx); err != nil {
		ports.abandon()
		return err
	}
	if s.node == nil {
		s.sockets.Restored(ctx)
	}
	s.ports = ports
	ports.serve(s)
	s.game.Desk.Start()
	s.startJobs()
	if s.console != nil {
		s.recordHistory()
	}
	if s.config.Runtime.Watch {
		return s.watch()
	}
	return nil
}

// Stop stops the server in order: it refuses new matches and calls the modules'
// shutdown handler, gives matches the configured grace period (or until ctx ends),
// then closes the ports, the sessions and finally the database. It may be called once.
func (s *Server) Stop(ctx context.Context) error {
	s.Drain() // says so to load balancers
	drained := s.drainSockets(ctx)
	if s.node != nil {
		s.node.Drain()
		s.resign(ctx)
	}
	s.reloads.stop()
	s.stopGames(ctx)
	<-drained
	s.stopFleet(ctx)
	s.stopJobs(ctx)
	var errs []error
	if s.sockets != nil {
		errs = append(errs, s.stopSockets(ctx))
	}
	if s.ports != nil {
		errs = append(errs, s.ports.close(ctx))
	}
	errs = append(errs, s.keepSessions())
	return errors.Join(append(errs, s.close())...)
}

// stopGames ends the matches. With a grace period the shutdown handler runs
// while the matches terminate, as in Nakama.
func (s *Server) stopGames(ctx context.Context) {
	grace := s.config.ShutdownGraceSec
	ctx, cancel := context.WithTimeout(ctx, time.Duration(grace)*time.Second)
	defer cancel()
	done := make(chan struct{})
	go func() {
		defer close(done)
		if hook := s.set.Load().Hooks.Single.Shutdown; hook != nil && grace > 0 {
			hook.Call(core.WithMode(ctx, s.scope, "shutdown"))
		}
	}()
	s.game.Matches.Stop(ctx, grace)
	select {
	case <-done:
	case <-ctx.Done():
	}
}

// close closes what New opened, as far as it got.
func (s *Server) close() error {
	if s.game != nil {
		s.game.Desk.Stop() // while the other nodes can be told
	}
	if err := s.leaveCluster(); err != nil {
		s.log.Warn().Err(err).Msg("this node has left the cluster without the database")
	}
	if s.jobs.cancel != nil {
		s.jobs.cancel()
	}
	if s.fleet != nil {
		ended, cancel := context.WithCancel(context.Background())
		cancel()
		s.fleet.Close(ended) // has been closed, unless the start failed
	}
	if s.events != nil {
		s.events.close()
	}
	if s.game != nil {
		s.game.Core.Close()
	}
	if s.recorder != nil {
		s.recorder.Close()
	}
	if set := s.set.Load(); set != nil {
		set.Close()
	}
	s.guard.Close()
	if s.game != nil {
		s.game.Tracker.Close()
	}
	if s.db != nil {
		if err := s.db.Close(); err != nil {
			return fmt.Errorf("close database: %w", err)
		}
	}
	return nil
}

// parseEnv converts validated KEY=VALUE entries to the environment that modules see.
func parseEnv(entries []string) map[string]string {
	env := make(map[string]string, len(entries))
	for _, e := range entries {
		key, value, _ := strings.Cut(e, "=")
		env[key] = value
	}
	return env
}

// databaseName describes the database in a few words.
func (s *Server) databaseName() string {
	if s.db.Dialect() == store.SQLite {
		return "SQLite, " + filepath.ToSlash(s.db.Path())
	}
	return "PostgreSQL, " + s.config.Database.Address.Redacted()[0]
}

// databaseAddress returns the first configured address, the only one in use; empty
// means the embedded database.
func databaseAddress(cfg *config.Config) string {
	if len(cfg.Database.Address) == 0 {
		return ""
	}
	return cfg.Database.Address[0]
}
