package vm

// SharedWrite is a place where a function changes a variable of its module. As
// every VM has a copy of those, what is written there is not what the next call
// reads.
type SharedWrite struct {
	Name string // of the variable
	At   string // file:line:column
}
