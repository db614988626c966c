package js

import "kumi/vm"

// Weigh implements vm.Weighed.
func (v *VM) Weigh(most uint64, roots ...any) uint64 {
	return vm.Weigh(most, append(roots, v.rt, v.args[:cap(v.args)])...)
}

// Watched implements vm.Weighed.
func (v *VM) Watched() *vm.Watched { return v.watch.memory }
