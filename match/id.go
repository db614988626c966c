package match

import (
	"strings"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/runtime"

	"kumi/store/fault"
)

// Errors of the registry. Their codes are what module code and REST show; the
// runtime package's errors are found in them with errors.Is.
var (
	ErrIDInvalid = known(fault.InvalidArgument, runtime.ErrMatchIdInvalid)
	ErrNotFound  = known(fault.NotFound, runtime.ErrMatchNotFound)
	ErrBusy      = known(fault.Unavailable, runtime.ErrMatchBusy)
	// ErrFailed is what a signal gets whose handler fails, which ends the match.
	ErrFailed   = knownAs(fault.Internal, "the match has ended by an error of its signal handler", runtime.ErrMatchBusy)
	ErrStopping = fault.New(fault.Unavailable, "shutdown in progress")
	// ErrStopped is what a dispatcher answers once its match has ended.
	ErrStopped = fault.New(fault.FailedPrecondition, "match stopped")
)

// knownError is an error that Go modules know by the runtime package's value,
// with a code.
type knownError struct {
	coded *fault.Error
	value error
}

func known(code fault.Code, value error) error { return knownAs(code, value.Error(), value) }

func knownAs(code fault.Code, message string, value error) error {
	return &knownError{fault.New(code, message), value}
}

// Error implements error.
func (e *knownError) Error() string { return e.coded.Message }

// Unwrap gives both to errors.Is and errors.As.
func (e *knownError) Unwrap() []error { return []error{e.coded, e.value} }

// Rejected is a join that the match did not accept.
type Rejected struct{ Reason string }

// Error implements error with the reason for the client.
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

// NamedID is the id of the relayed match with a name: always the same.
func NamedID(name string) uuid.UUID { return uuid.NewV5(uuid.NamespaceDNS, name) }
