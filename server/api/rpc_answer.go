package api

import (
	"errors"
	"net/http"

	"kumi/internal/json"
	"kumi/rpc"
	"kumi/store/fault"
	"kumi/vm"
)

// answerRPC sends the result of an RPC and returns its size in bytes.
func (a *Server) answerRPC(w http.ResponseWriter, r *http.Request, result string, raw bool) int {
	buf := takeBuffer()
	defer buf.give()
	if raw {
		contentType := r.Header["Content-Type"]
		if len(contentType) == 0 || contentType[0] == "" {
			contentType = textContent
		}
		buf.b = append(buf.b, result...)
		a.send(w, r, http.StatusOK, contentType[:1:1], buf.b)
		return len(buf.b)
	}
	out := json.Writer{B: buf.b}
	out.Begin()
	out.Name("payload")
	out.Text(result)
	out.End()
	buf.b = out.B
	a.send(w, r, http.StatusOK, jsonContent, buf.b)
	return len(buf.b)
}

// failRPC sends the error of a call that did not reach its function.
func (a *Server) failRPC(w http.ResponseWriter, r *http.Request, err error) int {
	message := publicMessage(err)
	return a.sendRPCError(w, r, fault.CodeOf(err), message, func(out *json.Writer) { out.Text(message) })
}

// failRPCCall sends the error of a function. If configured, errors that a script did
// not raise with a code include their stack trace.
func (a *Server) failRPCCall(w http.ResponseWriter, r *http.Request, f *rpc.Function, err error) int {
	stack := ""
	var script *vm.ScriptError
	shown := f.Runtime == "javascript" && a.Config.Runtime.JSAPIStacktrace || f.Runtime == "lua" && a.Config.Runtime.LuaAPIStacktrace
	if shown && errors.As(err, &script) && !script.Custom {
		stack = script.Stack
	}
	return a.sendRPCError(w, r, fault.CodeOf(err), publicMessage(err), func(out *json.Writer) {
		out.Begin()
		out.String("stackTrace", stack)
		out.End()
	})
}

// sendRPCError sends the error body of RPCs, which has another error field than that
// of REST calls, and returns its size.
func (a *Server) sendRPCError(w http.ResponseWriter, r *http.Request, code fault.Code, message string, writeError func(*json.Writer)) int {
	buf := takeBuffer()
	defer buf.give()
	out := json.Writer{B: buf.b}
	out.Begin()
	out.Name("error")
	writeError(&out)
	out.Name("message")
	out.Text(message)
	out.Int32("code", int32(code))
	out.End()
	buf.b = out.B
	a.sendError(w, r, code, message, buf.b)
	return len(buf.b)
}
