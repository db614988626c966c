package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"sync"
	"time"

	"github.com/coder/websocket"
	"github.com/heroiclabs/nakama-common/rtapi"

	"kumi/bench/wire"
)

// setupTimeout bounds a connect and the wait for one reply, during setup and
// in scenarios where thousands of connections send requests at once.
const setupTimeout = time.Minute

// socket is a WebSocket client. One goroutine may read, and any may write.
type socket struct {
	conn *websocket.Conn
	kind websocket.MessageType
	buf  []byte
}

// connect opens a socket with the session's token. barePath is the path and
// query on the bare server; a game server has one address.
func (t *target) connect(ctx context.Context, codec wire.Codec, s session, barePath string) (*socket, error) {
	address := "ws://" + t.address + barePath
	if !t.bare {
		q := url.Values{"token": {s.token}, "format": {codec.Name()}, "status": {"false"}, "lang": {"en"}}
		address = "ws://" + t.nextNode() + "/ws?" + q.Encode()
	}
	ctx, cancel := context.WithTimeout(ctx, setupTimeout)
	defer cancel()
	conn, answer, err := websocket.Dial(ctx, address, &websocket.DialOptions{HTTPClient: t.sources.client()})
	if err != nil {
		if answer != nil && answer.Body != nil {
			text, _ := io.ReadAll(io.LimitReader(answer.Body, 200))
			return nil, fmt.Errorf("connect: %w: %s", err, text)
		}
		return nil, fmt.Errorf("connect: %w", err)
	}
	conn.SetReadLimit(1 << 20)
	sock := &socket{conn: conn, kind: websocket.MessageBinary}
	if codec.Text() {
		sock.kind = websocket.MessageText
	}
	return sock, nil
}

// nextNode returns the address for the next socket.
func (t *target) nextNode() string {
	if len(t.nodes) == 0 {
		return t.address
	}
	return t.nodes[int(t.node.Add(1)-1)%len(t.nodes)]
}

// read returns the next message, valid until the next read.
func (s *socket) read() ([]byte, error) {
	_, r, err := s.conn.Reader(context.Background())
	if err != nil {
		return nil, err
	}
	s.buf = s.buf[:0]
	for {
		if len(s.buf) == cap(s.buf) {
			s.buf = append(s.buf, 0)[:len(s.buf)]
		}
		n, err := r.Read(s.buf[len(s.buf):cap(s.buf)])
		s.buf = s.buf[:len(s.buf)+n]
		if err == io.EOF {
			return s.buf, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

func (s *socket) write(message []byte) error {
	return s.conn.Write(context.Background(), s.kind, message)
}

// ask sends a request with that cid and returns its reply, skipping other
// messages. It is for setup.
func (s *socket) ask(codec wire.Codec, cid int, message []byte) ([]byte, error) {
	timer := time.AfterFunc(setupTimeout, func() { _ = s.conn.CloseNow() })
	defer timer.Stop()
	if err := s.write(message); err != nil {
		return nil, err
	}
	for {
		reply, err := s.read()
		if err != nil {
			return nil, err
		}
		env := codec.Scan(reply)
		if env.CID != cid {
			continue
		}
		if env.Kind == wire.Error {
			return nil, replyError(reply)
		}
		return reply, nil
	}
}

// request sends a message and decodes its reply. It is for setup, and for
// scenarios whose operations are rare and expensive.
func (s *socket) request(codec wire.Codec, m *rtapi.Envelope) (*rtapi.Envelope, error) {
	reply, err := s.ask(codec, 1, codec.Build(1, m))
	if err != nil {
		return nil, err
	}
	return codec.Read(reply)
}

// await reads until a message of that kind arrives. It is for setup.
func (s *socket) await(codec wire.Codec, kind wire.Kind) error {
	timer := time.AfterFunc(setupTimeout, func() { _ = s.conn.CloseNow() })
	defer timer.Stop()
	for {
		got, err := s.read()
		if err != nil {
			return err
		}
		switch codec.Scan(got).Kind {
		case kind:
			return nil
		case wire.Error:
			return replyError(got)
		}
	}
}

// replyError is the error for an error envelope.
func replyError(message []byte) error { return fmt.Errorf("error reply %.200q", message) }

// connectAll opens a socket for each session, several at a time. On an error
// it closes all.
func (t *target) connectAll(ctx context.Context, codec wire.Codec, sessions []session, barePath func(i int) string) ([]*socket, error) {
	sockets := make([]*socket, len(sessions))
	errs := make([]error, setupWorkers)
	var wg sync.WaitGroup
	for w := range setupWorkers {
		wg.Go(func() {
			for i := w; i < len(sessions) && errs[w] == nil; i += setupWorkers {
				sockets[i], errs[w] = t.connect(ctx, codec, sessions[i], barePath(i))
			}
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		closeAll(sockets)
		return nil, err
	}
	return sockets, nil
}

func closeAll(sockets []*socket) {
	var wg sync.WaitGroup
	for w := range setupWorkers {
		wg.Go(func() {
			for i := w; i < len(sockets); i += setupWorkers {
				if sockets[i] != nil {
					_ = sockets[i].conn.CloseNow()
				}
			}
		})
	}
	wg.Wait()
}

// onPath is for scenarios whose connections all use one path.
func onPath(path string) func(int) string { return func(int) string { return path } }
