package check

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/rs/zerolog"

	"kumi/modules/bundle"
	"kumi/modules/source"
	"kumi/vm"
	"kumi/vm/js"
	"kumi/vm/lua"
)

// Notes returns what may be intended but is often a mistake: functions that change
// module variables, of which every VM has its own copy; routes that replace those of
// the server; SQL that needs PostgreSQL.
func (r *Report) Notes() []Problem {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.notes)
}

// Note reports something that may be intended, once for each position and text.
func (r *Report) Note(at, text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.notes = append(r.notes, Problem{at, text})
}

// SharedState reports where functions change module variables, once for each variable:
// in the Lua files of a folder and in its JavaScript program, which may be nil. r may
// be nil.
func (r *Report) SharedState(folder string, program *bundle.Project) {
	if r == nil || folder == "" {
		return
	}
	var found []vm.SharedWrite
	_ = source.Walk(folder, func(file, path string) error {
		if text, err := os.ReadFile(file); err == nil {
			found = append(found, lua.SharedWrites(path, string(text))...)
		}
		return nil
	}, ".lua")
	if program != nil {
		if text, err := program.Text(zerolog.Nop()); err == nil {
			found = append(found, js.SharedWrites(bundle.Name, text)...)
		}
	}
	told := map[string]bool{}
	for _, w := range found {
		file, _ := source.SplitAt(w.At)
		if told[file+" "+w.Name] || strings.Contains("/"+filepath.ToSlash(file), "/node_modules/") {
			continue
		}
		told[file+" "+w.Name] = true
		put := "nk.localcachePut"
		if strings.HasSuffix(file, ".lua") {
			put = "nk.localcache_put"
		}
		r.Note(w.At, "a function changes "+w.Name+", a variable of the module: every VM and every match has its own. "+
			"Shared data belongs in storage, in the state of a match or in "+put)
	}
}
