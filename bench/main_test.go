package main

import (
	"testing"

	"go.uber.org/goleak"
)

// Scenarios must leave nothing running: the next one would pay for it.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
