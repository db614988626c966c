// Package fault gives errors a code that survives wrapping.
//
// Codes are gRPC status codes, which every protocol of the server maps to its own. An
// error without a code is internal: it is logged in full, and clients get only a
// generic message. The package may be used from any goroutine.
package fault

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/heroiclabs/nakama-common/runtime"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Code is a gRPC status code.
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

// Error is a failure with a code and a message that clients may see. Cause, if
// any, is for logs and errors.Is; it is never sent to clients.
type Error struct {
	Code    Code
	Message string
	Cause   error
	// Private marks a message for module code and logs only: clients get a generic one
	// instead.
	Private bool
	// Mistake marks an error of the caller for which the protocol uses code Internal.
	Mistake bool
}

// Error returns the message and the cause, for logs, without repeating one in
// the other.
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

// Unwrap returns the cause.
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

// Private is Wrap with a message that clients do not see, such as a database
// error or the address of another server.
func Private(code Code, message string, cause error) *Error {
	return &Error{Code: code, Message: message, Cause: cause, Private: true}
}

// Of returns err as an *Error with its code and the text for module code,
// which is private unless err has a public message.
func Of(err error) *Error {
	text, private := textOf(err)
	return &Error{Code: CodeOf(err), Message: Text(err), Cause: err, Private: private || text == nil && !inRuntime(err)}
}

// inRuntime reports whether the runtime package has a value for err, whose text is
// then part of the protocol.
func inRuntime(err error) bool {
	if _, value := RuntimeValue(err); value != nil {
		return true
	}
	var negative *runtime.WalletNegativeError
	return errors.As(err, &negative)
}

// Mistaken returns an error of the caller for which the protocol uses code
// Internal. It is not logged as a failure of the server.
func Mistaken(message string, cause error) *Error {
	return &Error{Code: Internal, Message: message, Cause: cause, Mistake: true}
}

// IsMistake reports whether err is the caller's fault.
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

// CodeOf returns the code of err through any wrapping: that of an *Error, of a
// runtime.Error from a Go module (numbers outside 1 to 16 count as Internal),
// Canceled or DeadlineExceeded for context errors, that of an error value or
// type of the runtime package (a storage conflict and a wallet below zero are
// InvalidArgument, as they are for clients), otherwise Internal.
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
	for i := range runtimeErrors {
		if errors.Is(err, runtimeErrors[i].err) {
			return runtimeErrors[i].code
		}
	}
	var negative *runtime.WalletNegativeError
	if errors.As(err, &negative) {
		return InvalidArgument
	}
	return Internal
}

// HasCode reports whether err carries a code that was set explicitly: it is an *Error,
// or a runtime.Error from a Go module, through any wrapping.
func HasCode(err error) bool {
	text, _ := textOf(err)
	return text != nil
}

// GRPCStatus makes status.Code and status.Convert return the code and message in Go
// modules, as in Nakama.
func (e *Error) GRPCStatus() *status.Status {
	return status.New(codes.Code(clamp(int(e.Code))), e.Message)
}

// runtimeErrors are the codes of error values that module code gets unwrapped, so that
// it can compare them.
var runtimeErrors = [...]struct {
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
	{runtime.ErrStorageRejectedVersion, InvalidArgument}, {runtime.ErrStorageRejectedPermission, InvalidArgument},
	{runtime.ErrStorageWriteExhaustedRetries, Aborted},
	{runtime.ErrMatchIdInvalid, InvalidArgument}, {runtime.ErrMatchNotFound, NotFound}, {runtime.ErrMatchBusy, Unavailable},
	{runtime.ErrMatchLabelTooLong, InvalidArgument}, {runtime.ErrDeferredBroadcastFull, ResourceExhausted},
	{runtime.ErrMatchmakerNotAvailable, Internal}, {runtime.ErrMatchmakerTicketNotFound, Internal},
	{runtime.ErrFriendInvalidCursor, InvalidArgument}, {runtime.ErrWalletLedgerInvalidCursor, InvalidArgument},
	{runtime.ErrLeaderboardNotFound, NotFound}, {runtime.ErrTournamentNotFound, NotFound},
	{runtime.ErrTournamentAuthoritative, PermissionDenied}, {runtime.ErrTournamentMaxSizeReached, FailedPrecondition},
	{runtime.ErrTournamentOutsideDuration, FailedPrecondition}, {runtime.ErrTournamentWriteMaxNumScoreReached, FailedPrecondition},
	{runtime.ErrTournamentWriteJoinRequired, FailedPrecondition},
	{runtime.ErrSatoriConfigurationInvalid, FailedPrecondition},
}

// RuntimeValue returns the error value of the runtime package that err is or wraps, with a
// name for it; nil if there is none.
func RuntimeValue(err error) (name string, value error) {
	for i := range runtimeErrors {
		if errors.Is(err, runtimeErrors[i].err) {
			return runtimeName(i), runtimeErrors[i].err
		}
	}
	return "", nil
}

// RuntimeValueOf returns the error value of the runtime package with a name that RuntimeValue
// returned, or nil.
func RuntimeValueOf(name string) error {
	for i := range runtimeErrors {
		if runtimeName(i) == name {
			return runtimeErrors[i].err
		}
	}
	return nil
}

// runtimeName is the text of an error value, with a number if an earlier one has it, too.
func runtimeName(i int) string {
	text, same := runtimeErrors[i].err.Error(), 0
	for _, e := range runtimeErrors[:i] {
		if e.err.Error() == text {
			same++
		}
	}
	if same > 0 {
		text += " " + strconv.Itoa(same)
	}
	return text
}

// MessageOf returns the message for clients: the public message of the
// outermost coded error, or generic if err has no code or a private message.
func MessageOf(err error, generic string) string {
	if text, private := textOf(err); text != nil && !private {
		return *text
	}
	return generic
}

// Text returns the message for module code, whose author needs the cause: that of the
// outermost coded error, private or not, otherwise err's text.
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
