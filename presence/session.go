package presence

import "github.com/gofrs/uuid/v5"

// Session is an open socket, as the rest of the server sees it. Its methods
// may be called from any goroutine and never block.
type Session interface {
	ID() uuid.UUID
	UserID() uuid.UUID
	Username() string
	Format() Format
	// Send queues m. A session whose queue is full closes itself with QueueFull;
	// messages to a session that has ended are dropped.
	Send(m *Message)
	// Close ends the session: it sends what is queued, then final, then a close frame.
	// Only the first call has an effect.
	Close(reason CloseReason, final ...*Message)
}

// Queuer is a Session that can queue several messages before it writes.
// Matches use it: what a handler sends in one call goes out when the call
// ends, in one write per receiver.
type Queuer interface {
	Session
	// Queue is Send without a write. The next write includes m.
	Queue(m *Message)
	// Flush writes what is queued, without waiting for it.
	Flush()
}

// CloseReason is why a session ended. String is a metric label, Text the
// reason in the close frame.
type CloseReason uint8

// Reasons for the end of a session.
const (
	ClosedByPeer     CloseReason = iota // the client closed or its connection broke
	MalformedPayload                    // a frame that cannot be decoded or has the wrong type
	ProcessingError                     // a message whose processing failed
	TooBig                              // a frame over the size limit
	QueueFull                           // the client reads slower than messages are sent to it
	ReadTimeout                         // no message or pong within the pong wait
	WriteTimeout                        // a write that exceeded the write wait
	Replaced                            // the user opened another socket and may have only one
	Banned                              // the user was banned
	Disconnected                        // closed by game code or an operator
	MatchFailed                         // the match it was in failed
	Shutdown                            // the server is stopping
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

// Valid reports whether r is one of the reasons.
func (r CloseReason) Valid() bool { return int(r) < len(closeReasons) }

// String returns a short label for logs and metrics.
func (r CloseReason) String() string { return closeReasons[r].label }

// Text returns the reason sent to the peer, empty if the peer closed.
func (r CloseReason) Text() string { return closeReasons[r].text }
