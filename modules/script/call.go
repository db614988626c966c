package script

import (
	"context"
	"errors"
	"slices"

	"github.com/rs/zerolog"

	"kumi/core"
	"kumi/store/fault"
	"kumi/vm"
)

// Pool lends VMs; *vm.Pool implements it.
type Pool interface {
	Lease(ctx context.Context) (*vm.Lease, context.Context, error)
	New(ctx context.Context) (vm.Instance, error)
}

// function is a registered function that Go code can call: the key by which it is
// found in whichever VM is free. It may be called from any goroutine.
type function struct {
	program *Program
	pool    Pool
	key     string
	mode    string
	what    string // in messages: RPC function "echo"
	module  string
	logger  *core.Logger
	loggers *vm.Library // JavaScript: the methods of logger
	usage   vm.Usage
}

// newFunction prepares a registered function. Its log lines carry fields.
func newFunction(p *Program, pool Pool, reg *Registration, key, mode string, fields map[string]any) *function {
	n := &function{program: p, pool: pool, key: key, mode: mode, what: reg.Describe(), module: reg.Module, logger: p.logger}
	n.usage.Name, n.usage.Module = n.what, n.module
	if len(fields) > 0 {
		n.logger = p.logger.WithFields(fields).(*core.Logger)
	}
	if p.lang == vm.JS {
		n.loggers = vm.Bind(vm.JS, n.logger, LoggerTable)
	}
	return n
}

// call leases a VM and calls the function in it. args appends the arguments after the
// fixed ones; results reads what the function returned, while the VM is still leased.
// Either may be nil. A failure is logged here, see logFailure.
func (n *function) call(ctx context.Context, args func(e vm.Engine, to []vm.Ref) ([]vm.Ref, error), results func(e vm.Engine, out []vm.Ref) error) error {
	ctx = n.program.in(ctx, n.mode)
	lease, ctx, err := n.pool.Lease(ctx)
	if err != nil {
		return err
	}
	defer lease.Release()
	inst := lease.Instance()
	l := local(inst)
	fn := inst.Handler(n.key)
	if fn == nil {
		return fault.Newf(fault.Internal, "%s is not registered in this VM", n.what)
	}

	// The VM reuses its list of arguments. It is taken away here, so that a nested call
	// does not overwrite it before the engine has read it.
	list := l.args[:0]
	l.args = nil
	list = append(list, Context(inst, ctx))
	if n.program.lang == vm.JS {
		list = append(list, l.object(inst, n.loggers))
		list = append(list, l.object(inst, n.program.nk))
	}
	if args != nil {
		if list, err = args(inst, list); err != nil {
			return err
		}
	}
	outerLog, outer := l.log, l.running
	l.log, l.running = n.logger, n
	countCall(inst, &n.usage)
	out, err := inst.Invoke(ctx, fn, list...)
	l.log, l.running = outerLog, outer
	clear(list)
	l.args = list
	if err == nil && results != nil {
		err = results(inst, out)
	}
	if err != nil {
		n.logFailure(ctx, err)
	}
	return err
}

// countCall counts a call in u, and tells the guard which function the VM is running.
func countCall(inst vm.Instance, u *vm.Usage) {
	u.Calls.Add(1)
	if g, ok := inst.(vm.Guarded); ok {
		g.Watched().Runs(u)
	}
}

// logFailure logs a failed call, unless the script raised an error with a code, or the
// caller has gone away.
func (n *function) logFailure(ctx context.Context, err error) {
	n.program.logFailure(ctx, n.program.log, n.what, n.module, err)
}

func (p *Program) logFailure(ctx context.Context, log zerolog.Logger, what, module string, err error) {
	var se *vm.ScriptError
	isScript := errors.As(err, &se)
	if isScript && se.Custom || fault.CodeOf(err) == fault.Canceled {
		return
	}
	if p.core != nil && p.core.DatabaseUnreachable(err) {
		return // the outage is logged once, not per call
	}
	ev := log.Error().Err(err).Str("function", what)
	if module != "" {
		ev.Str("module", module)
	}
	noteScope(ev, ctx)
	if isScript && se.Stack != "" {
		ev.Str("stack", se.Stack)
	}
	ev.Msg("script function failed")
}

// checkSize returns ResourceExhausted if a result is larger than
// runtime.max_result_bytes.
func (p *Program) checkSize(what string, size int) error {
	if p.maxResult <= 0 || size <= p.maxResult {
		return nil
	}
	p.guard.Stopped(p.lang, vm.StoppedResult)
	return fault.Newf(fault.ResourceExhausted, "%s returned %d bytes; the maximum is %d (runtime.max_result_bytes)", what, size, p.maxResult)
}

// lastResult returns the value that a function returned. Of the several values that a
// Lua function may return, the last one that is not nil counts, as in Nakama.
func lastResult(e vm.Engine, out []vm.Ref) vm.Ref {
	for _, v := range slices.Backward(out) {
		if !e.IsNil(v) {
			return v
		}
	}
	return e.Nil()
}

// kindOf returns what kind of value v is, for error messages.
func kindOf(e vm.Engine, v vm.Ref) string {
	switch {
	case e.IsNil(v):
		return "nothing"
	case e.IsStr(v):
		return "a string"
	case e.IsNum(v):
		return "a number"
	case e.IsBool(v):
		return "a boolean"
	case e.IsFunc(v):
		return "a function"
	case e.IsList(v):
		return "a list"
	case e.IsBytes(v):
		return "binary data"
	}
	return "an object"
}
