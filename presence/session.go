package presence

import "github.com/gofrs/uuid/v5"

// Session is an open socket as the rest of the server sees it. Its methods may
// be called from any goroutine and never block.
type Session interface {
	ID() uuid.UUID
	UserID() uuid.UUID
	Username() string
	Format() Format
	// Send queues m. A session whose queue is full closes itself with QueueFull;
	// after the session has ended messages are dropped.
	Send(m *Message)
	// Close ends the session: what is queued goes out, then final, then a close
	// frame. Only the first call counts.
	Close(reason CloseReason, final ...*Message)
}

// Queuer is a Session that can be given several messages before it writes. A
// match uses it: what a handler sends in one call goes out when the call ends,
// in one write per receiver.
type Queuer interface {
	Session
	// Queue is Send without writing. Whatever writes next sends m too.
	Queue(m *Message)
	// Flush has what is queued written, without waiting for it.
	Flush()
}

// CloseReason says why a session ended. Its String is a metric label, its Text
// is what the peer reads in the close frame.
type CloseReason uint8

// The reasons a session ends for.
const (
	ClosedByPeer     CloseReason = iota // the client closed or its connection broke
	MalformedPayload                    // a frame that cannot be decoded, or of the wrong type
	ProcessingError                     // a message that must not be answered by going on
	TooBig                              // a frame over the size limit
	QueueFull                           // the client reads slower than messages are sent to it
	ReadTimeout                         // silence for longer than the pong wait
	WriteTimeout                        // a write that took longer than the write wait
	Replaced                            // the user opened another socket and may have only one
	Banned                              // the user was banned
	Disconnected                        // the game's code or an operator closed it
	MatchFailed                         // the match it was in failed
	Shutdown                            // the server stops
)

var closeReasons = [...]struct{ label, text string }{
	ClosedByPeer:     {"peer", ""},
	MalformedPayload: {"malformed", "received malformed payload"},
	ProcessingError:  {"processing", "error processing message"},
	TooBig:           {"too_big", "message too big"},
	QueueFull:        {"queue_full", "session outgoing queue full"},
	ReadTimeout:      {"read_timeout", "no message or pong in time"},
	WriteTimeout:     {"write_timeout", "could not write message in time"},
	Replaced:         {"replaced", "server-side session disconnect"},
	Banned:           {"banned", "server-side session disconnect"},
	Disconnected:     {"disconnected", "server-side session disconnect"},
	MatchFailed:      {"match_failed", "server-side session disconnect"},
	Shutdown:         {"shutdown", "server shutting down"},
}

// String is a short label for logs and metrics.
func (r CloseReason) String() string { return closeReasons[r].label }

// Text is the sentence for the peer, empty where the peer closed.
func (r CloseReason) Text() string { return closeReasons[r].text }
