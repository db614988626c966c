package api

import (
	"context"
	"math"
	"strings"
	"time"

	"github.com/heroiclabs/nakama-common/api"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	_ "google.golang.org/grpc/encoding/gzip" // accept compressed requests
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"kumi/core"
	"kumi/server/transport"
	"kumi/store/fault"
)

// grpcService is the name of the gRPC service.
const grpcService = "nakama.api.Nakama"

// maxGRPCStreams is the maximum number of calls of one connection at a time; further
// ones wait in the client.
const maxGRPCStreams = 128

// GRPC makes a gRPC server for the methods of the API table, and does not start it.
// The credentials are nil for a port without TLS.
func (a *Server) GRPC(secure credentials.TransportCredentials) *grpc.Server {
	s := grpc.NewServer(
		grpc.MaxRecvMsgSize(a.Config.Socket.MaxRequestSizeBytes),
		grpc.MaxSendMsgSize(math.MaxInt32),
		grpc.MaxConcurrentStreams(maxGRPCStreams),
		grpc.ForceServerCodecV2(newCodec()),
		grpc.Creds(newClosable(secure)),
	)
	desc := &grpc.ServiceDesc{ServiceName: grpcService, HandlerType: (*any)(nil)}
	for _, r := range a.rows {
		desc.Methods = append(desc.Methods, a.grpcMethod(r))
	}
	desc.Methods = append(desc.Methods, grpc.MethodDesc{MethodName: "RpcFunc", Handler: a.grpcRPC})
	s.RegisterService(desc, a)
	return s
}

// grpcMethod returns the method of a row.
func (a *Server) grpcMethod(r *row) grpc.MethodDesc {
	return grpc.MethodDesc{MethodName: r.name, Handler: func(_ any, ctx context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (reply any, err error) {
		defer a.recoverGRPC(r.name, &err)
		in := r.request()
		if err := decode(in); err != nil {
			return nil, err
		}
		start, received := time.Now(), proto.Size(in)
		ctx, cancel := context.WithTimeout(ctx, a.timeout)
		defer cancel()
		c := call{Server: a, row: r, ctx: ctx}
		defer c.release()
		out, err := a.invokeGRPC(&c, in)
		took := time.Since(start)
		if err != nil {
			r.stats.Record(fault.CodeOf(err), took, received, 0)
			return nil, grpcError(err)
		}
		sent := proto.Size(out)
		if reply, err = a.response(ctx, r.name, out, sent); err != nil {
			r.stats.Record(fault.CodeOf(err), took, received, 0)
			return nil, grpcError(err)
		}
		r.stats.Record(fault.OK, took, received, sent)
		return reply, nil
	}}
}

func (a *Server) invokeGRPC(c *call, in proto.Message) (out proto.Message, err error) {
	if c.authorization, err = grpcAuthorization(c.ctx); err != nil && c.row.access != anyone {
		return nil, err
	}
	return a.invoke(c, in)
}

// grpcAuthorization returns the credentials of a call. It refuses several of them,
// because implementations differ in which one counts.
func grpcAuthorization(ctx context.Context) (string, error) {
	values := metadata.ValueFromIncomingContext(ctx, "authorization")
	if len(values) == 0 {
		// Where proxies in front of gRPC put the header.
		values = metadata.ValueFromIncomingContext(ctx, "grpcgateway-authorization")
	}
	switch len(values) {
	case 0:
		return "", nil
	case 1:
		return values[0], nil
	}
	return "", errTokenInvalid
}

// recoverGRPC turns a panic into the error of its call; the gRPC library would let it
// end the process.
func (a *Server) recoverGRPC(method string, err *error) {
	if p := recover(); p != nil {
		*err = grpcError(a.panicked(method, p))
	}
}

// grpcError returns the error that a gRPC client gets.
func grpcError(err error) error {
	code := fault.CodeOf(err)
	if code == fault.OK {
		code = fault.Internal
	}
	return status.Error(codes.Code(code), strings.ToValidUTF8(publicMessage(err), "\ufffd"))
}

// grpcRPC is the RPC endpoint over gRPC. The caller presents a session, or the HTTP
// key in the message; with both, the session counts.
func (a *Server) grpcRPC(_ any, ctx context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (reply any, err error) {
	defer a.recoverGRPC("RpcFunc", &err)
	in := new(api.Rpc)
	if err := decode(in); err != nil {
		return nil, err
	}
	claims, err := a.authenticateGRPCRPC(ctx, in)
	if err != nil {
		return nil, grpcError(err)
	}
	f, err := a.lookup(in.Id)
	if err != nil {
		return nil, grpcError(err)
	}

	scope := a.Scope()
	scope.Mode = "rpc"
	scope.TraceID = core.NewTraceID()
	scope.ClientIP, scope.ClientPort = transport.GRPCClientAddress(ctx, a.Config.Socket.ProxyCount)
	scope.Headers, scope.QueryParams = splitMetadata(ctx)
	setCaller(scope, claims)

	start, received := time.Now(), proto.Size(in)
	ctx, cancel := context.WithTimeout(ctx, a.timeout)
	defer cancel()
	stats := &a.Metrics.RPC(f.ID).HTTP
	result, err := a.runRPC(core.WithScope(ctx, scope), f, in.Payload)
	took := time.Since(start)
	if err != nil {
		stats.Record(fault.CodeOf(err), took, received, 0)
		return nil, grpcError(err)
	}
	out := &api.Rpc{Payload: strings.ToValidUTF8(result, "\ufffd")}
	sent := proto.Size(out)
	if reply, err = a.response(ctx, "RpcFunc", out, sent); err != nil {
		stats.Record(fault.CodeOf(err), took, received, 0)
		return nil, grpcError(err)
	}
	stats.Record(fault.OK, took, received, sent)
	return reply, nil
}

func (a *Server) authenticateGRPCRPC(ctx context.Context, in *api.Rpc) (*core.Claims, error) {
	authorization, err := grpcAuthorization(ctx)
	switch {
	case err != nil:
		return nil, err
	case strings.HasPrefix(authorization, "Basic "):
		if !a.httpKey.matchesBasic(authorization) {
			return nil, errTokenInvalid
		}
		return nil, nil
	case authorization != "":
		return a.session(authorization)
	case in.HttpKey == "":
		return nil, errTokenOrKey
	case !a.httpKey.matches(in.HttpKey):
		return nil, errHTTPKeyInvalid
	}
	return nil, nil
}

// splitMetadata splits the metadata of a call for module code: keys that begin with q_
// are query parameters, the others are headers.
func splitMetadata(ctx context.Context) (headers, query map[string][]string) {
	md, _ := metadata.FromIncomingContext(ctx) // a copy, which may be modified
	headers, query = make(map[string][]string, len(md)), map[string][]string{}
	for key, values := range md {
		if name, ok := strings.CutPrefix(key, "q_"); ok {
			query[name] = values
			continue
		}
		headers[key] = values
	}
	return headers, query
}
