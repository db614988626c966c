package actor

import (
	"sync"
	"sync/atomic"
	"time"
)

// stallTimeout is how long no runner may be started before each of those left
// gets a goroutine of its own.
const stallTimeout = 5 * time.Millisecond

// Share runs all of rs on workers goroutines, which take one after the other:
// if many actors become ready at once, a goroutine for each would cost more
// than most of them do. Runners that block hold up the others only for
// stallTimeout: then each that is left gets a goroutine of its own. Share
// never blocks, and keeps rs until all have run.
func Share[R Runner](p *Pool, rs []R, workers int) {
	workers = max(1, min(workers, len(rs)))
	s := &shared[R]{pool: p, list: rs, lastNext: int64(workers)}
	if len(rs) > 1 {
		s.mu.Lock()
		s.timer = time.AfterFunc(stallTimeout, s.check)
		s.mu.Unlock()
	}
	for range workers {
		p.Go(s)
	}
}

// shared is a list of runners that several goroutines take from.
type shared[R Runner] struct {
	pool *Pool
	list []R
	next atomic.Int64

	mu       sync.Mutex
	timer    *time.Timer
	lastNext int64 // next, at the last check
	taken    bool  // the whole list was taken
}

// Run implements Runner, for each of the goroutines.
func (s *shared[R]) Run() {
	for {
		i := s.next.Add(1) - 1
		if i >= int64(len(s.list)) {
			break
		}
		s.list[i].Run()
	}
	s.mu.Lock()
	if !s.taken && s.timer != nil {
		s.timer.Stop()
	}
	s.taken = true
	s.mu.Unlock()
}

// check is called by the timer.
func (s *shared[R]) check() {
	s.mu.Lock()
	defer s.mu.Unlock()
	next := s.next.Load()
	if s.taken || next >= int64(len(s.list)) {
		return
	}
	if next > s.lastNext {
		s.lastNext = next
		s.timer.Reset(stallTimeout)
		return
	}
	for range int64(len(s.list)) - next {
		s.pool.Go(s)
	}
}
