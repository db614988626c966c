package test

import (
	"context"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/heroiclabs/nakama-common/api"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"kumi/server/servertest"
)

// gRPC on both databases, with a client that uses only the published messages.
func TestGRPC(t *testing.T) {
	t.Parallel()
	for name, options := range map[string][]servertest.Option{
		"SQLite":     nil,
		"PostgreSQL": {servertest.Postgres()},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := servertest.Start(t, append(options, tour["typescript"]...)...)
			conn, err := grpc.NewClient(srv.GRPC, grpc.WithTransportCredentials(insecure.NewCredentials()))
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			call := func(authorization, method string, in, out proto.Message) error {
				ctx := metadata.AppendToOutgoingContext(t.Context(), "authorization", authorization)
				return conn.Invoke(ctx, "/nakama.api.Nakama/"+method, in, out)
			}
			serverKey := "Basic " + base64.StdEncoding.EncodeToString([]byte("defaultkey:"))

			var session api.Session
			err = call(serverKey, "AuthenticateEmail", &api.AuthenticateEmailRequest{
				Account:  &api.AccountEmail{Email: "ann@example.com", Password: "correct horse", Vars: map[string]string{"k": "v"}},
				Username: "ann",
			}, &session)
			if err != nil || !session.Created || session.Token == "" {
				t.Fatalf("authenticate: %v, %v", &session, err)
			}
			bearer := "Bearer " + session.Token

			var account api.Account
			if err := call(bearer, "GetAccount", &emptypb.Empty{}, &account); err != nil || account.User.GetUsername() != "ann" {
				t.Errorf("account: %v, %v", &account, err)
			}
			var acks api.StorageObjectAcks
			if err := call(bearer, "WriteStorageObjects", &api.WriteStorageObjectsRequest{Objects: []*api.WriteStorageObject{
				{Collection: "c", Key: "k", Value: `{"a": 1}`, PermissionRead: wrapperspb.Int32(2)},
			}}, &acks); err != nil || len(acks.Acks) != 1 {
				t.Errorf("write: %v, %v", &acks, err)
			}
			var objects api.StorageObjects
			if err := call(bearer, "ReadStorageObjects", &api.ReadStorageObjectsRequest{ObjectIds: []*api.ReadStorageObjectId{
				{Collection: "c", Key: "k", UserId: account.User.GetId()},
			}}, &objects); err != nil || len(objects.Objects) != 1 || objects.Objects[0].Value != `{"a": 1}` {
				t.Errorf("read: %v, %v", &objects, err)
			}
			// Compressed requests are read; the limit of sizes holds after decompression.
			ctx := metadata.AppendToOutgoingContext(t.Context(), "authorization", bearer)
			for size, want := range map[int]codes.Code{10_000: codes.OK, 1 << 20: codes.ResourceExhausted} {
				value := `{"a":"` + strings.Repeat("x", size) + `"}`
				err := conn.Invoke(ctx, "/nakama.api.Nakama/WriteStorageObjects", &api.WriteStorageObjectsRequest{
					Objects: []*api.WriteStorageObject{{Collection: "c", Key: "large", Value: value}},
				}, &acks, grpc.UseCompressor(gzip.Name))
				if status.Code(err) != want {
					t.Errorf("%d bytes, compressed: %v, want %v", size, err, want)
				}
			}
			var answer api.Rpc
			if err := call(bearer, "RpcFunc", &api.Rpc{Id: "shout", Payload: "hi"}, &answer); err != nil || answer.Payload != "HI" || answer.Id != "" {
				t.Errorf("rpc: %v, %v", &answer, err)
			}

			for what, c := range map[string]struct {
				err  error
				code codes.Code
			}{
				"no token":    {conn.Invoke(context.Background(), "/nakama.api.Nakama/GetAccount", &emptypb.Empty{}, &account), codes.Unauthenticated},
				"bad token":   {call("Bearer x.y.z", "GetAccount", &emptypb.Empty{}, &account), codes.Unauthenticated},
				"bad key":     {call("Basic eDo=", "AuthenticateDevice", &api.AuthenticateDeviceRequest{}, &session), codes.Unauthenticated},
				"hook":        {call(bearer, "UpdateAccount", &api.UpdateAccountRequest{DisplayName: wrapperspb.String("forbidden")}, &emptypb.Empty{}), codes.PermissionDenied},
				"nil hook":    {call(bearer, "GetUsers", &api.GetUsersRequest{}, &api.Users{}), codes.NotFound},
				"coded error": {call(bearer, "RpcFunc", &api.Rpc{Id: "fail"}, &answer), codes.NotFound},
				"no such RPC": {call(bearer, "RpcFunc", &api.Rpc{Id: "nothing"}, &answer), codes.NotFound},
				"no method":   {call(bearer, "Fly", &emptypb.Empty{}, &emptypb.Empty{}), codes.Unimplemented},
			} {
				if status.Code(c.err) != c.code {
					t.Errorf("%s: %v, want %s", what, c.err, c.code)
				}
			}
		})
	}
}
