package translate

import (
	"os"
	"strings"
	"testing"
)

// The page on custom SQL names every function and type that is understood.
func TestDocsNameWhatIsUnderstood(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/sql.md")
	if err != nil {
		t.Fatal(err)
	}
	for name := range functions {
		if !strings.Contains(string(page), "`"+strings.ToLower(name)+"`") {
			t.Errorf("docs/sql.md does not name %s", strings.ToLower(name))
		}
	}
	for name := range functions {
		if _, both := refused[name]; both {
			t.Errorf("%s is both understood and refused", name)
		}
	}
}
