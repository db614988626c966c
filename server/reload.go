package server

import (
	"context"
	"crypto/sha256"
	"slices"
	"sync"
	"time"

	"kumi/core/consolepb"
	"kumi/internal/recent"
	"kumi/modules"
	"kumi/modules/registry"
	"kumi/store/fault"
)

// reloads is the part of a Server that reloads modules.
type reloads struct {
	ctx    context.Context // ends when the server stops
	cancel context.CancelFunc
	work   sync.WaitGroup // background work: the watcher, moving matches

	mu   sync.Mutex // held while modules load
	swap context.CancelFunc
	sums map[string][sha256.Size]byte // of the files that were loaded last

	done *recent.List[*consolepb.Reload] // the last ones, for the console
}

// keptReloads is how many reloads are remembered for the console.
const keptReloads = 20

func (r *reloads) init() {
	r.ctx, r.cancel = context.WithCancel(context.Background())
	r.done = recent.NewList[*consolepb.Reload](keptReloads, 0, nil)
}

// stop ends reloading for good and waits for work in progress.
func (r *reloads) stop() {
	r.cancel()
	r.mu.Lock() // a running reload returns soon: its context is cancelled
	r.swap = nil
	r.mu.Unlock()
	r.work.Wait()
}

// Reload reloads the script modules and replaces the running ones between calls: calls
// in progress end with the code that they began with. Go modules are not reloaded. If
// the new modules cannot be loaded, the old ones stay, and the error, which has the
// code FailedPrecondition and has been logged, says what is wrong and where. The code
// is Unavailable while the server stops.
//
// runtime.match_reload decides what happens to running matches; they may move to the
// new code after Reload has returned. Reload may be called from any goroutine;
// concurrent calls wait for each other.
func (s *Server) Reload(ctx context.Context) error {
	r := &s.reloads
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ctx.Err() != nil {
		return errStopping
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(r.ctx, cancel)()

	began, old := time.Now(), s.set.Load()
	report := s.beginReport(began, old)
	set, err := modules.Reload(ctx, s.moduleOptions(s.scope.Env), old)
	if err != nil {
		if r.ctx.Err() != nil {
			return errStopping
		}
		if ctx.Err() != nil {
			s.log.Info().Str("module_version", old.Version).Msg("module reload canceled, keeping the running modules: " + abandoned)
			return fault.Wrap(fault.Canceled, "the reload was canceled", err)
		}
		s.metrics.Reloaded(false)
		s.report(report, old, err)
		s.log.Error().Str("module_version", old.Version).Msg("modules cannot be reloaded, keeping the running ones: " + err.Error())
		return fault.Wrap(fault.FailedPrecondition, err.Error(), err)
	}
	s.set.Store(set)
	s.metrics.Pools(set)
	s.metrics.Reloaded(true)
	s.report(report, set, nil)
	s.game.Core.JobsChanged()
	s.game.Core.SetStorageIndexes(set.Indexes)
	old.Retire()
	s.log.Info().Str("module_version", set.Version).Str("before", old.Version).Int64("took_ms", time.Since(began).Milliseconds()).Msg("modules reloaded")
	s.lost(old, set)
	if s.config.Runtime.MatchReload == "swap" {
		s.swapMatches()
	}
	return nil
}

const abandoned = "the files changed again, or the caller disconnected"

// lost warns if a reload left no module of a language, for example because the entry
// file was deleted.
func (s *Server) lost(old, set *modules.Set) {
	for _, runtime := range []string{"lua", "javascript"} {
		var files []string
		for _, m := range old.Modules {
			if m.Runtime == runtime {
				files = append(files, m.Path)
			}
		}
		if len(files) > 0 && !slices.ContainsFunc(set.Modules, func(m registry.Loaded) bool { return m.Runtime == runtime }) {
			s.log.Warn().Str("runtime", runtime).Strs("gone", files).Str("module_version", set.Version).
				Msg("no " + runtime + " module is left: what the removed ones registered does not exist any more")
		}
	}
}

var errStopping = fault.New(fault.Unavailable, "the server is stopping")

// swapMatches moves the running matches to the new handlers, in the
// background. It replaces an earlier move that is not done.
func (s *Server) swapMatches() {
	r := &s.reloads
	if r.swap != nil {
		r.swap()
	}
	ctx, cancel := context.WithCancel(r.ctx)
	r.swap = cancel
	r.work.Go(func() {
		defer cancel()
		s.game.Matches.Swap(ctx)
	})
}
