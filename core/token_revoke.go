package core

import (
	"sync"
	"sync/atomic"

	"github.com/gofrs/uuid/v5"
)

// revocations says which tokens are refused before they expire. It lives in
// memory and is lost on restart. Safe for use from any goroutine.
type revocations struct {
	// used is false until something was revoked, which spares most servers the
	// lock on every request.
	used  atomic.Bool
	mu    sync.RWMutex
	users map[uuid.UUID]*revoked
	swept int64
}

// revoked is one user's part.
type revoked struct {
	before int64               // tokens issued in earlier seconds are refused; 0: none
	since  map[string]struct{} // but not these ids, given out after that was said
	ids    map[tokenRef]int64  // until when (Unix seconds) a token id is refused
}

type tokenRef struct {
	kind tokenKind
	id   string
}

// user finds or makes a user's entry. The lock must be held.
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

// all refuses every token that the user was given until now, the current second.
// keep, unless empty, is the id of tokens that are about to be given out.
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

// given notes the id of new tokens. Tokens say in which second they were issued,
// which does not tell those of the second in which others were refused.
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

// one refuses a token id until the given second.
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

// refuses tells whether a token issued at the given second is refused at now.
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

// sweep forgets what no valid token can meet any more. It does nothing when
// the last sweep is less than every seconds ago. longest is the longest life
// of a token in seconds.
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
