package cluster

import (
	"slices"
	"testing"
	"time"
)

// busy is how many times as long something may take on a machine that runs other tests as
// well.
const busy = 10

// reportTimes logs how long something took, and fails if the slowest took longer than the
// limit, which is that of a machine with nothing else to do.
func reportTimes(t testing.TB, what string, took []time.Duration, limit time.Duration) {
	t.Helper()
	if len(took) == 0 {
		return
	}
	slices.Sort(took)
	median, most := took[len(took)/2], took[len(took)-1]
	t.Logf("%s: median %s, most %s of %d", what, median.Round(time.Millisecond), most.Round(time.Millisecond), len(took))
	if !long {
		limit *= busy
	}
	if most > limit {
		t.Errorf("%s took up to %s, want at most %s", what, most, limit)
	}
}
