package cluster_test

import (
	"flag"
	"os"
	"testing"

	"kumi/internal/testutil"
)

func TestMain(m *testing.M) {
	if testutil.Race {
		// Races show in a few schedules; faults of the protocols are looked for without the
		// race detector.
		_ = flag.Set("rapid.checks", "25")
	}
	os.Exit(m.Run())
}
