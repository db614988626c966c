package alone

import (
	"testing"
	"time"

	"kumi/store/storetest"
	"kumi/vm/js"
)

func TestMain(m *testing.M) {
	// The limit on regular expressions belongs to the process, and the first
	// server would set it: to more than TestBombs has time for.
	js.LimitMatching(2 * time.Second)
	storetest.Main(m)
}
