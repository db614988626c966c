package socket

import (
	"context"
	"testing"

	"github.com/coder/websocket"

	"kumi/presence"
)

// One call over a real connection, client and server in one process.
func BenchmarkSocketRPC(b *testing.B) {
	for _, format := range []presence.Format{presence.JSON, presence.Protobuf} {
		b.Run(format.String(), func(b *testing.B) {
			r := newTestServer(b, nil)
			p := r.player("ann", format)
			env := callRPC("echo", `{"player":"ann","score":12,"list":[1,2,3]}`)
			env.Cid = "1"
			frame, err := presence.Encode(env, format)
			if err != nil {
				b.Fatal(err)
			}
			kind := websocket.MessageText
			if format == presence.Protobuf {
				kind = websocket.MessageBinary
			}
			ctx := context.Background()
			b.ReportAllocs()
			for b.Loop() {
				if err := p.conn.Write(ctx, kind, frame); err != nil {
					b.Fatal(err)
				}
				if _, _, err := p.conn.Read(ctx); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// What the server does for a call, without the network.
func BenchmarkHandleRPC(b *testing.B) {
	for _, format := range []presence.Format{presence.JSON, presence.Protobuf} {
		b.Run(format.String(), func(b *testing.B) {
			r := newTestServer(b, nil)
			p := r.player("ann", format)
			p.call(ping()) // the session is there
			s := r.sessions.OfUser(p.user)[0].(*session)
			env := callRPC("echo", `{"player":"ann","score":12,"list":[1,2,3]}`)
			env.Cid = "1"
			frame, err := presence.Encode(env, format)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				s.handle(frame)
				s.out.mu.Lock()
				s.out.queue, s.out.bytes = s.out.queue[:0], 0
				s.out.mu.Unlock()
			}
		})
	}
}

// What an RPC over a socket may allocate between the network and the function,
// and from there to the network.
func TestHandleRPCAllocations(t *testing.T) {
	r := newTestServer(t, nil)
	for _, format := range []presence.Format{presence.JSON, presence.Protobuf} {
		p := r.player("ann", format)
		p.call(ping()) // the session is there
		s := r.sessions.OfUser(p.user)[0].(*session)
		env := callRPC("echo", `{"player":"ann","score":12,"list":[1,2,3]}`)
		env.Cid = "1"
		message, err := presence.Encode(env, format)
		if err != nil {
			t.Fatal(err)
		}
		if n := testing.AllocsPerRun(200, func() {
			s.handle(message)
			s.out.mu.Lock()
			s.out.queue, s.out.bytes = s.out.queue[:0], 0
			s.out.mu.Unlock()
		}); n > maxRPCAllocations {
			t.Errorf("%s: %v allocations per call, at most %d are due", format, n, maxRPCAllocations)
		}
		_ = p.conn.CloseNow()
	}
}

const maxRPCAllocations = 5
