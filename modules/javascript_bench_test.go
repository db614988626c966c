package modules

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"kumi/core"
)

// BenchmarkLoadTypeScript loads the sample modules: bundle, compile, run
// InitModule, replay it once.
func BenchmarkLoadTypeScript(b *testing.B) {
	root := filepath.Join("..", "data", "modules")
	if _, err := os.Stat(filepath.Join(root, "index.ts")); err != nil {
		b.Skip("the sample modules are not there")
	}
	load := func() *part {
		o := Options{Path: root, Logger: zerolog.Nop(), CallTimeout: 10 * time.Second, JSMin: 1, JSMax: 4, JSReadOnlyGlobals: true}
		p, err := loadJavaScript(context.Background(), &loading{Options: o, scope: &core.Scope{}})
		if err != nil {
			b.Fatal(err)
		}
		return p
	}
	b.Run("load", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			load().shut()
		}
	})
	p := load()
	defer p.shut()
	b.Run("vm", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			v, err := p.pool.New(context.Background())
			if err != nil {
				b.Fatal(err)
			}
			v.Close()
		}
	})
	// An RPC as a door makes it: lease, ctx and logger, call, result.
	b.Run("rpc", func(b *testing.B) {
		b.ReportAllocs()
		hello := p.reg.RPC.Lookup("hello").Call
		ctx := core.WithScope(context.Background(), &core.Scope{Mode: "rpc", UserID: "4c2ae592-b2a7-445e-98ec-697694478b1c", Username: "someone"})
		for b.Loop() {
			if _, err := hello(ctx, "there"); err != nil {
				b.Fatal(err)
			}
		}
	})
}
