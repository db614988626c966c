package js

import "github.com/dop251/goja"

// process is the global of that name in Node, of which there is no more than env:
// packages read their settings there.
func (v *VM) process() goja.Value {
	env := v.rt.NewObject()
	_ = env.Set("NODE_ENV", "production")
	for name, value := range v.o.Env {
		_ = env.Set(name, value)
	}
	process := v.rt.NewObject()
	_ = process.Set("env", env)
	return process
}
