package core

import (
	"errors"

	"kumi/store"
	"kumi/store/fault"
)

// Errors that several operations share. Clients compare these texts and all
// others that clients see, so they are those of the protocol: same case, same
// full stop. What is known besides follows behind.
var (
	errAccountNotFound = fault.New(fault.NotFound, "User account not found.")
	errAccountBanned   = fault.New(fault.PermissionDenied, "User account banned.")
	errCredentials     = fault.New(fault.Unauthenticated, "Invalid credentials.")
	errUsernameTaken   = fault.New(fault.AlreadyExists, "Username is already in use.")
	errSystemUser      = fault.New(fault.InvalidArgument, "The system user cannot be changed.")
)

// invalid is a refused argument.
func invalid(format string, args ...any) error {
	return fault.Newf(fault.InvalidArgument, format, args...)
}

// failed gives an error that carries no code of its own a public text that
// says what was tried; the cause stays for the log. Coded errors pass.
func failed(doing string, err error) error {
	return failedWith("Error while trying to "+doing+".", err)
}

// failedWith is failed with the whole text. Values that no database column can
// hold are the caller's mistake, InvalidArgument.
func failedWith(text string, err error) error {
	var coded *fault.Error
	if errors.As(err, &coded) {
		return err
	}
	switch {
	case store.IsTooLong(err):
		return fault.Wrap(fault.InvalidArgument, text+" A text is longer than its column allows.", err)
	case store.IsInvalidText(err):
		return fault.Wrap(fault.InvalidArgument, text+" A text is not valid UTF-8 or JSON, or contains a zero byte or half of a surrogate pair.", err)
	case store.IsNotNull(err):
		return fault.Wrap(fault.InvalidArgument, text+" A required value is missing.", err)
	}
	return fault.Wrap(fault.CodeOf(err), text, err)
}
