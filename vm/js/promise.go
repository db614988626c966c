package js

import (
	"reflect"
	"slices"

	"github.com/dop251/goja"

	"kumi/store/fault"
	"kumi/vm"
)

var typePromise = reflect.TypeFor[*goja.Promise]()

func promiseOf(x goja.Value) *goja.Promise {
	obj, ok := x.(*goja.Object)
	if !ok || obj.ExportType() != typePromise {
		return nil
	}
	p, _ := obj.Export().(*goja.Promise)
	return p
}

// settle returns the value of a promise; other values are returned unchanged. The
// outermost call waits for a pending promise. A nested one cannot, since goja runs no
// jobs until the outermost has returned.
func (v *VM) settle(x goja.Value) (goja.Value, error) {
	p := promiseOf(x)
	if p == nil {
		return x, nil
	}
	if p.State() == goja.PromiseStatePending {
		if v.running > 1 {
			return nil, &vm.ScriptError{Fault: fault.New(fault.Internal, "an async function was called from within another call of the same VM; its promise cannot be waited for there")}
		}
		if err := v.await(p); err != nil {
			return nil, v.scriptError(err)
		}
	}
	if p.State() == goja.PromiseStateRejected {
		v.handled(p)
		return nil, v.rejected(p)
	}
	return p.Result(), nil
}

// Then returns a promise of what f makes of the outcome of another one: its value, or the
// reason for which it was rejected. A value that is no promise counts as fulfilled. If f
// fails, the promise is rejected with an error that has the stack of the call of Then.
func (v *VM) Then(x vm.Ref, f func(outcome vm.Ref, rejected bool) error) vm.Ref {
	failed := v.newGoError(errPending)
	next, resolve, reject := v.rt.NewPromise()
	settle := func(rejected bool) func(goja.FunctionCall) goja.Value {
		return func(fc goja.FunctionCall) goja.Value {
			if err := f(fc.Argument(0), rejected); err != nil {
				_ = reject(v.reasonAt(err, failed))
			} else {
				_ = resolve(goja.Undefined())
			}
			return goja.Undefined()
		}
	}
	p, ok := x.(*goja.Object)
	if !ok || promiseOf(p) == nil {
		p = v.promised(x.(goja.Value), nil).(*goja.Object)
	}
	then, _ := goja.AssertFunction(p.Get("then"))
	if _, err := then(p, v.rt.ToValue(settle(false)), v.rt.ToValue(settle(true))); err != nil {
		v.throw(err)
	}
	return v.rt.ToValue(next)
}

// rejected returns the error of a rejected promise, with the stack of its reason.
func (v *VM) rejected(p *goja.Promise) *vm.ScriptError {
	ex := v.rt.Try(func() { panic(p.Result()) })
	e := v.thrownValue(ex)
	for i := range v.lostAt {
		if r := &v.lostAt[i]; r.reason.StrictEquals(p.Result()) {
			e.Stack += "\n" + r.stack
			break
		}
	}
	return e
}

// rejectedAt is the position where a promise was rejected with a value that, unlike
// an error, has no stack.
type rejectedAt struct {
	reason goja.Value
	stack  string
}

// maxRejectedAt is the maximum number of positions kept during a call.
const maxRejectedAt = 16

func (v *VM) noteRejection(reason goja.Value) {
	if o, ok := reason.(*goja.Object); ok && o.ClassName() == "Error" || reason == nil || len(v.lostAt) == maxRejectedAt {
		return
	}
	if stack := stackText(v.rt.CaptureCallStack(maxRejectedAt, nil)); stack != "" {
		v.lostAt = append(v.lostAt, rejectedAt{reason, stack})
	}
}

// rejection keeps the promises that were rejected while nothing handled them.
func (v *VM) rejection(p *goja.Promise, op goja.PromiseRejectionOperation) {
	if op == goja.PromiseRejectionHandle {
		v.handled(p)
		return
	}
	v.noteRejection(p.Result())
	if len(v.lost) < 100 {
		v.lost = append(v.lost, p)
	}
}

func (v *VM) handled(p *goja.Promise) {
	if i := slices.Index(v.lost, p); i >= 0 {
		v.lost = slices.Delete(v.lost, i, i+1)
	}
}

func (v *VM) reportLost() {
	lost := v.lost
	v.lost = nil
	if v.o.Rejected != nil && !v.broken {
		for _, p := range lost {
			v.o.Rejected(v.rejected(p))
		}
	}
	v.lostAt = nil
}
