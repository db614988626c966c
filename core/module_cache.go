package core

import (
	"sync"
	"time"
)

// cacheSweep is how often expired entries are removed.
const cacheSweep = 5 * time.Minute

// LocalCache is a cache shared by all VMs of one script language. Values must
// not be modified after Put. It may be used from any goroutine.
type LocalCache struct {
	now     func() time.Time
	mu      sync.RWMutex
	entries map[string]cacheEntry
	swept   time.Time
}

type cacheEntry struct {
	value   any
	expires time.Time // zero: never
}

// LocalCache returns the cache of a script language. Each language has its
// own, and it survives reloads of the modules.
func (m *Module) LocalCache(language string) *LocalCache {
	if cache, ok := m.core.caches.Load(language); ok {
		return cache.(*LocalCache)
	}
	cache, _ := m.core.caches.LoadOrStore(language, &LocalCache{
		now: m.core.now, entries: make(map[string]cacheEntry), swept: m.core.now(),
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

// Put stores a value for ttl, or for ever when ttl is zero.
func (c *LocalCache) Put(key string, value any, ttl time.Duration) error {
	if key == "" {
		return invalid("expects a key")
	}
	if ttl < 0 {
		return invalid("time to live must not be negative")
	}
	now := c.now()
	e := cacheEntry{value: value}
	if ttl > 0 {
		e.expires = now.Add(ttl)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.entries[key] = e
	if now.Sub(c.swept) >= cacheSweep {
		c.swept = now
		for key, e := range c.entries {
			if e.expired(now) {
				delete(c.entries, key)
			}
		}
	}
	return nil
}

// Delete removes a value.
func (c *LocalCache) Delete(key string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.entries, key)
}

// Clear removes all values.
func (c *LocalCache) Clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.entries)
}

func (e cacheEntry) expired(now time.Time) bool { return !e.expires.IsZero() && !now.Before(e.expires) }
