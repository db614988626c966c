package core

import (
	"errors"

	"kumi/store"
	"kumi/store/fault"
)

// Errors that several operations share. The texts are part of what clients see.
var (
	errAccountNotFound = fault.New(fault.NotFound, "user account not found")
	errAccountBanned   = fault.New(fault.PermissionDenied, "user account banned")
	errCredentials     = fault.New(fault.Unauthenticated, "invalid credentials")
	errUsernameTaken   = fault.New(fault.AlreadyExists, "username is already in use")
	errSystemUser      = fault.New(fault.InvalidArgument, "the system user cannot be changed")
)

// invalid is a refused argument.
func invalid(format string, args ...any) error {
	return fault.Newf(fault.InvalidArgument, format, args...)
}

// failed gives an error that carries no code of its own a public text that
// says what was tried; the cause stays for the log. Coded errors pass.
func failed(doing string, err error) error {
	var coded *fault.Error
	if errors.As(err, &coded) {
		return err
	}
	text := "error while trying to " + doing
	if store.IsTooLong(err) || store.IsInvalidText(err) || store.IsNotNull(err) {
		return fault.Mistaken(text, err) // what was to be stored cannot be
	}
	return fault.Wrap(fault.CodeOf(err), text, err)
}
