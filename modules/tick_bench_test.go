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
	w := newWorld(b, files)
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
