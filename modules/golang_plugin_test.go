package modules

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"kumi/internal/testenv"
	"kumi/store/fault"
)

func TestPluginThatIsNone(t *testing.T) {
	t.Parallel()
	w := emptyTestServer(t, map[string]string{"native/game.so": "not a library"})
	err := w.load()
	if fault.CodeOf(err) != fault.FailedPrecondition || !strings.Contains(err.Error(), "native/game.so") {
		t.Errorf("got %v", err)
	}
}

// pluginSource is a module whose InitModule has a type to be filled in.
const pluginSource = `package main

import (
	"context"
	"database/sql"

	"github.com/heroiclabs/nakama-common/runtime"
)

func InitModule(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, init runtime.Initializer) error {
	return init.RegisterRpc("from_plugin", func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, payload string) (string, error) {
		return "plugin " + payload, nil
	})
}

func main() {}
`

// hostSource is a program that loads a folder of modules: a test binary is not
// one that plugins can be loaded into.
const hostSource = `package main

import (
	"context"
	"fmt"
	"os"

	"github.com/rs/zerolog"

	"kumi/modules"
	_ "kumi/modules/golang/goplugin"
)

func main() {
	set, err := modules.Load(context.Background(), modules.Options{Path: os.Args[1], Logger: zerolog.Nop()})
	if err != nil {
		fmt.Println("error:", err)
		return
	}
	out, err := set.RPC.Lookup("from_plugin").Call(context.Background(), "works")
	fmt.Println(out, err)
}
`

// TestPlugin builds a plugin and a program, and loads one into the other.
func TestPlugin(t *testing.T) {
	if !testenv.Strict() {
		t.Skip("builds a program and plugins, which takes a minute: set KUMI_TEST_STRICT=1 to run it, as .ci/run does")
	}
	if env, err := exec.Command("go", "env", "CGO_ENABLED").Output(); err != nil || strings.TrimSpace(string(env)) != "1" {
		testenv.Skip(t, "plugins take cgo, which this Go has not")
	}
	if _, err := exec.LookPath("gcc"); err != nil {
		testenv.Skip(t, "plugins take a C compiler, and there is none")
	}
	t.Parallel()
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	// The sources must be in this module, for they import it; the go command
	// leaves folders that begin with an underscore alone.
	dir, err := os.MkdirTemp(root, "_plugintest")
	if err != nil {
		testenv.Skip(t, "the sources' folder cannot be written to: "+err.Error())
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	out := t.TempDir()
	build := func(name, source string, args ...string) string {
		t.Helper()
		src := filepath.Join(dir, name)
		if err := os.MkdirAll(src, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(src, "main.go"), []byte(source), 0o644); err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(out, name, name+".so")
		cmd := exec.Command("go", append(append([]string{"build", "-o", file}, args...), "./"+filepath.Base(dir)+"/"+name)...)
		cmd.Dir = root
		if text, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("build %s: %v\n%s", name, err, text)
		}
		return file
	}
	host := build("host", hostSource)
	load := func(folder string) string {
		t.Helper()
		text, err := exec.Command(host, folder).CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		return string(text)
	}

	if got := load(filepath.Dir(build("fits", pluginSource, "-buildmode=plugin"))); got != "plugin works <nil>\n" {
		t.Errorf("a plugin that fits: %s", got)
	}
	other := strings.ReplaceAll(pluginSource, "init runtime.Initializer) error", "init runtime.Initializer, more int) error")
	if got := load(filepath.Dir(build("typed", other, "-buildmode=plugin"))); !strings.Contains(got, "load Go plugin typed.so: its InitModule has the type func(") {
		t.Errorf("an InitModule of another type: %s", got)
	}
	if got := load(filepath.Dir(build("named", strings.ReplaceAll(pluginSource, "InitModule", "StartModule"), "-buildmode=plugin"))); !strings.Contains(got, "does not export a function InitModule") {
		t.Errorf("no InitModule: %s", got)
	}
	if got := load(filepath.Dir(build("flags", pluginSource, "-buildmode=plugin", "-trimpath"))); !strings.Contains(got, "-trimpath: the plugin has true, the server none") {
		t.Errorf("other flags: %s", got)
	}
}
