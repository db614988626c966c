// Package game assembles a game server without ports: presences, matches, parties,
// the matchmaker and core. The server and tests use it.
package game

import (
	"crypto/x509"
	"net/http"
	"time"

	"github.com/rs/zerolog"

	"kumi/config"
	"kumi/core"
	"kumi/core/social"
	"kumi/hooks"
	"kumi/internal/random"
	"kumi/match"
	"kumi/match/matchmaker"
	"kumi/match/party"
	"kumi/presence"
	"kumi/store"
)

// Metrics are the metrics of the parts of a game.
type Metrics interface {
	core.Metrics
	match.Metrics
	party.Metrics
	matchmaker.Metrics
	presence.Metrics
	// ProviderRequest counts a request to a host of a sign-in provider or a store of apps.
	ProviderRequest(host string, ok bool, took time.Duration)
	// SatoriRequest counts a request to Satori.
	SatoriRequest(call, result string, took time.Duration)
}

// Options configure a Game. Config and Scope are required.
type Options struct {
	Config  *config.Config
	DB      *store.DB // if nil, operations that need a database fail
	Logger  zerolog.Logger
	Metrics Metrics
	Version string
	// Hooks returns the hooks of the loaded modules; nil: there are none. Scope is for
	// calls into modules that no client made.
	Hooks func() *hooks.Registry
	Scope *core.Scope
	// Transport sends requests to sign-in providers and stores of apps, and Roots are the
	// authorities that their certificates must lead to; nil: connections of their own, and
	// the system's and Apple's.
	Transport http.RoundTripper
	Roots     *x509.CertPool
	// MatchmakerNetwork and MatchmakerDecider connect the matchmaker with those of other
	// nodes; nil on a single node.
	MatchmakerNetwork matchmaker.Network
	MatchmakerDecider matchmaker.Decider
	// OtherMatches and OtherParties are those of the other nodes; nil on a single node.
	OtherMatches match.Elsewhere
	OtherParties party.Elsewhere
	// Recorder records matches; nil: none are recorded.
	Recorder *match.Recorder
	// HTTP sends the requests of modules, instead of connections of their own; may be nil.
	HTTP http.RoundTripper
	// PasswordCost is bcrypt's cost for new passwords; 0 is the default.
	PasswordCost int
	// SteadyClock is core.Options.SteadyClock.
	SteadyClock bool
}

// Game is a game server without ports. Its fields are set by New and
// read-only; each may be used from any goroutine.
type Game struct {
	Core       *core.Core
	Sessions   *presence.Sessions
	Tracker    *presence.Tracker
	Router     *presence.Router
	Matches    *match.Registry
	Parties    *party.Registry
	Matchmaker *matchmaker.Matchmaker
	// Desk starts and stops the matchmaker, and knows the tickets of all nodes.
	Desk *matchmaker.Desk
}

