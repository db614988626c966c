package script

import (
	"context"
	"errors"
	"slices"

	"kumi/core"
	"kumi/store/fault"
	"kumi/vm"
)

// Pool lends VMs; *vm.Pool is one.
type Pool interface {
	Lease(ctx context.Context) (*vm.Lease, context.Context, error)
	New(ctx context.Context) (vm.Instance, error)
}

// entry is a registered function as Go code calls it: a key, found in whatever
// VM is free. It may be called from any goroutine.
type entry struct {
	program *Program
	pool    Pool
	key     string
	mode    string
	what    string // for people: RPC function "echo"
	module  string
	logger  *core.Logger
	loggers *vm.Library // JS: the functions of logger
	usage   vm.Usage
}

// newEntry prepares a registered function. fields are what its log lines carry.
func newEntry(p *Program, pool Pool, reg *Registration, key, mode string, fields map[string]any) *entry {
	n := &entry{program: p, pool: pool, key: key, mode: mode, what: reg.Describe(), module: reg.Module, logger: p.logger}
	n.usage.Name, n.usage.Module = n.what, n.module
	if len(fields) > 0 {
		n.logger = p.logger.WithFields(fields).(*core.Logger)
	}
	if p.lang == vm.JS {
		n.loggers = vm.Bind(vm.JS, n.logger, LoggerTable)
	}
	return n
}

// call leases a VM and runs the function in it. args adds the arguments that
// come after the fixed ones, and results reads what came back, while the VM is
// still leased.
func (n *entry) call(ctx context.Context, args func(e vm.Engine, to []vm.Ref) ([]vm.Ref, error), results func(e vm.Engine, out []vm.Ref) error) error {
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
		return fault.Newf(fault.Internal, "%s is not in this VM", n.what)
	}

	// The list of arguments is the VM's and used again, but a call that this
	// one makes must not write into it before it has been read.
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
	outer, around := l.log, l.now
	l.log, l.now = n.logger, n
	runs(inst, &n.usage)
	out, err := inst.Invoke(ctx, fn, list...)
	l.log, l.now = outer, around
	clear(list)
	l.args = list
	if err == nil && results != nil {
		err = results(inst, out)
	}
	if err != nil {
		n.failed(ctx, err)
	}
	return err
}

// runs counts a call, and says whose it is if the guard asks.
func runs(inst vm.Instance, u *vm.Usage) {
	u.Calls.Add(1)
	if g, ok := inst.(vm.Guarded); ok {
		g.Watched().Runs(u)
	}
}

// failed logs what went wrong, unless the script raised a coded error on
// purpose or the caller has gone away.
func (n *entry) failed(ctx context.Context, err error) {
	n.program.logFailure(ctx, n.what, n.module, err)
}

func (p *Program) logFailure(ctx context.Context, what, module string, err error) {
	var se *vm.ScriptError
	isScript := errors.As(err, &se)
	if isScript && se.Custom || fault.CodeOf(err) == fault.Canceled {
		return
	}
	if p.core != nil && p.core.DatabaseUnreachable(err) {
		return // the log has a line for all such calls
	}
	ev := p.log.Error().Err(err).Str("function", what)
	if module != "" {
		ev.Str("module", module)
	}
	noteScope(ev, ctx)
	if isScript && se.Stack != "" {
		ev.Str("stack", se.Stack)
	}
	ev.Msg("script function failed")
}

// fits refuses what is larger than the limit on results.
func (p *Program) fits(what string, size int) error {
	if p.maxResult <= 0 || size <= p.maxResult {
		return nil
	}
	p.guard.Stopped(p.lang, vm.StoppedResult)
	return fault.Newf(fault.ResourceExhausted, "%s gave %d bytes; the most is %d (runtime.max_result_bytes)", what, size, p.maxResult)
}

// one gives what a function returned. A Lua function may return several values: the
// last one counts, as with Nakama, unless it is nil.
func one(e vm.Engine, out []vm.Ref) vm.Ref {
	for _, v := range slices.Backward(out) {
		if !e.IsNil(v) {
			return v
		}
	}
	return e.Nil()
}

// kindOf names the kind of a value for error texts.
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
