package presence

import (
	"sync/atomic"

	"github.com/heroiclabs/nakama-common/rtapi"
)

// Format is how a socket's messages are written.
type Format uint8

// The wire formats.
const (
	JSON Format = iota
	Protobuf
)

// Message is one envelope on its way to any number of sessions. It is encoded
// on first use in each format and every receiver gets the same bytes. It may be
// used from any goroutine.
type Message struct {
	env     *rtapi.Envelope
	encoded [2]atomic.Pointer[encoded]
}

type encoded struct {
	bytes []byte
	err   error
}

// NewMessage makes a message. The envelope must not be changed afterwards.
func NewMessage(env *rtapi.Envelope) *Message { return &Message{env: env} }

// Envelope is the message itself, not to be changed.
func (m *Message) Envelope() *rtapi.Envelope { return m.env }

// Bytes is the message in format f. The slice is shared: it must not be
// changed. The error says that the envelope cannot be written in that format,
// as with text that is not UTF-8.
func (m *Message) Bytes(f Format) ([]byte, error) {
	slot := &m.encoded[f]
	if e := slot.Load(); e != nil {
		return e.bytes, e.err
	}
	// Two goroutines may get here at once. Both encode the same, the first wins.
	e := new(encoded)
	e.bytes, e.err = Encode(m.env, f)
	if !slot.CompareAndSwap(nil, e) {
		e = slot.Load()
	}
	return e.bytes, e.err
}
