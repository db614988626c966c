package match

import (
	"strings"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/runtime"

	"kumi/store/fault"
)

// Errors of the registry. Those that the runtime package has a value for are that
// value, since Go modules compare with ==; fault.CodeOf knows their codes.
var (
	ErrIDInvalid = runtime.ErrMatchIdInvalid // InvalidArgument
	ErrNotFound  = runtime.ErrMatchNotFound  // NotFound
	ErrBusy      = runtime.ErrMatchBusy      // Unavailable
	// ErrFailed answers a signal whose handler failed, which ends the match.
	ErrFailed   = knownAs(fault.Internal, "the match has ended by an error of its signal handler", runtime.ErrMatchBusy)
	ErrStopping = fault.New(fault.Unavailable, "shutdown in progress")
	// ErrNotPaused answers a step of a match that is not paused, ErrStateFixed a change
	// of a state that only its handler can change.
	ErrNotPaused  = fault.New(fault.FailedPrecondition, "The match is not paused.")
	ErrStateFixed = fault.New(fault.FailedPrecondition, "The state of matches of this runtime cannot be changed from outside.")
	// ErrStopped is returned by a dispatcher's methods after its match has ended.
	ErrStopped = fault.New(fault.FailedPrecondition, "match stopped")
)

// knownError is an error with a code and a text of its own, in which errors.Is
// finds a value of the runtime package.
type knownError struct {
	coded *fault.Error
	value error
}

func knownAs(code fault.Code, message string, value error) error {
	return &knownError{fault.New(code, message), value}
}

// Error implements error.
func (e *knownError) Error() string { return e.coded.Message }

// Unwrap makes errors.Is and errors.As find both.
func (e *knownError) Unwrap() []error { return []error{e.coded, e.value} }

// Rejected is the error of a join attempt that the match did not accept.
type Rejected struct{ Reason string }

// Error returns the reason, for the client.
func (e *Rejected) Error() string { return e.Reason }

const (
	reasonRejected = "Match join rejected"
	reasonFull     = "Match is not currently accepting join requests"
)

// ParseID splits "<uuid>.<node>". The node is empty for a relayed match. The
// error is ErrIDInvalid.
func ParseID(id string) (match uuid.UUID, node string, err error) {
	text, node, ok := strings.Cut(id, ".")
	if !ok || len(text) != 36 {
		return uuid.Nil, "", ErrIDInvalid
	}
	match, err = uuid.FromString(text)
	if err != nil {
		return uuid.Nil, "", ErrIDInvalid
	}
	return match, node, nil
}

// NamedID returns the id of the relayed match with that name.
func NamedID(name string) uuid.UUID { return uuid.NewV5(uuid.NamespaceDNS, name) }
