package vm

import (
	"context"
	"fmt"
)

// Call is one invocation of a Go function by a script: a cursor over the
// arguments and the list of results. Bodies first read all arguments, then
// check Err, then act, so a body can also be run dry to learn its signature. A
// Call is reused; nothing of it may be kept.
type Call struct {
	Ctx context.Context
	E   Engine
	// Local is the VM's own Go state, set by its maker.
	Local any

	args   []Ref
	next   int
	err    error
	out    []Result
	named  bool
	defers bool // the adapter runs later
	later  Work
	rec    *recording // set while the function is described; see Describe
}

// Work is what a Func marked Async does outside of the VM: it runs on its own
// goroutine and must use neither the call nor the engine. finish then runs on
// the VM's goroutine and returns the results, as a body does.
type Work func(ctx context.Context) (finish func(c *Call) error)

// Later ends the body of a Func marked Async. If the running call can wait for
// it, w runs in the background under a context that ends with that call;
// otherwise (while modules load, in Lua) it runs immediately.
func (c *Call) Later(w Work) error {
	if c.defers {
		c.later = w
		return nil
	}
	return w(c.Ctx)(c)
}

// Defer makes Later postpone its work, which Deferred returns. For adapters.
func (c *Call) Defer() { c.defers = true }

// Deferred returns the postponed work, or nil. For adapters.
func (c *Call) Deferred() Work { return c.later }

// Result is one value a body returned.
type Result struct {
	Name  string // snake case
	Value Ref
}

// Begin resets the call for new arguments. For adapters.
func (c *Call) Begin(ctx context.Context, e Engine, args []Ref) {
	c.Ctx, c.E, c.args = ctx, e, args
	c.next, c.err, c.named = 0, nil, false
	c.defers, c.later = false, nil
	c.out = c.out[:0]
}

// Results returns what the body returned; named is true if JavaScript gets an
// object even for a single result. For adapters.
func (c *Call) Results() (out []Result, named bool) { return c.out, c.named }

// Err returns the error of the first argument that could not be read.
func (c *Call) Err() error { return c.err }

// ArgError says which argument is invalid and what was expected.
type ArgError struct {
	Index int    // position, from 0
	Name  string // of the argument, snake case
	Path  string // within it: "[0].collection", or empty
	Want  string // "expected a string"
}

// Error implements error.
func (e *ArgError) Error() string {
	return fmt.Sprintf("argument %d (%s%s): %s", e.Index+1, e.Name, e.Path, e.Want)
}

// In returns the message with names spelled as in the language.
func (e *ArgError) In(l Lang) string {
	if l == JS {
		return fmt.Sprintf("argument %d (%s%s): %s", e.Index+1, Camel(e.Name), e.Path, e.Want)
	}
	return e.Error()
}

func (c *Call) fail(name, path, want string) {
	if c.rec != nil {
		c.rec.refuse(name, path)
	}
	if c.err == nil {
		c.err = &ArgError{Index: c.next - 1, Name: name, Path: path, Want: want}
	}
}

// Invalid records that the argument just read has an invalid value.
func (c *Call) Invalid(name, want string) { c.fail(name, "", want) }

// Fail records that an argument read earlier, at position i from 0, has an
// invalid value.
func (c *Call) Fail(i int, name, want string) {
	if c.err == nil {
		c.err = &ArgError{Index: i, Name: name, Want: want}
	}
}

// arg reads the next argument; nil if absent, null or undefined.
func (c *Call) arg() Ref {
	i := c.next
	c.next++
	if i >= len(c.args) || c.E.IsNil(c.args[i]) {
		return nil
	}
	return c.args[i]
}
