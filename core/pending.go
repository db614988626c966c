package core

import "kumi/store/fault"

//go:generate go run kumi/internal/generate

// pending implements every function of the module interface that has no
// operation yet, with one coded error. Module embeds it, so a new operation is
// a method added to Module and a run of go generate.
type pending struct{}

// unbuilt is the error of a function that is not implemented yet.
func unbuilt(function string) error {
	return fault.Newf(fault.Unimplemented, "%s is not available in this version of the server", function)
}
