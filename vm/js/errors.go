package js

import (
	"errors"
	"fmt"
	"runtime/debug"
	"strconv"
	"strings"

	"github.com/dop251/goja"

	"kumi/store/fault"
	"kumi/vm"
)

// thrown is an error that a script function threw which was called by a Go function.
// If the Go function returns it, the calling script catches the same value.
type thrown struct {
	*vm.ScriptError
	vm   *VM
	orig error
}

func (t *thrown) Unwrap() []error { return []error{t.ScriptError, t.orig} }

// kept is the Go error from which a script error was made, stored in the script
// error. Scripts cannot access it.
type kept struct {
	err     error
	code    int64
	message string
}

// throw raises a Go error in the script.
func (v *VM) throw(err error) {
	var t *thrown
	if errors.As(err, &t) && t.vm == v {
		panic(t.orig)
	}
	panic(v.reason(err))
}

// reason returns the value that scripts catch for a Go error.
func (v *VM) reason(err error) goja.Value { return v.reasonAt(err, nil) }

// reasonAt is reason with the error that newGoError made where the failed work began; nil
// makes one with the stack of now.
func (v *VM) reasonAt(err error, at *goja.Object) goja.Value {
	var t *thrown
	var ex *goja.Exception
	if errors.As(err, &t) && t.vm == v && errors.As(t.orig, &ex) {
		return ex.Value()
	}
	var arg *vm.ArgError
	if errors.As(err, &arg) {
		return v.rt.NewTypeError("%s", arg.In(vm.JS))
	}
	if at == nil {
		at = v.newGoError(err)
	}
	return v.goError(at, err)
}

// errPending is the text of an error that was made before anything failed.
var errPending = errors.New("pending")

// newGoError makes an Error with the stack of now, for goError.
func (v *VM) newGoError(err error) *goja.Object {
	o := v.rt.NewGoError(err)
	_ = o.Delete("value") // the Go error itself is nothing for scripts
	return o
}

// goError gives an Error the code and the public message of err, or the text of err if
// that has no code.
func (v *VM) goError(o *goja.Object, err error) *goja.Object {
	k := &kept{err: err, code: int64(fault.CodeOf(err)), message: fault.Text(err)}
	_ = o.DefineDataProperty("message", v.rt.ToValue(k.message), goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_FALSE)
	_ = o.DefineDataProperty("code", v.rt.ToValue(k.code), goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_TRUE)
	if v.errorKey == nil {
		v.errorKey = goja.NewSymbol("error")
	}
	_ = o.DefineDataPropertySymbol(v.errorKey, v.rt.ToValue(k), goja.FLAG_FALSE, goja.FLAG_FALSE, goja.FLAG_FALSE)
	return o
}

// stopped tells whether err is one that scripts cannot catch.
func stopped(err error) bool {
	var interrupted *goja.InterruptedError
	var overflow *goja.StackOverflowError
	return errors.As(err, &interrupted) || errors.As(err, &overflow)
}

// scriptError converts an error of goja to a *vm.ScriptError, and marks the VM as
// broken if a script was interrupted.
func (v *VM) scriptError(err error) error {
	var interrupted *goja.InterruptedError
	var overflow *goja.StackOverflowError
	var ex *goja.Exception
	if ours, ok := err.(*vm.ScriptError); ok {
		return ours
	}
	switch {
	case errors.As(err, &interrupted):
		reason, _ := interrupted.Value().(stopReason)
		return v.interruption(reason, interrupted.Stack())
	case errors.As(err, &overflow):
		if reason := v.watch.reason(); reason != running { // at the same time
			return v.interruption(reason, overflow.Stack())
		}
		v.broken = true
		v.o.Guard.Stopped(vm.JS, vm.StoppedStack)
		text, where := "the script nests calls too deeply", topPosition(overflow.Stack())
		return &vm.ScriptError{Fault: located(fault.Internal, text, where), Stack: text + where + "\n" + stackText(overflow.Stack())}
	case errors.As(err, &ex):
		if reason := v.watch.reason(); reason != running { // at the same time, or because of it
			return v.interruption(reason, ex.Stack())
		}
		return v.thrownValue(ex)
	}
	return &vm.ScriptError{Fault: fault.Of(err)}
}

// panicked returns the error of a call in which Go code panicked.
func (v *VM) panicked(x any) error {
	if err, ok := x.(error); ok && stopped(err) {
		return v.scriptError(err)
	}
	return &vm.ScriptError{
		Fault: fault.Wrap(fault.Internal, "internal error", fmt.Errorf("panic: %v", x)),
		Stack: string(debug.Stack()),
	}
}

