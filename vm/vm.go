// Package vm runs scripts. It is independent of the game server.
//
// It has what both engines share (names, shapes, calls, function tables), the
// interface of a VM with a program in it (Instance) and the pool of VMs. vm/js
// and vm/lua are the engines. A VM belongs to one goroutine at a time, the one
// that leased it. Everything else here may be used from any goroutine.
package vm

import (
	"context"
	"time"

	"kumi/store/fault"
)

// Instance is one VM with one program loaded and the handlers it registered.
// Only the goroutine that owns it may call its methods.
type Instance interface {
	Patcher
	// Handler returns the function registered under a key, nil if there is none. Keys
	// are made by the loader: "rpc:echo", "before:AddFriends", …
	Handler(key string) Ref
	// Local is the VM's own Go state, set by its maker; every Call carries it.
	Local() any
	// Functions makes an object with the functions of lib, each bound when a script
	// first reads it. Scripts cannot modify it.
	Functions(lib *Library) Ref
	// Global returns a global variable by name; nil (not Nil) if there is none.
	Global(name string) Ref
	// Invoke calls a handler from Go, as the outermost call or nested in one. The
	// error has code DeadlineExceeded when the deadline of ctx or the limit of the
	// instance passes, Canceled when ctx is cancelled (JavaScript notices within a
	// quarter of a second); panics of Go functions below become errors. In JavaScript
	// there is one result, in Lua as many as the function returned. args are not kept;
	// results are valid while the instance is owned.
	Invoke(ctx context.Context, fn Ref, args ...Ref) (results []Ref, err error)
	// Broken tells whether the instance must not be used again, since a script was
	// interrupted at a point after which its state cannot be trusted.
	Broken() bool
	// Close frees the VM.
	Close()
}

// Maximum sizes of single values that scripts make or pass. They are far above
// what games need, and small enough not to endanger the process.
const (
	// MaxString is the maximum size of a string or of binary data, in bytes.
	MaxString = 64 << 20
	// MaxData is the maximum size of a value passed to the server, as JSON in bytes.
	MaxData = 16 << 20
	// MaxList is the maximum number of elements of a list.
	MaxList = 16 << 20
)

// DefaultGrace is the time that a stopped call has to end before its VM is abandoned.
const DefaultGrace = 5 * time.Second

// Nuller is implemented by engines whose language has undefined beside null.
type Nuller interface {
	// NullState sets undefined properties and holes of arrays in a match's state to
	// null. known is what it returned for the same match before, nil at first. It is
	// called by the VM's owner, between calls.
	NullState(state Ref, known any) any
}

// Limits bound what a script may use. Zero means no limit.
type Limits struct {
	// Timeout is the maximum duration of a call into script code.
	Timeout time.Duration
	// Stack is the maximum nesting of script calls.
	Stack int
}

// ScriptError is an error raised by or within a script. It carries a fault
// code.
type ScriptError struct {
	Fault *fault.Error
	// Custom is true if the script raised an error with a code on purpose; those are
	// not logged.
	Custom bool
	// Stack is the stack trace, with positions in the user's source files, for logs.
	Stack string
}

// Error implements error.
func (e *ScriptError) Error() string { return e.Fault.Error() }

// Trace returns the stack trace, for those who know an error only as one.
func (e *ScriptError) Trace() string { return e.Stack }

// Unwrap returns the fault, for errors.As.
func (e *ScriptError) Unwrap() error { return e.Fault }
