package main

import (
	"os"
	"testing"

	"go.uber.org/goleak"

	"kumi/store/storetest"
)

// fakeVariable makes the test binary run as the fake server.
const fakeVariable = "BENCH_FAKE_SERVER"

// Scenarios must not leave goroutines behind: they would affect the next one.
func TestMain(m *testing.M) {
	if os.Getenv(fakeVariable) != "" {
		serveFake(os.Args[1:])
	}
	storetest.Main(m, func() error { return goleak.Find() })
}
