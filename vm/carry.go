package vm

import (
	"fmt"
	"strings"

	"kumi/store/fault"
)

// Carrier is a VM that can take over values of another VM of its kind, as a
// match does that goes on with newer code.
type Carrier interface {
	// Carry copies x, a value of from, into this VM: plain data and, in
	// JavaScript, Map, Set, Date, RegExp, errors and binary data. What was one
	// value in several places is one value in the copy, cycles included.
	//
	// What else there is has no place in another VM. With lenient, functions and
	// their like are left out, what belongs to a class or has a metatable comes as
	// plain data, and lost says which; without, it is a *CarryError.
	//
	// Both VMs must be owned by the caller. from is not changed.
	Carry(from Instance, x Ref, lenient bool) (copied Ref, lost []Uncarried, err error)
}

// Uncarried is a value that cannot be carried as it is.
type Uncarried struct {
	Path string // state.players["ann"].fire
	What string // "a function"
}

// String is for people.
func (u Uncarried) String() string { return u.Path + " is " + u.What }

// MostUncarried is how many values a carry lists before it gives up counting.
const MostUncarried = 10

// CarryError says what kept a value from being carried.
type CarryError struct{ List []Uncarried }

// Error implements error.
func (e *CarryError) Error() string { return "cannot be carried over: " + ListUncarried(e.List) }

// Unwrap gives the error a code.
func (e *CarryError) Unwrap() error { return fault.New(fault.FailedPrecondition, e.Error()) }

// ListUncarried writes a list for people.
func ListUncarried(list []Uncarried) string {
	parts := make([]string, 0, len(list))
	for i, u := range list {
		if i == MostUncarried {
			parts = append(parts, "…")
			break
		}
		parts = append(parts, u.String())
	}
	return strings.Join(parts, ", ")
}

// Path is where a walk through a value is. The zero value is at its root.
type Path struct {
	steps []Step
	// Text writes Step.Of.
	Text func(any) string
}

// Step is one way down: by Key, by Index where there is no key, or, where Of is
// set, by what Path.Text makes of it.
type Step struct {
	Key   string
	Index int
	Of    any
}

// Enter goes down; Leave comes back.
func (p *Path) Enter(s Step) { p.steps = append(p.steps, s) }

// Leave undoes Enter.
func (p *Path) Leave() { p.steps = p.steps[:len(p.steps)-1] }

// Depth is how far down the walk is.
func (p *Path) Depth() int { return len(p.steps) }

// In writes the path as code would, from a root of that name. Long ones are
// shortened.
func (p *Path) In(root string) string {
	const most = 12
	var b strings.Builder
	b.WriteString(root)
	for i, s := range p.steps {
		switch {
		case i == most:
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
