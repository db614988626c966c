package match

import "testing"

// A client's message on its way into the next tick, every 128th of which takes them.
func BenchmarkData(b *testing.B) {
	w := newTestRegistry(b, Options{})
	id, m := w.play("g", &game{rate: 1})
	m.setPaused(true)
	c := w.client("c")
	w.mustJoin(c, id)
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
}
