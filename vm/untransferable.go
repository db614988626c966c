package vm

import (
	"fmt"
	"strings"

	"kumi/store/fault"
)

// Untransferable is a value that has no image as it is.
type Untransferable struct {
	Path string // state.players["ann"].fire
	What string // "a function"
}

// String returns "path is what".
func (u Untransferable) String() string { return u.Path + " is " + u.What }

// MaxUntransferable is the maximum number of values that an Imager lists.
const MaxUntransferable = 10

// UntransferableError lists the values that could not be transferred.
type UntransferableError struct{ List []Untransferable }

// Error implements error.
func (e *UntransferableError) Error() string {
	return "cannot be transferred: " + ListUntransferable(e.List)
}

// Unwrap returns an error with code FailedPrecondition.
func (e *UntransferableError) Unwrap() error { return fault.New(fault.FailedPrecondition, e.Error()) }

// ListUntransferable formats a list for an error or a log line.
func ListUntransferable(list []Untransferable) string {
	parts := make([]string, 0, len(list))
	for i, u := range list {
		if i == MaxUntransferable {
			parts = append(parts, "…")
			break
		}
		parts = append(parts, u.String())
	}
	return strings.Join(parts, ", ")
}

// Path is a position in a value. The zero value is its root.
type Path struct {
	steps []Step
	// Text formats Step.Of.
	Text func(any) string
}

// Step is one step of a path: a Key, an Index if there is no key, or if Of is
// set what Path.Text makes of it.
type Step struct {
	Key   string
	Index int
	Of    any
}

// Enter appends a step.
func (p *Path) Enter(s Step) { p.steps = append(p.steps, s) }

// Leave removes the last step.
func (p *Path) Leave() { p.steps = p.steps[:len(p.steps)-1] }

// Reset goes back to the root.
func (p *Path) Reset() { p.steps = p.steps[:0] }

// Depth returns the number of steps.
func (p *Path) Depth() int { return len(p.steps) }

// In formats the path as code, from a root of that name. Long paths are
// truncated.
func (p *Path) In(root string) string {
	const max = 12
	var b strings.Builder
	b.WriteString(root)
	for i, s := range p.steps {
		switch {
		case i == max:
			b.WriteString("…")
			return b.String()
		case s.Of != nil:
			b.WriteString(p.Text(s.Of))
		case s.Key == "":
			fmt.Fprintf(&b, "[%d]", s.Index)
		case identifier(s.Key):
			b.WriteString("." + s.Key)
		default:
			fmt.Fprintf(&b, "[%q]", s.Key)
		}
	}
	return b.String()
}

func identifier(s string) bool {
	for i, c := range s {
		if !(c == '_' || c == '$' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || i > 0 && '0' <= c && c <= '9') {
			return false
		}
	}
	return s != ""
}
