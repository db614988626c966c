package api

import (
	"context"
	"net"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/encoding"
	grpcproto "google.golang.org/grpc/encoding/proto"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/peer"
	"google.golang.org/protobuf/proto"

	"kumi/config"
)

// The gRPC library takes a response from its handler and holds it until the client has
// read it, however long that is. So a large response is handed over in parts that say
// when they are no longer needed.

// largeResponse is a response of at least largeFrom bytes. It takes part in the same
// budget as those over HTTP, and its client has the same time for each part of
// paceSize bytes; then the connection is closed.
type largeResponse struct {
	proto.Message
	size  int
	wait  time.Duration
	spent func() // gives the bytes back to the budget

	mu    sync.Mutex
	left  int // bytes that are not sent yet
	timer *time.Timer
}

// response prepares a response of so many bytes for the codec.
func (a *Server) response(ctx context.Context, method string, out proto.Message, size int) (any, error) {
	if size < largeFrom {
		return out, nil
	}
	if !a.unsent.take(size) {
		a.Log.Warn().Str("method", method).Int("bytes", size).Msg("response refused: too many bytes are waiting for slow clients")
		return nil, errTooMuchUnsent
	}
	// Compressed, its parts would be free before they are sent.
	_ = grpc.SetSendCompressor(ctx, encoding.Identity)
	r := &largeResponse{
		Message: out, size: size, left: size, wait: config.Milliseconds(a.Config.Socket.WriteTimeoutMs),
		spent: func() { a.unsent.give(size) },
	}
	conn := connOf(ctx)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.timer = time.AfterFunc(r.wait, func() { r.cut(conn) })
	return r, nil
}

// parts encodes the response.
func (r *largeResponse) parts() (mem.BufferSlice, error) {
	data, err := proto.Marshal(r.Message)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	r.left = len(data)
	r.mu.Unlock()
	var parts mem.BufferSlice
	for len(data) > 0 {
		n := len(data)
		if n >= 2*paceSize { // no part may be so small that the library does not count its users
			n = paceSize
		}
		part := data[:n:n]
		parts, data = append(parts, mem.NewBuffer(&part, r)), data[n:]
	}
	return parts, nil
}

// Get implements mem.BufferPool; it is not called.
func (r *largeResponse) Get(n int) *[]byte { b := make([]byte, n); return &b }

// Put implements mem.BufferPool: a part has been sent, or never will be.
func (r *largeResponse) Put(part *[]byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.left -= len(*part)
	switch {
	case r.spent == nil:
	case r.left > 0:
		r.timer.Reset(r.wait)
	default:
		r.end()
	}
}

// cut closes the connection of a client that does not read.
func (r *largeResponse) cut(conn net.Conn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.spent == nil {
		return
	}
	if conn != nil {
		_ = conn.Close()
	}
	r.end()
}

// end gives the bytes back. mu must be held.
func (r *largeResponse) end() {
	r.timer.Stop()
	r.spent()
	r.spent = nil
}

// codec is the library's for protobuf, but for large responses.
type codec struct{ encoding.CodecV2 }

func newCodec() codec { return codec{encoding.GetCodecV2(grpcproto.Name)} }

// Marshal implements encoding.CodecV2.
func (c codec) Marshal(v any) (mem.BufferSlice, error) {
	if r, ok := v.(*largeResponse); ok {
		return r.parts()
	}
	return c.CodecV2.Marshal(v)
}

// closable are credentials that tell a call which connection it came over.
type closable struct {
	credentials.TransportCredentials
}

// newClosable wraps credentials; nil is a port without TLS.
func newClosable(c credentials.TransportCredentials) closable {
	if c == nil {
		c = insecure.NewCredentials()
	}
	return closable{c}
}

// connInfo is the credentials.AuthInfo of a call, and its connection.
type connInfo struct {
	credentials.AuthInfo
	conn net.Conn
}

// ServerHandshake implements credentials.TransportCredentials.
func (c closable) ServerHandshake(raw net.Conn) (net.Conn, credentials.AuthInfo, error) {
	conn, info, err := c.TransportCredentials.ServerHandshake(raw)
	if err != nil {
		return nil, nil, err
	}
	return conn, connInfo{info, raw}, nil
}

// Clone implements credentials.TransportCredentials.
func (c closable) Clone() credentials.TransportCredentials {
	return closable{c.TransportCredentials.Clone()}
}

// connOf returns the connection of a call.
func connOf(ctx context.Context) net.Conn {
	if p, ok := peer.FromContext(ctx); ok {
		if info, ok := p.AuthInfo.(connInfo); ok {
			return info.conn
		}
	}
	return nil
}
