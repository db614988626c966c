package js

import (
	"slices"

	"github.com/dop251/goja"
)

// When a call is stopped while goja goes from one job of promises to the next, no script
// function runs, and goja's error has no stack. So a VM remembers where its running call
// attached reactions to promises: with then and the like, or with the first await of an
// async function.

// reactionInterval is how many reactions are attached from one that is remembered to the
// next. The first one of a call always is.
const reactionInterval = 256

// reactions implements goja.AsyncContextTracker. It belongs to the goroutine that owns
// the VM.
type reactions struct {
	rt    *goja.Runtime
	n     int               // attached during the call
	last  []goja.StackFrame // where one of the last was attached; empty: not by a script function
	spare []goja.StackFrame
}

// begin forgets those of the call before.
func (r *reactions) begin() { r.n, r.last = 0, r.last[:0] }

// Grab is called when a reaction is attached.
func (r *reactions) Grab() any {
	if r.n++; r.n%reactionInterval == 1 {
		r.spare = r.rt.CaptureCallStack(2, r.spare[:0]) // then itself, and its caller
		if slices.ContainsFunc(r.spare, ofScript) {
			r.last, r.spare = r.spare, r.last
		}
	}
	return nil
}

// Resumed is called before a reaction.
func (r *reactions) Resumed(any) {}

// Exited is called after a reaction.
func (r *reactions) Exited() {}

// ofScript tells whether a frame is one of a function of the program.
func ofScript(f goja.StackFrame) bool {
	return f.Position().Line > 0 && f.SrcName() != entryName
}
