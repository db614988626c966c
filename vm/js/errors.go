package js

import (
	"errors"
	"fmt"
	"math"
	"runtime/debug"
	"strconv"
	"strings"

	"github.com/dop251/goja"

	"kumi/store/fault"
	"kumi/vm"
)

// thrown is an error that came out of a script function called by a Go
// function. When the Go function passes it on, the script around sees what was
// thrown, unchanged.
type thrown struct {
	*vm.ScriptError
	vm   *VM
	orig error
}

func (t *thrown) Unwrap() []error { return []error{t.ScriptError, t.orig} }

// kept is how a script error holds the Go error it was made of: opaque to
// scripts.
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

// reason is a Go error as the value that scripts catch.
func (v *VM) reason(err error) goja.Value {
	var t *thrown
	var ex *goja.Exception
	if errors.As(err, &t) && t.vm == v && errors.As(t.orig, &ex) {
		return ex.Value()
	}
	var arg *vm.ArgError
	if errors.As(err, &arg) {
		return v.rt.NewTypeError("%s", arg.In(vm.JS))
	}
	return v.goError(err)
}

// goError makes an Error with the code and the public message of err; where err
// has no code the message is its text.
func (v *VM) goError(err error) *goja.Object {
	k := &kept{err: err, code: int64(fault.CodeOf(err)), message: fault.MessageOf(err, err.Error())}
	o := v.rt.NewGoError(err)
	_ = o.Delete("value") // the Go error itself is nothing for scripts
	_ = o.DefineDataProperty("message", v.rt.ToValue(k.message), goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_FALSE)
	_ = o.DefineDataProperty("code", v.rt.ToValue(k.code), goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_TRUE)
	if v.errorKey == nil {
		v.errorKey = goja.NewSymbol("error")
	}
	_ = o.DefineDataPropertySymbol(v.errorKey, v.rt.ToValue(k), goja.FLAG_FALSE, goja.FLAG_FALSE, goja.FLAG_FALSE)
	return o
}

// stopped says that err is one that scripts cannot catch.
func stopped(err error) bool {
	var interrupted *goja.InterruptedError
	var overflow *goja.StackOverflowError
	return errors.As(err, &interrupted) || errors.As(err, &overflow)
}

// scriptError turns what came out of goja into a *vm.ScriptError, and marks the
// VM as broken when a script was stopped halfway.
func (v *VM) scriptError(err error) error {
	var interrupted *goja.InterruptedError
	var overflow *goja.StackOverflowError
	var ex *goja.Exception
	if ours, ok := err.(*vm.ScriptError); ok {
		return ours
	}
	switch {
	case errors.As(err, &interrupted):
		v.broken = true
		where := place(interrupted.Stack())
		reason, _ := interrupted.Value().(stopReason)
		code, text := fault.DeadlineExceeded, "the script ran out of time"
		why := vm.StoppedDeadline
		switch {
		case reason == tooBig:
			why = vm.StoppedMemory
			code, text = fault.ResourceExhausted, fmt.Sprintf("the script was stopped because the memory of the server grew by more than %d MB while it ran", v.o.Guard.Limit()>>20)
		case reason == cancelled:
			why = vm.StoppedCaller
			code, text = fault.Canceled, "the script was stopped because its caller has gone"
		case v.watch.limit > 0:
			text += " (limit " + v.watch.limit.String() + ")"
		}
		v.o.Guard.Stopped(vm.JS, why)
		text += where
		return &vm.ScriptError{Fault: fault.New(code, text), Stack: text + "\n" + stackText(interrupted.Stack())}
	case errors.As(err, &overflow):
		v.broken = true
		v.o.Guard.Stopped(vm.JS, vm.StoppedStack)
		text := "the script nests calls too deeply" + place(overflow.Stack())
		return &vm.ScriptError{Fault: fault.New(fault.Internal, text), Stack: text + "\n" + stackText(overflow.Stack())}
	case errors.As(err, &ex):
		return v.thrownValue(ex)
	}
	return &vm.ScriptError{Fault: fault.Wrap(fault.CodeOf(err), fault.MessageOf(err, err.Error()), err)}
}

// thrownValue reads what a script threw. An object with a numeric code, or a
// plain one with a message, was thrown on purpose; an error made of a Go error
// keeps its code; all else is internal with the value's text.
func (v *VM) thrownValue(ex *goja.Exception) *vm.ScriptError {
	e := &vm.ScriptError{Fault: fault.New(fault.Internal, "")}
	if ex2 := v.rt.Try(func() { v.readThrown(e, ex.Value()) }); ex2 != nil {
		e.Fault.Message = "the value that was thrown cannot be read"
	}
	e.Stack = e.Fault.Message + "\n" + stackText(ex.Stack())
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
		if hidden := obj.GetSymbol(v.errorKey); hidden != nil {
			if k, ok := hidden.Export().(*kept); ok && hasCode && k.code == code && k.message == message {
				e.Fault = fault.Wrap(fault.Code(code), message, k.err)
				return
			}
		}
	}
	isError := obj.ClassName() == "Error"
	switch {
	case hasCode || (hasMessage && !isError):
		e.Custom = true
		e.Fault.Message = message
		if code > 0 && code <= math.MaxInt32 {
			e.Fault.Code = fault.Code(code)
		}
	default:
		e.Fault.Message = obj.String()
	}
}

// codeOf reads a code. Errors of other libraries have texts there ("ENOENT").
func codeOf(x goja.Value) (int64, bool) {
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

// stackText lists frames with positions in the user's sources.
func stackText(frames []goja.StackFrame) string {
	var b strings.Builder
	for i := range frames {
		f := &frames[i]
		b.WriteString("\tat ")
		b.WriteString(f.FuncName())
		if at := position(f); at != "" {
			b.WriteString(" (" + at + ")")
		}
		b.WriteByte('\n')
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// place is where the topmost frame is, for the end of a message.
func place(frames []goja.StackFrame) string {
	for i := range frames {
		if at := position(&frames[i]); at != "" {
			return " in " + frames[i].FuncName() + " at " + at
		}
	}
	return ""
}

func position(f *goja.StackFrame) string {
	p := f.Position()
	if p.Line == 0 {
		return ""
	}
	return p.Filename + ":" + strconv.Itoa(p.Line) + ":" + strconv.Itoa(p.Column)
}

// ofGoja says whether a panic is goja's way to throw.
func ofGoja(x any) bool {
	switch x.(type) {
	case *goja.Exception, goja.Value, *goja.InterruptedError, *goja.StackOverflowError:
		return true
	}
	t := fmt.Sprintf("%T", x) // its internal error kinds: goja.typeError and so on
	return strings.HasPrefix(t, "goja.") || strings.HasPrefix(t, "*goja.")
}

// goPanic is a panic of a Go function as an error: the script sees an internal
// error, the log sees all of it.
func goPanic(name string, x any) error {
	return fault.Wrap(fault.Internal, "internal error in "+name, fmt.Errorf("panic: %v\n%s", x, debug.Stack()))
}
