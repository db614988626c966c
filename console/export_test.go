package console

import (
	"google.golang.org/protobuf/reflect/protoreflect"

	"kumi/core/acl"
)

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

// Topic is a row of the table of topics, for tests.
type Topic struct {
	Name  string
	Right *acl.Right
}

// Topics returns the rows of the table of topics.
func Topics() (all []Topic) {
	for _, t := range topics {
		all = append(all, Topic{t.name, t.right})
	}
	return all
}

// Method returns the gRPC method of a row with the type of its request.
func Method(i int) (name string, request protoreflect.FullName, ok bool) {
	if i >= len(table) {
		return "", "", false
	}
	return table[i].name, table[i].request().ProtoReflect().Descriptor().FullName(), true
}
