// Package suggest finds the name that was meant by a misspelled one.
package suggest

import "strings"

// Nearest returns the name that differs least from a misspelled one, in at most a third of
// its letters and at most three; the first of several, and "" if there is none. The case of
// letters does not count.
func Nearest(name string, names []string) string {
	best, limit := "", min(3, max(1, len(name)/3))
	name = strings.ToLower(name)
	for _, n := range names {
		if len(n)-len(name) > limit || len(name)-len(n) > limit {
			continue
		}
		if d := distance(name, strings.ToLower(n)); d <= limit {
			best, limit = n, d-1
		}
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
