package api

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"unicode/utf8"

	"kumi/rpc"
	"kumi/store/fault"
	"kumi/vm"
)

// answerRPC sends the result of an RPC and returns its size.
func answerRPC(w http.ResponseWriter, r *http.Request, result string, raw bool) int {
	buf := takeBuffer()
	defer buf.give()
	if raw {
		contentType := r.Header["Content-Type"]
		if len(contentType) == 0 || contentType[0] == "" {
			contentType = textContent
		}
		buf.b = append(buf.b, result...)
		send(w, r, http.StatusOK, contentType[:1:1], buf.b)
		return len(buf.b)
	}
	buf.b = append(buf.b, `{"payload":`...)
	buf.b = appendString(buf.b, result)
	buf.b = append(buf.b, '}')
	send(w, r, http.StatusOK, jsonContent, buf.b)
	return len(buf.b)
}

// failRPC sends the error of a call that did not reach its function.
func (a *Server) failRPC(w http.ResponseWriter, r *http.Request, err error) int {
	message := publicMessage(err)
	return sendRPCError(w, r, fault.CodeOf(err), message, func(b []byte) []byte {
		return appendString(b, message)
	})
}

// failRPCCall sends the error that a function ended with. Where the operator
// wants it, errors that a script did not raise on purpose say where they happened.
func (a *Server) failRPCCall(w http.ResponseWriter, r *http.Request, f *rpc.Function, err error) int {
	stack := ""
	var script *vm.ScriptError
	shown := f.Runtime == "javascript" && a.Config.Runtime.JSAPIStacktrace || f.Runtime == "lua" && a.Config.Runtime.LuaAPIStacktrace
	if shown && errors.As(err, &script) && !script.Custom {
		stack = script.Stack
	}
	return sendRPCError(w, r, fault.CodeOf(err), publicMessage(err), func(b []byte) []byte {
		o := beginObject(b)
		o.str("stackTrace", stack)
		return o.end()
	})
}

func sendRPCError(w http.ResponseWriter, r *http.Request, code fault.Code, message string, appendError func([]byte) []byte) int {
	buf := takeBuffer()
	defer buf.give()
	buf.b = append(buf.b, `{"error":`...)
	buf.b = appendError(buf.b)
	buf.b = append(buf.b, `,"message":`...)
	buf.b = appendString(buf.b, message)
	buf.b = append(buf.b, `,"code":`...)
	buf.b = strconv.AppendUint(buf.b, uint64(code), 10)
	buf.b = append(buf.b, '}')
	sendError(w, r, code, message, buf.b)
	return len(buf.b)
}

// unquote reads a JSON string, with white space around it allowed; ok is false
// for everything else. Strings with nothing but simple escapes, which is what
// JSON within JSON has, are read here; the rest goes to encoding/json.
func unquote(b []byte) (s string, ok bool) {
	for len(b) > 0 && isBlank(b[:1]) {
		b = b[1:]
	}
	for len(b) > 0 && isBlank(b[len(b)-1:]) {
		b = b[:len(b)-1]
	}
	if len(b) < 2 || b[0] != '"' || b[len(b)-1] != '"' {
		return "", false
	}
	text := b[1 : len(b)-1]
	var out strings.Builder
	out.Grow(len(text))
	done := 0
	for i := 0; i < len(text); i++ {
		c := text[i]
		if c >= ' ' && c != '\\' && c != '"' {
			continue
		}
		if c != '\\' || i+1 == len(text) {
			return "", false
		}
		out.Write(text[done:i])
		i++
		switch text[i] {
		case '"', '\\', '/':
			out.WriteByte(text[i])
		case 'n':
			out.WriteByte('\n')
		case 't':
			out.WriteByte('\t')
		case 'r':
			out.WriteByte('\r')
		default:
			err := json.Unmarshal(b, &s)
			return s, err == nil
		}
		done = i + 1
	}
	out.Write(text[done:])
	if s = out.String(); !utf8.ValidString(s) {
		err := json.Unmarshal(b, &s) // replaces what is no UTF-8
		return s, err == nil
	}
	return s, true
}
