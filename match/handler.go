package match

import (
	"context"

	"github.com/heroiclabs/nakama-common/runtime"

	"kumi/presence"
)

// Handler is the game's side of one authoritative match, in whatever language.
// It owns the match's state, which this package never sees. All methods are
// called from the match's own goroutine (Init from the creator's, before that
// goroutine starts), never concurrently.
//
// A method that returns alive false ends the match, which is what a nil state
// means in the protocol. An error ends it too, and closes the sockets of the
// match's members.
type Handler interface {
	// Init starts the game. tickRate is 1 to 60 per second; label is at most 2048
	// bytes. params is what the creator passed, never nil.
	Init(ctx context.Context, params map[string]any) (tickRate int, label string, err error)
	// JoinAttempt decides whether a client may join.
	JoinAttempt(ctx context.Context, tick int64, joiner *Joiner, metadata map[string]string) (Verdict, error)
	// Join is called with presences that were accepted.
	Join(ctx context.Context, tick int64, joins []*presence.Presence) (alive bool, err error)
	// Leave is called with presences that left; their Reason says why.
	Leave(ctx context.Context, tick int64, leaves []*presence.Presence) (alive bool, err error)
	// Loop runs once per tick with the messages received since the last one. The
	// handler may keep the slice and the messages.
	Loop(ctx context.Context, tick int64, messages []*Data) (alive bool, err error)
	// Terminate announces that the server will stop the match in graceSeconds.
	Terminate(ctx context.Context, tick int64, graceSeconds int) (alive bool, err error)
	// Signal answers a call from outside the match.
	Signal(ctx context.Context, tick int64, data string) (alive bool, reply string, err error)
	// State describes the state for a developer to read, as JSON if possible.
	State(ctx context.Context) (string, error)
	// Close frees the handler's resources. It is called exactly once, last.
	Close()
}

// Factory makes the handler of a new match. From m it may read ID and Node at
// once, and label and tick rate after Init has returned. m is the dispatcher
// in every call but Init.
type Factory func(ctx context.Context, m Dispatcher) (Handler, error)

// Dispatcher is a match as its handler sees it. Its methods may be called only
// from within the handler's methods; after the match has stopped those that
// send return ErrStopped.
type Dispatcher interface {
	runtime.MatchDispatcher
	// MatchID is "<uuid>.<node>".
	MatchID() string
	Node() string
	// Label returns the label last set, empty before Init has returned.
	Label() string
	// TickRate returns ticks per second, 0 before Init has returned.
	TickRate() int
	// MatchRecord turns the recording of the match on or off when the running call has
	// ended. What was recorded since it was turned on is written to a file when it is turned
	// off or the match ends. Code 9 on a server that cannot record.
	MatchRecord(on bool) error
}

// Joiner is a session that asks to join a match.
type Joiner struct {
	presence.Presence
	Vars                 map[string]string
	SessionExpiry        int64 // Unix seconds
	ClientIP, ClientPort string
	Lang                 string
}

// Verdict is a handler's answer to a join attempt.
type Verdict struct {
	Alive  bool
	Accept bool
	Reason string // shown to the client when not accepted
}

// Data is one message from a client to a match. It implements
// runtime.MatchData; the embedded Presence is the sender's.
type Data struct {
	*presence.Presence
	OpCode      int64
	Data        []byte
	Reliable    bool
	ReceiveTime int64 // Unix milliseconds
}

var _ runtime.MatchData = (*Data)(nil)

// GetOpCode implements runtime.MatchData.
func (d *Data) GetOpCode() int64 { return d.OpCode }

// GetData implements runtime.MatchData.
func (d *Data) GetData() []byte { return d.Data }

// GetReliable implements runtime.MatchData.
func (d *Data) GetReliable() bool { return d.Reliable }

// GetReceiveTime implements runtime.MatchData.
func (d *Data) GetReceiveTime() int64 { return d.ReceiveTime }
