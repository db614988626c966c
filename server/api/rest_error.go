package api

import (
	"net/http"

	"kumi/internal/json"
	"kumi/server/transport"
	"kumi/store/fault"
)

// statuses maps codes to HTTP statuses, as in the protocol.
var statuses = [...]int{
	fault.OK: 200, fault.Canceled: 499, fault.Unknown: 500, fault.InvalidArgument: 400,
	fault.DeadlineExceeded: 504, fault.NotFound: 404, fault.AlreadyExists: 409, fault.PermissionDenied: 403,
	fault.ResourceExhausted: 429, fault.FailedPrecondition: 400, fault.Aborted: 409, fault.OutOfRange: 400,
	fault.Unimplemented: 501, fault.Internal: 500, fault.Unavailable: 503, fault.DataLoss: 500,
	fault.Unauthenticated: 401,
}

// statusOf returns the HTTP status of a code. Only module code can set an unknown
// code, which is an internal error.
func statusOf(code fault.Code) int {
	if int(code) >= len(statuses) || code == fault.OK {
		return http.StatusInternalServerError
	}
	return statuses[code]
}

// publicMessage returns the message of err for clients.
func publicMessage(err error) string {
	return fault.MessageOf(err, transport.GenericMessage(fault.CodeOf(err)))
}

// fail sends the error body of REST calls and returns its size.
func (a *Server) fail(w http.ResponseWriter, r *http.Request, err error) int {
	code, message := fault.CodeOf(err), publicMessage(err)
	buf := takeBuffer()
	defer buf.give()
	out := json.Writer{B: buf.b}
	out.Begin()
	out.Int32("code", int32(code))
	out.Name("message")
	out.Text(message)
	out.End()
	buf.b = out.B
	a.sendError(w, r, code, message, buf.b)
	return len(buf.b)
}

// sendError sends an error body with the headers for its code.
func (a *Server) sendError(w http.ResponseWriter, r *http.Request, code fault.Code, message string, body []byte) {
	if code == fault.Unauthenticated {
		w.Header().Set("Www-Authenticate", headerSafe(message))
	}
	a.send(w, r, statusOf(code), jsonContent, body)
}

// headerSafe replaces what must not appear in a header value.
func headerSafe(s string) string {
	safe := []byte(s)
	for i, b := range safe {
		if b < ' ' || b == 0x7f {
			safe[i] = ' '
		}
	}
	return string(safe)
}
