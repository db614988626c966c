package presence

import (
	"sync/atomic"

	"github.com/heroiclabs/nakama-common/rtapi"
)

// Format is the wire format of a socket.
type Format uint8

// The wire formats.
const (
	JSON Format = iota
	Protobuf
)

// String returns the name that clients use for the format.
func (f Format) String() string {
	if f == Protobuf {
		return "protobuf"
	}
	return "json"
}

// Message is one envelope for any number of sessions. It is encoded once per
// format, on first use, and all receivers get the same bytes. It may be used
// from any goroutine.
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

// NewMessage makes a message. The envelope must not be modified afterwards.
func NewMessage(env *rtapi.Envelope) *Message { return &Message{from: envelopeSource{env}} }

type envelopeSource struct{ env *rtapi.Envelope }

func (s envelopeSource) encode(f Format) ([]byte, error) { return Encode(s.env, f) }

// Reliable reports whether the message must arrive: match data that was sent as
// unreliable need not.
func (m *Message) Reliable() bool {
	d, ok := m.from.(*matchDataMessage)
	return !ok || d.reliable
}

// Bytes returns the message in format f. The slice is shared and must not be
// modified. It fails if the envelope cannot be encoded, for example because a
// text is not UTF-8.
func (m *Message) Bytes(f Format) ([]byte, error) {
	slot := &m.encoded[f]
	if e := slot.Load(); e != nil {
		return e.bytes, e.err
	}
	// Two goroutines may get here at the same time. Both encode the same; the first
	// wins.
	e := new(encoded)
	e.bytes, e.err = m.from.encode(f)
	if !slot.CompareAndSwap(nil, e) {
		e = slot.Load()
	}
	return e.bytes, e.err
}

// NewEncoded makes a message of an envelope in protobuf, as another node sent it.
// Sockets of that format get the bytes as they are; for others the envelope is
// read and written once. b must not be modified afterwards.
func NewEncoded(b []byte) *Message {
	m := &Message{from: encodedSource(b)}
	m.encoded[Protobuf].Store(&encoded{bytes: b})
	return m
}

type encodedSource []byte

func (s encodedSource) encode(f Format) ([]byte, error) {
	env, err := Decode(s, Protobuf)
	if err != nil {
		return nil, err
	}
	return Encode(env, f)
}
