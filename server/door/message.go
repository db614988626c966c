package door

import (
	"errors"

	"github.com/heroiclabs/nakama-common/runtime"

	"kumi/store/fault"
)

// ModuleMessage returns what a client may see of an error of a call into a
// module: the module's own message. In Go that is the text of any error; for
// scripts an error without a code is the server's own.
func ModuleMessage(err error, language string) string {
	generic := General(fault.CodeOf(err))
	if language != "lua" && language != "javascript" && !Coded(err) {
		generic = err.Error()
	}
	return fault.MessageOf(err, generic)
}

// Coded tells whether err has a code that was set on purpose.
func Coded(err error) bool {
	var f *fault.Error
	var r *runtime.Error
	return errors.As(err, &f) || errors.As(err, &r)
}

// General returns the message for clients if an error has none for them.
func General(code fault.Code) string {
	switch code {
	case fault.Canceled:
		return "The request was canceled."
	case fault.DeadlineExceeded:
		return "The request took too long."
	case fault.PermissionDenied:
		return "Permission denied."
	case fault.ResourceExhausted:
		return "A limit was reached."
	case fault.Unavailable:
		return "Something the request needs is not available."
	}
	return "An internal error occurred."
}
