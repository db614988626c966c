package test

import (
	"bytes"
	"net"
	"strconv"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"kumi/server/servertest"
)

// A gRPC connection has at most 128 calls at a time: the server says so, and
// refuses the call after them. Others on the connection go on.
func TestGRPCStreamsOfAConnection(t *testing.T) {
	t.Parallel()
	const limit = 128
	srv := servertest.Start(t)
	conn, err := net.DialTimeout("tcp", srv.GRPC, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Write([]byte(http2.ClientPreface)); err != nil {
		t.Fatal(err)
	}
	framer := http2.NewFramer(conn, conn)
	if err := framer.WriteSettings(); err != nil {
		t.Fatal(err)
	}
	var block bytes.Buffer
	headers := hpack.NewEncoder(&block)
	// begin begins a call and leaves its request open, so that it does not end.
	begin := func(n int) uint32 {
		t.Helper()
		block.Reset()
		for _, h := range [][2]string{
			{":method", "POST"}, {":scheme", "http"}, {":path", "/nakama.api.Nakama/Healthcheck"}, {":authority", "localhost"},
			{"content-type", "application/grpc"}, {"te", "trailers"},
		} {
			if err := headers.WriteField(hpack.HeaderField{Name: h[0], Value: h[1]}); err != nil {
				t.Fatal(err)
			}
		}
		id := uint32(2*n + 1)
		if err := framer.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: block.Bytes(), EndHeaders: true}); err != nil {
			t.Fatal(err)
		}
		return id
	}
	// until reads frames up to one that is wanted.
	until := func(what string, wanted func(http2.Frame) bool) {
		t.Helper()
		for {
			f, err := framer.ReadFrame()
			if err != nil {
				t.Fatalf("waiting for %s: %v", what, err)
			}
			if s, ok := f.(*http2.SettingsFrame); ok && !s.IsAck() {
				if err := framer.WriteSettingsAck(); err != nil {
					t.Fatal(err)
				}
			}
			if wanted(f) {
				return
			}
			if _, ok := f.(*http2.RSTStreamFrame); ok {
				t.Fatalf("waiting for %s: %v", what, f)
			}
		}
	}
	until("the settings", func(f http2.Frame) bool {
		s, ok := f.(*http2.SettingsFrame)
		if !ok || s.IsAck() {
			return false
		}
		if n, ok := s.Value(http2.SettingMaxConcurrentStreams); !ok || n != limit {
			t.Errorf("the server announces %d calls at a time (%t), want %d", n, ok, limit)
		}
		return true
	})

	var open []uint32
	for n := range limit {
		open = append(open, begin(n))
	}
	refused := begin(limit)
	until("the refusal of call "+strconv.Itoa(limit+1), func(f http2.Frame) bool {
		r, ok := f.(*http2.RSTStreamFrame)
		return ok && r.StreamID == refused && r.ErrCode == http2.ErrCodeRefusedStream
	})

	// An empty message ends the first call's request.
	if err := framer.WriteData(open[0], true, make([]byte, 5)); err != nil {
		t.Fatal(err)
	}
	until("the answer of the first call", func(f http2.Frame) bool {
		h, ok := f.(*http2.HeadersFrame)
		return ok && h.StreamID == open[0] && h.StreamEnded()
	})
	again := begin(limit + 1)
	if err := framer.WriteData(again, true, make([]byte, 5)); err != nil {
		t.Fatal(err)
	}
	until("the answer of a call in its place", func(f http2.Frame) bool {
		h, ok := f.(*http2.HeadersFrame)
		return ok && h.StreamID == again && h.StreamEnded()
	})
}
