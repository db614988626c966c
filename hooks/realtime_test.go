package hooks_test

import (
	"reflect"
	"testing"

	"kumi/hooks"
)

// A name is that of one thing with hooks, and that of a realtime message names its field.
func TestNamesOfHooks(t *testing.T) {
	t.Parallel()
	for _, name := range hooks.RealtimeNames {
		if _, ok := hooks.LookupMethod(name); ok {
			t.Errorf("%s is a message and a call", name)
		}
		if got := reflect.TypeOf(hooks.Message(name).Message).Elem().Name(); got != "Envelope_"+name {
			t.Errorf("%s is the message %s", name, got)
		}
	}
}
