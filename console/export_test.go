package console

import "kumi/core/acl"

// Call is a row of the table, for tests.
type Call struct {
	Name, Verb, Path string
	Open             bool
	Right            *acl.Right
	Audited          bool
}

// Calls returns the rows of the table, one for each binding.
func Calls() (all []Call) {
	for _, r := range table {
		for _, b := range r.bindings {
			all = append(all, Call{r.name, b.verb, b.path, r.open, r.right, r.action != none})
		}
	}
	return all
}
