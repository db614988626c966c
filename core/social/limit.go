package social

import (
	"sync"
	"time"
)

// limit counts requests per minute. The zero value is ready.
type limit struct {
	mu     sync.Mutex
	minute time.Time // when the current minute began
	count  int       // of requests in it
}

// allow counts a request and reports whether it is one of the first maxPerMinute of
// the minute.
func (l *limit) allow(now time.Time, maxPerMinute int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if now.Sub(l.minute) >= time.Minute {
		l.minute, l.count = now, 0
	}
	if l.count >= maxPerMinute {
		return false
	}
	l.count++
	return true
}
