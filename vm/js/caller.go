package js

// Caller returns the position in the script from which the running Go function was
// called, as file:line:column in the user's sources; empty if none runs.
func (v *VM) Caller() string {
	frames := v.rt.CaptureCallStack(0, nil)
	for i := range frames {
		if at := position(&frames[i]); at != "" {
			return at
		}
	}
	return ""
}
