package command

import (
	"os/exec"
	"strings"
	"testing"

	"kumi/server/testkit"
)

// However the process of a test file fails, the file fails, and the report says why.
func TestTestProcessFails(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("sh"); err != nil {
		t.Skip("the processes of this test are scripts of sh, which is not installed")
	}
	const passed = `echo '{"Kind":"begin","Test":"a"}'; echo '{"Kind":"end","Test":"a","Status":"passed"}'; `
	const done = `echo '{"Kind":"done"}'; `
	for name, c := range map[string]struct {
		script string
		want   []string // in what is printed
		not    string
	}{
		"exit code after all tests": {passed + done + `echo noise >&2; echo "WARNING: DATA RACE" >&2; echo "at x.go:7" >&2; exit 66`,
			[]string{"FAIL  x.test.ts  1 passed", "exit status 66", "WARNING: DATA RACE\n    at x.go:7"}, "noise"},
		"crash between tests": {passed + `echo noise >&2; echo "panic: no way" >&2; exit 2`,
			[]string{"FAIL  x.test.ts  1 passed", "exit status 2", "panic: no way"}, "noise"},
		"crash during a test": {passed + `echo '{"Kind":"begin","Test":"b"}'; echo "fatal error: all asleep" >&2; exit 2`,
			[]string{"1 passed, 1 failed", "✗ b", "the process ended during this test: exit status 2", "fatal error: all asleep"}, "could not be run"},
		"exit before the end": {passed,
			[]string{"FAIL  x.test.ts  1 passed", "it ended before all tests had run"}, ""},
		"the last lines": {`i=0; while [ $i -lt 100 ]; do echo "line $i." >&2; i=$((i+1)); done; exit 3`,
			[]string{"exit status 3", "line 60.", "line 99."}, "line 59."},
		"success": {passed + done, []string{"ok    x.test.ts  1 passed"}, "FAIL"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := &fileResult{file: "x.test.ts"}
			if err := r.follow(t.Context(), exec.CommandContext(t.Context(), "sh", "-c", c.script)); err != nil {
				r.err = &testkit.Failure{Message: err.Error()}
			}
			var out strings.Builder
			printFile(&out, r, testOptions{})
			for _, want := range c.want {
				if !strings.Contains(out.String(), want) {
					t.Errorf("%q is missing in\n%s", want, out.String())
				}
			}
			if c.not != "" && strings.Contains(out.String(), c.not) {
				t.Errorf("%q is in\n%s", c.not, out.String())
			}
			if failed := name != "success"; r.failed() != failed {
				t.Errorf("failed is %v", r.failed())
			}
		})
	}
}
