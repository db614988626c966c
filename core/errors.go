package core

import (
	"errors"
	"unicode/utf8"

	"kumi/store"
	"kumi/store/fault"
)

// Errors shared by several operations. Clients compare error texts, so these
// and all others that clients see are Nakama's, including case and full stops.
// Additional details come after them.
var (
	errAccountNotFound = fault.New(fault.NotFound, "User account not found.")
	errAccountBanned   = fault.New(fault.PermissionDenied, "User account banned.")
	errCredentials     = fault.New(fault.Unauthenticated, "Invalid credentials.")
	errUsernameTaken   = fault.New(fault.AlreadyExists, "Username is already in use.")
	errSystemUser      = fault.New(fault.InvalidArgument, "The system user cannot be changed.")
)

// invalid returns an InvalidArgument error.
func invalid(format string, args ...any) error {
	return fault.Newf(fault.InvalidArgument, format, args...)
}

// failed wraps an error without a code, so that clients see what was tried and
// the log has the cause. Errors with a code are returned as they are.
func failed(doing string, err error) error {
	return failedWith("Error while trying to "+doing+".", err)
}

// failedWith is failed with the whole text. Values that no column can hold are
// InvalidArgument.
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

// checkLength returns an InvalidArgument error, which says what failed and names the field, for a text of
// more characters than its column holds.
func checkLength(failure, field, text string, maxChars int) error {
	if len(text) <= maxChars {
		return nil
	}
	if n := utf8.RuneCountInString(text); n > maxChars {
		return invalid("%s The field %s has at most %d characters, not %d.", failure, field, maxChars, n)
	}
	return nil
}
