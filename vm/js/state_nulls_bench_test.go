package js_test

import (
	"context"
	"strconv"
	"testing"

	"kumi/vm/js"
)

// stateSource makes a state of 4 objects for each of n players, and has a function for
// each way in which match handlers return it.
func stateSource(n int) string {
	return `
	const player = (i) => ({ id: "p" + i, at: { x: i, y: i }, bag: [{ kind: "sword", n: 1 }, { kind: "bow", n: undefined }] });
	let state = { tick: 0, players: Array.from({ length: ` + strconv.Itoa(n) + ` }, (_, i) => player(i)), board: new Array(9), options: { map: "forest" } };
	function same() { state.tick++; return state }
	function spread() { state = { ...state, tick: state.tick + 1 }; return state }`
}

// BenchmarkNullState measures NullState for a tick that changes little. A large state
// costs the same under a new root object ("spread") as under the same one ("same").
func BenchmarkNullState(b *testing.B) {
	for _, name := range []string{"same", "spread"} {
		b.Run(name, func(b *testing.B) {
			v := load(b, stateSource(50_000), js.Options{})
			fn := v.Global(name)
			var known any
			tick := func() {
				out, err := v.Invoke(context.Background(), fn)
				if err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
				known = v.NullState(out[0], known)
				b.StopTimer()
			}
			tick()
			tick()
			b.ReportAllocs()
			b.ResetTimer()
			for range b.N {
				tick()
			}
		})
	}
}
