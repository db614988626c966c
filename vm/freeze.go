package vm

// Freeze copies a script value into a form that belongs to no VM and keeps the
// order of keys. A function or a value that contains itself is an error. The
// result may be kept and read from any goroutine.
func Freeze(e Engine, v Ref) (any, error) { return freeze(e, v, 0) }

// Thaw makes a value in e of what Freeze gave.
func Thaw(e Engine, frozen any) (Ref, error) { return thaw(e, frozen) }
