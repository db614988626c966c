package js

import (
	"github.com/dop251/goja"
)

// freezer freezes the objects that the program put into global variables. It
// leaves functions alone: looking into them would build the parts of them that
// are otherwise never made, for every function of every VM.
var freezer = goja.MustCompile("globals", `(function () {
	for (const name of Object.keys(globalThis)) {
		const p = Object.getOwnPropertyDescriptor(globalThis, name);
		const x = p && p.value;
		if (typeof x === "object" && x !== null && !ArrayBuffer.isView(x)) {
			try { Object.freeze(x); } catch (_) { }
		}
	}
})()`, true)

// FreezeGlobals makes the objects in the program's global variables read-only,
// so that a call cannot leave something behind in a VM that others will use. It
// is shallow, and concerns var declarations only: what hides in closures and
// modules, nested objects, let and const keep working as caches of one VM.
func (v *VM) FreezeGlobals() error {
	if _, err := v.rt.RunProgram(freezer); err != nil {
		return v.scriptError(err)
	}
	return nil
}
