// Package wire builds and reads the realtime messages that the load generator
// uses, as bytes, in both wire formats. Under load nothing is reflected or
// allocated per message: requests are built once and sent repeatedly, replies
// are only scanned for what is needed. A Codec has no state and may be used
// from any goroutine.
package wire

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strconv"

	"github.com/heroiclabs/nakama-common/rtapi"
)

// Kind is the kind of message in an envelope: its field number in the
// protocol's envelope, 0 for none.
type Kind uint8

// The kinds that scenarios need.
const (
	Channel               Kind = 2
	ChannelMessage        Kind = 5
	ChannelMessageAck     Kind = 6
	ChannelPresenceEvent  Kind = 10
	Error                 Kind = 11
	Match                 Kind = 12
	MatchData             Kind = 14
	MatchPresenceEvent    Kind = 18
	MatchmakerMatched     Kind = 20
	MatchmakerTicket      Kind = 22
	RPC                   Kind = 24
	StatusPresenceEvent   Kind = 27
	PartyMatchmakerTicket Kind = 47
	PartyData             Kind = 48
)

const fieldCID = 1

// kinds maps JSON names to kinds.
var kinds = func() map[string]Kind {
	fields := (&rtapi.Envelope{}).ProtoReflect().Descriptor().Fields()
	names := map[string]Kind{}
	for i := range fields.Len() {
		if f := fields.Get(i); f.Number() != fieldCID {
			names[string(f.Name())] = Kind(f.Number())
		}
	}
	return names
}()

// Envelope is the result of scanning a message. The slices point into the
// message.
type Envelope struct {
	CID  int // -1 if absent or not a number
	Kind Kind
	// Data is the data of a MatchData: base64 text in JSON, otherwise bytes.
	Data []byte
}

// StampSize is the size of a time stamp in match data, in bytes. It is a
// multiple of three, to fill whole base64 groups.
const StampSize = 9

// Codec is one wire format.
type Codec interface {
	// Name returns the value of the format query parameter.
	Name() string
	// Text reports whether frames are text frames.
	Text() bool

	// RPC builds a call of function id with a payload.
	RPC(cid int, id, payload string) []byte
	// MatchDataSend builds match data to send. offset is where the data begins in the
	// message, for Stamp.
	MatchDataSend(matchID string, opCode int64, data []byte) (message []byte, offset int)
	// MatchData builds what a server sends to the receivers, with a sender if not nil.
	MatchData(matchID string, sender *Presence, opCode int64, data []byte) (message []byte, offset int)

	// Build builds any message with the protocol's library, with a cid unless
	// negative. It is too slow for every message of a load.
	Build(cid int, m *rtapi.Envelope) []byte
	// Read decodes a message with the protocol's library.
	Read(message []byte) (*rtapi.Envelope, error)

	// Scan finds the needed parts of a received message.
	Scan(message []byte) Envelope

	// Stamp writes a time in nanoseconds over the first StampSize bytes of the data at
	// offset of a message built here.
	Stamp(message []byte, offset int, nanos int64)
	// Stamped reads that time from Envelope.Data; 0 if it is too short.
	Stamped(data []byte) int64
}

// Presence is a sender in match data.
type Presence struct{ UserID, SessionID, Username string }

// ByName returns a codec by its format name, json or protobuf.
func ByName(name string) (Codec, error) {
	switch name {
	case "json":
		return JSON{}, nil
	case "protobuf":
		return Protobuf{}, nil
	}
	return nil, fmt.Errorf("unknown format %q: use json or protobuf", name)
}

// Mark is a placeholder for a time in a text field, such as a chat message, in
// either format: servers do not change its letters.
const Mark = "sent@AAAAAAAAAAA"

const markName = len("sent@")

// SetMark writes a time in nanoseconds into the Mark in a message.
func SetMark(message []byte, nanos int64) {
	if i := bytes.Index(message, []byte(Mark[:markName])); i >= 0 && len(message) >= i+len(Mark) {
		var raw [8]byte
		binary.BigEndian.PutUint64(raw[:], uint64(nanos))
		base64.RawURLEncoding.Encode(message[i+markName:], raw[:])
	}
}

// MarkIn reads that time; 0 if there is none.
func MarkIn(message []byte) int64 {
	var raw [8]byte
	i := bytes.Index(message, []byte(Mark[:markName]))
	if i < 0 || len(message) < i+len(Mark) {
		return 0
	}
	if _, err := base64.RawURLEncoding.Decode(raw[:], message[i+markName:i+len(Mark)]); err != nil {
		return 0
	}
	return int64(binary.BigEndian.Uint64(raw[:]))
}

// withCID sets the cid of m. It modifies m, which callers build for this.
func withCID(cid int, m *rtapi.Envelope) *rtapi.Envelope {
	if cid >= 0 {
		m.Cid = strconv.Itoa(cid)
	}
	return m
}
