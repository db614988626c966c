package console_test

import (
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"

	"kumi/console"
	"kumi/core/consolepb"
	"kumi/server/servertest"
)

// The service that clients are generated from has the rows of the table.
func TestService(t *testing.T) {
	t.Parallel()
	methods := consolepb.File_console_proto.Services().ByName("Console").Methods()
	for i := range methods.Len() {
		m := methods.Get(i)
		if name, request, ok := console.Method(i); !ok || name != string(m.Name()) || request != m.Input().FullName() {
			t.Errorf("method %d is %s with %s in the file, and %s with %s in the table", i, m.Name(), m.Input().FullName(), name, request)
		}
	}
	if name, _, more := console.Method(methods.Len()); more {
		t.Errorf("%s is not in the file", name)
	}
}

// The same calls are there over gRPC, with the same rights.
func TestGRPC(t *testing.T) {
	t.Parallel()
	srv := servertest.Start(t, servertest.Console())
	conn, err := grpc.NewClient(srv.ConsoleGRPCAddr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	var users consolepb.UserList
	err = conn.Invoke(t.Context(), "/nakama.console.Console/ListUsers", &emptypb.Empty{}, &users)
	if status.Code(err) != codes.Unauthenticated {
		t.Errorf("without a log-in: %v", err)
	}
	var session consolepb.ConsoleSession
	login := &consolepb.AuthenticateRequest{Username: "admin", Password: "password"}
	if err := conn.Invoke(t.Context(), "/nakama.console.Console/Authenticate", login, &session); err != nil {
		t.Fatal(err)
	}
	ctx := metadata.AppendToOutgoingContext(t.Context(), "authorization", "Bearer "+session.Token)
	add := &consolepb.AddUserRequest{Username: "ann", Email: "ann@example.com", Acl: map[string]*consolepb.Permissions{"USER": {Read: true}}}
	var added consolepb.AddUserResponse
	if err := conn.Invoke(ctx, "/nakama.console.Console/AddUser", add, &added); err != nil || added.Token == "" {
		t.Fatalf("add an operator: %v, %v", err, &added)
	}
	if err := conn.Invoke(ctx, "/nakama.console.Console/ListUsers", &emptypb.Empty{}, &users); err != nil || len(users.Users) != 1 || !users.Users[0].Acl["USER"].Read {
		t.Errorf("operators: %v, %v", err, &users)
	}
	var account consolepb.Account
	if err := conn.Invoke(ctx, "/nakama.console.Console/GetAccount", &consolepb.AccountId{Id: "x"}, &account); status.Code(err) != codes.InvalidArgument {
		t.Errorf("a bad id: %v", err)
	}
	// A proxy in front makes it a visit from elsewhere.
	away := metadata.AppendToOutgoingContext(t.Context(), "x-forwarded-for", "192.0.2.1")
	if err := conn.Invoke(away, "/nakama.console.Console/Authenticate", login, &session); status.Code(err) != codes.PermissionDenied {
		t.Errorf("from elsewhere: %v", err)
	}
}
