package bare

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/coder/websocket"
)

// maxMessage bounds messages and request bodies, in bytes.
const maxMessage = 64 << 10

// Serve serves until ctx ends: GET / with an empty response, any POST or PUT
// with its own body, /ws with an echo of every message, /room?id=&all= with
// fan-out to the others in the room or to all in it, /tick?id=&format= with a
// state at 10 Hz to everybody in the room.
func Serve(ctx context.Context, l net.Listener) error {
	s := &server{rooms: map[string]*room{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("POST /", echoBody)
	mux.HandleFunc("PUT /", echoBody)
	mux.HandleFunc("GET /ws", s.echo)
	mux.HandleFunc("GET /room", s.relay)
	mux.HandleFunc("GET /tick", s.tick)
	hs := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	stop := context.AfterFunc(ctx, func() { _ = hs.Close() })
	defer stop()
	defer s.close()
	if err := hs.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

type server struct {
	mu    sync.Mutex
	rooms map[string]*room
}

func echoBody(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxMessage))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(body)
}

// accept upgrades a connection and calls each with every message until the
// peer leaves. The message is valid during the call only.
func accept(w http.ResponseWriter, r *http.Request, joined func(*websocket.Conn) (left func()), each func(*websocket.Conn, websocket.MessageType, []byte)) {
	c, err := websocket.Accept(w, r, &websocket.AcceptOptions{InsecureSkipVerify: true, CompressionMode: websocket.CompressionDisabled})
	if err != nil {
		return
	}
	defer c.CloseNow()
	c.SetReadLimit(maxMessage)
	if joined != nil {
		defer joined(c)()
	}
	buf := make([]byte, 0, 512)
	for {
		kind, message, err := readInto(c, buf)
		if err != nil {
			return
		}
		each(c, kind, message)
		buf = message[:0]
	}
}

// readInto reads one message into buf, which grows if needed.
func readInto(c *websocket.Conn, buf []byte) (websocket.MessageType, []byte, error) {
	kind, r, err := c.Reader(context.Background())
	if err != nil {
		return 0, nil, err
	}
	for {
		if len(buf) == cap(buf) {
			buf = append(buf, 0)[:len(buf)]
		}
		n, err := r.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		if err == io.EOF {
			return kind, buf, nil
		}
		if err != nil {
			return 0, nil, err
		}
	}
}

func (s *server) echo(w http.ResponseWriter, r *http.Request) {
	accept(w, r, nil, func(c *websocket.Conn, kind websocket.MessageType, message []byte) {
		_ = c.Write(context.Background(), kind, message)
	})
}

func (s *server) relay(w http.ResponseWriter, r *http.Request) {
	room, all := s.room("relay "+r.FormValue("id")), r.FormValue("all") != ""
	accept(w, r, room.join, func(from *websocket.Conn, kind websocket.MessageType, message []byte) {
		if all {
			from = nil
		}
		room.send(from, kind, message)
	})
}

func (s *server) tick(w http.ResponseWriter, r *http.Request) {
	room := s.room("tick " + r.FormValue("id"))
	if err := room.start(r.FormValue("format")); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	accept(w, r, room.join, func(_ *websocket.Conn, _ websocket.MessageType, message []byte) {
		room.input(message)
	})
}

func (s *server) room(id string) *room {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, ok := s.rooms[id]
	if !ok {
		r = &room{stopped: make(chan struct{})}
		s.rooms[id] = r
	}
	return r
}

func (s *server) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.rooms {
		r.stop()
	}
}
