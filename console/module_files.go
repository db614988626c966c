package console

import (
	"context"
	"html"
	"io"
	"io/fs"
	"mime"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"

	"google.golang.org/protobuf/types/known/emptypb"

	"kumi/core/consolepb"
	"kumi/store/fault"
)

// filesPrefix is where the files of filesFolder, a folder in that of the modules, are
// served: pages of the game's own.
const (
	filesPrefix = "/module/"
	filesFolder = "console"
)

// filesPolicy is the content security policy of the game's own pages: scripts are files of
// theirs, and nothing is loaded from elsewhere.
const filesPolicy = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; " +
	"media-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'self'"

// contentTypes are those of files whose type must not depend on the machine.
var contentTypes = map[string]string{
	".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8",
	".mjs": "text/javascript; charset=utf-8", ".json": "application/json", ".map": "application/json", ".txt": "text/plain; charset=utf-8",
	".md": "text/plain; charset=utf-8", ".csv": "text/csv; charset=utf-8", ".svg": "image/svg+xml", ".png": "image/png", ".jpg": "image/jpeg",
	".jpeg": "image/jpeg", ".gif": "image/gif", ".webp": "image/webp", ".avif": "image/avif", ".ico": "image/x-icon", ".wasm": "application/wasm",
	".woff": "font/woff", ".woff2": "font/woff2", ".mp3": "audio/mpeg", ".ogg": "audio/ogg", ".mp4": "video/mp4", ".webm": "video/webm",
}

// moduleFile sends a file of the game's own pages, or the index.html of a folder. Folders
// are not listed, and files and folders whose names begin with a dot do not exist.
func (s *Server) moduleFile(w http.ResponseWriter, r *http.Request) {
	missing := fault.Newf(fault.NotFound, "Not Found: there is no %s. The files of the folder %s among the modules are served here.", r.URL.Path, filesFolder)
	name := strings.TrimPrefix(r.URL.Path, filesPrefix)
	if name == "" || strings.HasSuffix(name, "/") {
		name += "index.html"
	}
	if !fs.ValidPath(name) || strings.HasPrefix(name, ".") || strings.Contains(name, "/.") || strings.Contains(name, `\`) {
		s.fail(w, r, missing)
		return
	}
	// A root keeps links from leading out of the folder.
	root, err := os.OpenRoot(filepath.Join(s.Config.Runtime.Path, filesFolder))
	if err != nil {
		s.fail(w, r, missing)
		return
	}
	defer root.Close()
	file, err := root.Open(filepath.FromSlash(name))
	if err != nil {
		s.fail(w, r, missing)
		return
	}
	defer file.Close()
	stat, err := file.Stat()
	if err != nil || !stat.Mode().IsRegular() {
		s.fail(w, r, missing)
		return
	}
	h := w.Header()
	h.Set("Content-Type", contentType(name))
	h.Set("Content-Security-Policy", filesPolicy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-cache")
	http.ServeContent(w, r, "", stat.ModTime(), file)
}

func contentType(name string) string {
	ext := strings.ToLower(path.Ext(name))
	if known := contentTypes[ext]; known != "" {
		return known
	}
	if known := mime.TypeByExtension(ext); known != "" {
		return known
	}
	return "application/octet-stream"
}

// registeredExtensions says which extensions the server has, and lists the game's own
// pages.
func registeredExtensions(ctx context.Context, v *visit, _ *emptypb.Empty) (*consolepb.Extensions, error) {
	out, err := v.Console.RegisteredExtensions(ctx)
	if err != nil {
		return nil, err
	}
	out.Pages = v.modulePages()
	return out, nil
}

// modulePages lists the game's own pages: the .html files of the folder, and the
// index.html of each folder in it.
func (s *Server) modulePages() (pages []*consolepb.Extensions_Page) {
	root, err := os.OpenRoot(filepath.Join(s.Config.Runtime.Path, filesFolder))
	if err != nil {
		return nil
	}
	defer root.Close()
	entries, err := fs.ReadDir(root.FS(), ".")
	if err != nil {
		return nil
	}
	for _, e := range entries {
		name, at := e.Name(), e.Name()
		switch {
		case strings.HasPrefix(name, "."):
			continue
		case e.IsDir():
			name, at = name+"/index.html", name+"/"
		case path.Ext(name) != ".html":
			continue
		case name == "index.html":
			at = ""
		}
		if title, ok := pageTitle(root, name); ok {
			pages = append(pages, &consolepb.Extensions_Page{Title: title, Path: strings.TrimPrefix(filesPrefix, "/") + at})
		}
	}
	return pages
}

var titleTag = regexp.MustCompile(`(?is)<title[^>]*>(.*?)</title>`)

// maxTitleAt is how much of a file is searched for its title, in bytes.
const maxTitleAt = 16 << 10

// pageTitle returns the title of a page, its name without one; ok is false if it cannot be
// read.
func pageTitle(root *os.Root, name string) (title string, ok bool) {
	file, err := root.Open(filepath.FromSlash(name))
	if err != nil {
		return "", false
	}
	defer file.Close()
	head, err := io.ReadAll(io.LimitReader(file, maxTitleAt))
	if err != nil {
		return "", false
	}
	if found := titleTag.FindSubmatch(head); found != nil {
		title = strings.Join(strings.Fields(html.UnescapeString(strings.ToValidUTF8(string(found[1]), "\ufffd"))), " ")
	}
	if title == "" {
		title = strings.TrimSuffix(strings.TrimSuffix(name, ".html"), "/index")
	}
	return title, true
}
