// Package testenv says how much of the tests is to run. It is for tests only.
//
// With KUMI_TEST_STRICT=1, as .ci/run sets it, everything runs in full: load
// tests have their full size, programs are built, and a test that lacks a tool
// fails instead of being skipped.
package testenv

import (
	"os"
	"strconv"
	"testing"
)

// Strict reports whether everything has to run.
func Strict() bool {
	strict, _ := strconv.ParseBool(os.Getenv("KUMI_TEST_STRICT"))
	return strict
}

// Size is how much of something a test does: plain, or full where everything
// has to run.
func Size[T any](plain, full T) T {
	if Strict() {
		return full
	}
	return plain
}

// Skip skips a test because something is not available, or fails it where
// everything has to run.
func Skip(t testing.TB, why string) {
	t.Helper()
	if Strict() {
		t.Fatal(why)
	}
	t.Skip(why)
}
