package transport

import "kumi/store/fault"

// ModuleMessage returns the text that a client gets for an error of a call into
// a module written in language. A message that the module chose is shown as it
// is: the text of any error in Go, that of errors with a code in scripts. An
// uncaught script error without a code gets a generic message.
func ModuleMessage(err error, language string) string {
	generic := GenericMessage(fault.CodeOf(err))
	if language != "lua" && language != "javascript" && !fault.HasCode(err) {
		generic = err.Error()
	}
	return fault.MessageOf(err, generic)
}

// GenericMessage returns what clients get for an error of this code that has no
// public message of its own.
func GenericMessage(code fault.Code) string {
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
