package index

import (
	"runtime"
	"testing"
	"weak"
)

// When a chunk is split, its memory is not kept by one of the halves.
func TestSplitChunkIsFreed(t *testing.T) {
	t.Parallel()
	var s sorted
	for slot := range uint32(maxChunk) {
		s.insert(s.end(), slot)
	}
	whole := weak.Make(&s.chunks[0][0])
	s.insert(place{0, maxChunk - 1}, maxChunk)
	if len(s.chunks) != 2 {
		t.Fatalf("%d chunks", len(s.chunks))
	}
	runtime.GC()
	if whole.Value() != nil {
		t.Error("the chunk is kept by its first half")
	}
	runtime.KeepAlive(&s)
}
