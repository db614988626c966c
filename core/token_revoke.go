package core

import (
	"slices"
	"sync"
	"sync/atomic"

	"github.com/gofrs/uuid/v5"
)

// revocations holds the tokens that are revoked before they expire, which is
// asked for every request. token_revoke_store.go keeps them in the database. It
// may be used from any goroutine.
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
	before int64              // tokens issued in earlier seconds are revoked; 0: none
	spared []string           // except these ids, issued after that
	until  int64              // when all of those have expired (Unix seconds)
	ids    map[tokenRef]int64 // token ids and until when (Unix seconds) they are revoked
}

type tokenRef struct {
	kind tokenKind
	id   string
}

// revocation is one entry of revocations: of one token id, or, with the kind
// allTokens, of all tokens of a user issued before a time.
type revocation struct {
	user   uuid.UUID
	ref    tokenRef
	before int64    // allTokens only
	spared []string // allTokens only
	// adds says that nothing more is revoked, only more spared: each node of a cluster
	// issues tokens.
	adds  bool
	until int64
}

// everyone stands for all players, when their tokens are revoked at once.
var everyone = uuid.Max

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

// add adds an entry. Of two entries for the same tokens the later one holds.
func (r *revocations) add(e revocation) {
	r.mu.Lock()
	defer r.mu.Unlock()
	u := r.user(e.user)
	if e.ref.kind != allTokens {
		if u.ids == nil {
			u.ids = make(map[tokenRef]int64)
		}
		u.ids[e.ref] = max(u.ids[e.ref], e.until)
		return
	}
	switch {
	case e.before > u.before, e.before == u.before && !e.adds:
		u.spared = e.spared
	case e.before == u.before:
		for _, id := range e.spared {
			if !slices.Contains(u.spared, id) {
				u.spared = append(slices.Clip(u.spared), id)
			}
		}
	}
	u.before, u.until = max(u.before, e.before), max(u.until, e.until)
}

// everything returns the entry of the kind allTokens of a user.
func (r *revocations) everything(user uuid.UUID) revocation {
	r.mu.RLock()
	defer r.mu.RUnlock()
	e := revocation{user: user, ref: tokenRef{kind: allTokens}}
	if u := r.users[user]; u != nil {
		e.before, e.spared, e.until = u.before, slices.Clone(u.spared), u.until
	}
	return e
}

// single returns how many single tokens of a user are revoked.
func (r *revocations) single(user uuid.UUID) int {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if u := r.users[user]; u != nil {
		return len(u.ids)
	}
	return 0
}

// spare records the id of new tokens, since the time of issue, in seconds,
// cannot tell them from tokens revoked in the same second. It reports whether
// that was needed.
func (r *revocations) spare(user uuid.UUID, id string, issued int64) bool {
	if !r.used.Load() {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	changed := false
	for _, of := range [...]uuid.UUID{user, everyone} {
		if u := r.users[of]; u != nil && issued < u.before {
			u.spared = append(u.spared, id)
			changed = true
		}
	}
	return changed
}

// refuses reports whether a token issued at the given second is revoked at now.
func (r *revocations) refuses(user uuid.UUID, kind tokenKind, id string, issued, now int64) bool {
	if !r.used.Load() {
		return false
	}
	r.mu.RLock()
	defer r.mu.RUnlock()
	for _, of := range [...]uuid.UUID{user, everyone} {
		if u := r.users[of]; u != nil && issued < u.before && (of == user || kind != consoleToken) && !slices.Contains(u.spared, id) {
			return true
		}
	}
	u := r.users[user]
	return u != nil && now < u.ids[tokenRef{kind, id}]
}

// sweep drops revocations that no valid token can match any more, and reports
// whether it did. It does nothing if the last sweep is less than every seconds
// ago.
func (r *revocations) sweep(now, every int64) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if now-r.swept < every {
		return false
	}
	r.swept = now
	for id, u := range r.users {
		for ref, until := range u.ids {
			if until <= now {
				delete(u.ids, ref)
			}
		}
		if len(u.ids) == 0 && u.until <= now {
			delete(r.users, id)
		}
	}
	return true
}
