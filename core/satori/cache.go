package satori

import (
	"context"
	"sync"
	"time"
)

// Cache keeps responses of Satori until they expire. The zero value is ready for use
// and belongs to one call. A nil *Cache is empty and keeps nothing. It may be used
// from any goroutine.
type Cache struct {
	max int // bytes; 0 means no limit

	mu         sync.Mutex
	identities map[string]map[string]*response // by identity, then by kind and filter
	queue      []*response                     // in the order of their expiry, with removed ones
	bytes      int
	clock      int // counts calls of begin and forget
}

type response struct {
	identity, key string
	value         any
	size          int
	expires       time.Time
	removed       bool
}

// CacheKey is the key under which the context of a call has its *Cache.
type CacheKey struct{}

// ofCall is the cache of the call that ctx belongs to, nil if there is none.
func (c *Client) ofCall(ctx context.Context) *Cache {
	if c.o.Cache == CacheOff {
		return nil
	}
	cache, _ := ctx.Value(CacheKey{}).(*Cache)
	return cache
}

// forget removes what is cached of an identity, and keeps what is being requested from
// being cached.
func (c *Client) forget(ctx context.Context, identity string) {
	c.ofCall(ctx).forget(c.o.Now(), c.o.TTL, identity)
	c.shared.forget(c.o.Now(), c.o.TTL, identity)
}

// get returns a value that has not expired, or nil.
func (c *Cache) get(now time.Time, identity, key string) any {
	if c == nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if r := c.identities[identity][key]; r != nil && now.Before(r.expires) {
		return r.value
	}
	return nil
}

// begin is called before a request. What it returns is for put.
func (c *Cache) begin() int {
	if c == nil {
		return 0
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.clock++
	return c.clock
}

// put keeps the response to a request, unless its identity has changed since the request
// began.
func (c *Cache) put(begun int, now time.Time, ttl time.Duration, identity, key string, value any, size int) {
	if c == nil || c.max > 0 && size > c.max {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if mark := c.identities[identity][forgotten]; mark == nil || mark.value.(int) < begun {
		c.add(now, ttl, identity, key, value, size)
	}
}

// forgotten is the key of the mark that forget leaves.
const forgotten = "forgotten"

// add adds a response. It drops those that have expired and, above the maximum size, the
// oldest. The lock is held.
func (c *Cache) add(now time.Time, ttl time.Duration, identity, key string, value any, size int) {
	size += 200 // what an entry takes beside the response
	if c.identities == nil {
		c.identities = map[string]map[string]*response{}
	}
	c.remove(c.identities[identity][key])
	of := c.identities[identity]
	if of == nil {
		of = map[string]*response{}
		c.identities[identity] = of
	}
	r := &response{identity: identity, key: key, value: value, size: size, expires: now.Add(ttl)}
	of[key] = r
	c.bytes += size
	c.queue = append(c.queue, r)
	for len(c.queue) > 1 && (c.queue[0].removed || !now.Before(c.queue[0].expires) || c.max > 0 && c.bytes > c.max) {
		c.remove(c.queue[0])
		c.queue[0] = nil
		c.queue = c.queue[1:]
	}
}

// remove takes a response out, except of the queue. r may be nil.
func (c *Cache) remove(r *response) {
	if r == nil || r.removed {
		return
	}
	r.removed, r.value = true, nil
	c.bytes -= r.size
	of := c.identities[r.identity]
	delete(of, r.key)
	if len(of) == 0 {
		delete(c.identities, r.identity)
	}
}

func (c *Cache) forget(now time.Time, ttl time.Duration, identity string) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, r := range c.identities[identity] {
		c.remove(r)
	}
	c.clock++
	c.add(now, ttl, identity, forgotten, c.clock, 0)
}
