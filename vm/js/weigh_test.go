package js_test

import (
	"context"
	"math"
	"runtime"
	"testing"

	"kumi/vm/js"
)

// TestWeigh compares what a VM is said to keep with what the heap grew by.
func TestWeigh(t *testing.T) {
	for name, body := range map[string]string{
		"nothing":       `0`,
		"numbers":       `for (let i = 0; i < 3e5; i++) kept.push(i * 1.5)`,
		"objects":       `for (let i = 0; i < 3e4; i++) kept.push({ name: "n" + i, at: i, list: [i] })`,
		"one text":      `const s = "x".repeat(1e6); for (let i = 0; i < 3e4; i++) kept.push(s)`,
		"texts":         `for (let i = 0; i < 3e4; i++) kept.push("text number " + i)`,
		"a map":         `const m = new Map(); for (let i = 0; i < 3e4; i++) m.set("k" + i, { i }); kept.push(m)`,
		"bytes":         `for (let i = 0; i < 100; i++) kept.push(new Uint8Array(1e5))`,
		"closures":      `for (let i = 0; i < 3e4; i++) kept.push(() => i)`,
		"linked":        `let l = null; for (let i = 0; i < 3e4; i++) l = { next: l }; kept.push(l)`,
		"parsed":        `const text = JSON.stringify(Array(1000).fill({ id: "abcdefgh", n: 5, deep: { a: [1, 2, 3] } })); for (let i = 0; i < 10; i++) kept.push(JSON.parse(text))`,
		"keys":          `const o = {}; for (let i = 0; i < 3e4; i++) o["key" + i] = i; kept.push(o)`,
		"an array hole": `const a = []; a[1e6] = 1; kept.push(a); for (let i = 0; i < 3e4; i++) a[i * 50] = [i]`,
		"big":           `for (let i = 0; i < 100; i++) kept.push(1n << 100000n)`,
	} {
		v := load(t, "const kept = [];\nfunction main() {"+body+"}", js.Options{})
		before, without := v.Weigh(math.MaxUint64), live()
		if _, err := v.Invoke(context.Background(), v.Global("main")); err != nil {
			t.Fatal(name, err)
		}
		said := v.Weigh(math.MaxUint64)
		grown := float64(live()) - float64(without)
		t.Logf("%s: %d bytes at first, then %d, in truth %.0f more", name, before, said, grown)
		v.Close()
		if said < 1<<19 {
			continue
		}
		if share := float64(said-before) / grown; share < 0.5 || share > 1.6 {
			t.Errorf("%s: said to keep %d bytes more, in truth %.0f", name, said-before, grown)
		}
	}
}

func live() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
