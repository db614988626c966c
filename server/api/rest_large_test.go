package api

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/heroiclabs/nakama-common/api"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"kumi/config"
	"kumi/internal/testenv"
	"kumi/internal/testutil"
)

// Clients that ask for large answers and do not read them hold a bounded amount
// of memory in all, and not for long.
func TestLargeAnswersThatNobodyReads(t *testing.T) {
	t.Parallel()
	const size = 16 << 20
	r := newTestServer(t, func(c *config.Config) { c.Socket.WriteTimeoutMs = testenv.Size(3000, 12000) })
	r.api.unsent.max = 3*size + size/2
	answer := strings.Repeat("x", size)
	r.rpc("large", func(context.Context, string) (string, error) { return answer, nil })
	token := r.user("device-of-the-user")
	ask := func() net.Conn {
		conn, err := net.Dial("tcp", r.http.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		_, _ = io.WriteString(conn, "GET /v2/rpc/large HTTP/1.1\r\nHost: x\r\nAccept-Encoding: identity\r\n"+bearer(token)+"\r\n\r\n")
		return conn
	}
	for range 3 {
		ask()
	}
	testutil.Eventually(t, "three answers wait", func() bool { return r.api.unsent.used.Load() >= 3*size })
	// Three are begun before the first is cut, even on a busy machine.
	refused, err := http.ReadResponse(bufio.NewReader(ask()), nil)
	if err != nil || refused.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("the fourth answer: %v, %v", refused, err)
	}
	testutil.Eventually(t, "those who do not read are cut", func() bool { return r.api.unsent.used.Load() == 0 })

	// One that reads slowly, but reads, gets all of it.
	resp, err := http.ReadResponse(bufio.NewReader(ask()), nil)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for part, began := make([]byte, size/8), time.Now(); err == nil; {
		var got int
		got, err = io.ReadFull(resp.Body, part)
		n += got
		for time.Since(began) < 100*time.Millisecond*time.Duration(n/(size/8)) {
			time.Sleep(time.Millisecond)
		}
	}
	if n < size {
		t.Errorf("a slow client got %d bytes of %d: %v", n, size, err)
	}
}

// The same over gRPC, whose library has responses until they are read.
func TestLargeGRPCAnswersThatNobodyReads(t *testing.T) {
	t.Parallel()
	const size = 16 << 20
	r := newTestServer(t, func(c *config.Config) { c.Socket.WriteTimeoutMs = testenv.Size(3000, 12000) })
	r.api.unsent.max = 3*size + size/2
	answer := strings.Repeat("x", size)
	r.rpc("large", func(context.Context, string) (string, error) { return answer, nil })
	ctx := r.with(bearer(r.user("device-of-the-user")))
	const method = "/nakama.api.Nakama/RpcFunc"
	in := &api.Rpc{Id: "large"}
	ask := func() grpc.ClientStream {
		stream, err := r.dial().NewStream(ctx, &grpc.StreamDesc{ServerStreams: true}, method, grpc.MaxCallRecvMsgSize(2*size))
		if err == nil {
			err = stream.SendMsg(in)
		}
		if err == nil {
			err = stream.CloseSend()
		}
		if err != nil {
			t.Fatal(err)
		}
		return stream
	}
	first := ask()
	for range 2 {
		ask()
	}
	testutil.Eventually(t, "three answers wait", func() bool { return r.api.unsent.used.Load() >= 3*size })
	wantCode(t, r.dial().Invoke(ctx, method, in, new(api.Rpc), grpc.MaxCallRecvMsgSize(2*size)), codes.Unavailable, "Too many large answers")
	testutil.Eventually(t, "those who do not read are cut", func() bool { return r.api.unsent.used.Load() == 0 })
	if err := first.RecvMsg(new(api.Rpc)); err == nil {
		t.Error("the connection of a client that does not read is open")
	}

	// Those who read get all of it, compressed requests too, and nothing stays.
	conn := r.dial()
	for _, options := range [][]grpc.CallOption{nil, {grpc.UseCompressor("gzip")}} {
		var out api.Rpc
		if err := conn.Invoke(ctx, method, in, &out, append(options, grpc.MaxCallRecvMsgSize(2*size))...); err != nil || out.Payload != answer {
			t.Errorf("a client that reads got %d bytes of %d: %v", len(out.Payload), size, err)
		}
	}
	testutil.Eventually(t, "nothing is counted any more", func() bool { return r.api.unsent.used.Load() == 0 })
}

// Lists of storage objects count while they are read, before there is a response.
func TestLargeListsCountWhileTheyAreRead(t *testing.T) {
	t.Parallel()
	r := newTestServer(t, nil)
	r.api.unsent.max = 4 << 20
	token := r.user("device-of-the-user")
	var writes []*api.WriteStorageObject
	for i := range 60 {
		writes = append(writes, &api.WriteStorageObject{Collection: "large", Key: fmt.Sprint(i), Value: `{"x":"` + strings.Repeat("x", 100_000) + `"}`})
	}
	claims, err := r.core.Tokens().VerifySession(token)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.core.WriteStorage(t.Context(), claims.UserID, &api.WriteStorageObjectsRequest{Objects: writes}); err != nil {
		t.Fatal(err)
	}
	ctx, conn := r.with(bearer(token)), r.dial()
	list := func(limit int32) (int, error) {
		var out api.StorageObjectList
		err := conn.Invoke(ctx, "/nakama.api.Nakama/ListStorageObjects", &api.ListStorageObjectsRequest{
			Collection: "large", UserId: claims.UserID.String(), Limit: wrapperspb.Int32(limit),
		}, &out, grpc.MaxCallRecvMsgSize(64<<20))
		return len(out.Objects), err
	}
	for range 3 {
		_, err = list(100)
		wantCode(t, err, codes.Unavailable, "Too many large answers")
		req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, r.http.URL+"/v2/storage/large?user_id="+claims.UserID.String()+"&limit=100", nil)
		req.Header.Set("Authorization", "Bearer "+token)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusServiceUnavailable {
			t.Errorf("a list that does not fit: %s", resp.Status)
		}
		if n, err := list(10); n != 10 || err != nil {
			t.Errorf("a list that fits: %d objects, %v", n, err)
		}
		testutil.Eventually(t, "nothing is counted any more", func() bool { return r.api.unsent.used.Load() == 0 })
	}
}
