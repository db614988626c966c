package test

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// The table of rooms in docs/architecture.md is what the imports are, and a room
// imports only rooms below it.
func TestArchitecture(t *testing.T) {
	t.Parallel()
	documented, order := roomsOf(t, "../docs/architecture.md")
	real := importsOf(t)
	for room, imports := range real {
		switch want, ok := documented[room]; {
		case !ok:
			t.Errorf("%s is not in the table of rooms; it imports %s", room, imports)
		case want != imports:
			t.Errorf("%s imports %s; the table says %s", room, imports, want)
		}
		for name := range strings.FieldsSeq(imports) {
			if other := strings.Trim(name, "`"); order[other] <= order[room] {
				t.Errorf("%s imports %s, which is above it", room, other)
			}
		}
	}
	for room := range documented {
		if _, ok := real[room]; !ok {
			t.Errorf("%s is in the table of rooms and does not exist", room)
		}
	}
}

// roomsOf reads the table: the imports of each room, and its line.
func roomsOf(t *testing.T, file string) (imports map[string]string, order map[string]int) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	imports, order = map[string]string{}, map[string]int{}
	row := regexp.MustCompile("(?m)^\\| `([^`]+)` \\| ?([^|]*?) ?\\|")
	for _, m := range row.FindAllStringSubmatch(string(text), -1) {
		imports[m[1]], order[m[1]] = m[2], len(order)
	}
	return imports, order
}

// importsOf asks the go tool what each package imports of the others, in its order.
// Modules that the benchmarks load do not count as rooms.
func importsOf(t *testing.T) map[string]string {
	t.Helper()
	list := exec.Command("go", "list", "-f", `{{.ImportPath}} {{join .Imports " "}}`, "kumi/...")
	list.Dir = ".."
	list.Env = append(os.Environ(), "GOOS=linux", "CGO_ENABLED=1") // also where there is no C compiler
	out, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	imports := map[string]string{}
	for line := range strings.Lines(string(out)) {
		words := strings.Fields(line)
		room := strings.TrimPrefix(words[0], "kumi/")
		if room == "kumi" {
			room = "main.go"
		}
		if strings.HasPrefix(room, "bench/modules/") {
			continue
		}
		var of []string
		for _, path := range words[1:] {
			if name, ok := strings.CutPrefix(path, "kumi/"); ok {
				of = append(of, "`"+name+"`")
			}
		}
		imports[room] = strings.Join(of, " ")
	}
	return imports
}
