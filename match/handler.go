package match

import (
	"context"

	"github.com/heroiclabs/nakama-common/runtime"

	"kumi/presence"
)

// Handler is the game's side of one authoritative match, in whatever language.
// It owns the match's state: the match room never sees it. All methods are
// called from the match's own goroutine (Init from the creator's, before that
// goroutine starts), never two at once.
//
// A method that returns alive false ends the match quietly, as returning a nil
// state does in the protocol's documentation. An error ends it too, and the
// match closes the sockets of its participants.
type Handler interface {
	// Init starts the game. tickRate is 1 to 60 per second; label is at most
	// 2048 bytes. params is what the creator gave, never nil.
	Init(ctx context.Context, params map[string]any) (tickRate int, label string, err error)
	// JoinAttempt decides whether a client may join.
	JoinAttempt(ctx context.Context, tick int64, joiner *Joiner, metadata map[string]string) (Verdict, error)
	// Join is told of presences that were accepted.
	Join(ctx context.Context, tick int64, joins []*presence.Presence) (alive bool, err error)
	// Leave is told of presences that are gone; Reason says why.
	Leave(ctx context.Context, tick int64, leaves []*presence.Presence) (alive bool, err error)
	// Loop runs once a tick with everything that arrived since the last. The
	// slice and the messages are the handler's to keep.
	Loop(ctx context.Context, tick int64, messages []*Data) (alive bool, err error)
	// Terminate announces that the server stops the match in graceSeconds.
	Terminate(ctx context.Context, tick int64, graceSeconds int) (alive bool, err error)
	// Signal answers a call from outside the match.
	Signal(ctx context.Context, tick int64, data string) (alive bool, reply string, err error)
	// State describes the state for people: JSON where it can be.
	State(ctx context.Context) (string, error)
	// Close frees what the handler holds. It is called exactly once, last.
	Close()
}

// Factory makes the handler of a new match. m is usable for reading ID, Node
// and, once Init has returned, label and tick rate, and as the dispatcher in
// every call but Init.
type Factory func(ctx context.Context, m Dispatcher) (Handler, error)

// Dispatcher is a match as its handler sees it. Its methods may be called only
// from within the handler's methods; after the match has stopped the sending
// ones return an error.
type Dispatcher interface {
	runtime.MatchDispatcher
	// MatchID is "<uuid>.<node>".
	MatchID() string
	Node() string
	// Label is the label as last set, empty before Init has returned.
	Label() string
	// TickRate is in ticks per second, 0 before Init has returned.
	TickRate() int
}

// Joiner is who asks to join: a presence with the session's user fields.
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
// runtime.MatchData; the sender's fields are those of its presence.
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
