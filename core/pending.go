package core

import "kumi/store/fault"

//go:generate go run kumi/internal/generate

// pending answers every function of the module interface that has no operation
// behind it yet with one coded error. Module embeds it, so that building an
// operation is adding a method to Module and running go generate.
type pending struct{}

// unbuilt is the error of a function whose operation does not exist yet.
func unbuilt(function string) error {
	return fault.Newf(fault.Unimplemented, "%s is not available in this version of the server", function)
}
