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

// String is the name of the format as clients ask for it.
func (f Format) String() string {
	if f == Protobuf {
		return "protobuf"
	}
	return "json"
}

// Message is one envelope on its way to any number of sessions. It is encoded
// on first use in each format and every receiver gets the same bytes. It may be
// used from any goroutine.
type Message struct {
	from    source
	encoded [2]atomic.Pointer[encoded]
}

// source is what a message is encoded from.
type source interface {
	encode(f Format) ([]byte, error)
}

type encoded struct {
	bytes []byte
	err   error
}

// NewMessage makes a message. The envelope must not be changed afterwards.
func NewMessage(env *rtapi.Envelope) *Message { return &Message{from: envelopeSource{env}} }

type envelopeSource struct{ env *rtapi.Envelope }

func (s envelopeSource) encode(f Format) ([]byte, error) { return Encode(s.env, f) }

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
	e.bytes, e.err = m.from.encode(f)
	if !slot.CompareAndSwap(nil, e) {
		e = slot.Load()
	}
	return e.bytes, e.err
}
