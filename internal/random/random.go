// Package random draws random numbers that need not be secret: those that scripts ask for,
// ids of traces, names. Its functions may be called from any goroutine.
package random

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
)

// source is one that several goroutines use.
type source struct {
	mu   sync.Mutex
	rand *rand.PCG
}

// Uint64 implements rand.Source.
func (s *source) Uint64() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.rand.Uint64()
}

var seeded atomic.Pointer[source]

// Seed makes all numbers of this process follow from a seed, for tests of games.
func Seed(seed uint64) { seeded.Store(&source{rand: rand.NewPCG(seed, 0)}) }

// Uint64 returns any number.
func Uint64() uint64 {
	if s := seeded.Load(); s != nil {
		return s.Uint64()
	}
	return rand.Uint64()
}

// Float64 returns a number from 0 up to 1.
func Float64() float64 { return float64(Uint64()<<11>>11) / (1 << 53) }

// IntN returns a number from 0 to n-1.
func IntN(n int) int {
	if s := seeded.Load(); s != nil {
		return rand.New(s).IntN(n)
	}
	return rand.IntN(n)
}

// Generator returns a generator of numbers that follow from the seed, or nil if there is
// none.
func Generator() *rand.Rand {
	if s := seeded.Load(); s != nil {
		return rand.New(s)
	}
	return nil
}
