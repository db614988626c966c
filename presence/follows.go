package presence

import (
	"slices"
	"sync"

	"github.com/gofrs/uuid/v5"
)

// follows holds the followers of each user's status, in shards by user. The
// users that a session follows are kept in its member.
type follows [sessionShards]followShard

type followShard struct {
	mu        sync.RWMutex
	followers map[uuid.UUID][]uuid.UUID // user to sessions
}

func (f *follows) init() {
	for i := range f {
		f[i].followers = map[uuid.UUID][]uuid.UUID{}
	}
}

// Follow makes a session receive the status events of users, until it
// unfollows them or ends. It does nothing for a session that has ended.
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
	for _, u := range users {
		if _, twice := m.follows[u]; twice {
			continue
		}
		if m.follows == nil {
			m.follows = map[uuid.UUID]struct{}{}
		}
		m.follows[u] = struct{}{}
		t.follows.add(u, session)
	}
}

// Unfollow ends what Follow began. A session cannot unfollow its own user,
// which it follows from the start.
func (t *Tracker) Unfollow(session uuid.UUID, users ...uuid.UUID) {
	m := t.sessions.member(session)
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, u := range users {
		if _, follows := m.follows[u]; follows && u != m.session.UserID() {
			delete(m.follows, u)
			t.follows.remove(u, session)
		}
	}
}

// unfollowAll ends all that a session follows, after it has ended.
func (t *Tracker) unfollowAll(session uuid.UUID) {
	m := t.sessions.member(session)
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for u := range m.follows {
		t.follows.remove(u, session)
	}
	m.follows = nil
}

func (f *follows) add(user, session uuid.UUID) {
	s := &f[sessionSlot(user)]
	s.mu.Lock()
	defer s.mu.Unlock()
	s.followers[user] = append(s.followers[user], session)
}

func (f *follows) remove(user, session uuid.UUID) {
	s := &f[sessionSlot(user)]
	s.mu.Lock()
	defer s.mu.Unlock()
	list := s.followers[user]
	i := slices.Index(list, session)
	if i < 0 {
		return
	}
	last := len(list) - 1
	if last == 0 {
		delete(s.followers, user)
		return
	}
	list[i] = list[last]
	s.followers[user] = list[:last]
}

// any reports whether any session follows a user.
func (f *follows) any(user uuid.UUID) bool {
	s := &f[sessionSlot(user)]
	s.mu.RLock()
	defer s.mu.RUnlock()
	return len(s.followers[user]) > 0
}

// of returns the sessions that follow a user.
func (f *follows) of(user uuid.UUID) []uuid.UUID {
	s := &f[sessionSlot(user)]
	s.mu.RLock()
	defer s.mu.RUnlock()
	return slices.Clone(s.followers[user])
}
