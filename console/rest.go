package console

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"github.com/grpc-ecosystem/grpc-gateway/v2/utilities"
	"github.com/klauspost/compress/gzip"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"kumi/core"
	"kumi/internal/json"
	"kumi/server/transport"
	"kumi/store/fault"
)

// fromJSON accepts either spelling of a name and ignores unknown names. toJSON writes
// names as in the .proto files, enums as numbers, and zero values too.
var (
	fromJSON = protojson.UnmarshalOptions{DiscardUnknown: true}
	toJSON   = protojson.MarshalOptions{UseProtoNames: true, UseEnumNumbers: true, EmitUnpopulated: true}
)

// route is a binding of a row, with the names of its path's parameters.
type route struct {
	*row
	body   bool
	params []string
	given  *utilities.DoubleArray // the same, which the query cannot set
}

func newRoute(r *row, b binding) *route {
	rt := &route{row: r, body: b.body}
	var given [][]string
	for segment := range strings.SplitSeq(b.path, "/") {
		if name, ok := strings.CutPrefix(segment, "{"); ok {
			name = strings.TrimSuffix(name, "}")
			rt.params, given = append(rt.params, name), append(given, []string{name})
		}
	}
	rt.given = utilities.NewDoubleArray(given)
	return rt
}

// serve handles the requests of a route.
func (s *Server) serve(rt *route) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		in := rt.request()
		if err := s.decode(r, rt, in); err != nil {
			s.fail(w, r, err)
			return
		}
		out, err := s.invoke(r.Context(), rt.row, visitorOf(r, s.Config.Socket.ProxyCount), in)
		if err != nil {
			s.fail(w, r, err)
			return
		}
		body, err := toJSON.Marshal(out)
		if err != nil {
			s.fail(w, r, fault.Wrap(fault.Internal, "An internal error occurred.", err))
			return
		}
		send(w, r, http.StatusOK, json.Compact(body, 0))
	}
}

// invoke makes a call: as its operator, or without one if the row is open.
func (s *Server) invoke(ctx context.Context, r *row, from core.Visitor, in proto.Message) (out proto.Message, err error) {
	start := time.Now()
	defer func() { s.counted(r.name, start, err) }()
	v := &visit{Server: s, from: from}
	if r.open {
		return r.do(ctx, v, in)
	}
	err = s.Console.Run(ctx, from, core.ConsoleCall{Name: r.name, Right: r.right, Action: r.action, Request: in},
		func(ctx context.Context, op *core.Operator) (err error) {
			v.op = op
			out, err = r.do(ctx, v, in)
			return err
		})
	return out, err
}

// counted counts a call that has ended.
func (s *Server) counted(call string, start time.Time, err error) {
	code := fault.OK
	if err != nil {
		code = fault.CodeOf(err)
	}
	s.Count(call, code, time.Since(start))
}

// decode reads a request from the body, the query and the path. It fails with
// InvalidArgument.
func (s *Server) decode(r *http.Request, rt *route, in proto.Message) error {
	if rt.body {
		text, err := s.readBody(r)
		if err != nil {
			return err
		}
		if len(bytes.TrimSpace(text)) > 0 {
			if err := fromJSON.Unmarshal(text, in); err != nil {
				return invalid(strings.ReplaceAll(err.Error(), "\u00a0", " "), err)
			}
		}
	} else if r.URL.RawQuery != "" {
		query, err := url.ParseQuery(r.URL.RawQuery)
		if err == nil {
			err = runtime.PopulateQueryParameters(in, query, rt.given)
		}
		if err != nil {
			return invalid(err.Error(), err)
		}
	}
	for _, name := range rt.params {
		if in.ProtoReflect().Descriptor().Fields().ByTextName(name) == nil {
			continue
		}
		if err := runtime.PopulateFieldFromPath(in, name, strings.ToValidUTF8(r.PathValue(name), "\ufffd")); err != nil {
			return invalid(err.Error(), err)
		}
	}
	return nil
}

func invalid(message string, err error) error {
	return fault.Wrap(fault.InvalidArgument, strings.ToValidUTF8(message, "\ufffd"), err)
}

// readBody reads a body, whose limit also holds for what it is decompressed to.
func (s *Server) readBody(r *http.Request) ([]byte, error) {
	var body io.Reader = r.Body
	if r.Header.Get("Content-Encoding") == "gzip" {
		z, err := gzip.NewReader(r.Body)
		if err != nil {
			return nil, invalid("Could not decompress the request body.", err)
		}
		body = io.LimitReader(z, s.maxBody+1)
	}
	text, err := io.ReadAll(body)
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge) || err == nil && int64(len(text)) > s.maxBody:
		return nil, fault.Newf(fault.InvalidArgument, "The request body is larger than %d bytes (console.max_message_size_bytes).", s.maxBody)
	case err != nil:
		return nil, invalid("Could not read the request body.", err)
	}
	return text, nil
}

// compressFrom is the size in bytes from which responses are compressed.
const compressFrom = 1024

func send(w http.ResponseWriter, r *http.Request, status int, body []byte) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	h.Set("Vary", "Accept-Encoding")
	if len(body) >= compressFrom && strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		h.Set("Content-Encoding", "gzip")
		w.WriteHeader(status)
		z := gzip.NewWriter(w)
		_, _ = z.Write(body) // a disconnected client is not an error
		_ = z.Close()
		return
	}
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

// statuses are the HTTP statuses of codes.
var statuses = map[fault.Code]int{
	fault.Canceled: 499, fault.InvalidArgument: 400, fault.DeadlineExceeded: 504, fault.NotFound: 404, fault.AlreadyExists: 409,
	fault.PermissionDenied: 403, fault.ResourceExhausted: 429, fault.FailedPrecondition: 400, fault.Aborted: 409,
	fault.OutOfRange: 400, fault.Unimplemented: 501, fault.Unavailable: 503, fault.Unauthenticated: 401,
}

// logFailure logs an error of the server.
func (s *Server) logFailure(call string, err error) {
	if code := fault.CodeOf(err); !fault.IsMistake(err) && code != fault.Canceled && code != fault.DeadlineExceeded {
		s.Log.Error().Err(err).Str("call", call).Msg("call of the console failed")
	}
}

// fail sends an error, and logs those of the server.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	code := fault.CodeOf(err)
	status := statuses[code]
	if status == 0 {
		status = http.StatusInternalServerError
	}
	s.logFailure(r.Method+" "+r.URL.Path, err)
	var out json.Writer
	out.Begin()
	out.Int32("code", int32(code))
	out.Name("message")
	out.Text(fault.MessageOf(err, transport.GenericMessage(code)))
	out.Name("details")
	out.B = append(out.B, "[]"...)
	out.End()
	send(w, r, status, out.B)
}
