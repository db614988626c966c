package servertest_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"kumi/internal/testenv"
)

// The example works as it is shown.
func TestExample(t *testing.T) { testGreeting(t) }

// Another module can import the package as its documentation says, without a network if the
// dependencies are here.
func TestImport(t *testing.T) {
	t.Parallel()
	if !testenv.Strict() {
		t.Skip("builds a program, which takes a minute: set KUMI_TEST_STRICT=1 to run it, as .ci/run does")
	}
	if _, err := exec.LookPath("go"); err != nil {
		testenv.Skip(t, "this takes the go command, which is not installed here")
	}
	source, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	example, err := os.ReadFile("example_test.go")
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	text := strings.NewReplacer("func testGreeting", "func TestGreeting", "_ = testGreeting", "", "package servertest_test", "package game").Replace(string(example))
	sums, err := os.ReadFile(filepath.Join(source, "go.sum"))
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{"game_test.go": text, "game.go": "package game\n", "go.sum": string(sums), "go.mod": "module example.com/game\n\ngo 1.26\n"} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, args := range [][]string{
		{"mod", "edit", "-require=kumi@v0.0.0", "-replace=kumi=" + source},
		{"mod", "tidy"},
		{"test", "-v", "./..."},
	} {
		cmd := exec.CommandContext(t.Context(), "go", args...)
		cmd.Dir = folder
		cmd.Env = append(os.Environ(), "GOWORK=off")
		said, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, said)
		}
		if args[0] == "test" && !strings.Contains(string(said), "--- PASS: TestGreeting") {
			t.Errorf("%s", said)
		}
	}
}
