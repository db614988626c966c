// Package fault gives errors a code that survives wrapping.
//
// Codes are the gRPC status numbers, which is what every door of the server
// speaks in the end. An error without a code is internal: it is logged in full
// and shown to clients as little as possible. The package may be used from any
// goroutine and imports nothing of the project.
package fault

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/heroiclabs/nakama-common/runtime"
)

// Code is a gRPC status number.
type Code uint32

// The codes in use. Their numbers are part of the protocol.
const (
	OK                 Code = 0
	Canceled           Code = 1
	Unknown            Code = 2
	InvalidArgument    Code = 3
	DeadlineExceeded   Code = 4
	NotFound           Code = 5
	AlreadyExists      Code = 6
	PermissionDenied   Code = 7
	ResourceExhausted  Code = 8
	FailedPrecondition Code = 9
	Aborted            Code = 10
	OutOfRange         Code = 11
	Unimplemented      Code = 12
	Internal           Code = 13
	Unavailable        Code = 14
	DataLoss           Code = 15
	Unauthenticated    Code = 16
)

// Error is a failure with a code and a message that a client may read. Cause,
// when there is one, is for logs and for errors.Is; it is never sent out.
type Error struct {
	Code    Code
	Message string
	Cause   error
	// Private says that the message is for module code and logs: clients read
	// something general in its place.
	Private bool
	// Mistake is set where the caller did something wrong that the protocol has
	// an internal code for.
	Mistake bool
}

// Error implements error. It includes the cause, so it is for logs; what the one
// says already the other does not repeat.
func (e *Error) Error() string {
	if e.Cause == nil {
		return e.Message
	}
	cause := e.Cause.Error()
	switch {
	case strings.HasPrefix(cause, e.Message):
		return cause
	case strings.HasSuffix(e.Message, cause):
		return e.Message
	}
	return e.Message + ": " + cause
}

// Unwrap gives the cause to errors.Is and errors.As.
func (e *Error) Unwrap() error { return e.Cause }

// New returns an error with a code and a public message.
func New(code Code, message string) *Error {
	return &Error{Code: code, Message: message}
}

// Newf is New with a formatted message.
func Newf(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// Wrap gives cause a code and a public message.
func Wrap(code Code, message string, cause error) *Error {
	return &Error{Code: code, Message: message, Cause: cause}
}

// Private is Wrap with a message that clients do not read: the words of a
// database, addresses of other servers.
func Private(code Code, message string, cause error) *Error {
	return &Error{Code: code, Message: message, Cause: cause, Private: true}
}

// Of is err as an *Error with the code and the text it has for module code,
// private unless it has a public message.
func Of(err error) *Error {
	text, private := textOf(err)
	return &Error{Code: CodeOf(err), Message: Text(err), Cause: err, Private: private || text == nil && !spoken(err)}
}

// spoken says whether err is one that the runtime package has a value for: its
// text is of the protocol.
func spoken(err error) bool {
	for i := range refusals {
		if errors.Is(err, refusals[i].err) {
			return true
		}
	}
	var negative *runtime.WalletNegativeError
	return errors.As(err, &negative)
}

// Mistaken is for what a caller did wrong and the protocol answers with
// Internal. It is no failure of the server, so that nobody need read of it.
func Mistaken(message string, cause error) *Error {
	return &Error{Code: Internal, Message: message, Cause: cause, Mistake: true}
}

// IsMistake tells whether the caller alone is to blame for err.
func IsMistake(err error) bool {
	var e *Error
	if errors.As(err, &e) && e.Mistake {
		return true
	}
	switch CodeOf(err) {
	case InvalidArgument, NotFound, AlreadyExists, PermissionDenied, ResourceExhausted, FailedPrecondition, OutOfRange, Unauthenticated:
		return true
	}
	return false
}

// CodeOf reads the code of err through any wrapping: an *Error's, that of the
// runtime.Error a Go module raised (numbers outside 1 to 16 count as Internal),
// Canceled or DeadlineExceeded for context errors, that of a refusal which the
// runtime package has a value for, else Internal.
func CodeOf(err error) Code {
	if err == nil {
		return OK
	}
	var e *Error
	if errors.As(err, &e) {
		return clamp(int(e.Code))
	}
	var re *runtime.Error
	if errors.As(err, &re) {
		return clamp(re.Code)
	}
	switch {
	case errors.Is(err, context.Canceled):
		return Canceled
	case errors.Is(err, context.DeadlineExceeded):
		return DeadlineExceeded
	}
	for i := range refusals {
		if errors.Is(err, refusals[i].err) {
			return refusals[i].code
		}
	}
	return Internal
}

// refusals are the errors that module code is given bare, to compare with, and
// that scripts and doors need a code for.
var refusals = [...]struct {
	err  error
	code Code
}{
	{runtime.ErrChannelIDInvalid, InvalidArgument}, {runtime.ErrChannelCursorInvalid, InvalidArgument},
	{runtime.ErrInvalidChannelTarget, InvalidArgument}, {runtime.ErrInvalidChannelType, InvalidArgument},
	{runtime.ErrChannelGroupNotFound, NotFound},
	{runtime.ErrGroupNotFound, NotFound}, {runtime.ErrGroupPermissionDenied, PermissionDenied},
	{runtime.ErrGroupFull, InvalidArgument}, {runtime.ErrGroupLastSuperadmin, InvalidArgument},
	{runtime.ErrGroupUserNotFound, NotFound}, {runtime.ErrGroupNoUpdateOps, InvalidArgument},
	{runtime.ErrGroupNameInUse, AlreadyExists}, {runtime.ErrGroupCreatorInvalid, InvalidArgument},
	{runtime.ErrGroupUserInvalidCursor, InvalidArgument}, {runtime.ErrUserGroupInvalidCursor, InvalidArgument},
	{runtime.ErrStorageRejectedVersion, Internal}, {runtime.ErrStorageRejectedPermission, Internal},
	{runtime.ErrStorageWriteExhaustedRetries, Internal}, {runtime.ErrCannotEncodeParams, Internal},
	{runtime.ErrMatchLabelTooLong, Internal}, {runtime.ErrDeferredBroadcastFull, Internal},
	{runtime.ErrMatchmakerNotAvailable, Internal}, {runtime.ErrMatchmakerTicketNotFound, Internal},
	{runtime.ErrFriendInvalidCursor, InvalidArgument}, {runtime.ErrWalletLedgerInvalidCursor, InvalidArgument},
}

// MessageOf is the text a client may see: the public message of the outermost
// coded error, or generic where err carries no code or its message is private.
func MessageOf(err error, generic string) string {
	if text, private := textOf(err); text != nil && !private {
		return *text
	}
	return generic
}

// Text is what module code may read, whose author has to find out what is wrong:
// the message of the outermost coded error, private or not, or all of err.
func Text(err error) string {
	if text, _ := textOf(err); text != nil {
		return *text
	}
	return err.Error()
}

func textOf(err error) (text *string, private bool) {
	var e *Error
	if errors.As(err, &e) {
		return &e.Message, e.Private
	}
	var re *runtime.Error
	if errors.As(err, &re) {
		return &re.Message, false
	}
	return nil, false
}

func clamp(code int) Code {
	if code <= 0 || code >= 17 {
		return Internal
	}
	return Code(code)
}
