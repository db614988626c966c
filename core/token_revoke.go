package core

import (
	"sync"
	"sync/atomic"

	"github.com/gofrs/uuid/v5"
)

// revocations holds the tokens that are revoked before they expire. It is in
// memory and lost on restart. It may be used from any goroutine.
type revocations struct {
	// used is false until a token is revoked, which saves most servers the lock on
	// every request.
	used  atomic.Bool
	mu    sync.RWMutex
	users map[uuid.UUID]*revoked
	swept int64
}

// revoked holds the revocations of one user.
type revoked struct {
	before int64               // tokens issued in earlier seconds are revoked; 0: none
	since  map[string]struct{} // except these ids, issued after that
	ids    map[tokenRef]int64  // token ids and until when (Unix seconds) they are revoked
}

type tokenRef struct {
	kind tokenKind
	id   string
}

// user returns a user's entry, making it if needed. The lock must be held.
func (r *revocations) user(id uuid.UUID) *revoked {
	r.used.Store(true)
	if r.users == nil {
		r.users = make(map[uuid.UUID]*revoked)
	}
	u := r.users[id]
	if u == nil {
		u = &revoked{}
		r.users[id] = u
	}
	return u
}

// all revokes every token issued to the user until now, the current second.
// keep, unless empty, is the id of tokens about to be issued.
func (r *revocations) all(user uuid.UUID, now int64, keep string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	u := r.user(user)
	u.before = max(u.before, now+1)
	u.since = nil
	if keep != "" {
		u.since = map[string]struct{}{keep: {}}
	}
}

// given records the id of new tokens, since the time of issue, in seconds,
// cannot tell them from tokens revoked in the same second.
func (r *revocations) given(user uuid.UUID, id string, issued int64) {
	if !r.used.Load() {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	u := r.users[user]
	if u == nil || issued >= u.before {
		return
	}
	if u.since == nil {
		u.since = make(map[string]struct{})
	}
	u.since[id] = struct{}{}
}

// one revokes a token id until the given second.
func (r *revocations) one(user uuid.UUID, kind tokenKind, id string, until int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	u := r.user(user)
	if u.ids == nil {
		u.ids = make(map[tokenRef]int64)
	}
	ref := tokenRef{kind, id}
	u.ids[ref] = max(u.ids[ref], until)
}

// refuses tells whether a token issued at the given second is revoked at now.
func (r *revocations) refuses(user uuid.UUID, kind tokenKind, id string, issued, now int64) bool {
	if !r.used.Load() {
		return false
	}
	r.mu.RLock()
	defer r.mu.RUnlock()
	u := r.users[user]
	if u == nil {
		return false
	}
	if _, since := u.since[id]; issued < u.before && !since {
		return true
	}
	return now < u.ids[tokenRef{kind, id}]
}

// sweep drops revocations that no valid token can match any more. It does
// nothing if the last sweep is less than every seconds ago. longest is the
// maximum lifetime of a token in seconds.
func (r *revocations) sweep(now, every, longest int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if now-r.swept < every {
		return
	}
	r.swept = now
	for id, u := range r.users {
		for ref, until := range u.ids {
			if until <= now {
				delete(u.ids, ref)
			}
		}
		if len(u.ids) == 0 && u.before+longest < now {
			delete(r.users, id)
		}
	}
}
