// Package vm runs scripts and knows nothing of games.
//
// It has the vocabulary both engines share (names, shapes, calls, function
// tables), the contract of a VM with a program in it (Instance) and the pool
// that hands such VMs out. vm/js and vm/lua are the engines. A VM belongs to
// one goroutine at a time: whoever leased it. Everything else here may be used
// from any goroutine.
package vm

import (
	"context"
	"time"

	"kumi/store/fault"
)

// Instance is one VM with one program loaded and the handlers it registered.
// It must be owned: only the goroutine that holds it may call its methods.
type Instance interface {
	Engine
	// Handler returns the function registered under a key, nil when there is
	// none. Keys are made by the loader: "rpc:echo", "before:AddFriends", …
	Handler(key string) Ref
	// Local is the VM's own Go state, as its maker set it; every Call carries it.
	Local() any
	// Functions makes an object that has the functions of lib, each bound when a
	// script first reads it. Scripts cannot change it.
	Functions(lib *Library) Ref
	// Global finds a global variable by name; nil (not Nil) when there is none.
	Global(name string) Ref
	// Invoke calls a handler from Go, as the outermost call or nested in one. It
	// ends with an error of code DeadlineExceeded when the deadline of ctx or the
	// limit of the instance passes, Canceled when ctx is cancelled (JS notices
	// within a quarter of a second); panics of Go functions below become errors. In JS
	// there is one result, in Lua as many as the function returned. args are not
	// kept; results are valid while the instance is owned.
	Invoke(ctx context.Context, fn Ref, args ...Ref) (results []Ref, err error)
	// Broken says that the instance must not be used again (a script was stopped
	// in the middle of something that cannot be trusted any more).
	Broken() bool
	// Close frees the VM.
	Close()
}

// The largest single things scripts can make or hand over. They are far above
// what games need, and below what would hurt the process.
const (
	// MaxString is in bytes: of a string, or of binary data.
	MaxString = 64 << 20
	// MaxData is in bytes: of a value that a script hands to the server, as JSON.
	MaxData = 16 << 20
	// MaxList is the most elements of a list.
	MaxList = 16 << 20
)

// Limits bound what a script may use. Zero means no bound.
type Limits struct {
	// Timeout ends a call into script code.
	Timeout time.Duration
	// Stack is the deepest nesting of script calls.
	Stack int
}

// ScriptError is an error raised by or within a script. It carries a fault
// code, so that doors treat it like any other error.
type ScriptError struct {
	Fault *fault.Error
	// Custom is true when the script raised a coded error on purpose; those are
	// not logged.
	Custom bool
	// Stack is where it happened, in the user's source files, for logs.
	Stack string
}

// Error implements error.
func (e *ScriptError) Error() string { return e.Fault.Error() }

// Unwrap gives the fault to errors.As.
func (e *ScriptError) Unwrap() error { return e.Fault }
