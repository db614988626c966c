package hooks

import (
	"strings"

	"google.golang.org/protobuf/proto"
)

// Method is one call of the client API as modules may hook it: its name and
// the messages it takes and gives. In is nil for calls without a request body,
// Out is nil where the answer is empty.
type Method struct {
	Name string
	In   func() proto.Message
	Out  func() proto.Message
}

// LookupMethod finds a method by name, without regard to case.
func LookupMethod(name string) (*Method, bool) {
	m, ok := methods[strings.ToLower(name)]
	return m, ok
}

var methods = func() map[string]*Method {
	byName := make(map[string]*Method, len(Methods))
	for i := range Methods {
		byName[strings.ToLower(Methods[i].Name)] = &Methods[i]
	}
	return byName
}()
