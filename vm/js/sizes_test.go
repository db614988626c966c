package js

import (
	"testing"
	"time"
)

// A short timeout has a margin, too: without one, a call went on with the result of a
// match that was cut off before the call was stopped.
func TestMatchLimit(t *testing.T) {
	t.Parallel()
	for timeout, want := range map[time.Duration]time.Duration{
		200 * time.Millisecond: 1200 * time.Millisecond,
		2 * time.Second:        3 * time.Second,
		10 * time.Second:       12500 * time.Millisecond,
	} {
		if got := matchLimit(timeout); got != want {
			t.Errorf("for calls of %v it is %v, want %v", timeout, got, want)
		}
	}
}
