package servertest

import (
	"os"
	"regexp"
	"testing"
)

// example is a code block of a guide that names its file: ```ts index.ts
var example = regexp.MustCompile("(?ms)^```(?:ts|lua|go) (\\S+)$\n(.*?)^```$")

// Examples returns the files that a guide shows, by name.
func Examples(t testing.TB, guide string) map[string]string {
	t.Helper()
	text, err := os.ReadFile(guide)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, f := range example.FindAllStringSubmatch(string(text), -1) {
		files[f[1]] = f[2]
	}
	if len(files) == 0 {
		t.Fatalf("%s shows no files", guide)
	}
	return files
}
