package socket

import (
	"sync"
	"time"
)

// patience is how long a reader may be at what it has read before another one
// takes its place.
const patience = 10 * time.Millisecond

// watches is how many lookouts share the sockets of a server.
const watches = 64

// lookout sees to it that a handler that takes long does not keep its socket
// from being read: pings are to be answered and a lost connection noticed
// whatever the handlers do. Readers enter when they begin to handle what they
// have read and leave before they wait for more. There are several, so that
// sockets do not meet at one lock each time they read. It is used from any
// goroutine.
type lookout struct {
	mu    sync.Mutex
	first *session
	timer *time.Timer // nil until it is first needed
	looks bool        // the timer is set
	count uint64      // of looks
}

// turn is a session's place with the lookout.
type turn struct {
	entered    bool // only the reader asks
	at         uint64
	prev, next *session
}

// enter is called by the reader while it handles nothing, so that it is not
// being replaced.
func (l *lookout) enter(s *session) {
	if s.turn.entered {
		return
	}
	l.mu.Lock()
	s.turn = turn{entered: true, at: l.count, next: l.first}
	if l.first != nil {
		l.first.turn.prev = s
	}
	l.first = s
	if !l.looks {
		l.looks = true
		if l.timer == nil {
			l.timer = time.AfterFunc(patience, l.look)
		} else {
			l.timer.Reset(patience)
		}
	}
	l.mu.Unlock()
}

// leave is called by the reader, as enter is.
func (l *lookout) leave(s *session) {
	if s.turn.entered {
		l.mu.Lock()
		l.remove(s)
		l.mu.Unlock()
	}
}

func (l *lookout) remove(s *session) {
	if t := &s.turn; t.prev != nil {
		t.prev.turn.next = t.next
	} else {
		l.first = t.next
	}
	if t := &s.turn; t.next != nil {
		t.next.turn.prev = t.prev
	}
	s.turn = turn{}
}

// look finds the readers that have been at it since before the last look.
func (l *lookout) look() {
	var late []*session
	l.mu.Lock()
	for s := l.first; s != nil; {
		next := s.turn.next
		// One that is between two messages is found at the next look.
		if s.turn.at < l.count && s.handOver() {
			l.remove(s)
			late = append(late, s)
		}
		s = next
	}
	l.count++
	if l.looks = l.first != nil; l.looks {
		l.timer.Reset(patience)
	}
	l.mu.Unlock()
	for _, s := range late {
		s.flushBeside()
		go s.read()
	}
}
