package match_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/rs/zerolog"

	"kumi/config"
	"kumi/internal/testutil"
	"kumi/match"
	"kumi/modules"
	"kumi/presence"
	"kumi/server/game"
	"kumi/server/game/gametest"
	"kumi/store/storetest"
)

// arena is a server with the load generator's match, in which eight players send an input
// each tick, with and without a recording.
type arena struct {
	matches  *match.Registry
	recorder *match.Recorder
	messages []*match.Data
	sessions *presence.Sessions
	node     string
	folder   string
}

// deaf is a socket that needs no time for what it is sent.
type deaf struct{ *match.Joiner }

func (d deaf) ID() uuid.UUID                                    { return d.Session }
func (d deaf) UserID() uuid.UUID                                { return d.Presence.UserID }
func (d deaf) Username() string                                 { return d.Presence.Username }
func (d deaf) Format() presence.Format                          { return presence.Protobuf }
func (d deaf) Send(m *presence.Message)                         { _, _ = m.Bytes(presence.Protobuf) }
func (d deaf) Close(presence.CloseReason, ...*presence.Message) {}

func newArena(t testing.TB, mode match.RecordMode) *arena {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"index.js", "bench.lua", "bench_match.lua"} {
		text, err := os.ReadFile("../bench/modules/" + name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cfg, _, err := config.Parse(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	cfg.Runtime.Path = dir
	a := &arena{folder: t.TempDir()}
	a.recorder = match.NewRecorder(match.RecorderOptions{
		Mode: mode, MaxMatch: 4 << 20, MaxAll: 64 << 20, Folder: a.folder, Logger: zerolog.Nop(),
		EncodeParams: func(map[string]any) ([]byte, error) { return nil, nil },
		DecodeParams: func([]byte) (map[string]any, error) { return map[string]any{}, nil },
	})
	db := storetest.SQLite(t)
	g := gametest.New(t, game.Options{Config: cfg, DB: db, Logger: zerolog.Nop(), Recorder: a.recorder})
	a.matches, a.sessions, a.node = g.Matches, g.Sessions, cfg.Name
	set, err := modules.Load(context.Background(), modules.Options{
		Path: dir, Core: g.Core, Config: cfg, DB: db, Logger: zerolog.Nop(), Matches: g.Matches, Node: cfg.Name,
		CallTimeout: time.Minute, TickTimeout: time.Minute, JSMin: 1, JSMax: 1, LuaMin: 1, LuaMax: 1,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		g.Matches.Stop(context.Background(), 0)
		a.recorder.Close()
		set.Close()
	})
	return a
}

// begin makes a match with eight players.
func (a *arena) begin(t testing.TB, handler string) string {
	t.Helper()
	id, err := a.matches.Create(context.Background(), handler, map[string]any{})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.matches.Pause(context.Background(), id, true); err != nil {
		t.Fatal(err)
	}
	a.messages = nil
	for i := range 8 {
		j := &match.Joiner{Presence: presence.Presence{ID: presence.ID{Session: uuid.Must(uuid.NewV4())}, UserID: uuid.Must(uuid.NewV4()), Meta: presence.Meta{Username: fmt.Sprint("player", i)}}}
		j.Node = a.node
		a.sessions.Add(deaf{j})
		if _, err := a.matches.Join(context.Background(), match.JoinRequest{ID: id, Joiner: j}); err != nil {
			t.Fatal(err)
		}
		a.messages = append(a.messages, &match.Data{Presence: &j.Presence, OpCode: 1, Data: []byte(`{"x":3,"y":-2}`), Reliable: true, ReceiveTime: time.Now().UnixMilli()})
	}
	if _, _, _, err := a.matches.State(context.Background(), id); err != nil { // nothing is left in its mailbox
		t.Fatal(err)
	}
	return id
}

// ticks returns how long some ticks take.
func (a *arena) ticks(id string, n int) time.Duration {
	began := time.Now()
	for range n {
		a.matches.RunTick(id, a.messages)
	}
	return time.Since(began)
}

// A recorded tick takes at most a tenth longer than one that is not recorded, whether the
// recording stays in memory or goes to a file.
func TestRecordingCost(t *testing.T) {
	if testutil.Race {
		t.Skip("the race detector multiplies what a recording costs by something else than what a script costs")
	}
	plain := newArena(t, match.RecordOff)
	for _, mode := range []match.RecordMode{match.RecordError, match.RecordAlways} {
		recorded := newArena(t, mode)
		for _, handler := range []string{"bench_js", "bench_match"} {
			a, b := plain.begin(t, handler), recorded.begin(t, handler)
			const rounds, n = 40, 75
			ratio := 0.0
			for range 8 { // other tests and programs run at the same time
				ratios := make([]float64, rounds)
				for i := range ratios { // of neighbours in time, which other programs slow down alike
					without, with := plain.ticks(a, n), recorded.ticks(b, n)
					ratios[i] = float64(with) / float64(without)
				}
				slices.Sort(ratios)
				ratio = ratios[rounds/2]
				t.Logf("%s, %s: a recorded tick takes %.3f times as long", handler, mode, ratio)
				if ratio <= 1.1 {
					break
				}
			}
			if ratio > 1.1 {
				t.Errorf("%s, %s: a recorded tick takes %.2f times as long", handler, mode, ratio)
			}
			if recorded.recorder.Used() == 0 {
				t.Errorf("%s, %s: nothing was recorded", handler, mode)
			}
			recorded.recorder.Flush()
			if files, _ := os.ReadDir(recorded.folder); (len(files) > 0) != (mode == match.RecordAlways) {
				t.Errorf("%s, %s: there are %d files while the match runs", handler, mode, len(files))
			}
		}
	}
}
