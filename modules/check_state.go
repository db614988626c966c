package modules

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/rs/zerolog"

	"kumi/vm"
	"kumi/vm/js"
	"kumi/vm/lua"
)

// Notes lists what a check found that may be meant, but is a mistake more often:
// functions that change variables of their module, of which every VM has a copy,
// and routes in the place of the server's own.
func (r *Report) Notes() []Problem {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.notes)
}

func (r *Report) note(at, text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.notes = append(r.notes, Problem{at, text})
}

// sharedState files the places where functions change variables of the modules,
// once for each variable.
func (l *loading) sharedState() {
	if l.report == nil || l.Path == "" {
		return
	}
	var found []vm.SharedWrite
	_ = walk(l.Path, func(file, path string) error {
		if source, err := os.ReadFile(file); err == nil {
			found = append(found, lua.SharedWrites(path, string(source))...)
		}
		return nil
	}, ".lua")
	if entry, err := findEntry(l.Path, l.JSEntrypoint, zerolog.Nop()); err == nil && entry != "" {
		source, err := os.ReadFile(filepath.Join(l.Path, filepath.FromSlash(entry)))
		if err != nil {
			return
		}
		if text, err := bundle(l.Path, entry, strings.TrimPrefix(string(source), "\ufeff"), zerolog.Nop()); err == nil {
			found = append(found, js.SharedWrites(bundleName, text)...)
		}
	}
	told := map[string]bool{}
	for _, w := range found {
		file, _ := splitAt(w.At)
		if told[file+" "+w.Name] || strings.Contains("/"+filepath.ToSlash(file), "/node_modules/") {
			continue
		}
		told[file+" "+w.Name] = true
		put := "nk.localcachePut"
		if strings.HasSuffix(file, ".lua") {
			put = "nk.localcache_put"
		}
		l.report.note(w.At, "a function changes "+w.Name+", a variable of the module: every VM and every match has its own. "+
			"What is to be shared belongs in storage, in the state of a match or in "+put)
	}
}
