package config

import "strings"

// suggest returns the known key nearest to an unknown one, or "". A key with
// the same last part in another section counts as near: people write "port"
// for socket.port.
func (t *tree) suggest(path string) string {
	paths := make([]string, 0, len(t.leaves)+len(t.sections))
	for _, l := range t.leaves {
		paths = append(paths, l.path)
	}
	if near := nearest(strings.ReplaceAll(strings.ToLower(path), "-", "_"), paths); near != "" {
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
	best := ""
	for _, l := range t.leaves {
		for i := range len(l.path) {
			if l.path[i] == '.' && l.path[:i] != best {
				best = closer(path, best, l.path[:i])
			}
		}
	}
	return best
}

// Nearest returns the candidate nearest to a misspelled name, or "" if none is near.
func Nearest(name string, candidates ...string) string { return nearest(name, candidates) }

func nearest(name string, candidates []string) string {
	best := ""
	for _, c := range candidates {
		best = closer(name, best, c)
	}
	return best
}

// closer returns best or candidate, whichever is nearer to name. Neither
// counts if more than a third of it, or more than three letters, differ.
func closer(name, best, candidate string) string {
	limit := min(3, max(1, len(name)/3))
	if best != "" {
		limit = distance(name, best) - 1
	}
	if abs(len(name)-len(candidate)) <= limit && distance(name, candidate) <= limit {
		return candidate
	}
	return best
}

// distance is the Damerau-Levenshtein distance of a and b.
func distance(a, b string) int {
	before, prev, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(prev[j]+1, row[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, prev, row = prev, row, before
	}
	return prev[len(b)]
}

func abs(n int) int {
	if n < 0 {
		return -n
	}
	return n
}