// interruption returns the error of a call that the watch has stopped.
func (v *VM) interruption(reason stopReason, stack []goja.StackFrame) error {
	v.broken = true
	where := topPosition(stack)
	if where == "" {
		if where = topPosition(v.reactions.last); where != "" {
			stack, where = v.reactions.last, " between jobs of promises, of which one was added"+where
		}
	}
	code, text := fault.DeadlineExceeded, "the script ran out of time"
	why := vm.StoppedDeadline
	switch {
	case reason == tooBig:
		why = vm.StoppedMemory
		code, text = fault.ResourceExhausted, fmt.Sprintf("the script was stopped because the memory of the server grew by more than %d MB while it ran", v.o.Guard.CallLimit()>>20)
	case reason == halted:
		why, code, text = vm.StoppedHalt, fault.Aborted, "the script was stopped"
	case reason == cancelled:
		why = vm.StoppedCaller
		code, text = fault.Canceled, "the script was stopped because its caller has gone"
	case v.watch.limit > 0:
		text += " (limit " + v.watch.limit.String() + ")"
	}
	v.o.Guard.Stopped(vm.JS, why)
	return &vm.ScriptError{Fault: located(code, text, where), Stack: text + where + "\n" + stackText(stack)}
}

// located returns the error for a limit. Clients get the text, the log also the
// position.
func located(code fault.Code, text, where string) *fault.Error {
	f := fault.New(code, text)
	if where != "" {
		f.Cause = errors.New(strings.TrimSpace(where))
	}
	return f
}

// thrownValue converts a value that a script threw. An object with a numeric code,
// or a plain one with a message, was thrown on purpose; an error made from a Go error
// keeps its code; anything else is internal, with the value as text.
func (v *VM) thrownValue(ex *goja.Exception) *vm.ScriptError {
	e := &vm.ScriptError{Fault: fault.New(fault.Internal, "")}
	if ex2 := v.rt.Try(func() { v.readThrown(e, ex.Value()) }); ex2 != nil {
		e.Fault.Message = "the value that was thrown cannot be read"
	}
	e.Stack = e.Fault.Message + "\n" + stackText(ex.Stack())
	_ = v.rt.Try(func() { e.Stack += v.causes(ex.Value()) })
	return e
}

func (v *VM) readThrown(e *vm.ScriptError, x goja.Value) {
	obj, ok := x.(*goja.Object)
	if !ok {
		e.Fault.Message = x.String()
		return
	}
	code, hasCode := codeOf(obj.Get("code"))
	message, hasMessage := stringOf(obj.Get("message"))
	if !hasMessage {
		message, hasMessage = stringOf(obj.Get("msg"))
	}
	if v.errorKey != nil {
		if x := obj.GetSymbol(v.errorKey); x != nil {
			if k, ok := x.Export().(*kept); ok && hasCode && k.code == code && k.message == message {
				e.Fault = fault.Of(k.err)
				return
			}
		}
	}
	isError := obj.ClassName() == "Error"
	switch {
	case hasCode || (hasMessage && !isError):
		e.Custom = true
		e.Fault.Message = message
		if code >= int64(fault.Canceled) && code <= int64(fault.Unauthenticated) { // other numbers count as internal
			e.Fault.Code = fault.Code(code)
		}
	case isError:
		e.Fault.Message = obj.String()
	default:
		e.Fault.Message = v.show(obj)
	}
}

// Limits of the causes of an error that are logged with it.
const (
	maxCauses     = 8 // in total
	maxCauseDepth = 4 // causes of causes
)

// causes lists the causes of an error: its property cause, and the errors of an
// AggregateError.
func (v *VM) causes(x goja.Value) string {
	var b strings.Builder
	left := maxCauses
	var add func(x goja.Value, depth int)
	one := func(what string, x goja.Value, depth int) {
		if x == nil || goja.IsUndefined(x) || left == 0 {
			return
		}
		left--
		b.WriteString("\n" + what + ": " + v.show(x))
		add(x, depth+1)
	}
	add = func(x goja.Value, depth int) {
		obj, ok := x.(*goja.Object)
		if !ok || obj.ClassName() != "Error" || depth == maxCauseDepth {
			return
		}
		if list, ok := obj.Get("errors").(*goja.Object); ok && v.IsList(list) {
			for i := range min(v.Len(list), maxCauses) {
				one("error "+strconv.Itoa(i+1), list.Get(strconv.Itoa(i)), depth)
			}
		}
		one("caused by", obj.Get("cause"), depth)
	}
	add(x, 0)
	return b.String()
}

// codeOf reads a code, which may be a number in a string, as in Lua. Errors of
// libraries have other strings there ("ENOENT").
func codeOf(x goja.Value) (int64, bool) {
	if text, ok := stringOf(x); ok {
		n, err := strconv.ParseInt(text, 10, 32)
		return n, err == nil
	}
	if x == nil || !goja.IsNumber(x) {
		return 0, false
	}
	return x.ToInteger(), true
}

func stringOf(x goja.Value) (string, bool) {
	if x == nil || !goja.IsString(x) {
		return "", false
	}
	return x.String(), true
}

// ofGoja tells whether a panic is one with which goja throws.
func ofGoja(x any) bool {
	switch x.(type) {
	case *goja.Exception, goja.Value, *goja.InterruptedError, *goja.StackOverflowError:
		return true
	}
	t := fmt.Sprintf("%T", x) // its internal error kinds: goja.typeError and so on
	return strings.HasPrefix(t, "goja.") || strings.HasPrefix(t, "*goja.")
}

// goPanic returns the error for a panic of a Go function. The script gets an internal
// error, the log also the value and the stack.
func goPanic(name string, x any) error {
	return fault.Wrap(fault.Internal, "internal error in "+name, fmt.Errorf("panic: %v\n%s", x, debug.Stack()))
}
