package command

import (
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
)

// ownName returns how to call this program in a shell, and what has to be run before. A
// program of go run is gone when it ends.
func ownName(s streams) (name, before string) {
	b := builder{streams: s}
	for _, dir := range filepath.SplitList(b.getenv("PATH")) {
		for _, file := range []string{"kumi", "kumi.exe"} {
			if info, err := os.Stat(filepath.Join(dir, file)); err == nil && info.Mode().IsRegular() {
				return "kumi", ""
			}
		}
	}
	self, err := os.Executable()
	if err != nil {
		return "kumi", ""
	}
	if !strings.Contains(filepath.ToSlash(self), "/go-build") {
		return self, ""
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		if b.info = info; b.findSource() == nil {
			return filepath.Join(b.source, "kumi"), "go build -C " + b.source + " -o kumi . && "
		}
	}
	return "kumi", ""
}
