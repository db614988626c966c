package js

// Caller is where in the script the running Go function was called from, as
// file:line:column in the user's sources; empty when none runs.
func (v *VM) Caller() string {
	frames := v.rt.CaptureCallStack(0, nil)
	for i := range frames {
		if at := position(&frames[i]); at != "" {
			return at
		}
	}
	return ""
}
