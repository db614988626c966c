package api

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/heroiclabs/nakama-common/api"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"kumi/config"
	"kumi/core"
)

// dial serves the API over gRPC and connects to it.
func (r *testServer) dial() *grpc.ClientConn {
	r.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		r.Fatal(err)
	}
	s := r.api.GRPC(nil)
	go func() { _ = s.Serve(l) }()
	r.Cleanup(s.Stop)
	conn, err := grpc.NewClient(l.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		r.Fatal(err)
	}
	r.Cleanup(func() { _ = conn.Close() })
	return conn
}

// with is a context with metadata, each "name: value".
func (r *testServer) with(entries ...string) context.Context {
	md := metadata.MD{}
	for _, e := range entries {
		name, value, _ := strings.Cut(e, ": ")
		md.Append(name, value)
	}
	return metadata.NewOutgoingContext(r.Context(), md)
}

func wantCode(t testing.TB, err error, code codes.Code, message string) {
	t.Helper()
	if got := status.Convert(err); got.Code() != code || !strings.Contains(got.Message(), message) {
		t.Errorf("error %v, want %v with %q", err, code, message)
	}
}

func TestGRPC(t *testing.T) {
	t.Parallel()
	r := newTestServer(t, nil)
	conn := r.dial()
	const service = "/nakama.api.Nakama/"
	r.before("AuthenticateDevice", nil)
	r.after("AuthenticateDevice", nil)

	var session api.Session
	err := conn.Invoke(r.with(basic("defaultkey")), service+"AuthenticateDevice", &api.AuthenticateDeviceRequest{
		Account: &api.AccountDevice{Id: "device-0001"}, Username: "ada", Create: wrapperspb.Bool(true),
	}, &session)
	if err != nil || !session.Created || session.Token == "" {
		t.Fatal(&session, err)
	}
	if d := cmp.Diff(map[string]int{"before AuthenticateDevice": 1, "after AuthenticateDevice": 1}, r.counts()); d != "" {
		t.Error(d)
	}

	var account api.Account
	if err := conn.Invoke(r.with(bearer(session.Token)), service+"GetAccount", &emptypb.Empty{}, &account); err != nil || account.User.Username != "ada" {
		t.Error(&account, err)
	}
	if err := conn.Invoke(r.Context(), service+"Healthcheck", &emptypb.Empty{}, &emptypb.Empty{}); err != nil {
		t.Error(err)
	}
	var acks api.StorageObjectAcks
	err = conn.Invoke(r.with(bearer(session.Token)), service+"WriteStorageObjects", &api.WriteStorageObjectsRequest{
		Objects: []*api.WriteStorageObject{{Collection: "c", Key: "k", Value: `{"a":1}`}},
	}, &acks)
	if err != nil || len(acks.Acks) != 1 {
		t.Error(&acks, err)
	}

	for _, test := range []struct {
		ctx     context.Context
		method  string
		in      proto.Message
		code    codes.Code
		message string
	}{
		{r.Context(), "GetAccount", &emptypb.Empty{}, codes.Unauthenticated, "required"},
		{r.with("Authorization: Bearer x"), "GetAccount", &emptypb.Empty{}, codes.Unauthenticated, "invalid"},
		{r.with(bearer(session.Token), bearer(session.Token)), "GetAccount", &emptypb.Empty{}, codes.Unauthenticated, "invalid"},
		{r.Context(), "AuthenticateDevice", &api.AuthenticateDeviceRequest{}, codes.Unauthenticated, "key"},
		{r.with(basic("defaultkey")), "AuthenticateDevice", &api.AuthenticateDeviceRequest{}, codes.InvalidArgument, ""},
		{r.with(bearer(session.Token)), "GetSubscription", &api.GetSubscriptionRequest{ProductId: "gold"}, codes.NotFound, "subscription not found"},
		{r.with(bearer(session.Token)), "NoSuchMethod", &emptypb.Empty{}, codes.Unimplemented, ""},
		{r.with(bearer(session.Token)), "GetUsers", &api.GetUsersRequest{Ids: []string{strings.Repeat("x", 300000)}}, codes.ResourceExhausted, ""},
	} {
		wantCode(t, conn.Invoke(test.ctx, service+test.method, test.in, &emptypb.Empty{}), test.code, test.message)
	}
}

func TestRPCOverGRPC(t *testing.T) {
	t.Parallel()
	r := newTestServer(t, nil)
	conn := r.dial()
	var scope *core.Scope
	r.rpc("echo", func(ctx context.Context, payload string) (string, error) {
		scope, _ = core.ScopeOf(ctx)
		if payload == "fail" {
			return "", errors.New("went wrong")
		}
		return payload, nil
	})
	call := func(ctx context.Context, in *api.Rpc) (*api.Rpc, error) {
		out := new(api.Rpc)
		return out, conn.Invoke(ctx, "/nakama.api.Nakama/RpcFunc", in, out)
	}
	token := r.user("device-of-the-user")

	out, err := call(r.with(bearer(token), "q_Map: a", "q_map: b", "x-game: chess", "x-forwarded-for: 203.0.113.7"), &api.Rpc{Id: "ECHO", Payload: "p"})
	if err != nil || out.Payload != "p" || out.Id != "" {
		t.Fatal(out, err)
	}
	if scope.UserID == "" || scope.ClientIP != "203.0.113.7" || scope.Headers["x-game"][0] != "chess" {
		t.Errorf("%+v", scope)
	}
	if d := cmp.Diff(map[string][]string{"map": {"a", "b"}}, scope.QueryParams); d != "" {
		t.Error(d)
	}
	out, err = call(r.Context(), &api.Rpc{Id: "echo", Payload: "p", HttpKey: "defaulthttpkey"})
	if err != nil || out.Payload != "p" || scope.UserID != "" {
		t.Error(out, err, scope.UserID)
	}
	_, err = call(r.Context(), &api.Rpc{Id: "echo", HttpKey: "wrong"})
	wantCode(t, err, codes.Unauthenticated, "key")
	_, err = call(r.Context(), &api.Rpc{Id: "echo"})
	wantCode(t, err, codes.Unauthenticated, "")
	_, err = call(r.with(bearer(token)), &api.Rpc{Id: "nothing"})
	wantCode(t, err, codes.NotFound, "")
	_, err = call(r.with(bearer(token)), &api.Rpc{})
	wantCode(t, err, codes.InvalidArgument, "")
	_, err = call(r.with(bearer(token)), &api.Rpc{Id: "echo", Payload: "fail"})
	wantCode(t, err, codes.Internal, "went wrong")
}

// Every row and every method that is not built is known to gRPC.
func TestGRPCMethods(t *testing.T) {
	t.Parallel()
	r := newTestServer(t, func(c *config.Config) { c.Socket.MaxRequestSizeBytes = 1000 })
	info := r.api.GRPC(nil).GetServiceInfo()["nakama.api.Nakama"]
	if len(info.Methods) != 85 {
		t.Errorf("%d methods, want 85", len(info.Methods))
	}
}
