package bare

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/coder/websocket"

	"kumi/bench/wire"
)

const (
	// TickPeriod and StateSize define the work of one authoritative match.
	TickPeriod = 100 * time.Millisecond
	StateSize  = 190
)

// room is a set of connections that receive each other's messages, or a state
// on every tick after start.
type room struct {
	mu      sync.Mutex
	members []*websocket.Conn
	inputs  int // bytes of input since the last tick

	once     sync.Once
	stopOnce sync.Once
	stopped  chan struct{}
}

func (r *room) join(c *websocket.Conn) (left func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	// Make a new list, since senders use the old one.
	r.members = append(slices.Clone(r.members), c)
	return func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.members = slices.DeleteFunc(slices.Clone(r.members), func(m *websocket.Conn) bool { return m == c })
	}
}

func (r *room) current() []*websocket.Conn {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.members
}

// send writes to all in the room except from.
func (r *room) send(from *websocket.Conn, kind websocket.MessageType, message []byte) {
	for _, to := range r.current() {
		if to != from {
			_ = to.Write(context.Background(), kind, message)
		}
	}
}

func (r *room) input(message []byte) {
	r.mu.Lock()
	r.inputs += len(message)
	r.mu.Unlock()
}

// start starts ticking, once. It fails for an unknown format.
func (r *room) start(format string) error {
	codec, err := wire.ByName(format)
	if err != nil {
		return err
	}
	r.once.Do(func() { go r.run(codec) })
	return nil
}

func (r *room) stop() { r.stopOnce.Do(func() { close(r.stopped) }) }

func (r *room) run(codec wire.Codec) {
	kind := websocket.MessageBinary
	if codec.Text() {
		kind = websocket.MessageText
	}
	ticker := time.NewTicker(TickPeriod)
	defer ticker.Stop()
	state := make([]byte, StateSize)
	for {
		select {
		case <-r.stopped:
			return
		case <-ticker.C:
		}
		r.mu.Lock()
		state[0] = byte(r.inputs)
		r.inputs = 0
		r.mu.Unlock()
		members := r.current()
		if len(members) == 0 {
			continue
		}
		message, _ := codec.MatchData("00000000-0000-0000-0000-000000000000.nakama", nil, 1, state)
		r.send(nil, kind, message)
	}
}
