package test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"kumi/internal/testenv"
	"kumi/server/servertest"
)

// A load that does not end is cancelled when a newer version is saved.
func TestSavedWhileLoading(t *testing.T) {
	t.Parallel()
	for language, module := range map[string][3]string{
		"javascript": {"index.js", `function InitModule(c, l, n, i) { i.registerRpc("say", () => "one"); }`,
			`function InitModule(c, l, nk, i) { nk.httpRequest("URL", "get"); while (true) {} }`},
		"lua": {"main.lua", `require("nakama").register_rpc(function() return "one" end, "say")`,
			`require("nakama").http_request("URL", "get") while true do end`},
	} {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			arrived := make(chan struct{})
			door := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { close(arrived) }))
			t.Cleanup(door.Close)
			var log servertest.Journal
			srv := servertest.Start(t, log.Keep(), servertest.Flags("--runtime.watch", "--runtime.call_timeout_ms", "600000"),
				servertest.Module(module[0], module[1]))
			srv.Write(t, module[0], strings.Replace(module[2], "URL", door.URL, 1))
			<-arrived // it loads, and will never be done
			srv.Write(t, module[0], strings.Replace(module[1], "one", "two", 1))
			servertest.Eventually(t, "the newer file is live", func() bool {
				got, _ := srv.RPC(t, "say", "")
				return got == "two"
			})
			if len(log.Lines("module reload canceled")) == 0 {
				t.Error("the log does not say that a load was given up")
			}
		})
	}
}

// Targets of symbolic links are watched like files of the folder.
func TestSavedBehindLinks(t *testing.T) {
	t.Parallel()
	for _, language := range []string{"javascript", "typescript", "lua"} {
		for _, kind := range []string{"file", "folder"} {
			t.Run(language+" "+kind, func(t *testing.T) {
				t.Parallel()
				outside := t.TempDir()
				name, source := say(language, "one")
				srv := servertest.Start(t, servertest.Flags("--runtime.watch"), servertest.Module("z.lua", "return 1"))
				link, file := filepath.Join(srv.ModulesPath, name), filepath.Join(outside, name)
				if kind == "folder" {
					link = filepath.Join(srv.ModulesPath, "lib")
				}
				text := func(text string) string { return strings.ReplaceAll(source, "one", text) }
				if kind == "folder" && language != "lua" { // an import from a linked folder
					srv.Write(t, name, `import { text } from "./lib/text";
						export function InitModule(c, l, n, i) { i.registerRpc("say", () => text); }`)
					file = filepath.Join(outside, "text.js")
					text = func(text string) string { return `export const text = "` + text + `";` }
				} else if language == "typescript" {
					text = func(text string) string {
						return `export function InitModule(c, l, n, i) { i.registerRpc("say", (): string => "` + text + `"); }`
					}
				}
				save := func(content string) {
					if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
						t.Fatal(err)
					}
				}
				save(text("one"))
				target := file
				if kind == "folder" {
					target = outside
				}
				if err := os.Symlink(target, link); err != nil {
					testenv.Skip(t, err.Error())
				}
				for _, want := range []string{"one", "two", "three"} {
					save(text(want))
					servertest.Eventually(t, "say answers "+want, func() bool {
						got, _ := srv.RPC(t, "say", "")
						return got == want
					})
				}
			})
		}
	}
}

// Deleting and recreating a file does not remove its functions in between; a file that
// stays deleted is logged.
func TestSavedByDeleting(t *testing.T) {
	t.Parallel()
	for _, language := range []string{"javascript", "lua"} {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			var log servertest.Journal
			name, source := say(language, "one")
			srv := servertest.Start(t, log.Keep(), servertest.Flags("--runtime.watch", "--logger.level", "debug"), servertest.Module(name, source))
			remove := func() {
				if err := os.Remove(filepath.Join(srv.ModulesPath, name)); err != nil {
					t.Fatal(err)
				}
			}
			remove()
			servertest.Eventually(t, "the watch sees that the file is gone", func() bool { return len(log.Lines("waiting for it to come back")) > 0 })
			srv.Write(t, name, strings.Replace(source, "one", "two", 1))
			servertest.Eventually(t, "say answers two", func() bool {
				got, a := srv.RPC(t, "say", "")
				if a.Status != http.StatusOK {
					t.Fatalf("say: %d %s", a.Status, a.Body)
				}
				return got == "two"
			})
			if lines := log.Lines("module is left"); len(lines) > 0 {
				t.Errorf("the log says %s", lines)
			}
			remove()
			servertest.Eventually(t, "the log misses the modules", func() bool { return len(log.Lines(`"warn"`, "no "+language+" module is left", name)) == 1 })
		})
	}
}
