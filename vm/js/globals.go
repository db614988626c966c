package js

import (
	"github.com/dop251/goja"
)

// freezer freezes the objects in the program's global variables, except functions:
// goja makes their properties when they are first read, which would cost memory for
// every function of every VM.
var freezer = goja.MustCompile("globals", `(function () {
	for (const name of Object.keys(globalThis)) {
		const p = Object.getOwnPropertyDescriptor(globalThis, name);
		const x = p && p.value;
		if (typeof x === "object" && x !== null && !ArrayBuffer.isView(x)) {
			try { Object.freeze(x); } catch (_) { }
		}
	}
})()`, true)

// FreezeGlobals makes the objects in the program's global variables read-only, so that
// calls do not pass data to later calls in the same VM by mistake. It is shallow, and
// applies only to var declarations: closures, nested objects, let and const can still
// be used as caches of one VM.
func (v *VM) FreezeGlobals() error {
	if _, err := v.rt.RunProgram(freezer); err != nil {
		return v.scriptError(err)
	}
	return nil
}
