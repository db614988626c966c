package api

import (
	"mime"
	"net/http"
	"net/url"
	"strings"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"kumi/store/fault"
)

// fromJSON decodes bodies. It accepts either spelling of a name and ignores unknown
// names.
var fromJSON = protojson.UnmarshalOptions{DiscardUnknown: true}

// decode reads the request from the body, the query and the path of r, as its binding
// says. It returns the size of the body as received. It fails with InvalidArgument.
func (a *Server) decode(w http.ResponseWriter, r *http.Request, rt *route, params *pathParams, in proto.Message) (received int, err error) {
	var form url.Values
	switch {
	case rt.whole || rt.body != nil:
		if received, err = a.decodeBody(w, r, rt, in); err != nil {
			return 0, err
		}
	case r.Method == http.MethodPost && isForm(r):
		if received, form, err = a.readForm(w, r); err != nil {
			return 0, err
		}
	}
	if !rt.whole && (r.URL.RawQuery != "" || form != nil) {
		query, err := url.ParseQuery(r.URL.RawQuery)
		if err != nil {
			return 0, invalid("bad query string: %v", err)
		}
		for name, values := range form {
			query[name] = append(values, query[name]...)
		}
		if err := bindQuery(in, query, rt.given); err != nil {
			return 0, err
		}
	}
	for i, field := range rt.params {
		if field == "" {
			continue
		}
		if err := bindPath(in, field, params[i]); err != nil {
			return 0, err
		}
	}
	return received, nil
}

// decodeBody decodes the body into the request or one of its fields. An empty body
// changes nothing.
func (a *Server) decodeBody(w http.ResponseWriter, r *http.Request, rt *route, in proto.Message) (int, error) {
	buf := takeBuffer()
	defer buf.give()
	received, err := a.readBody(w, r, buf)
	if err != nil || isBlank(buf.b) {
		return received, err
	}
	target := in
	if !rt.whole {
		m := in.ProtoReflect()
		target = m.Mutable(rt.body).Message().Interface()
	}
	if err := fromJSON.Unmarshal(buf.b, target); err != nil {
		return 0, fault.New(fault.InvalidArgument, bodyProblem(err))
	}
	return received, nil
}

// readForm reads a form body, whose fields count as query parameters.
func (a *Server) readForm(w http.ResponseWriter, r *http.Request) (int, url.Values, error) {
	buf := takeBuffer()
	defer buf.give()
	received, err := a.readBody(w, r, buf)
	if err != nil {
		return 0, nil, err
	}
	form, err := url.ParseQuery(string(buf.b))
	if err != nil {
		return 0, nil, invalid("bad form: %v", err)
	}
	return received, form, nil
}

func isForm(r *http.Request) bool {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return err == nil && kind == "application/x-www-form-urlencoded"
}

func isBlank(b []byte) bool {
	for _, c := range b {
		if c != ' ' && c != '\n' && c != '\r' && c != '\t' {
			return false
		}
	}
	return true
}

// bodyProblem returns protojson's message about a body, without the non-breaking
// spaces that it inserts at random, so that all builds return the same, and without
// invalid UTF-8 from the body.
func bodyProblem(err error) string {
	return strings.ToValidUTF8(strings.ReplaceAll(err.Error(), "\u00a0", " "), "\ufffd")
}

func invalid(format string, args ...any) error {
	return fault.Newf(fault.InvalidArgument, format, args...)
}
