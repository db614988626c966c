package golang

import (
	"context"
	"database/sql"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"

	"github.com/heroiclabs/nakama-common/runtime"
	"google.golang.org/protobuf/proto"

	"kumi/internal/journal"
	"kumi/presence"
	"kumi/store/fault"
)

// recordedError is an error of a function as a recording has it.
type recordedError struct {
	// Value names an error value of the runtime package that the error is or wraps, see
	// fault.RuntimeValue, or one of plainValues; Wallet is such an error, too; Bare tells that it is that itself.
	Value  string                       `json:",omitempty"`
	Wallet *runtime.WalletNegativeError `json:",omitempty"`
	Bare   bool                         `json:",omitempty"`
	Coded  bool                         `json:",omitempty"`
	// The fields of a fault.Error.
	Code             fault.Code `json:",omitempty"`
	Message          string
	Cause            string `json:",omitempty"`
	Private, Mistake bool   `json:",omitempty"`
}

// plainValues are further error values that module code may look for.
var plainValues = []error{context.DeadlineExceeded, context.Canceled, sql.ErrNoRows}

func recordError(err error) *recordedError {
	if err == nil {
		return nil
	}
	f := fault.Of(err)
	r := &recordedError{Code: f.Code, Message: f.Message, Private: f.Private, Mistake: fault.IsMistake(err), Coded: fault.HasCode(err), Cause: err.Error()}
	if name, value := fault.RuntimeValue(err); value != nil {
		r.Value, r.Bare = name, err == value
	} else if i := slices.IndexFunc(plainValues, func(value error) bool { return errors.Is(err, value) }); i >= 0 {
		r.Value, r.Bare = plainValues[i].Error(), err == plainValues[i]
	}
	if errors.As(err, &r.Wallet) {
		r.Bare = err == error(r.Wallet)
	}
	return r
}

// error makes the error again.
func (r *recordedError) error() error {
	if r == nil {
		return nil
	}
	cause := fault.RuntimeValueOf(r.Value)
	for _, value := range plainValues {
		if r.Value == value.Error() {
			cause = value
		}
	}
	switch {
	case r.Wallet != nil:
		cause = r.Wallet
	case cause == nil && r.Cause != r.Message:
		cause = errors.New(r.Cause)
	}
	switch {
	case r.Bare && cause != nil:
		return cause
	case r.Coded:
		return &fault.Error{Code: r.Code, Message: r.Message, Cause: cause, Private: r.Private, Mistake: r.Mistake && r.Code == fault.Internal}
	case cause != nil:
		return cause
	}
	return errors.New(r.Message)
}

// appendResults writes down what a function returned: its error, and what results point to.
func appendResults(b []byte, err error, results []any) []byte {
	text, _ := json.Marshal(recordError(err)) // it can
	b = journal.AppendText(b, text)
	for _, r := range results {
		one, err := appendResult(nil, reflect.ValueOf(r).Elem())
		if err != nil {
			lost := fault.Newf(fault.FailedPrecondition, "the result of this call could not be recorded: %v", err)
			return appendResults(nil, lost, nil)
		}
		b = journal.AppendText(b, one)
	}
	return b
}

// readResults reads what appendResults wrote, and returns the error that it had. Results that
// are not there keep their zero values.
func readResults(name string, data []byte, results []any) error {
	r := journal.NewReader(data)
	var recorded *recordedError
	if err := json.Unmarshal(r.Bytes(), &recorded); err != nil {
		return fmt.Errorf("%s: %w", name, journal.ErrCorrupt)
	}
	for _, result := range results {
		if r.Len() == 0 {
			break
		}
		if err := readResult(r.Bytes(), reflect.ValueOf(result).Elem()); err != nil {
			return fmt.Errorf("%s: %w: %w", name, journal.ErrCorrupt, err)
		}
	}
	return recorded.error()
}

var messageType = reflect.TypeFor[proto.Message]()

