package fault

import "testing"

// The values of the runtime package can be found by their names.
func TestRuntimeValues(t *testing.T) {
	t.Parallel()
	for _, e := range runtimeErrors {
		name, value := RuntimeValue(Wrap(Internal, "x", e.err))
		if value != e.err || RuntimeValueOf(name) != e.err {
			t.Errorf("%q is found as %v, by its name %q as %v", e.err, value, name, RuntimeValueOf(name))
		}
	}
	if _, value := RuntimeValue(New(NotFound, "x")); value != nil || RuntimeValueOf("") != nil {
		t.Error("other errors are values of the runtime package")
	}
}
