package command

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"kumi/match"
)

// writeReplayTest copies a recording into the modules folder, and writes a test beside it that
// replays it.
func writeReplayTest(rec *match.Recording, folder, file, name string, s streams) int {
	text, ending := replayTestTS, ".test.ts"
	switch rec.Runtime {
	case "lua":
		text, ending = replayTestLua, "_test.lua"
	case "go":
		return failed(s, fmt.Errorf("a recording of a match in Go has no results of nk, so no test can be made of it"))
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return failed(s, err)
	}
	copied := name + match.RecordingEnding
	title := fmt.Sprintf("%s is as it was recorded", rec.Handler)
	if rec.Error != "" {
		title = fmt.Sprintf("%s fails as it was recorded: remove this test once the error is fixed, or replace the recording", rec.Handler)
	}
	source := strings.NewReplacer("TITLE", fmt.Sprintf("%q", title), "FILE", fmt.Sprintf("%q", copied)).Replace(text)
	test := filepath.Join(folder, name+ending)
	if _, err := os.Stat(test); err == nil {
		return failed(s, fmt.Errorf("%s exists", test))
	}
	for _, f := range []struct {
		path    string
		content []byte
	}{{filepath.Join(folder, copied), data}, {test, []byte(source)}} {
		if err := os.WriteFile(f.path, f.content, 0o600); err != nil {
			return failed(s, err)
		}
		fmt.Fprintf(s.out, "wrote %s\n", f.path)
	}
	return exitOK
}

const replayTestTS = `// Replays the recorded match in FILE and expects no differences. See docs/replay.md.
test(TITLE, async () => {
  expect(await server.replay(FILE)).toEqual([]);
});
`

const replayTestLua = `-- Replays the recorded match in FILE and expects no differences. See docs/replay.md.
test(TITLE, function()
  expect(server.replay(FILE)).to_equal({})
end)
`
