package core

import (
	"strings"
	"sync"
)

const (
	tokenShards = 16
	// tokenShardSize is per shard and generation. With tokens of about 250 bytes the
	// whole cache stays below 20 MB.
	tokenShardSize = 1024
)

// tokenCache remembers verified tokens, so that a repeated one costs a map
// look-up instead of an HMAC and two JSON decodings. Each shard has two
// generations: when the young one is full it becomes the old one, and tokens
// not used since are dropped. It may be used from any goroutine.
type tokenCache struct {
	shards [tokenShards]tokenShard
}

type tokenShard struct {
	mu         sync.RWMutex
	young, old map[string]*Claims
}

// shard selects by a character of the signature, which is as good as a hash.
// The last one has only 16 possible values, which & 15 does not spread.
func (c *tokenCache) shard(token string) *tokenShard {
	if len(token) < 2 {
		return &c.shards[0]
	}
	return &c.shards[token[len(token)-2]%tokenShards]
}

func (c *tokenCache) get(token string) *Claims {
	s := c.shard(token)
	s.mu.RLock()
	claims, ok := s.young[token]
	aged := false
	if !ok {
		claims, aged = s.old[token]
	}
	s.mu.RUnlock()
	if aged {
		s.put(token, claims)
	}
	return claims
}

// put stores a copy of token, which may be part of a whole request.
func (c *tokenCache) put(token string, claims *Claims) {
	c.shard(token).put(strings.Clone(token), claims)
}

func (s *tokenShard) put(token string, claims *Claims) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.young == nil || len(s.young) >= tokenShardSize {
		s.young, s.old = make(map[string]*Claims), s.young
	}
	s.young[token] = claims
}

func (c *tokenCache) remove(token string) {
	s := c.shard(token)
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.young, token)
	delete(s.old, token)
}
