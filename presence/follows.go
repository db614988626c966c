package presence

import (
	"slices"
	"sync"

	"github.com/gofrs/uuid/v5"
)

// follows holds which sessions follow whose status.
type follows struct {
	mu        sync.RWMutex
	followers map[uuid.UUID][]uuid.UUID // user to sessions
	followed  map[uuid.UUID][]uuid.UUID // session to users
}

func (f *follows) init() {
	f.followers = map[uuid.UUID][]uuid.UUID{}
	f.followed = map[uuid.UUID][]uuid.UUID{}
}

// Follow makes a session receive the status events of users, from now until it
// unfollows them or ends. A session that has ended follows nobody.
func (t *Tracker) Follow(session uuid.UUID, users ...uuid.UUID) {
	m := t.sessions.member(session)
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.ended {
		return
	}
	f := &t.follows
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, u := range users {
		if !slices.Contains(f.followed[session], u) {
			f.followed[session] = append(f.followed[session], u)
			f.followers[u] = append(f.followers[u], session)
		}
	}
}

// Unfollow ends what Follow began.
func (t *Tracker) Unfollow(session uuid.UUID, users ...uuid.UUID) {
	f := &t.follows
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, u := range users {
		remove(f.followed, session, u)
		remove(f.followers, u, session)
	}
}

func (f *follows) drop(session uuid.UUID) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, u := range f.followed[session] {
		remove(f.followers, u, session)
	}
	delete(f.followed, session)
}

// of lists the sessions that follow a user.
func (f *follows) of(user uuid.UUID) []uuid.UUID {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return slices.Clone(f.followers[user])
}

func remove(m map[uuid.UUID][]uuid.UUID, key, value uuid.UUID) {
	list := m[key]
	i := slices.Index(list, value)
	if i < 0 {
		return
	}
	if len(list) == 1 {
		delete(m, key)
		return
	}
	m[key] = slices.Delete(list, i, i+1)
}
