package testkit

import (
	"crypto/rand"
	"encoding/binary"
	mathrand "math/rand/v2"
	"runtime"
	"sync"

	"github.com/gofrs/uuid/v5"

	"kumi/internal/random"
)

// seed makes random bytes and ids of this process follow from a seed. It is called before
// anything draws some.
func seed(n uint64) {
	random.Seed(n)
	var key [32]byte
	binary.LittleEndian.PutUint64(key[:], n)
	source := &reader{source: mathrand.NewChaCha8(key)}
	rand.Reader = source
	uuid.DefaultGenerator = uuid.NewGenWithOptions(uuid.WithRandomReader(source))
}

// reader makes a source safe for use by several goroutines.
type reader struct {
	mu     sync.Mutex
	source *mathrand.ChaCha8
}

// Read implements io.Reader.
func (r *reader) Read(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.source.Read(p)
}

// goroutines returns the stacks of all goroutines.
func goroutines() string {
	b := make([]byte, 1<<20)
	return string(b[:runtime.Stack(b, true)])
}
