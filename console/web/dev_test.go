package web_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kumi/console/web"
	"kumi/internal/testenv"
)

// With console.dev a change of the sources is there with the next visit of the page, and
// so is a mistake in them.
func TestDev(t *testing.T) {
	t.Parallel()
	if _, err := web.Dev(t.TempDir()); err == nil || !strings.Contains(err.Error(), "npm ci") {
		t.Errorf("without packages: %v", err)
	}
	dir := testenv.NodeModules(t, web.Sources)
	if err := os.CopyFS(filepath.Join(dir, "src"), os.DirFS("src")); err != nil {
		t.Fatal(err)
	}
	page, err := web.Dev(dir)
	if err != nil {
		t.Fatal(err)
	}
	visit := func() (status int, script string) {
		r := get(t, page, "/", "")
		html := string(body(t, r))
		for _, file := range loaded.FindAllStringSubmatch(html, -1) {
			if strings.HasSuffix(file[1], ".js") {
				script += string(body(t, get(t, page, "/"+file[1], "")))
			}
		}
		if script == "" {
			script = html
		}
		return r.StatusCode, script
	}
	main := filepath.Join(dir, "src", "main.tsx")
	source, err := os.ReadFile(main)
	if err != nil {
		t.Fatal(err)
	}
	write := func(text string) {
		if err := os.WriteFile(main, append(source, text...), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if status, script := visit(); status != 200 || strings.Contains(script, "changed on the way") {
		t.Errorf("at first: %d", status)
	}
	write("console.log('changed on the way');\n")
	begin := time.Now()
	if status, script := visit(); status != 200 || !strings.Contains(script, "changed on the way") {
		t.Errorf("after a change: %d", status)
	}
	t.Logf("built again in %v", time.Since(begin))
	write("const = 1;\n")
	if status, script := visit(); status != 500 || !strings.Contains(script, "src/main.tsx:") {
		t.Errorf("after a mistake: %d %s", status, script)
	}
	write("")
	if status, _ := visit(); status != 200 {
		t.Errorf("after its correction: %d", status)
	}
}
