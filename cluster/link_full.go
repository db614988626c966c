package cluster

import "time"

// free is how many bytes all links together leave free. One link may hold as much as that:
// so one that is slow takes half of the buffer at most, and the others always find room.
func (l *link) free() int64 { return l.node.options.Buffer - l.node.buffered.Load() }

// makeRoom drops items that were not sent until there is room for one more: first those
// that are not reliable, which include the new one, then the oldest, some more than
// needed, as the next item comes soon. It reports whether to send the new one. Callers
// hold the lock.
func (l *link) makeRoom(e entry) bool {
	full := func() bool { return l.bytes+e.size > l.free() }
	if !full() {
		return true
	}
	if l.fullSince.IsZero() {
		l.fullSince = time.Now()
	}
	if !e.reliable {
		return false
	}
	if l.unreliable > 0 {
		l.discard(func(old *entry) bool { return !old.reliable })
	}
	if full() {
		enough := l.bytes - l.bytes/16
		l.discard(func(*entry) bool { return full() || l.bytes > enough })
	}
	return !full()
}

// discard drops those of the items that were not sent for which drop says so, from the
// oldest on. They have no numbers yet. Callers hold the lock.
func (l *link) discard(drop func(*entry) bool) {
	sent := int(l.next - l.base)
	kept := l.entries[:sent]
	for i := sent; i < len(l.entries); i++ {
		e := l.entries[i]
		if !drop(&e) {
			kept = append(kept, e)
			continue
		}
		l.hold(-e.size)
		l.node.counts.lost.Add(1)
		if !e.reliable {
			l.unreliable--
		}
	}
	clear(l.entries[len(kept):])
	l.entries = kept
}

// trim drops what has waited for too long. What was sent keeps its number until the peer
// has confirmed it.
func (l *link) trim() {
	l.mu.Lock()
	defer l.mu.Unlock()
	old := func(e *entry) bool { return time.Since(e.at) > keepFor }
	for i := range l.entries[:l.next-l.base] {
		if !old(&l.entries[i]) {
			return
		}
		l.release(&l.entries[i])
	}
	if i := int(l.next - l.base); i < len(l.entries) && old(&l.entries[i]) {
		l.discard(old)
	}
}

// choked reports whether the link has been full for so long that the peer counts as down.
func (l *link) choked() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return !l.fullSince.IsZero() && time.Since(l.fullSince) > fullFor
}
