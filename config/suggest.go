package config

import (
	"strings"

	"kumi/internal/suggest"
)

// suggest returns the known key nearest to an unknown one, or "". A key with
// the same last part in another section counts as near: people write "port"
// for socket.port.
func (t *tree) suggest(path string) string {
	paths := make([]string, 0, len(t.leaves)+len(t.sections))
	for _, l := range t.leaves {
		paths = append(paths, l.path)
	}
	if near := suggest.Nearest(strings.ReplaceAll(strings.ToLower(path), "-", "_"), paths); near != "" {
		return near
	}
	last := path[strings.LastIndexByte(path, '.')+1:]
	for _, l := range t.leaves {
		if l.path == last || strings.HasSuffix(l.path, "."+last) {
			return l.path
		}
	}
	return ""
}

// suggestSection is suggest for the name of a section.
func (t *tree) suggestSection(path string) string {
	var sections []string
	for _, l := range t.leaves {
		for i := range len(l.path) {
			if l.path[i] == '.' {
				sections = append(sections, l.path[:i])
			}
		}
	}
	return suggest.Nearest(path, sections)
}
