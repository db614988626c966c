package core

import (
	"strings"
	"sync"
)

const (
	tokenShards = 16
	// tokenShardBytes bounds one generation of a shard, so the whole cache holds at
	// most 16 MiB: some 20,000 tokens of the usual 250 bytes.
	tokenShardBytes = 512 << 10
	// tokenOverhead is about what an entry takes besides its token and its claims.
	tokenOverhead = 256
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
	bytes      int // of young
}

// tokenBytes is about how much memory an entry takes: the token, and claims that
// hold the same texts.
func tokenBytes(token string) int { return 2*len(token) + tokenOverhead }

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
	size := tokenBytes(token)
	if s.young == nil || s.bytes+size > tokenShardBytes {
		s.young, s.old, s.bytes = make(map[string]*Claims), s.young, 0
	}
	if _, twice := s.young[token]; !twice {
		s.bytes += size
	}
	s.young[token] = claims
}

func (c *tokenCache) remove(token string) {
	s := c.shard(token)
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, has := s.young[token]; has {
		s.bytes -= tokenBytes(token)
		delete(s.young, token)
	}
	delete(s.old, token)
}
