package testkit

import (
	"fmt"
	"sync"

	"kumi/store/fault"
	"kumi/vm"
)

// expectation is what expect returns: a value with matchers.
type expectation struct {
	*suite
	value  vm.Ref
	not    bool
	settle settling
}

// settling says that the value is a promise, and what the matchers are about.
type settling uint8

const (
	asIs settling = iota
	resolves
	rejects
)

// unexpected is the error of a matcher that does not hold.
type unexpected struct{ text string }

// Error implements error.
func (u *unexpected) Error() string { return u.text }

// matcher is a row of the matchers. check gets the value and the arguments, and returns
// whether they match, and the text of the failure: what was expected, and what there is.
type matcher struct {
	name string
	args []param
	// check must not keep its arguments. Its error is for arguments that make no sense.
	check func(e vm.Engine, got vm.Ref, args []vm.Ref) (ok bool, text string, err error)
}

// expectTable returns the matchers as functions.
func expectTable() []vm.Func[*expectation] {
	expectRows.once.Do(func() { expectRows.table = expectFunctions() })
	return expectRows.table
}

// expectRows is made when it is first needed, since its functions refer to it.
var expectRows struct {
	once  sync.Once
	table []vm.Func[*expectation]
}

func expectFunctions() []vm.Func[*expectation] {
	turned := func(change func(*expectation)) func(x *expectation, c *vm.Call) error {
		return func(x *expectation, c *vm.Call) error {
			y := *x
			change(&y)
			return c.ReturnRef("expectation", x.inst.Functions(vm.Bind(c.E.Lang(), &y, expectTable()).AsMethods()), nil)
		}
	}
	invert := turned(func(x *expectation) { x.not = !x.not })
	table := []vm.Func[*expectation]{
		{Name: vm.N("not"), Only: vm.JS, Property: true, Body: invert},
		{Name: vm.N("never"), Only: vm.Lua, Property: true, Body: invert}, // not is a keyword of Lua
		{Name: vm.N("resolves"), Only: vm.JS, Property: true, Body: turned(func(x *expectation) { x.settle = resolves })},
		{Name: vm.N("rejects"), Only: vm.JS, Property: true, Body: turned(func(x *expectation) { x.settle = rejects })},
		{Name: vm.N("to_throw"), Body: toThrow},
	}
	for i := range matchers {
		m := &matchers[i]
		table = append(table, vm.Func[*expectation]{Name: vm.N(m.name), Body: func(x *expectation, c *vm.Call) error {
			args := make([]vm.Ref, len(m.args))
			for i, a := range m.args {
				if !a.optional && c.Left() == 0 {
					c.Any(a.name)
					c.Invalid(a.name, "expected a value")
					continue
				}
				args[i] = c.Any(a.name)
			}
			if err := c.Err(); err != nil {
				return err
			}
			e := c.E
			return x.settled(c, func(v vm.Ref) error { return x.judge(e, v, args, m.check) })
		}})
	}
	return table
}

// judge returns the error of a matcher that does not hold.
func (x *expectation) judge(e vm.Engine, v vm.Ref, args []vm.Ref, check func(vm.Engine, vm.Ref, []vm.Ref) (bool, string, error)) error {
	ok, text, err := check(e, v, args)
	switch {
	case err != nil:
		return err
	case ok && x.not:
		return &unexpected{"expected not " + text}
	case !ok && !x.not:
		return &unexpected{"expected " + text}
	}
	return nil
}

// promises is what an engine with promises can do, which is JavaScript's.
type promises interface {
	IsPromise(x vm.Ref) bool
	Then(x vm.Ref, f func(outcome vm.Ref, rejected bool) error) vm.Ref
	Message(x vm.Ref) string
}

// settled calls f with the value, or with the outcome of the promise that it is. In that
// case it returns a promise, which the test awaits.
func (x *expectation) settled(c *vm.Call, f func(v vm.Ref) error) error {
	p, ok := c.E.(promises)
	if x.settle == asIs || !ok {
		if ok && p.IsPromise(x.value) {
			return fault.New(fault.InvalidArgument, "the value is a promise: await it, or use expect(…).resolves or .rejects")
		}
		return f(x.value)
	}
	return c.ReturnRef("done", p.Then(x.value, func(outcome vm.Ref, rejected bool) error {
		switch {
		case rejected && x.settle == resolves:
			return &unexpected{"expected a promise that resolves, but it was rejected: " + p.Message(outcome)}
		case !rejected && x.settle == rejects:
			return &unexpected{"expected a promise that is rejected, but it resolved to " + showRef(c.E, outcome)}
		}
		return f(outcome)
	}), nil)
}

// toThrow calls the value, which must be a function, and expects that it throws an error
// whose message contains a text or matches a regular expression. With rejects the value is
// the error. The function may be async; the result is then a promise.
func toThrow(x *expectation, c *vm.Call) error {
	want := c.Any("message")
	if err := c.Err(); err != nil {
		return err
	}
	e := c.E
	check := func(threw bool, message string) error {
		matches, text, err := true, "an error", error(nil)
		if !e.IsNil(want) {
			matches, text, err = matchText(e, message, want)
			text = "an error " + text
		}
		switch holds := threw && matches; {
		case err != nil:
			return err
		case holds && x.not:
			return &unexpected{fmt.Sprintf("expected no error, but it was thrown: %s", message)}
		case !holds && !x.not && !threw:
			return &unexpected{"expected " + text + ", but none was thrown"}
		case !holds && !x.not:
			return &unexpected{fmt.Sprintf("expected %s, but the error is: %s", text, message)}
		}
		return nil
	}
	p, async := e.(promises)
	if x.settle != asIs {
		return c.ReturnRef("done", p.Then(x.value, func(outcome vm.Ref, rejected bool) error {
			return check(rejected, messageIf(rejected, p, outcome))
		}), nil)
	}
	if !e.IsFunc(x.value) {
		return fault.New(fault.InvalidArgument, "to_throw expects a function: expect(function() … end)")
	}
	result, err := e.Call(x.value)
	if err != nil {
		if x.inst.Broken() {
			return err
		}
		return check(true, trimPosition(messageOf(err)))
	}
	if async && p.IsPromise(result) {
		return c.ReturnRef("done", p.Then(result, func(outcome vm.Ref, rejected bool) error {
			return check(rejected, messageIf(rejected, p, outcome))
		}), nil)
	}
	return check(false, "")
}

func messageIf(rejected bool, p promises, outcome vm.Ref) string {
	if rejected {
		return p.Message(outcome)
	}
	return ""
}

func messageOf(err error) string { return failureOf("", err).Message }
