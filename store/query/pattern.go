package query

import "unicode/utf8"

// Wildcards in a pattern of runes. Text has no negative runes.
const (
	anyOne rune = -1
	anyRun rune = -2
)

// wildcardMatch matches the whole text. After a mismatch it extends what the last *
// matches by one character; earlier ones need not be tried again.
func wildcardMatch(pattern []rune, text string) bool {
	p, t := 0, 0
	run, taken := -1, 0
	for t < len(text) {
		r, width := utf8.DecodeRuneInString(text[t:])
		switch {
		case p < len(pattern) && pattern[p] == anyRun:
			run, taken = p, t
			p++
		case p < len(pattern) && (pattern[p] == anyOne || pattern[p] == r):
			p++
			t += width
		case run >= 0:
			_, width = utf8.DecodeRuneInString(text[taken:])
			taken += width
			p, t = run+1, taken
		default:
			return false
		}
	}
	for p < len(pattern) && pattern[p] == anyRun {
		p++
	}
	return p == len(pattern)
}

// wildcardWeight is the worst cost of wildcardMatch per character: from each character
// on it may compare the part after a * again.
func wildcardWeight(pattern []rune) int {
	longest, part := 0, 0
	for _, r := range pattern {
		if part++; r == anyRun {
			part = 0
		}
		longest = max(longest, part)
	}
	return 1 + longest/2 // comparing characters is cheap
}

// withinEdits reports whether text is at most edits (no more than maxEdits)
// insertions, deletions or replacements of characters away from word. Only the
// diagonal band of the edit matrix that can stay within edits is computed: row[i] is
// the distance at column (current row)+i-edits.
func withinEdits(word []rune, text string, edits int) bool {
	const beyond = maxEdits + 1
	length := utf8.RuneCountInString(text)
	if length > len(word)+edits || length < len(word)-edits {
		return false
	}
	var row, above [2*maxEdits + 1]int
	band := 2*edits + 1
	for i := range band {
		row[i] = beyond
		if column := i - edits; column >= 0 && column <= len(word) {
			row[i] = column
		}
	}
	n := 0
	for _, r := range text {
		n++
		above = row
		for i := range band {
			column := n + i - edits
			row[i] = beyond
			switch {
			case column < 0 || column > len(word):
				continue
			case column == 0:
				row[i] = n
				continue
			}
			best := above[i]
			if word[column-1] != r {
				best++
			}
			if i+1 < band {
				best = min(best, above[i+1]+1)
			}
			if i > 0 {
				best = min(best, row[i-1]+1)
			}
			row[i] = best
		}
	}
	return row[len(word)-length+edits] <= edits
}
