package golang

import (
	"runtime/debug"
	"strings"
	"testing"
)

func TestCompareBuilds(t *testing.T) {
	t.Parallel()
	build := func(version string, settings string, deps ...string) *debug.BuildInfo {
		b := &debug.BuildInfo{GoVersion: version}
		for s := range strings.FieldsSeq(settings) {
			k, v, _ := strings.Cut(s, "=")
			b.Settings = append(b.Settings, debug.BuildSetting{Key: k, Value: v})
		}
		for _, d := range deps {
			path, v, _ := strings.Cut(d, "@")
			b.Deps = append(b.Deps, &debug.Module{Path: path, Version: v})
		}
		return b
	}
	server := build("go1.26.5", "-trimpath=true GOOS=linux", "a.org/x@v1.0.0", "b.org/y@v2.0.0", "c.org/z@v3.0.0")
	if got := compareBuilds(build("go1.26.5", "-trimpath=true GOOS=linux -buildmode=plugin", "a.org/x@v1.0.0", "own.org/w@v9.0.0"), server); len(got) != 0 {
		t.Errorf("the builds fit, but: %q", got)
	}
	got := strings.Join(compareBuilds(build("go1.25.0", "GOOS=linux", "b.org/y@v2.1.0", "a.org/x@v1.0.1"), server), "\n")
	want := "Go: the plugin has go1.25.0, the server go1.26.5\n" +
		"a.org/x: the plugin has v1.0.1, the server v1.0.0\n" +
		"b.org/y: the plugin has v2.1.0, the server v2.0.0\n" +
		"-trimpath: the plugin has none, the server true"
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
