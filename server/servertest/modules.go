package servertest

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/rs/zerolog"

	"kumi/internal/testutil"
)

// Write replaces a file of the server's modules folder atomically, as editors do.
func (s *Server) Write(t testing.TB, name, source string) {
	t.Helper()
	path := filepath.Join(s.ModulesPath, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path+"~", []byte(source), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+"~", path); err != nil {
		t.Fatal(err)
	}
}

// Journal keeps a server's log for a test to read.
type Journal struct{ testutil.Log }

// Keep sends the server's log to the journal.
func (j *Journal) Keep() Option { return LogTo(zerolog.New(j)) }

// Eventually asks again and again until the answer is yes, and fails the test
// when it never is.
func Eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	testutil.Eventually(t, what, ok)
}
