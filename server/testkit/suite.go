package testkit

import (
	"context"
	"fmt"
	"regexp"
	"time"

	"kumi/vm"
)

// suite has the tests of one file, in the order in which they were declared.
type suite struct {
	*host
	inst   vm.Instance
	group  *group // of the running describe
	tests  []*test
	loaded bool              // no more tests may be declared
	lost   []*vm.ScriptError // of promises that were rejected and that nothing handled
}

// group is a describe, or the file.
type group struct {
	name   string
	outer  *group
	before []vm.Ref
	after  []vm.Ref
}

// test is one test.
type test struct {
	name string // with those of its groups: "describe > test"
	in   *group
	fn   vm.Ref
	skip bool
	only bool
}

// suiteTable has the global functions that declare tests.
var suiteTable = []vm.Func[*suite]{
	{Name: vm.N("test"), Body: declare(false, false)},
	{Name: vm.N("test_skip"), Body: declare(true, false)},
	{Name: vm.N("test_only"), Body: declare(false, true)},
	{Name: vm.N("describe"), Body: func(s *suite, c *vm.Call) error {
		name, fn, err := s.declaration(c, "describe")
		if err != nil {
			return err
		}
		s.group = &group{name: s.group.named(name), outer: s.group}
		defer func() { s.group = s.group.outer }()
		_, err = c.E.Call(fn)
		return err
	}},
	{Name: vm.N("before_each"), Body: func(s *suite, c *vm.Call) error {
		fn, err := s.hook(c, "before_each")
		if err == nil {
			s.group.before = append(s.group.before, fn)
		}
		return err
	}},
	{Name: vm.N("after_each"), Body: func(s *suite, c *vm.Call) error {
		fn, err := s.hook(c, "after_each")
		if err == nil {
			s.group.after = append(s.group.after, fn)
		}
		return err
	}},
	{Name: vm.N("expect"), Body: func(s *suite, c *vm.Call) error {
		v := c.Any("value")
		if err := c.Err(); err != nil {
			return err
		}
		return c.ReturnRef("expectation", s.inst.Functions(vm.Bind(c.E.Lang(), &expectation{suite: s, value: v}, expectTable()).AsMethods()), nil)
	}},
	{Name: vm.N("server"), Property: true, Body: func(s *suite, c *vm.Call) error {
		return c.ReturnRef("server", s.inst.Functions(vm.Bind(c.E.Lang(), s.host, serverTable).AsMethods()), nil)
	}},
	{Name: vm.N("clock"), Property: true, Body: func(s *suite, c *vm.Call) error {
		return c.ReturnRef("clock", s.inst.Functions(vm.Bind(c.E.Lang(), s.host, clockTable).AsMethods()), nil)
	}},
	{Name: vm.N("http"), Property: true, Body: func(s *suite, c *vm.Call) error {
		return c.ReturnRef("http", s.inst.Functions(vm.Bind(c.E.Lang(), s.host, httpTable).AsMethods()), nil)
	}},
}

func (g *group) named(name string) string {
	if g.name == "" {
		return name
	}
	return g.name + " > " + name
}

func declare(skip, only bool) func(*suite, *vm.Call) error {
	return func(s *suite, c *vm.Call) error {
		name, fn, err := s.declaration(c, "test")
		if err != nil {
			return err
		}
		s.tests = append(s.tests, &test{name: s.group.named(name), in: s.group, fn: fn, skip: skip, only: only})
		return nil
	}
}

func (s *suite) declaration(c *vm.Call, what string) (name string, fn vm.Ref, err error) {
	name, fn = c.StrNonEmpty("name"), c.Func("fn")
	if err := c.Err(); err != nil {
		return "", nil, err
	}
	return name, fn, s.mayDeclare(what)
}

func (s *suite) hook(c *vm.Call, what string) (vm.Ref, error) {
	fn := c.Func("fn")
	if err := c.Err(); err != nil {
		return nil, err
	}
	return fn, s.mayDeclare(what)
}

func (s *suite) mayDeclare(what string) error {
	if s.loaded {
		return fmt.Errorf("%s cannot be called while a test runs", what)
	}
	return nil
}

