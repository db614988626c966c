package match

import (
	"testing"

	"github.com/gofrs/uuid/v5"

	"kumi/presence"
)

// A client's message on its way into the next tick, every 128th of which takes them: alone,
// while other matches have moved, and to one that runs on another node then.
func BenchmarkData(b *testing.B) {
	for _, moved := range []string{"", "other matches", "the match"} {
		name := moved
		if name == "" {
			name = "nothing"
		}
		b.Run(name+" moved", func(b *testing.B) {
			w := newTestRegistry(b, Options{Elsewhere: faraway{}})
			id, m := w.play("g", &game{rate: 1})
			m.setPaused(true)
			c := w.client("c")
			w.mustJoin(c, id)
			switch moved {
			case "other matches":
				w.moves.put(Move{Match: uuid.Must(uuid.NewV4()), Home: "there", Node: "elsewhere"})
			case "the match":
				w.moves.put(Move{Match: m.id, Home: m.stream.Label, Node: "elsewhere"})
			}
			send := &DataSend{ID: id, OpCode: 1, Data: make([]byte, 64), Reliable: true}
			b.ReportAllocs()
			for n := 0; b.Loop(); n++ {
				if err := w.Data(c.id, send); err != nil {
					b.Fatal(err)
				}
				if n%128 == 127 {
					m.box.mu.Lock()
					m.box.input = m.box.input[:0]
					m.box.mu.Unlock()
				}
			}
		})
	}
}

// faraway are nodes that take whatever is sent to them.
type faraway struct{ Elsewhere }

func (faraway) Place() string                                          { return "" }
func (faraway) Input(string, uuid.UUID, uuid.UUID, *DataSend)          {}
func (faraway) Untrack(session uuid.UUID, _ presence.Stream, _ uint64) {}
