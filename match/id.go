package match

import (
	"strings"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/runtime"

	"kumi/store/fault"
)

// Errors of the registry, with the codes that module code and REST clients
// see. errors.Is finds the runtime package's errors in them.
var (
	ErrIDInvalid = known(fault.InvalidArgument, runtime.ErrMatchIdInvalid)
	ErrNotFound  = known(fault.NotFound, runtime.ErrMatchNotFound)
	ErrBusy      = known(fault.Unavailable, runtime.ErrMatchBusy)
	// ErrFailed answers a signal whose handler failed, which ends the match.
	ErrFailed   = knownAs(fault.Internal, "the match has ended by an error of its signal handler", runtime.ErrMatchBusy)
	ErrStopping = fault.New(fault.Unavailable, "shutdown in progress")
	// ErrStopped is returned by a dispatcher's methods after its match has ended.
	ErrStopped = fault.New(fault.FailedPrecondition, "match stopped")
)

// knownError adds a code to an error value of the runtime package, which Go
// modules compare with.
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