// runFile runs the tests of a file. An error means that the file could not be run.
func runFile(job Job, w *watchdog, emit func(Event)) error {
	filter, err := regexp.Compile(job.Filter)
	if err != nil {
		return fmt.Errorf("--filter: %w", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	seed(job.Seed)
	if job.Coverage {
		lines := vm.StartCoverage()
		defer func() { emit(Event{Kind: "coverage", Lines: lines.Lines()}) }()
	}
	w.within("start of the server", startTimeout)
	defer w.end()
	h, err := startHost(ctx, job)
	if h != nil {
		defer h.close()
	}
	if err != nil {
		return err
	}
	s := &suite{host: h, group: &group{}}
	guard := vm.NewGuard(vm.GuardOptions{OnlyHalt: true})
	halt := func() {
		h.Halt()
		guard.Halt()
	}
	w.halt.Store(&halt)
	go func() { // ends waiting that the guard cannot end, see watchdog
		for range time.Tick(idleLook) {
			if w.fired.Load() {
				cancel()
			}
		}
	}()
	w.within(job.File, startTimeout)
	if err := s.load(ctx, job, guard); err != nil {
		return err
	}
	s.loaded = true
	only := false
	for _, t := range s.tests {
		only = only || t.only
	}
	for _, t := range s.tests {
		if t.skip || only && !t.only {
			emit(Event{Kind: "end", Test: t.name, Status: Skipped})
			continue
		}
		if !filter.MatchString(t.name) {
			continue
		}
		emit(Event{Kind: "begin", Test: t.name})
		emit(s.run(ctx, job, w, t))
	}
	return nil
}

// idleLook is how often, in virtual time, a test that does nothing but wait looks whether it
// should end.
const idleLook = time.Minute

// linger is how much virtual time a test goes on for timers that it did not await.
const linger = 20 * time.Second

// run runs one test.
func (s *suite) run(ctx context.Context, job Job, w *watchdog, t *test) Event {
	s.log.reset()
	s.stubs.reset()
	e := Event{Kind: "end", Test: t.name, Status: Passed}
	began := realNow()
	w.begin(t.name)
	err := s.steps(ctx, t)
	timedOut := w.fired.Load()
	w.end()
	if err != nil {
		e.Log = s.log.text()
	}
	s.leave()
	e.Took = realNow().Sub(began).Seconds()
	if err != nil {
		e.Status, e.Failure = Failed, failureOf(job.Folder, err)
		if timedOut {
			e.Message = fmt.Sprintf("the test did not end within %v of real time", job.Timeout)
		}
	}
	return e
}

// steps calls the test between what runs before and after it.
func (s *suite) steps(ctx context.Context, t *test) error {
	if s.inst.Broken() {
		return fmt.Errorf("not run, since an earlier test of the file was stopped")
	}
	var groups []*group // outermost first
	for g := t.in; g != nil; g = g.outer {
		groups = append([]*group{g}, groups...)
	}
	var failed error
	for _, g := range groups {
		for _, fn := range g.before {
			if failed == nil {
				failed = s.call(ctx, fn)
			}
		}
	}
	if failed == nil {
		failed = s.call(ctx, t.fn)
	}
	for i := len(groups) - 1; i >= 0; i-- {
		for _, fn := range groups[i].after {
			if err := s.call(ctx, fn); failed == nil {
				failed = err
			}
		}
	}
	return failed
}

// call calls a function of the test file, and waits for what it began and did not await.
func (s *suite) call(ctx context.Context, fn vm.Ref) error {
	_, err := s.inst.Invoke(ctx, fn)
	return s.orLost(err)
}

// orLost returns err, or if that is nil the first rejection that nothing handled.
func (s *suite) orLost(err error) error {
	lost := s.lost
	s.lost = nil
	if err == nil && len(lost) > 0 {
		err = &unhandled{lost[0], len(lost) - 1}
	}
	return err
}

// unhandled is the error of a promise that was rejected and that nothing handled.
type unhandled struct {
	*vm.ScriptError
	more int // others like it
}

// Unwrap returns the reason of the rejection.
func (u *unhandled) Unwrap() error { return u.ScriptError }

// hint says what to do about it.
func (u *unhandled) hint() string {
	others := ""
	if u.more > 0 {
		others = fmt.Sprintf(" (and %d more)", u.more)
	}
	return "\nNothing handled this rejected promise" + others + ": await it, or return it from the test."
}
