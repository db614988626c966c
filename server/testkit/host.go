package testkit

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"os"
	"path/filepath"

	"github.com/rs/zerolog"
	"golang.org/x/crypto/bcrypt"

	"kumi/config"
	"kumi/match"
	"kumi/server"
)

// host is the server that a test file runs against.
type host struct {
	*server.Server
	config   *config.Config
	handler  http.Handler
	listener listener
	client   *http.Client // opens sockets
	log      *logBook
	stubs    *stubs
	settled  chan struct{} // has one element while nobody waits for the bubble; see settle
	signing  chan struct{} // has one element while nobody uses players and open
	dir      string
	players  map[string]*account
	open     []*player       // since the running test began
	lasting  map[string]bool // matches that modules created when they were loaded
}

// startHost starts a server with the modules of a folder.
func startHost(ctx context.Context, job Job) (_ *host, err error) {
	h := &host{listener: listen(), log: &logBook{}, stubs: &stubs{}, settled: make(chan struct{}, 1), signing: make(chan struct{}, 1), players: map[string]*account{}}
	h.settled <- struct{}{}
	h.signing <- struct{}{}
	if h.dir, err = os.MkdirTemp(memory(), "kumi-test-"); err != nil {
		return nil, err
	}
	database, err := os.ReadFile(job.Database)
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(h.dir, "kumi.db"), database, 0o600); err != nil {
		return nil, err
	}
	defaults := []string{
		"--socket.ping_period_ms", "3600000", "--socket.pong_wait_ms", "7200000", "--runtime.js_min_count", "1", "--runtime.lua_min_count", "1",
		// Handlers of events run in order, so that the seed repeats the run.
		"--leaderboard.callback_queue_workers", "1", "--runtime.event_queue_workers", "1",
	}
	if h.config, _, err = config.Load(append(defaults, job.Args...), job.Env); err != nil {
		return nil, err
	}
	cfg := h.config
	cfg.DataDir, cfg.Database.Address, cfg.Runtime.Path = h.dir, nil, job.Folder
	cfg.Console.Port, cfg.Metrics.PrometheusPort, cfg.Runtime.Watch = 0, 0, false
	log := zerolog.New(h.log).Level(zerolog.DebugLevel).With().Timestamp().Logger()
	h.Server, err = server.New(ctx, cfg, log, server.PasswordCost(bcrypt.MinCost), server.SteadyClock(), server.On(h.listener),
		server.HTTP(h.stubs), server.Providers(h.stubs, nil))
	if err != nil {
		return nil, fmt.Errorf("start the server: %w", err)
	}
	if err := h.Start(ctx); err != nil {
		return nil, fmt.Errorf("start the server: %w", err)
	}
	// What is in an empty database was written in real time.
	for _, set := range []string{"users SET create_time = $1, update_time = $1 WHERE create_time > $1", "migration_info SET applied_at = $1 WHERE applied_at > $1"} {
		if _, err := h.DB().Exec(ctx, "UPDATE "+set, began); err != nil {
			return nil, err
		}
	}
	h.lasting = map[string]bool{}
	for _, id := range h.matches() {
		h.lasting[id] = true
	}
	h.handler = h.Handler()
	h.client = &http.Client{Transport: &http.Transport{DialContext: h.listener.dial}}
	return h, nil
}

// matches returns the ids of the authoritative matches.
func (h *host) matches() (ids []string) {
	list, _ := h.Game().Matches.ListHere(match.ListFilter{Limit: math.MaxInt}) // fails for a bad query only
	for _, m := range list {
		ids = append(ids, m.Match.MatchId)
	}
	return ids
}

// leave disconnects the players of a test, and ends the matches that began during it.
func (h *host) leave() {
	<-h.signing // a test that did not await a player may have ended before it
	open := h.open
	h.open = nil
	h.signing <- struct{}{}
	for _, p := range open {
		p.socket.drop()
	}
	h.settle()
	for _, id := range h.matches() {
		if !h.lasting[id] {
			_ = h.Game().Matches.End(context.Background(), id, 0) // it may have ended
		}
	}
	h.settle()
}

// memory returns a folder whose files are in memory, or else the one for temporary files.
func memory() string {
	const linux = "/dev/shm"
	if info, err := os.Stat(linux); err == nil && info.IsDir() {
		return linux
	}
	return ""
}

// close removes the files of the server. It is not stopped: the process ends.
func (h *host) close() { _ = os.RemoveAll(h.dir) }
