// Package web has the page of the console: its sources in src, its build in dist, and the
// handler that serves it.
//
// The build is committed and embedded, so compiling the server needs no Node.js.
package web

import (
	"bytes"
	"embed"
	"io"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strconv"
	"strings"

	"github.com/klauspost/compress/gzip"
)

//go:embed dist
var dist embed.FS

const (
	indexName    = "index.html"
	licencesName = "licences.txt"
)

// Patterns are the paths that the page's handler serves.
var Patterns = []string{"/{$}", "/" + assets, "/" + licencesName}

// policy is the content security policy of the page: it loads nothing from elsewhere,
// and runs no script and applies no style that is not a file of its own.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; " +
	"font-src 'self'; frame-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// Handler serves the built page.
func Handler() (http.Handler, error) {
	files, err := built()
	if err != nil {
		return nil, err
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { serve(w, r, files) }), nil
}

// file is one file of the page.
type file struct {
	body       []byte
	compressed bool // with gzip
}

// built returns the files of the build, which are compressed there.
func built() (map[string]file, error) {
	files := map[string]file{}
	err := fs.WalkDir(dist, "dist", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		body, err := dist.ReadFile(name)
		name = strings.TrimPrefix(name, "dist/")
		name, compressed := strings.CutSuffix(name, ".gz")
		files[name] = file{body, compressed}
		return err
	})
	return files, err
}

// types are those of the page's files. The system's table may say otherwise.
var types = map[string]string{
	".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8",
	".txt": "text/plain; charset=utf-8", ".svg": "image/svg+xml",
}

// serve sends a file, or an error if there is none with the path.
func serve(w http.ResponseWriter, r *http.Request, files map[string]file) {
	secure(w.Header())
	name := strings.TrimPrefix(r.URL.Path, "/")
	if name == "" {
		name = indexName
	}
	f, ok := files[name]
	if !ok {
		http.Error(w, "404 page not found", http.StatusNotFound)
		return
	}
	h := w.Header()
	h.Set("Content-Type", typeOf(name))
	h.Set("Cache-Control", "no-cache")
	if strings.HasPrefix(name, assets) {
		h.Set("Cache-Control", "public, max-age=31536000, immutable") // the name has the hash of the contents
	}
	body := f.body
	if f.compressed {
		h.Set("Vary", "Accept-Encoding")
		if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
			h.Set("Content-Encoding", "gzip")
		} else if z, err := gzip.NewReader(bytes.NewReader(body)); err == nil {
			body, _ = io.ReadAll(z) // what is embedded decompresses
		}
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // a disconnected client is not an error
	}
}

func typeOf(name string) string {
	extension := path.Ext(name)
	if t := types[extension]; t != "" {
		return t
	}
	return mime.TypeByExtension(extension)
}

// secure sets the headers that keep a browser from doing more with the page than showing
// it.
func secure(h http.Header) {
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer")
}