// appendResult writes down one result. Messages are in the binary form, and all else is JSON.
func appendResult(b []byte, v reflect.Value) ([]byte, error) {
	switch t := v.Type(); {
	case t.Implements(messageType):
		if v.IsNil() {
			return append(b, 0), nil
		}
		return proto.MarshalOptions{Deterministic: true}.MarshalAppend(append(b, 1), v.Interface().(proto.Message))
	case t.Kind() == reflect.Slice && t.Elem().Implements(messageType):
		if v.IsNil() {
			return b, nil
		}
		b = binary.AppendUvarint(b, uint64(v.Len()))
		for i := range v.Len() {
			one, err := appendResult(nil, v.Index(i))
			if err != nil {
				return nil, err
			}
			b = journal.AppendText(b, one)
		}
		return b, nil
	}
	switch x := v.Addr().Interface().(type) {
	case *runtime.WalletLedgerItem:
		return appendJSON(b, ledgerItemOf(*x))
	case *[]runtime.WalletLedgerItem:
		var all []*ledgerItem
		for _, i := range *x {
			all = append(all, ledgerItemOf(i))
		}
		return appendJSON(b, all)
	}
	return appendJSON(b, v.Interface())
}

func appendJSON(b []byte, v any) ([]byte, error) {
	text, err := json.Marshal(v)
	return append(b, text...), err
}

// readResult reads one result into v.
func readResult(data []byte, v reflect.Value) error {
	switch t := v.Type(); {
	case t.Implements(messageType):
		if len(data) == 0 || data[0] == 0 {
			return nil
		}
		v.Set(reflect.New(t.Elem()))
		return proto.Unmarshal(data[1:], v.Interface().(proto.Message))
	case t.Kind() == reflect.Slice && t.Elem().Implements(messageType):
		if len(data) == 0 {
			return nil
		}
		r := journal.NewReader(data)
		n := r.Count()
		all := reflect.MakeSlice(t, n, n)
		for i := range n {
			if err := readResult(r.Bytes(), all.Index(i)); err != nil {
				return err
			}
		}
		v.Set(all)
		return r.Err()
	}
	switch x := v.Addr().Interface().(type) {
	case *runtime.WalletLedgerItem:
		return readAs[*ledgerItem](data, x)
	case *[]runtime.WalletLedgerItem:
		return readAll[*ledgerItem](data, x)
	case *runtime.PresenceMeta:
		return readAs[*presence.Presence](data, x)
	case *[]runtime.Presence:
		return readAll[*presence.Presence](data, x)
	}
	return json.Unmarshal(data, v.Addr().Interface())
}

// readAs reads a T into an interface that it implements; null is nil.
func readAs[T any, I any](data []byte, into *I) error {
	var x *T
	if err := json.Unmarshal(data, &x); err != nil || x == nil {
		return err
	}
	*into = any(*x).(I)
	return nil
}

// readAll reads a list of T into one of an interface that it implements.
func readAll[T any, I any](data []byte, into *[]I) error {
	var all []T
	if err := json.Unmarshal(data, &all); err != nil || all == nil {
		return err
	}
	*into = make([]I, len(all))
	for i, x := range all {
		(*into)[i] = any(x).(I)
	}
	return nil
}

// ledgerItem is a runtime.WalletLedgerItem from a recording.
type ledgerItem struct {
	ID, UserID       string
	Created, Updated int64
	Changeset        map[string]int64
	Metadata         map[string]any
}

func ledgerItemOf(i runtime.WalletLedgerItem) *ledgerItem {
	if i == nil {
		return nil
	}
	return &ledgerItem{i.GetID(), i.GetUserID(), i.GetCreateTime(), i.GetUpdateTime(), i.GetChangeset(), i.GetMetadata()}
}

func (i *ledgerItem) GetID() string                  { return i.ID }
func (i *ledgerItem) GetUserID() string              { return i.UserID }
func (i *ledgerItem) GetCreateTime() int64           { return i.Created }
func (i *ledgerItem) GetUpdateTime() int64           { return i.Updated }
func (i *ledgerItem) GetChangeset() map[string]int64 { return i.Changeset }
func (i *ledgerItem) GetMetadata() map[string]any    { return i.Metadata }
