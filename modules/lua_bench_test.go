package modules

import (
	"context"
	"runtime"
	"testing"
)

// BenchmarkLua measures an RPC through the pool, and making a match.
func BenchmarkLua(b *testing.B) {
	w := newTestServer(b, map[string]string{
		"rpc.lua": `local nk = require("nakama")
			nk.register_rpc(function(ctx, payload) return payload end, "echo")
			nk.register_rpc(function(ctx, payload) local v = nk.json_decode(payload); v.n = v.n + 1; return nk.json_encode(v) end, "json")`,
		"duel.lua": luaMatch,
	})
	for id, payload := range map[string]string{"echo": "hello", "json": `{"n":1,"list":[1,2,3],"name":"x"}`} {
		fn := w.RPC.Lookup(id).Call
		b.Run("rpc "+id, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := fn(context.Background(), payload); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("match", func(b *testing.B) {
		nk := w.core.Module()
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		n := 0
		for b.Loop() {
			if _, err := nk.MatchCreate(context.Background(), "duel", nil); err != nil {
				b.Fatal(err)
			}
			n++
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		b.ReportMetric((float64(after.HeapAlloc)-float64(before.HeapAlloc))/float64(n), "kept-B/match")
	})
}
