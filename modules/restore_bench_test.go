package modules

import (
	"context"
	"testing"

	"kumi/server/game"
)

// BenchmarkRestore restores 200 matches, as a server does when it starts.
func BenchmarkRestore(b *testing.B) {
	const matches = 200
	for language, files := range map[string]map[string]string{"javascript": {"index.ts": keptGame["javascript"]}, "lua": {"kept.lua": keptGame["lua"]}} {
		b.Run(language, func(b *testing.B) {
			server := func(change func(*game.Options)) *testServer {
				w := emptyTestServer(b, files, func(g *game.Options) { g.Config.Match.Snapshot = "1000000"; change(g) })
				if err := w.load(); err != nil {
					b.Fatal(err)
				}
				return w
			}
			w := server(func(*game.Options) {})
			for range matches {
				id, err := w.matches.Create(context.Background(), "kept", nil)
				if err == nil {
					err = w.matches.Pause(context.Background(), id, true)
				}
				if err != nil {
					b.Fatal(err)
				}
			}
			w.matches.Stop(context.Background(), 0)
			for range b.N {
				b.StopTimer()
				again := server(func(g *game.Options) { g.DB = w.db })
				b.StartTimer()
				if err := again.matches.Restore(context.Background()); err != nil {
					b.Fatal(err)
				}
				b.StopTimer()
				if n := again.matches.Count(); n != matches {
					b.Fatalf("%d matches were restored, want %d", n, matches)
				}
			}
		})
	}
}
