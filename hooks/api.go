package hooks

import (
	"strings"

	"google.golang.org/protobuf/proto"
)

//go:generate go run kumi/internal/generate

// Method is one call of the client API that modules may hook: its name and its
// request and response types. In is nil for calls without a request body, Out
// for an empty response.
type Method struct {
	Name string
	In   func() proto.Message
	Out  func() proto.Message
}

// LookupMethod finds a method by name, ignoring case.
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
