package console

import (
	"context"
	"math"
	"runtime/debug"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	_ "google.golang.org/grpc/encoding/gzip" // accept compressed requests
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"

	"kumi/core"
	"kumi/server/transport"
	"kumi/store/fault"
)

// grpcService is the name of the gRPC service.
const grpcService = "nakama.console.Console"

// maxGRPCStreams is the maximum number of calls of one connection at a time.
const maxGRPCStreams = 128

// GRPC makes a gRPC server for the rows of the table, and does not start it.
func (s *Server) GRPC() *grpc.Server {
	desc := &grpc.ServiceDesc{ServiceName: grpcService, HandlerType: (*any)(nil)}
	for i := range table {
		desc.Methods = append(desc.Methods, s.grpcMethod(&table[i]))
	}
	g := grpc.NewServer(
		grpc.MaxRecvMsgSize(int(s.maxBody)), grpc.MaxSendMsgSize(math.MaxInt32), grpc.MaxConcurrentStreams(maxGRPCStreams),
	)
	g.RegisterService(desc, s)
	return g
}

func (s *Server) grpcMethod(r *row) grpc.MethodDesc {
	return grpc.MethodDesc{MethodName: r.name, Handler: func(_ any, ctx context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (reply any, err error) {
		defer func() {
			if p := recover(); p != nil {
				s.Log.Error().Str("call", r.name).Interface("panic", p).Bytes("stack", debug.Stack()).Msg("call of the console panicked")
				reply, err = nil, status.Error(codes.Internal, "An internal error occurred.")
			}
		}()
		in := r.request()
		if err := decode(in); err != nil {
			return nil, err
		}
		out, err := s.invoke(ctx, r, grpcVisitor(ctx, s.Config.Socket.ProxyCount), in)
		if err != nil {
			s.logFailure(r.name, err)
			code := fault.CodeOf(err)
			return nil, status.Error(codes.Code(code), strings.ToValidUTF8(fault.MessageOf(err, transport.GenericMessage(code)), "\ufffd"))
		}
		return out, nil
	}}
}

// grpcVisitor returns what is known of the sender of a call.
func grpcVisitor(ctx context.Context, proxies int) core.Visitor {
	address, _ := transport.GRPCClientAddress(ctx, proxies)
	v := core.Visitor{Address: address}
	for _, name := range []string{"authorization", "grpcgateway-authorization"} {
		if values := metadata.ValueFromIncomingContext(ctx, name); len(values) == 1 {
			v.Authorization = values[0]
			break
		}
	}
	for _, name := range forwardingHeaders {
		if len(metadata.ValueFromIncomingContext(ctx, name)) > 0 {
			return v
		}
	}
	if p, ok := peer.FromContext(ctx); ok {
		v.Local = isLoopback(p.Addr.String())
	}
	return v
}
