package testkit

import (
	"sync/atomic"
	"time"
)

// realClock is the real time in Unix nanoseconds. In the bubble the clock is virtual.
var realClock atomic.Int64

// keepTime sets the real clock, outside of the bubble.
func keepTime() {
	for t := range time.Tick(time.Millisecond) {
		realClock.Store(t.UnixNano())
	}
}

// realNow returns the real time, to the millisecond.
func realNow() time.Time { return time.Unix(0, realClock.Load()) }
