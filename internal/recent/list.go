// Package recent keeps the last entries of something that goes on, such as a log, and
// lets readers follow it at their own speed: one that is too slow misses entries, and
// holds up nobody.
package recent

import "sync"

// List has the last entries that were added, up to a number of entries and of bytes. It
// may be used from any goroutine.
type List[T any] struct {
	Followers // woken after each new entry

	mu       sync.Mutex
	maxBytes int
	size     func(T) int
	ring     []T
	first    uint64 // number of the oldest entry; they are counted from 0
	end      uint64 // number of the next entry
	bytes    int
}

// NewList makes an empty list of at most entries entries, which are maxBytes together as
// size counts them; without size only the number counts.
func NewList[T any](entries, maxBytes int, size func(T) int) *List[T] {
	return &List[T]{maxBytes: maxBytes, size: size, ring: make([]T, entries)}
}

// Add adds an entry. It must not be changed afterwards.
func (l *List[T]) Add(entry T) {
	l.add(entry)
	l.Wake()
}

func (l *List[T]) add(entry T) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.end-l.first == uint64(len(l.ring)) {
		l.drop()
	}
	if l.size != nil {
		n := l.size(entry)
		for l.bytes+n > l.maxBytes && l.first < l.end {
			l.drop()
		}
		l.bytes += n
	}
	l.ring[l.end%uint64(len(l.ring))] = entry
	l.end++
}

// drop removes the oldest entry. mu is held.
func (l *List[T]) drop() {
	place := &l.ring[l.first%uint64(len(l.ring))]
	if l.size != nil {
		l.bytes -= l.size(*place)
	}
	var none T
	*place = none
	l.first++
}

// Since returns the entries from a number on, at most max of them, the number to go on
// with, and how many entries were dropped in between. The first number is 0.
func (l *List[T]) Since(from uint64, max int) (entries []T, next, missed uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if from < l.first {
		from, missed = l.first, l.first-from
	}
	next = min(l.end, from+uint64(max))
	for i := from; i < next; i++ {
		entries = append(entries, l.ring[i%uint64(len(l.ring))])
	}
	return entries, next, missed
}

// Last returns the latest entries, at most max, the oldest first, and the number to go on
// with.
func (l *List[T]) Last(max int) (entries []T, next uint64) {
	l.mu.Lock()
	from := l.first
	if n := l.end - l.first; n > uint64(max) {
		from = l.end - uint64(max)
	}
	l.mu.Unlock()
	entries, next, _ = l.Since(from, max)
	return entries, next
}
