package web_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"kumi/console/web"
)

// get asks the handler of the page for a file.
func get(t *testing.T, page http.Handler, url, accept string) *http.Response {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), "GET", url, nil)
	r.Header.Set("Accept-Encoding", accept)
	w := httptest.NewRecorder()
	page.ServeHTTP(w, r)
	return w.Result()
}

func body(t *testing.T, r *http.Response) []byte {
	t.Helper()
	text, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

var loaded = regexp.MustCompile(`(?:src|href)="\./(assets/[^"]+)"`)

// The page itself is asked for again each time; its files, whose names change with their
// contents, are kept for a year. Both come with headers that allow the page nothing more
// than it needs.
func TestServe(t *testing.T) {
	t.Parallel()
	page, err := web.Handler()
	if err != nil {
		t.Fatal(err)
	}
	index := get(t, page, "/", "gzip")
	html := string(body(t, index))
	if index.StatusCode != 200 || index.Header.Get("Cache-Control") != "no-cache" || index.Header.Get("Content-Type") != "text/html; charset=utf-8" {
		t.Errorf("the page: %d %v", index.StatusCode, index.Header)
	}
	for header, want := range map[string]string{"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer"} {
		if got := index.Header.Get(header); got != want {
			t.Errorf("%s is %q", header, got)
		}
	}
	policy := index.Header.Get("Content-Security-Policy")
	if !strings.HasPrefix(policy, "default-src 'none';") || strings.Contains(policy, "unsafe") {
		t.Errorf("the policy is %q", policy)
	}
	files := loaded.FindAllStringSubmatch(html, -1)
	if len(files) < 2 {
		t.Fatalf("the page loads %v", files)
	}
	for _, file := range files {
		small, plain := get(t, page, "/"+file[1], "gzip"), get(t, page, "/"+file[1], "")
		if got := small.Header.Get("Cache-Control"); got != "public, max-age=31536000, immutable" {
			t.Errorf("%s: Cache-Control is %q", file[1], got)
		}
		if small.Header.Get("Content-Encoding") != "gzip" || plain.Header.Get("Content-Encoding") != "" {
			t.Errorf("%s is not compressed for those who ask for it only", file[1])
		}
		z, err := gzip.NewReader(bytes.NewReader(body(t, small)))
		if err != nil {
			t.Fatal(err)
		}
		if text, err := io.ReadAll(z); err != nil || !bytes.Equal(text, body(t, plain)) {
			t.Errorf("%s differs when it is compressed, %v", file[1], err)
		}
	}
	for _, missing := range []string{"/assets/none.js", "/none", "/assets/../page.go"} {
		if r := get(t, page, missing, "gzip"); r.StatusCode != 404 {
			t.Errorf("%s: %d", missing, r.StatusCode)
		}
	}
}

// Sizes of the compressed files, which the network carries.
const (
	maxFirst = 120 << 10 // until the dashboard is there
	maxAll   = 300 << 10
)

var imported = regexp.MustCompile(`(?:from|import)\s*"\./([^"]+)"`)

func TestSizes(t *testing.T) {
	t.Parallel()
	sizes, imports := map[string]int{}, map[string][]string{}
	all, first := 0, 0
	names, err := filepath.Glob("dist/assets/*.gz")
	if err != nil || len(names) == 0 {
		t.Fatalf("no files: %v", err)
	}
	for _, file := range names {
		compressed, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		z, err := gzip.NewReader(bytes.NewReader(compressed))
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(z)
		if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimSuffix(path.Base(filepath.ToSlash(file)), ".gz")
		sizes[name] = len(compressed)
		all += len(compressed)
		for _, other := range imported.FindAllSubmatch(text, -1) {
			imports[name] = append(imports[name], string(other[1]))
		}
	}
	seen := map[string]bool{}
	var add func(name string)
	add = func(name string) {
		if seen[name] {
			return
		}
		seen[name] = true
		first += sizes[name]
		for _, other := range imports[name] {
			add(other)
		}
	}
	for name := range sizes {
		if strings.HasPrefix(name, "main-") || strings.HasPrefix(name, "dashboard-") || strings.HasPrefix(name, "uPlot") {
			add(name)
		}
	}
	if len(seen) < 4 || first > maxFirst || all > maxAll {
		t.Errorf("the first page is %d bytes in %d files, all are %d bytes", first, len(seen), all)
	}
	t.Logf("the first page is %d bytes in %d files, all are %d bytes in %d", first, len(seen), all, len(sizes))
}
