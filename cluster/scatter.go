package cluster

import (
	"context"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"

	"kumi/cluster/wire"
)

// scattered is what one peer answered.
type scattered[Out proto.Message] struct {
	peer Peer
	out  Out
	err  error
}

// scatter calls a method of several peers at the same time. Each answer, or error, is
// received from the channel, one per peer; they come by the context's deadline. Who stops
// receiving should end the context.
func scatter[Out proto.Message](ctx context.Context, n *Node, peers []Peer, method wire.Method, in proto.Message) <-chan scattered[Out] {
	answers := make(chan scattered[Out], len(peers))
	for _, p := range peers {
		go func() {
			s := scattered[Out]{peer: p, out: newMessage[Out]()}
			s.err = Call(ctx, n, p.ID, method, in, s.out)
			answers <- s
		}()
	}
	return answers
}

// sharedFor is how long callers who ask the same get the same answer.
const sharedFor = 100 * time.Millisecond

// shared lets callers who ask the same within a short time have one answer. Its methods
// may be called from any goroutine.
type shared[T any] struct {
	mu     sync.Mutex
	recent map[string]*sharedAnswer[T]
}

type sharedAnswer[T any] struct {
	asked  time.Time
	done   chan struct{} // closed when there is an answer
	answer T
	err    error
}

// get returns the answer for a key: one that was asked for a short time ago, or a new one
// of ask, which runs to its end also if ctx ends. The answer must not be changed.
func (s *shared[T]) get(ctx context.Context, key string, ask func() (T, error)) (T, error) {
	s.mu.Lock()
	now := time.Now()
	for k, a := range s.recent {
		if now.Sub(a.asked) >= sharedFor {
			delete(s.recent, k)
		}
	}
	a := s.recent[key]
	if a == nil {
		a = &sharedAnswer[T]{asked: now, done: make(chan struct{})}
		if s.recent == nil {
			s.recent = map[string]*sharedAnswer[T]{}
		}
		s.recent[key] = a
		go func() {
			defer close(a.done)
			a.answer, a.err = ask()
		}()
	}
	s.mu.Unlock()
	select {
	case <-a.done:
		return a.answer, a.err
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	}
}
