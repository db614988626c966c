package command

import (
	"path/filepath"
	"strings"
	"testing"
)

// What cannot be checked is an error: no folder, a file in its place, and a folder in which
// nothing can be loaded.
func TestCheckNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "file"), "")
	write(t, filepath.Join(dir, "empty", "a.txt"), "")
	write(t, filepath.Join(dir, "helper", "a.go"), "package helper\n\nfunc Help() {}\n")
	write(t, filepath.Join(dir, "misspelled", "a.go"), "package game\n\nfunc InitModul() {}\n")
	write(t, filepath.Join(dir, "form", "a.go"), "package game\n\nfunc InitModule() error { return nil }\n")
	for path, want := range map[string]string{
		"nothing":    "there is no folder",
		"file":       "is not a folder",
		"empty":      "there is no index.ts, index.js, *.lua or *.so, and no Go package with an InitModule",
		"helper":     "a.go: the package helper has no function InitModule; it takes func InitModule(ctx",
		"misspelled": "a.go:3:6: InitModul is misspelled: the package game has no function InitModule; it takes func InitModule(ctx",
		"form":       "a.go:3:6: InitModule has other parameters or results: it must be func InitModule(ctx",
	} {
		path = filepath.Join(dir, path)
		for _, args := range [][]string{{"check", "--runtime.path", path}, {"check", path}} {
			var out buffer
			code := dispatch(t.Context(), args, streams{&out, &out, nil})
			if code != exitFailed || !strings.Contains(out.String(), want) || !strings.Contains(out.String(), path) {
				t.Errorf("%q: exit %d, want %q in:\n%s", args, code, want, out.String())
			}
		}
	}
}

// check takes the folder as test and build do, before or after settings.
func TestCheckFolder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "main.lua"), `require("nakama").register_rpc(function() end, "a")`)
	for args, want := range map[string]struct {
		code int
		text string
	}{
		dir:                             {exitOK, "main: 1 RPC"},
		dir + " --logger.level error":   {exitOK, "main: 1 RPC"},
		"--logger.level=error " + dir:   {exitOK, "main: 1 RPC"},
		dir + " b":                      {exitUsage, "check: expected one folder, not also b"},
		dir + " --runtime.pth elswhere": {exitUsage, "unknown flag --runtime.pth: did you mean --runtime.path?"},
	} {
		var out buffer
		if code := dispatch(t.Context(), append([]string{"check"}, strings.Fields(args)...), streams{&out, &out, nil}); code != want.code || !strings.Contains(out.String(), want.text) {
			t.Errorf("check %s: exit %d, want %d and %q in:\n%s", args, code, want.code, want.text, out.String())
		}
	}
}
