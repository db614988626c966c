package js

import (
	"context"

	"kumi/vm"
)

// callCtx returns the context for Go functions of the running call.
func (v *VM) callCtx() context.Context {
	if v.limited != nil {
		return v.limited
	}
	deadline := v.watch.call.deadline // written by this goroutine only
	if deadline == 0 {
		return v.ctx
	}
	v.limited = vm.NewLazyDeadline(v.ctx, started.Add(deadline))
	return v.limited
}
