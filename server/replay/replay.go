// Package replay runs recordings of matches again, for kumi replay and for tests: on the
// modules of a folder, without a network, and with an empty database of its own.
package replay

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/rs/zerolog"

	"kumi/cluster"
	"kumi/config"
	"kumi/match"
	"kumi/server"
)

// Read reads the file of a recording.
func Read(path string) (*match.Recording, error) {
	return match.ReadRecording(path, cluster.DecodeParams)
}

// Host is a server without ports whose match handlers replay recordings.
type Host struct {
	server *server.Server
	folder string
	log    *match.ReplayLog
}

// NewHost loads the modules of cfg.Runtime.Path. It changes cfg. Close must be called.
func NewHost(ctx context.Context, cfg *config.Config, node string) (*Host, error) {
	h := &Host{log: &match.ReplayLog{}}
	var err error
	if h.folder, err = os.MkdirTemp("", "kumi-replay-"); err != nil {
		return nil, err
	}
	cfg.Name, cfg.DataDir, cfg.Database.Address, cfg.Cluster = node, h.folder, nil, config.Cluster{}
	cfg.Console.Port, cfg.Metrics.PrometheusPort, cfg.Runtime.Watch = 0, 0, false
	cfg.Match.Record = string(match.RecordOff)
	cfg.Runtime.JSMinCount, cfg.Runtime.LuaMinCount = 1, 1
	log := zerolog.New(h.log).Level(zerolog.DebugLevel)
	if h.server, err = server.New(ctx, cfg, log, server.HTTP(noNetwork{}), server.Providers(noNetwork{}, nil)); err != nil {
		return nil, errors.Join(err, os.RemoveAll(h.folder))
	}
	h.log.Take()
	return h, nil
}

// On returns a Host that replays on the modules of a server that runs. It need not be closed.
func On(srv *server.Server) *Host { return &Host{server: srv, log: &match.ReplayLog{}} }

// Close stops the server and removes its files.
func (h *Host) Close() error {
	return errors.Join(h.server.Stop(context.Background()), os.RemoveAll(h.folder))
}

// Replay prepares the replay of a recording. The error has the code NotFound if the modules
// have no such handler.
func (h *Host) Replay(rec *match.Recording, states bool) (*match.Replay, error) {
	return match.NewReplay(rec, match.ReplayOptions{
		Find: h.server.Modules().Handler, Logger: zerolog.New(h.log), States: states,
		EncodeParams: cluster.EncodeParams, DecodeParams: cluster.DecodeParams,
	})
}

// Log returns what modules have logged since the last call.
func (h *Host) Log() []match.LogLine { return h.log.Take() }

// Report is the result of a whole replay.
type Report struct {
	Calls int
	// Ticks is how many ticks were replayed, and Rate that of the match.
	Ticks int64
	Took  time.Duration
	// First is the first call that differs, and Differences how; nil if none does.
	First       *match.Step
	Differences []match.Difference
	// State are differences of the state, found at StateTick: the first tick from First on whose
	// whole state was recorded.
	State     []match.Difference
	StateTick int64
}

// maxStateDifferences is how many differences of states are reported.
const maxStateDifferences = 20

// Run replays a recording up to the first difference and the whole state that follows it.
// each, if it is not nil, is called after each call with what was recorded and what was done
// now, and may end the replay by returning false.
func (h *Host) Run(ctx context.Context, rec *match.Recording, each func(p *match.Replay, want, got *match.Step) bool) (*Report, error) {
	p, err := h.Replay(rec, false)
	if err != nil {
		return nil, err
	}
	defer p.Close()
	r := &Report{}
	began, first := time.Now(), int64(0)
	for ctx.Err() == nil {
		want, got, err := p.Next(ctx)
		if err != nil {
			return r, err
		}
		if want == nil {
			break
		}
		if r.Calls == 0 {
			first = want.Tick
		}
		r.Calls++
		r.Ticks = want.Tick - first + 1
		if each != nil && !each(p, want, got) || r.compare(p, want, got) {
			break
		}
	}
	r.Took = time.Since(began)
	return r, ctx.Err()
}

// compare notes how a call differs, and returns whether nothing is missing in the report: that
// is after the first whole state from the first difference on.
func (r *Report) compare(p *match.Replay, want, got *match.Step) (complete bool) {
	if r.First == nil {
		if r.Differences = match.Compare(want, got); len(r.Differences) == 0 {
			return false
		}
		r.First = want
	}
	if got == nil { // the match has ended
		return true
	}
	if want.State == nil || string(want.State) == string(got.State) {
		return false
	}
	was, errWas := p.Describe(want.State)
	now, errNow := p.State()
	if errWas == nil && errNow == nil { // otherwise the differences of the calls must do
		r.State, r.StateTick = match.CompareStates(was, now, maxStateDifferences), want.Tick
	}
	return true
}

// Parting is where two runs of a recording part.
type Parting struct {
	Step        *match.Step // as it was recorded
	Differences []match.Difference
	State       []match.Difference
}

// Lines describes the differences, each with its tick.
func (r *Report) Lines() (all []string) {
	for _, d := range r.Differences {
		all = append(all, fmt.Sprintf("tick %d, %s: %s", r.First.Tick, r.First.Name(), d))
	}
	for _, d := range r.State {
		all = append(all, fmt.Sprintf("the state after tick %d: %s", r.StateTick, d))
	}
	return all
}

// Bisect runs a recording on two hosts, call by call, and returns the first call in which
// they differ; nil if there is none.
func Bisect(ctx context.Context, rec *match.Recording, a, b *Host) (*Parting, error) {
	pa, err := a.Replay(rec, true)
	if err != nil {
		return nil, fmt.Errorf("the first folder: %w", err)
	}
	defer pa.Close()
	pb, err := b.Replay(rec, true)
	if err != nil {
		return nil, fmt.Errorf("the second folder: %w", err)
	}
	defer pb.Close()
	for ctx.Err() == nil {
		want, ga, err := pa.Next(ctx)
		if err != nil {
			return nil, fmt.Errorf("the first folder: %w", err)
		}
		_, gb, err := pb.Next(ctx)
		if err != nil {
			return nil, fmt.Errorf("the second folder: %w", err)
		}
		switch {
		case want == nil, ga == nil && gb == nil:
			return nil, nil
		case ga == nil:
			return &Parting{Step: want, Differences: []match.Difference{{What: "the match", Want: "ended", Got: "goes on"}}}, nil
		}
		if d := match.Compare(ga, gb); len(d) > 0 {
			part := &Parting{Step: want, Differences: d}
			sa, errA := pa.State()
			sb, errB := pb.State()
			if errA == nil && errB == nil {
				part.State = match.CompareStates(sa, sb, maxStateDifferences)
			}
			return part, nil
		}
	}
	return nil, ctx.Err()
}

// noNetwork refuses requests.
type noNetwork struct{}

// RoundTrip implements http.RoundTripper.
func (noNetwork) RoundTrip(r *http.Request) (*http.Response, error) {
	return nil, fmt.Errorf("%s: there is no network in a replay", r.URL.Host)
}
