// Package core implements every operation of the game server once, with its
// rules, permissions and side effects. REST, gRPC, sockets and module code in
// every language call the same operations.
//
// A *Core and its *Module may be used from any goroutine. Errors carry fault
// codes. The package does not know about transports and script engines; it
// must not import hooks, rpc, vm, modules or server.
package core

import (
	"context"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/heroiclabs/nakama-common/api"
	"github.com/heroiclabs/nakama-common/runtime"
	"github.com/rs/zerolog"

	"kumi/core/purchase"
	"kumi/core/rank"
	"kumi/core/satori"
	"kumi/core/social"
	"kumi/match"
	"kumi/match/matchmaker"
	"kumi/match/party"
	"kumi/presence"
	"kumi/store"
)

// Options configure a Core. DB, Config, Tracker, Router, Sessions and Matches
// are required, for a whole server Parties and Matchmaker too.
type Options struct {
	DB       *store.DB
	Config   runtime.Config
	Logger   zerolog.Logger
	Metrics  Metrics // nil: nothing is recorded
	Version  string
	Tracker  *presence.Tracker
	Router   *presence.Router
	Sessions *presence.Sessions
	Matches  *match.Registry

	Parties    *party.Registry
	Matchmaker *matchmaker.Desk
	// ModulesPath is the folder that module code may read files from.
	ModulesPath string
	// Social asks sign-in providers; nil means that none is configured.
	Social *social.Client
	// Hosts restricts the hosts that scripts may send HTTP requests to; nil: all.
	Hosts *HostRules
	// HTTP sends the requests of scripts, instead of connections of their own; may be nil.
	// Hosts then has no effect.
	HTTP http.RoundTripper
	// LocalCache bounds the cache of each script language, in bytes; 0: no bound.
	LocalCache int
	// Unranked are leaderboards whose ranks are not shown; * alone is all.
	Unranked []string
	// Satori is the connection to a Satori server. Its clock is Now.
	Satori satori.Options
	// NoIndexOnly makes storage indexes that are index-only read the database
	// nevertheless.
	NoIndexOnly bool
	// Stores configures the client of the stores of apps.
	Stores purchase.Options
	// Now is the clock; nil means time.Now.
	Now func() time.Time
	// SteadyClock says that nobody sets the clock, the machine never sleeps and no other
	// server uses the database, as in tests with virtual time. Then there are no looks at the
	// database before something is due.
	SteadyClock bool
	// PasswordCost is bcrypt's cost; 0 means 13. Tests use a low one.
	PasswordCost int
}

// Metrics receives what operations and module code count. Implementations must
// not block.
type Metrics interface {
	// CustomCounter, CustomGauge and CustomTimer implement the metrics functions of
	// modules. They apply the configured prefix and limit the number of tag sets.
	CustomCounter(name string, tags map[string]string, delta int64)
	CustomGauge(name string, tags map[string]string, value float64)
	CustomTimer(name string, tags map[string]string, value time.Duration)
	// StorageReject counts a rejected write; reason is "version" or "permission". The
	// name of the collection is a client's choice if the write was a client's.
	StorageReject(collection, reason string, client bool)
	// StorageIndex records how many entries a storage index has and whether it is
	// complete, StorageIndexEntries only the former. StorageIndexGone removes it.
	StorageIndex(name string, entries int, complete bool)
	StorageIndexEntries(name string, entries int)
	StorageIndexGone(name string)
	// StorageIndexBehind records how old the state of other servers is that the
	// storage indexes have.
	StorageIndexBehind(age time.Duration)
	// JobRun counts a run of a job.
	JobRun(job string, ok bool)
}

