package vm

// SharedWrite is a place where a function changes a module variable. Every VM
// has a copy of those, so the next call may not see the change.
type SharedWrite struct {
	Name string // of the variable
	At   string // file:line:column
}
