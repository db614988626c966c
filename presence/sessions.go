package presence

import (
	"sync"
	"sync/atomic"

	"github.com/gofrs/uuid/v5"
)

const sessionShards = 64 // a power of two

// Sessions registers the open sockets, by session and by user. Make one with
// NewSessions. It may be used from any goroutine.
type Sessions struct {
	shards [sessionShards]sessionShard
	users  [sessionShards]userShard
	count  atomic.Int64
	log    Log // nil on a single node
}

type sessionShard struct {
	mu   sync.RWMutex
	byID map[uuid.UUID]*member
}

type userShard struct {
	mu     sync.RWMutex
	byUser map[uuid.UUID][]Session
}

// member is a session and its streams. Its mutex is taken before that of a
// stream shard.
type member struct {
	session Session
	mu      sync.Mutex
	ended   bool
	streams []Stream
	follows map[uuid.UUID]struct{} // users; nil for none
}

// NewSessions returns an empty registry.
func NewSessions() *Sessions {
	r := &Sessions{}
	for i := range r.shards {
		r.shards[i].byID = map[uuid.UUID]*member{}
		r.users[i].byUser = map[uuid.UUID][]Session{}
	}
	return r
}

// The first four bytes of a session id are the low bits of its clock, those of
// a user id random; multiplying spreads both over the shards.
func sessionSlot(id uuid.UUID) uint32 {
	h := uint32(id[0])<<24 | uint32(id[1])<<16 | uint32(id[2])<<8 | uint32(id[3])
	return (h * 2654435769) >> 26
}

// Add registers a session, which can then be tracked on streams. In a cluster it
// tells the other nodes which of the user's sessions on them it replaces.
func (r *Sessions) Add(s Session, replaces ...uuid.UUID) {
	id, user := s.ID(), s.UserID()
	shard := &r.shards[sessionSlot(id)]
	shard.mu.Lock()
	_, had := shard.byID[id]
	shard.byID[id] = &member{session: s}
	if r.log != nil && !had {
		name := s.Username()
		r.log.Append(Op{Kind: OpUp, Session: id, User: user, Meta: Meta{Username: name}, Replaces: replaces}, sumOfSession(id, user, name))
	}
	shard.mu.Unlock()
	if had {
		return
	}
	r.count.Add(1)
	users := &r.users[sessionSlot(user)]
	users.mu.Lock()
	users.byUser[user] = append(users.byUser[user], s)
	users.mu.Unlock()
}

// Get returns a session, or nil.
func (r *Sessions) Get(id uuid.UUID) Session {
	if m := r.member(id); m != nil {
		return m.session
	}
	return nil
}

func (r *Sessions) member(id uuid.UUID) *member {
	shard := &r.shards[sessionSlot(id)]
	shard.mu.RLock()
	m := shard.byID[id]
	shard.mu.RUnlock()
	return m
}

// Remove unregisters a session. Its presences must have been untracked before.
func (r *Sessions) Remove(id uuid.UUID) {
	shard := &r.shards[sessionSlot(id)]
	shard.mu.Lock()
	m := shard.byID[id]
	delete(shard.byID, id)
	if r.log != nil && m != nil {
		r.log.Append(Op{Kind: OpDown, Session: id}, sumOfSession(id, m.session.UserID(), m.session.Username()))
	}
	shard.mu.Unlock()
	if m == nil {
		return
	}
	r.count.Add(-1)
	user := m.session.UserID()
	users := &r.users[sessionSlot(user)]
	users.mu.Lock()
	defer users.mu.Unlock()
	old := users.byUser[user]
	// Make a new slice, since OfUser returns the old one.
	kept := make([]Session, 0, len(old))
	for _, s := range old {
		if s.ID() != id {
			kept = append(kept, s)
		}
	}
	if len(kept) == 0 {
		delete(users.byUser, user)
		return
	}
	users.byUser[user] = kept
}

// Count returns the number of sessions.
func (r *Sessions) Count() int { return int(r.count.Load()) }

// OfUser returns a user's sessions in order of their arrival.
func (r *Sessions) OfUser(user uuid.UUID) []Session {
	users := &r.users[sessionSlot(user)]
	users.mu.RLock()
	defer users.mu.RUnlock()
	all := users.byUser[user]
	return all[:len(all):len(all)]
}

// Each calls visit for every session, in no order, until it returns false. No
// lock is held meanwhile.
func (r *Sessions) Each(visit func(Session) bool) {
	for i := range r.shards {
		shard := &r.shards[i]
		shard.mu.RLock()
		all := make([]Session, 0, len(shard.byID))
		for _, m := range shard.byID {
			all = append(all, m.session)
		}
		shard.mu.RUnlock()
		for _, s := range all {
			if !visit(s) {
				return
			}
		}
	}
}
