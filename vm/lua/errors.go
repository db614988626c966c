package lua

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	lua "github.com/yuin/gopher-lua"

	"kumi/store/fault"
	"kumi/vm"
)

// raised is the last error of a Go function that was raised in the script. It keeps
// the code in case the script does not catch it.
type raised struct {
	text string // the string that was raised
	err  error
}

// raise raises an error of a Go function in the script, as a string.
func (v *VM) raise(L *lua.LState, n *vm.Native, err error) {
	var arg *vm.ArgError
	if errors.As(err, &arg) {
		want := arg.Want
		if arg.Path != "" {
			want = arg.Name + arg.Path + ": " + want
		}
		L.RaiseError("bad argument #%d to %s (%s)", arg.Index+1, n.Name.Snake, want)
	}
	text := where(L, 1) + message(err)
	v.raised = raised{text: text, err: err}
	L.Error(lua.LString(text), 0)
}

// where returns the position of the first Lua function at a level of the stack or
// further out, as "file:line: "; 0 is the innermost frame. It is empty if there is none.
func where(L *lua.LState, level int) string {
	for ; ; level++ {
		at := L.Where(level)
		if at == "" || !strings.HasPrefix(at, "[G]") {
			return strings.TrimLeft(at+" ", " ")
		}
	}
}

// message returns the text of a Go error for scripts. It includes private messages
// and causes, since scripts are code of the game.
func message(err error) string {
	var script *vm.ScriptError
	if errors.As(err, &script) {
		return script.Fault.Message
	}
	return fault.Text(err)
}

// scriptError converts an error that a script raised and did not catch.
func (v *VM) scriptError(fail *lua.ApiError, stack string) error {
	e := &vm.ScriptError{Stack: stack}
	v.frames = stack
	switch o := fail.Object.(type) {
	case lua.LString:
		text := v.o.Program.clearer(string(o))
		if from := v.raised; from.err != nil && strings.HasSuffix(text, from.text) {
			e.Fault = fault.Of(from.err)
			e.Fault.Message = v.strip(text)
			if e.Fault.Message != v.strip(from.text) {
				e.Fault.Private = false // the script has changed the text
			}
			var script *vm.ScriptError
			if errors.As(from.err, &script) {
				e.Custom = script.Custom
				e.Stack = strings.TrimSpace(stack + "\n" + script.Stack)
			}
			return e
		}
		e.Fault = fault.New(fault.Internal, v.strip(text))
		e.Stack = strings.TrimSpace(text + "\n" + stack)
	case *lua.LTable:
		v.coded(e, o)
		e.Stack = strings.TrimSpace(e.Fault.Message + "\n" + stack)
	default:
		e.Fault = fault.New(fault.Internal, fail.Object.String())
		e.Stack = strings.TrimSpace(e.Fault.Message + "\n" + stack)
	}
	if fail.Type == lua.ApiErrorPanic {
		v.broken = true
	}
	return e
}

// coded reads an error table {message, code}, in the forms that scripts use.
func (v *VM) coded(e *vm.ScriptError, t *lua.LTable) {
	plain(t)
	text, code := t.RawGetInt(1), t.RawGetInt(2)
	if text == lua.LNil {
		if text = t.RawGetString("message"); text == lua.LNil {
			text = t.RawGetString("msg")
		}
	}
	if code == lua.LNil {
		code = t.RawGetString("code")
	}
	message := ""
	if text != lua.LNil {
		message = v.strip(text.String())
	}
	n, isNumber := code.(lua.LNumber)
	if s, ok := code.(lua.LString); ok {
		if f, err := strconv.ParseFloat(string(s), 64); err == nil {
			n, isNumber = lua.LNumber(f), true
		}
	}
	if message == "" && !isNumber {
		if text, err := v.ToJSON(t); err == nil {
			message = string(text)
		} else {
			message = "a table was raised as an error"
		}
	}
	e.Fault = fault.New(fault.Internal, message)
	if isNumber {
		e.Custom = true
		if n >= 1 && n <= 16 && n == lua.LNumber(int32(n)) { // other numbers become internal
			e.Fault.Code = fault.Code(n)
		}
	}
}

// strip removes the "file:line:" at the beginning of a message.
func (v *VM) strip(text string) string {
	for {
		file, rest, ok := strings.Cut(text, ":")
		if !ok || !(v.o.Program.paths[file] || file == "<string>") {
			return text
		}
		line, rest, ok := strings.Cut(rest, ":")
		if !ok {
			return text
		}
		if _, err := strconv.Atoi(line); err != nil {
			return text
		}
		text = strings.TrimPrefix(rest, " ")
	}
}

// stopped returns the error of a call that was stopped by a limit.
func (v *VM) stopped(why error, fn *lua.LFunction, limit time.Duration) error {
	name := v.key
	if v.keyed != vm.Ref(fn) || name == "" {
		name = "a function of Go"
		if p := fn.Proto; p != nil {
			name = fmt.Sprintf("the function at %s:%d", p.SourceName, p.LineDefined)
		}
	}
	// Clients get the text, the log also the position.
	f, reason := fault.Wrap(fault.Canceled, "the script was stopped because its caller has gone", nil), vm.StoppedCaller
	defer func() { v.o.Guard.Stopped(vm.Lua, reason) }()
	if errors.Is(why, errMemory) {
		reason = vm.StoppedMemory
		f = fault.Newf(fault.ResourceExhausted, "the script was stopped because the memory of the server grew by more than %d MB while it ran", v.o.Guard.CallLimit()>>20)
	}
	if errors.Is(why, errHalted) {
		reason, f = vm.StoppedHalt, fault.New(fault.Aborted, "the script was stopped")
	}
	if errors.Is(why, context.DeadlineExceeded) {
		reason = vm.StoppedDeadline
		f = fault.New(fault.DeadlineExceeded, "the script ran out of time")
		if limit > 0 {
			f.Message = fmt.Sprintf("the script ran out of time (limit %s)", limit)
		}
	}
	f.Cause = fmt.Errorf("in %s: %w", name, why)
	return &vm.ScriptError{Fault: f, Stack: strings.TrimSpace(f.Message + " in " + name + "\n" + v.frames)}
}

// crashed returns the error of a call that left the VM unusable.
func (v *VM) crashed(r any) error {
	text := fmt.Sprint(r)
	if fail, ok := r.(*lua.ApiError); ok {
		text = v.strip(fail.Object.String())
	}
	return &vm.ScriptError{Fault: fault.New(fault.Internal, text), Stack: string(debug.Stack())}
}
