package lua

import "kumi/vm"

// Weigh implements vm.Weighed.
func (v *VM) Weigh(most uint64, roots ...any) uint64 {
	return vm.Weigh(most, append(roots, v.state, v.loaded, v.decoding)...)
}

// Watched implements vm.Weighed.
func (v *VM) Watched() *vm.Watched { return v.deadline.memory }