// Core implements the game server's operations. Make one with New.
type Core struct {
	db         *store.DB
	config     runtime.Config
	log        zerolog.Logger
	metrics    Metrics
	version    string
	tracker    *presence.Tracker
	router     *presence.Router
	sessions   *presence.Sessions
	matches    *match.Registry
	parties    *party.Registry
	matchmaker *matchmaker.Desk
	modules    string
	hosts      *HostRules
	http       http.RoundTripper // nil: see Options.HTTP
	satori     *satori.Client
	fleet      fleet
	bans       *ownTable
	// maintenance keeps sessions from beginning.
	maintenance maintenance
	social      *social.Client
	now         func() time.Time
	steadyClock bool // see Options.SteadyClock
	tokens      *Tokens
	// revocations are those of tokens, in the database. tellOthers tells the other nodes of
	// a cluster of them; nil: there are none.
	revocations storedRevocations
	tellOthers  func(ctx context.Context, payload []byte)
	// passwords limits the CPUs used for password hashing.
	passwords passwords
	attempts  loginAttempts
	caches    sync.Map // language → *LocalCache
	// localCache bounds each of them, in bytes.
	localCache int
	events     atomic.Pointer[func(context.Context, *api.Event)]
	// background is work that outlives its call; see Close.
	background *background
	// positions is the last edge position that was assigned.
	positions atomic.Int64
	jobs      jobs
	schedules schedules // of leaderboards
	// rankIndex counts records for ranks, in rankTable.
	rankIndex *rank.Index
	rankTable *ownTable
	unranked  []string
	// stores confirm purchases.
	stores        *purchase.Stores
	notifications notifications
	// eventTable has the resets and ends of boards; boardsWake is for RunBoards.
	eventTable *ownTable
	// metricTable has the figures of the last day, if the server stores them.
	metricTable *ownTable
	boardsWake  chan struct{}
	indexes     storageIndexes
	// noIndexOnly is Options.NoIndexOnly.
	noIndexOnly bool
	// notifyBatch is the number of accounts per transaction of a notification to all.
	notifyBatch int
}

// New makes a Core. It starts no goroutine; what operations start later ends
// with Close.
func New(o Options) *Core {
	c := &Core{
		db: o.DB, config: o.Config, log: o.Logger, metrics: o.Metrics, version: o.Version,
		tracker: o.Tracker, router: o.Router, sessions: o.Sessions, matches: o.Matches,
		parties: o.Parties, matchmaker: o.Matchmaker,
		modules: o.ModulesPath, hosts: o.Hosts, http: o.HTTP, localCache: o.LocalCache, now: o.Now, unranked: o.Unranked,
	}
	if c.now == nil {
		c.now = time.Now
	}
	if c.social = o.Social; c.social == nil {
		c.social, _ = social.New(social.Options{}) // fails only for credentials
	}
	if c.metrics == nil {
		c.metrics = noMetrics{}
	}
	o.Satori.Now = c.now
	c.satori = satori.New(o.Satori)
	if o.Stores.Now == nil {
		o.Stores.Now = c.now
	}
	c.stores, c.notifications.table = purchase.New(o.Stores), newNotificationTable()
	c.fleet.callbacks.log = c.log
	c.background = newBackground()
	c.noIndexOnly = o.NoIndexOnly
	c.indexes.init()
	c.jobs.wake = make(chan struct{}, 1)
	c.jobs.states = newJobStates()
	c.jobs.table, c.bans = newJobTable(), newBanTable()
	c.maintenance.init()
	c.metricTable = newMetricTable()
	c.revocations.table = newRevocationTable()
	c.eventTable, c.boardsWake = newEventTable(), make(chan struct{}, 1)
	if c.rankTable = newRankTable(c.db); c.db != nil {
		c.rankIndex = rank.New(c.db.Dialect())
	}
	if c.notifyBatch = 10_000; c.db != nil && c.db.Dialect() == store.SQLite {
		c.notifyBatch = 1000 // other writers wait for a batch
	}
	c.tokens = newTokens(o.Config.GetSession(), c.now)
	c.passwords, c.steadyClock = newPasswords(o.PasswordCost), o.SteadyClock
	c.attempts.now, c.attempts.limits = c.now, playerLimits
	return c
}

// OnEvent sets the function that receives custom events, which are dropped
// before.
func (c *Core) OnEvent(deliver func(ctx context.Context, e *api.Event)) { c.events.Store(&deliver) }

// Tokens issues and checks session tokens.
func (c *Core) Tokens() *Tokens { return c.tokens }

type noMetrics struct{}

func (noMetrics) CustomCounter(string, map[string]string, int64)       {}
func (noMetrics) CustomGauge(string, map[string]string, float64)       {}
func (noMetrics) CustomTimer(string, map[string]string, time.Duration) {}
func (noMetrics) StorageReject(string, string, bool)                   {}
func (noMetrics) JobRun(string, bool)                                  {}
func (noMetrics) StorageIndex(string, int, bool)                       {}
func (noMetrics) StorageIndexEntries(string, int)                      {}
func (noMetrics) StorageIndexGone(string)                              {}
func (noMetrics) StorageIndexBehind(time.Duration)                     {}
