package actor

import (
	"sync"
	"sync/atomic"
	"time"
)

// stalled is how long runners that share goroutines may not get on before each
// of those left gets its own.
const stalled = 5 * time.Millisecond

// Share runs all of rs soon, on workers goroutines that each take one after the
// other: where many have something to do at one time, handing each to a
// goroutine of its own costs more than most of them do. One that waits for
// something holds up nobody for long: when none was taken in a while, each that
// is left gets a goroutine of its own. Share never waits, and keeps rs until all have
// been run.
func Share[R Runner](p *Pool, rs []R, workers int) {
	workers = max(1, min(workers, len(rs)))
	s := &shared[R]{pool: p, list: rs, seen: int64(workers)}
	if len(rs) > 1 {
		s.mu.Lock()
		s.timer = time.AfterFunc(stalled, s.look)
		s.mu.Unlock()
	}
	for range workers {
		p.Go(s)
	}
}

// shared is a list whose runners several goroutines take from.
type shared[R Runner] struct {
	pool *Pool
	list []R
	next atomic.Int64

	mu    sync.Mutex
	timer *time.Timer
	seen  int64 // next, when it was last looked at
	taken bool  // all of the list
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

// look is the timer's.
func (s *shared[R]) look() {
	s.mu.Lock()
	defer s.mu.Unlock()
	next := s.next.Load()
	if s.taken || next >= int64(len(s.list)) {
		return
	}
	if next > s.seen {
		s.seen = next
		s.timer.Reset(stalled)
		return
	}
	for range int64(len(s.list)) - next {
		s.pool.Go(s)
	}
}
