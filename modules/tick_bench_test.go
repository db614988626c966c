package modules

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"testing"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/runtime"

	"kumi/match"
	"kumi/presence"
)

// hall is a match that nobody runs, with somebody who hears.
type hall struct {
	still
	sent []byte
}

func (h *hall) BroadcastMessage(_ int64, data []byte, _ []runtime.Presence, _ runtime.Presence, _ bool) error {
	h.sent = data
	return nil
}

// BenchmarkBenchTick is a tick of the load generator's match: eight players,
// one input each, one state to all. "Go" is what it comes to with encoding/json
// alone.
func BenchmarkBenchTick(b *testing.B) {
	files := map[string]string{}
	for _, name := range []string{"index.js", "bench.lua", "bench_match.lua"} {
		text, err := os.ReadFile("../bench/modules/" + name)
		if err != nil {
			b.Fatal(err)
		}
		files[name] = string(text)
	}
	w := newTestServer(b, files)
	ctx := context.Background()
	input := []byte(`{"x":3,"y":-2}`)
	var players []*presence.Presence
	var messages []*match.Data
	for i := range 8 {
		p := &presence.Presence{ID: presence.ID{Node: testNode, Session: uuid.Must(uuid.NewV4())}, UserID: uuid.Must(uuid.NewV4()), Meta: presence.Meta{Username: fmt.Sprint("player", i)}}
		players = append(players, p)
		messages = append(messages, &match.Data{Presence: p, OpCode: 1, Data: input, Reliable: true})
	}
	for _, name := range []string{"bench_js", "bench_match"} {
		b.Run(name, func(b *testing.B) {
			h := &hall{}
			g, err := w.Matches[name](ctx, h)
			if err != nil {
				b.Fatal(err)
			}
			defer g.Close()
			if _, _, err := g.Init(ctx, map[string]any{}); err != nil {
				b.Fatal(err)
			}
			if alive, err := g.Join(ctx, 0, players); !alive || err != nil {
				b.Fatal(alive, err)
			}
			b.ReportAllocs()
			tick := int64(100)
			for b.Loop() {
				if alive, err := g.Loop(ctx, tick, messages); !alive || err != nil {
					b.Fatal(alive, err)
				}
			}
			if len(h.sent) < 180 {
				b.Fatalf("sent %s", h.sent)
			}
		})
	}
	b.Run("Go", func(b *testing.B) {
		type player struct{ X, Y int }
		type view struct {
			Tick    int64
			Room    string
			Players []*player
		}
		state, order := map[string]*player{}, []string{}
		for _, p := range players {
			state[p.GetSessionId()] = &player{}
			order = append(order, p.GetSessionId())
		}
		b.ReportAllocs()
		for b.Loop() {
			for _, m := range messages {
				var in player
				if err := json.Unmarshal(m.GetData(), &in); err != nil {
					b.Fatal(err)
				}
				p := state[m.GetSessionId()]
				p.X, p.Y = p.X+in.X, p.Y+in.Y
			}
			v := view{Tick: 100, Room: "bench arena"}
			for _, id := range order {
				v.Players = append(v.Players, state[id])
			}
			if _, err := json.Marshal(v); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// A tick without messages makes next to nothing, one with messages a few small
// things for each that the script reads.
func TestTickAllocations(t *testing.T) {
	files := map[string]string{}
	for _, name := range []string{"index.js", "bench.lua", "bench_match.lua"} {
		text, err := os.ReadFile("../bench/modules/" + name)
		if err != nil {
			t.Fatal(err)
		}
		files[name] = string(text)
	}
	w := newTestServer(t, files)
	ctx := context.Background()
	for name, most := range map[string]struct{ empty, message float64 }{"bench_js": {20, 26}, "bench_match": {6, 20}} {
		g, err := w.Matches[name](ctx, &hall{})
		if err != nil {
			t.Fatal(err)
		}
		defer g.Close()
		if _, _, err := g.Init(ctx, map[string]any{}); err != nil {
			t.Fatal(err)
		}
		who := &presence.Presence{ID: presence.ID{Node: testNode}, Meta: presence.Meta{Username: "me"}}
		run := func(messages []*match.Data) float64 {
			return testing.AllocsPerRun(50, func() {
				if alive, err := g.Loop(ctx, 1000, messages); !alive || err != nil {
					t.Fatal(alive, err)
				}
			})
		}
		if n := run(nil); n > most.empty {
			t.Errorf("%s: a tick without anybody makes %v allocations, want %v at most", name, n, most.empty)
		}
		if alive, err := g.Join(ctx, 0, []*presence.Presence{who}); !alive || err != nil {
			t.Fatal(alive, err)
		}
		var messages []*match.Data
		for range 100 {
			messages = append(messages, &match.Data{Presence: who, OpCode: 1, Data: []byte(`{"x":3,"y":-2}`)})
		}
		none := run(nil)
		if n := (run(messages) - none) / 100; n > most.message {
			t.Errorf("%s: a message makes %v allocations, want %v at most", name, n, most.message)
		}
	}
}

// Messages of one client share their sender, until a script writes to it.
func TestSenderIsShared(t *testing.T) {
	t.Parallel()
	w := newTestServer(t, map[string]string{
		"index.js": `function InitModule(ctx, logger, nk, initializer) { initializer.registerMatch("sender_js", {
			matchInit: () => ({state: {}, tickRate: 10}), matchJoinAttempt: (c, l, n, d, t, state) => ({state, accept: true}),
			matchJoin: (c, l, n, d, t, state) => ({state}), matchLeave: (c, l, n, d, t, state) => ({state}),
			matchLoop: (c, l, n, d, tick, state, messages) => {
				const s = messages[0].sender;
				const is = s.username + " " + s.extra + " " + (s === state.last) + " " + n.binaryToString(messages[0].data);
				if (tick === 1) { s.username = "changed"; s.extra = true }
				if (tick === 3) { delete s.username }
				state.last = s; d.broadcastMessage(1, is); return {state} },
			matchTerminate: () => null, matchSignal: (c, l, n, d, t, state) => ({state}) }) }`,
		"sender_lua.lua": `local M = {}; function M.match_init() return {}, 10, "" end; function M.match_join_attempt(_, _, _, s) return s, true end
			function M.match_join(_, _, _, s) return s end; function M.match_leave(_, _, _, s) return s end
			function M.match_loop(_, d, tick, state, messages)
				local s = messages[1].sender
				d.broadcast_message(1, tostring(s.username) .. " " .. (s.extra and "true" or "undefined") .. " " .. tostring(s == state.last) .. " " .. messages[1].data)
				if tick == 1 then s.username = "changed"; s.extra = true end
				if tick == 3 then s.username = nil end
				state.last = s; return state end
			function M.match_terminate() end; function M.match_signal(_, _, _, s) return s end; return M`,
	})
	who := &presence.Presence{ID: presence.ID{Node: testNode}, Meta: presence.Meta{Username: "me"}}
	for _, name := range []string{"sender_js", "sender_lua"} {
		ctx, h := context.Background(), &hall{}
		g, err := w.Matches[name](ctx, h)
		if err != nil {
			t.Fatal(err)
		}
		defer g.Close()
		if _, _, err := g.Init(ctx, map[string]any{}); err != nil {
			t.Fatal(err)
		}
		for tick, want := range []string{"false", "true", "false", "true", "false", "true"} {
			text := fmt.Sprint("hello ", tick)
			alive, err := g.Loop(ctx, int64(tick), []*match.Data{{Presence: who, Data: []byte(text)}})
			if !alive || err != nil {
				t.Fatal(alive, err)
			}
			if want = "me undefined " + want + " " + text; string(h.sent) != want {
				t.Errorf("%s in tick %d: %q, want %q", name, tick, h.sent, want)
			}
		}
	}
}
