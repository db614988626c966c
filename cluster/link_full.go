package cluster

import "time"

// free is how many bytes all links together leave free. One link may hold as much as that:
// so one that is slow takes half of the buffer at most, and the others always find room.
func (l *link) free() int64 { return l.node.options.Buffer - l.node.buffered.Load() }

// full reports whether the link has no room for more bytes. Callers hold the lock.
func (l *link) full(more int64) bool { return l.bytes+more > l.free() }

// makeRoom drops items until there is room for one more: first those that are not
// reliable, which include the new one, then the oldest. It reports whether to send the
// new one. Callers hold the lock.
func (l *link) makeRoom(e entry) bool {
	if !l.full(e.size) {
		return true
	}
	if l.fullSince.IsZero() {
		l.fullSince = time.Now()
	}
	if !e.reliable {
		return false
	}
	if l.unreliable > 0 {
		l.dropUnreliable()
	}
	for l.full(e.size) && len(l.entries) > 0 {
		l.dropOldest()
	}
	return !l.full(e.size)
}

// dropUnreliable drops the items that are not reliable and were not sent. Those behind
// them move up, as they have no numbers yet. Callers hold the lock.
func (l *link) dropUnreliable() {
	kept := l.entries[:l.next-l.base]
	for _, e := range l.entries[l.next-l.base:] {
		if !e.reliable {
			l.hold(-e.size)
			l.node.counts.lost.Add(1)
			continue
		}
		kept = append(kept, e)
	}
	clear(l.entries[len(kept):])
	l.entries, l.unreliable = kept, 0
}

// dropOldest drops the first entry. Callers hold the lock.
func (l *link) dropOldest() {
	if l.base >= l.next { // the peer will see a hole, and ask, and hear that it is gone
		l.next = l.base + 1
		l.onTheWay += l.entries[0].size
		if !l.entries[0].reliable {
			l.unreliable--
		}
	}
	l.drop(1)
}

// trim drops what has waited for too long.
func (l *link) trim() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.entries) > 0 && time.Since(l.entries[0].at) > keepFor {
		l.dropOldest()
	}
}

// choked reports whether the link has been full for so long that the peer counts as down.
func (l *link) choked() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return !l.fullSince.IsZero() && time.Since(l.fullSince) > fullFor
}
