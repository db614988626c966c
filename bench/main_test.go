package main

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

// fakeVariable makes the test program the fake server.
const fakeVariable = "BENCH_FAKE_SERVER"

// Scenarios must leave nothing running: the next one would pay for it.
func TestMain(m *testing.M) {
	if os.Getenv(fakeVariable) != "" {
		serveFake(os.Args[1:])
	}
	goleak.VerifyTestMain(m)
}