// New makes a game. The matchmaker does not run until Desk.Start is called. New fails
// if settings contradict each other.
func New(o Options) (*Game, error) {
	cfg := o.Config
	hosts, err := core.ParseHostRules(cfg.Runtime.HTTPAllow, cfg.Runtime.HTTPDeny)
	if err != nil {
		return nil, err
	}
	stores, err := storeOptions(&cfg.IAP, o.Transport, o.Roots, o.Logger)
	if err != nil {
		return nil, err
	}
	if o.Metrics != nil {
		stores.Observe = o.Metrics.ProviderRequest
	}
	settings := social.Options{
		Transport: o.Transport, Roots: o.Roots, Logger: o.Logger,
		AppleBundleID:         cfg.Social.Apple.BundleID,
		GameCenterBundleIDs:   cfg.Social.GameCenter.BundleIDs,
		GoogleCredentials:     string(cfg.GoogleAuth.CredentialsJSON),
		GoogleClientIDs:       cfg.GoogleAuth.ClientIDs,
		FacebookAppID:         cfg.Social.FacebookLimitedLogin.AppID,
		FacebookInstantSecret: string(cfg.Social.FacebookInstantGame.AppSecret),
		SteamPublisherKey:     string(cfg.Social.Steam.PublisherKey), SteamAppID: cfg.Social.Steam.AppID,
	}
	if o.Metrics != nil {
		settings.Observe = o.Metrics.ProviderRequest
	}
	providers, err := social.New(settings)
	if err != nil {
		return nil, err
	}
	g := &Game{Sessions: presence.NewSessions()}
	g.Tracker = presence.NewTracker(presence.TrackerOptions{
		Node: cfg.Name, Sessions: g.Sessions, Logger: o.Logger,
		EventQueue: cfg.Tracker.EventQueueSize, Metrics: o.Metrics,
	})
	g.Router = presence.NewRouter(g.Tracker)
	var snapshots match.SnapshotStore
	keep, snapshotTicks, _ := config.MatchSnapshots(cfg.Match.Snapshot)
	if keep && o.DB != nil {
		snapshots = core.NewMatchSnapshots(o.DB)
	}
	g.Matches = match.NewRegistry(match.Options{
		Node: cfg.Name, Tracker: g.Tracker, Router: g.Router, Logger: o.Logger, Metrics: o.Metrics, Elsewhere: o.OtherMatches, Recorder: o.Recorder,
		TokenKey:           []byte(cfg.Session.EncryptionKey),
		InputQueue:         cfg.Match.InputQueueSize,
		SignalQueue:        cfg.Match.SignalQueueSize,
		JoinAttemptQueue:   cfg.Match.JoinAttemptQueueSize,
		DeferredQueue:      cfg.Match.DeferredQueueSize,
		JoinMarkerDeadline: config.Milliseconds(cfg.Match.JoinMarkerDeadlineMs),
		KeepSockets:        cfg.Match.OnError == "leave",
		MaxEmpty:           time.Duration(cfg.Match.MaxEmptySec) * time.Second,
		Snapshots:          snapshots,
		SnapshotTicks:      snapshotTicks,
		ResumeTime:         time.Duration(cfg.Match.ResumeSec) * time.Second,
		RestoreTime:        3 * config.Milliseconds(cfg.Runtime.TickTimeoutMs), // matchRestore, matchRestored, and the rest
	})
	m := &matchmaking{log: o.Logger, hooks: o.Hooks, scope: o.Scope, router: g.Router, matches: g.Matches}
	workers := 0 // the default
	if random.Generator() != nil {
		workers = 1 // one match after the other, so that the seed repeats their ids
	}
	g.Matchmaker = matchmaker.New(matchmaker.Options{
		MaxTickets: cfg.Matchmaker.MaxTickets, MaxIntervals: cfg.Matchmaker.MaxIntervals,
		Interval:     time.Duration(cfg.Matchmaker.IntervalSec) * time.Second,
		RevPrecision: cfg.Matchmaker.RevPrecision, RevThreshold: cfg.Matchmaker.RevThreshold,
		TicketTimeout: time.Duration(cfg.Matchmaker.TicketTimeoutSec) * time.Second,
		Rand:          random.Generator(),
		Workers:       workers,
		OnMatched:     m.matched, OnTimeout: m.timedOut, Hooks: m.replaced,
		Logger: o.Logger, Metrics: o.Metrics,
	})
	g.Desk = matchmaker.NewDesk(g.Matchmaker, matchmaker.DeskOptions{
		Network: o.MatchmakerNetwork, Decider: o.MatchmakerDecider, Hooked: m.hooked, Place: m.place, Tell: m.tell,
		HookDeadline: config.Milliseconds(cfg.Runtime.CallTimeoutMs), Logger: o.Logger,
	})
	g.Parties = party.NewRegistry(party.Options{
		Node: cfg.Name, Tracker: g.Tracker, Router: g.Router, Matchmaker: g.Matchmaker,
		Logger: o.Logger, Metrics: o.Metrics, Elsewhere: o.OtherParties,
	})
	g.Core = core.New(core.Options{
		DB: o.DB, Hosts: hosts, HTTP: o.HTTP, Social: providers, Config: cfg, Logger: o.Logger, Metrics: o.Metrics, Version: o.Version,
		Tracker: g.Tracker, Router: g.Router, Sessions: g.Sessions, Matches: g.Matches,
		Parties: g.Parties, Matchmaker: g.Desk,
		ModulesPath: cfg.Runtime.Path, LocalCache: cfg.Runtime.MaxLocalCacheMB << 20, PasswordCost: o.PasswordCost, SteadyClock: o.SteadyClock,
		Unranked: cfg.Leaderboard.BlacklistRankCache, NoIndexOnly: cfg.Storage.DisableIndexOnly, Satori: satoriOptions(cfg, o.Metrics), Stores: stores,
	})
	return g, nil
}
