package recent

import "sync"

// Followers are told that there is something new. The zero value has none. It may be used
// from any goroutine.
type Followers struct {
	mu  sync.Mutex
	all map[*follower]struct{}
}

type follower struct{ wake func() }

// Follow calls wake at each Wake until stop is called. wake must not block.
func (f *Followers) Follow(wake func()) (stop func()) {
	one := &follower{wake}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.all == nil {
		f.all = map[*follower]struct{}{}
	}
	f.all[one] = struct{}{}
	return func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		delete(f.all, one)
	}
}

// Wake calls the followers.
func (f *Followers) Wake() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for one := range f.all {
		one.wake()
	}
}
