package js

import "github.com/dop251/goja"

// process makes Node's global of that name. It has only env, from which packages read
// their settings.
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
