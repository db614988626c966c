package command

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The same function in all languages, with statements of every kind. A test calls it
// with 2.
const (
	gradeTS = `export function grade(n: number): string {
  if (n > 9) return "top";
  if (n > 5) {
    return "good";
  } else if (n > 4) {
    n = 0;
  }
  let text = "";
  for (const c of "ab") text += c;
  switch (n) {
    case 1:
      return "one";
    default:
      text += "!";
  }
  try {
    throw new Error("x");
  } catch {
    text += "caught";
  }
  const later = () =>
    "never";
  const now = (x: number) =>
    x + 1;
  do text += now(1); while (text.length < 5);
  outer: for (;;) {
    for (;;) break outer;
  }
  return text;
}
`
	gradeLua = `local M = {}
function M.grade(n)
  if n > 9 then
    return "top"
  elseif n > 5 then
    return "good"
  end
  local text = ""
  for _, c in ipairs({ "a", "b" }) do text = text .. c end
  repeat
    text = text .. "!"
  until true
  local later = function()
    return "never"
  end
  while #text < 4 do
    text = text .. "x"
  end
  return text
end
return M
`
	testTS  = `import { grade } from "./grade"; test("grade", () => { expect(grade(2)).toBe("ab!caught2"); });`
	testLua = `local M = require("grade"); test("grade", function() expect(M.grade(2)).to_be("ab!x") end)`
)

// Which lines ran, exactly, in the table, as lcov and as a page, in all languages.
func TestCoverage(t *testing.T) {
	t.Parallel()
	javaScript := regexp.MustCompile(`(n|x): number|: string`).ReplaceAllString(gradeTS, "$1")
	const jsLines = "2:1 3:1 4:0 5:1 6:0 8:1 9:2 10:1 12:0 14:1 16:1 17:1 19:1 21:1 22:0 23:1 24:1 25:1 26:1 27:1 29:1"
	for name, c := range map[string]struct {
		file, text, test, testFile string
		lines                      string // line:times; the server loads Lua files in two VMs
		row                        string
	}{
		"ts":  {"grade.ts", gradeTS, testTS, "grade.test.ts", jsLines, `17/21    81.0  4, 6, 12, 22`},
		"js":  {"grade.js", javaScript, testTS, "grade.test.js", jsLines, `17/21    81.0  4, 6, 12, 22`},
		"lua": {"grade.lua", gradeLua, testLua, "grade_test.lua", "1:3 3:1 4:0 5:1 6:0 8:1 9:2 10:1 11:1 14:0 16:1 17:1 19:1 21:3", `11/14    78.6  4, 6, 14`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			folder, reports := t.TempDir(), filepath.Join(t.TempDir(), "coverage")
			writeFile(t, filepath.Join(folder, "index.ts"), "function InitModule() {}")
			writeFile(t, filepath.Join(folder, c.file), c.text)
			writeFile(t, filepath.Join(folder, c.testFile), c.test)
			var out strings.Builder
			if code := dispatch(t.Context(), []string{"test", folder, "--coverage-dir", reports}, streams{&out, &out, nil}); code != exitOK {
				t.Fatalf("exit code %d\n%s", code, out.String())
			}
			path := filepath.ToSlash(filepath.Join(folder, c.file))
			if row := regexp.MustCompile(regexp.QuoteMeta(path) + ` +` + regexp.QuoteMeta(c.row) + `\n`); !row.MatchString(out.String()) {
				t.Errorf("there is no row %s in\n%s", c.row, out.String())
			}
			if strings.Contains(out.String(), "_test.lua ") && strings.Contains(out.String(), filepath.ToSlash(folder)+"/"+c.testFile) {
				t.Errorf("the test file is covered:\n%s", out.String())
			}
			if got := daLines(t, filepath.Join(reports, "lcov.info"), path); got != c.lines {
				t.Errorf("lines\n%s, expected\n%s", got, c.lines)
			}
			page, err := os.ReadFile(filepath.Join(reports, "index.html"))
			if err != nil {
				t.Fatal(err)
			}
			for _, want := range []string{path, `<span class="missed" data-line="4" data-ran="0×">    return &#34;`, `<span class="ran" data-line="3" data-ran="1×">`} {
				if !strings.Contains(string(page), want) {
					t.Errorf("%q is missing in\n%s", want, page)
				}
			}
		})
	}
}

// daLines returns the lines of a file in a tracefile of lcov.
func daLines(t *testing.T, tracefile, path string) string {
	t.Helper()
	text, err := os.ReadFile(tracefile)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(text), "SF:"+path+"\n")
	if !ok {
		t.Fatalf("%s is not in\n%s", path, text)
	}
	var lines []string
	for line := range strings.Lines(rest) {
		var n, times int
		if _, err := fmt.Sscanf(line, "DA:%d,%d", &n, &times); err != nil {
			break
		}
		lines = append(lines, fmt.Sprintf("%d:%d", n, times))
	}
	return strings.Join(lines, " ")
}

// What ran in several files is added up, and modules of the server count as well. Places in
// errors are the same as without coverage.
func TestCoverageOfAll(t *testing.T) {
	t.Parallel()
	folder, reports := t.TempDir(), t.TempDir()
	for name, text := range game {
		writeFile(t, filepath.Join(folder, name), text)
	}
	for i, name := range []string{"a.test.ts", "b.test.ts"} {
		writeFile(t, filepath.Join(folder, name), fmt.Sprintf(`import { double } from "./score";
test("rpc", async () => {
  expect(await server.rpc("double", %d)).toBe(%d);
  double(1);
  await server.rpc("fail");
});`, i, 2*i))
	}
	writeFile(t, filepath.Join(folder, "c_test.lua"), `local rules = require("rules")
test("fails", function()
  local n = rules.double(2)
  error("no way")
end)`)
	outputs := map[bool]string{}
	for _, on := range []bool{false, true} {
		args := []string{"test", folder, "--parallel", "1", "--seed", "1"}
		if on {
			args = append(args, "--coverage-dir", reports)
		}
		var out strings.Builder
		if code := dispatch(t.Context(), args, streams{&out, &out, nil}); code != exitFailed {
			t.Errorf("exit code %d", code)
		}
		text, _, _ := strings.Cut(out.String(), "\ncoverage of lines")
		outputs[on] = regexp.MustCompile(`[\d.]+m?s\n`).ReplaceAllString(text, "\n")
	}
	if outputs[true] != outputs[false] || !strings.Contains(outputs[true], ">    5 |   await server.rpc") || !strings.Contains(outputs[true], ">    4 |   error(") {
		t.Errorf("without coverage:\n%s\nwith it:\n%s", outputs[false], outputs[true])
	}
	tracefile := filepath.Join(reports, "lcov.info")
	if got := daLines(t, tracefile, filepath.ToSlash(filepath.Join(folder, "score.ts"))); got != "1:4" {
		t.Errorf("score.ts: %s", got)
	}
	if got := daLines(t, tracefile, filepath.ToSlash(filepath.Join(folder, "rules.lua"))); !strings.Contains(got, " 2:1 ") {
		t.Errorf("rules.lua: %s", got)
	}
}
