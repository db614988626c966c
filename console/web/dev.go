package web

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"sync"
)

// Sources is the folder of the page's sources, from that of the server's.
const Sources = "console/web"

// Dev serves the page from its sources, for those who work on it. They are built again
// for each request of the page itself; that shows the errors in them, if there are some.
func Dev(dir string) (http.Handler, error) {
	if _, err := os.Stat(filepath.Join(dir, "node_modules")); err != nil {
		return nil, errors.New("the packages of " + dir + " are not installed: run npm ci there, or go generate ./console")
	}
	b, err := newBundle(dir, false)
	if err != nil {
		return nil, err
	}
	var mu sync.Mutex // guards b and files
	files := map[string]file{}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if r.URL.Path == "/" {
			bodies, err := b.files()
			if err != nil {
				secure(w.Header())
				http.Error(w, err.Error(), http.StatusInternalServerError)
				return
			}
			// Files of earlier builds are kept, for pages that are open.
			for name, body := range bodies {
				files[name] = file{body: body}
			}
		}
		serve(w, r, files)
	}), nil
}
