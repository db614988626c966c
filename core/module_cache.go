package core

import (
	"sync"
	"time"

	"kumi/store/fault"
)

const (
	cacheSweep     = 5 * time.Minute // how often expired entries are removed
	cacheSweepFull = time.Second     // the same, while the cache is full
	cacheOverhead  = 128             // about what an entry takes besides its key and value, in bytes
)

// LocalCache is a cache shared by all VMs of one script language. Values must
// not be modified after Put. It may be used from any goroutine.
type LocalCache struct {
	now     func() time.Time
	max     int // bytes
	mu      sync.RWMutex
	entries map[string]cacheEntry
	size    int // of all entries, in bytes
	swept   time.Time
}

type cacheEntry struct {
	value   any
	size    int       // bytes
	expires time.Time // zero: never
}

// LocalCache returns the cache of a script language. Each language has its
// own, and it survives reloads of the modules.
func (m *Module) LocalCache(language string) *LocalCache {
	if cache, ok := m.core.caches.Load(language); ok {
		return cache.(*LocalCache)
	}
	cache, _ := m.core.caches.LoadOrStore(language, &LocalCache{
		now: m.core.now, max: m.core.localCache, entries: make(map[string]cacheEntry), swept: m.core.now(),
	})
	return cache.(*LocalCache)
}

// Get returns a value that has not expired.
func (c *LocalCache) Get(key string) (any, bool) {
	c.mu.RLock()
	e, ok := c.entries[key]
	c.mu.RUnlock()
	if !ok || e.expired(c.now()) {
		return nil, false
	}
	return e.value, true
}

// Put stores a value of about size bytes for ttl, or for ever when ttl is zero.
// Errors: InvalidArgument for an empty key or a negative ttl, ResourceExhausted
// if the cache has no room for it.
func (c *LocalCache) Put(key string, value any, size int, ttl time.Duration) error {
	if key == "" {
		return invalid("expects a key")
	}
	if ttl < 0 {
		return invalid("time to live must not be negative")
	}
	now := c.now()
	e := cacheEntry{value: value, size: len(key) + size + cacheOverhead}
	if ttl > 0 {
		e.expires = now.Add(ttl)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	full := func() bool { return c.max > 0 && c.size-c.entries[key].size+e.size > c.max }
	if since := now.Sub(c.swept); since >= cacheSweep || since >= cacheSweepFull && full() {
		c.swept = now
		for key, e := range c.entries {
			if e.expired(now) {
				c.remove(key)
			}
		}
	}
	if full() {
		return fault.Newf(fault.ResourceExhausted, "the local cache is full: it holds %d bytes of at most %d (runtime.max_local_cache_mb), and the value takes %d",
			c.size, c.max, e.size)
	}
	c.remove(key)
	c.entries[key] = e
	c.size += e.size
	return nil
}

// remove removes an entry, if there is one. The lock must be held.
func (c *LocalCache) remove(key string) {
	c.size -= c.entries[key].size
	delete(c.entries, key)
}

// Delete removes a value.
func (c *LocalCache) Delete(key string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.remove(key)
}

// Clear removes all values.
func (c *LocalCache) Clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.entries)
	c.size = 0
}

func (e cacheEntry) expired(now time.Time) bool { return !e.expires.IsZero() && !now.Before(e.expires) }
