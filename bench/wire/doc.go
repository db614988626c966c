// Package wire builds and reads the realtime messages the load generator uses,
// as bytes, in both wire formats. Under load nothing reflects or allocates per
// message: requests are built once and sent again and again, replies are only
// scanned for what the generator needs. A Codec has no state and may be used
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

// Kind is what an envelope holds: the field number of that message in the
// protocol's envelope, 0 when it holds none.
type Kind uint8

// The kinds that scenarios ask for.
const (
	ChannelMessage        Kind = 5
	ChannelMessageAck     Kind = 6
	Error                 Kind = 11
	Match                 Kind = 12
	MatchData             Kind = 14
	MatchmakerMatched     Kind = 20
	MatchmakerTicket      Kind = 22
	RPC                   Kind = 24
	StatusPresenceEvent   Kind = 27
	PartyMatchmakerTicket Kind = 47
	PartyData             Kind = 48
)

const fieldCID = 1

// kinds are all kinds by their JSON names.
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

// Envelope is what was found in a received message. The slices point into
// the message.
type Envelope struct {
	CID  int // -1 when absent or not a number
	Kind Kind
	// Data is the data of a MatchData: base64 text in JSON, else bytes.
	Data []byte
}

// StampSize is how many bytes of match data a time stamp takes. It is a
// multiple of three so that it fills whole base64 groups.
const StampSize = 9

// Codec is one wire format.
type Codec interface {
	// Name is the value of the format query parameter.
	Name() string
	// Text says whether frames are text frames.
	Text() bool

	// RPC asks for the function id with a payload.
	RPC(cid int, id, payload string) []byte
	// MatchDataSend sends data to a match. Offset is where the data begins in
	// the message, for Stamp.
	MatchDataSend(matchID string, opCode int64, data []byte) (message []byte, offset int)
	// MatchData is what a server makes of MatchDataSend for the receivers,
	// with a sender when one is given.
	MatchData(matchID string, sender *Presence, opCode int64, data []byte) (message []byte, offset int)

	// Build makes any message, with a cid when that is not negative. It is the
	// protocol library's work: too slow for every message of a load.
	Build(cid int, m *rtapi.Envelope) []byte
	// Read is the whole of a received message, with the library as well.
	Read(message []byte) (*rtapi.Envelope, error)

	// Scan finds the parts of a received message.
	Scan(message []byte) Envelope

	// Stamp writes a time in nanoseconds over the first StampSize bytes of
	// the data at offset of a message built here.
	Stamp(message []byte, offset int, nanos int64)
	// Stamped reads that time back out of Envelope.Data; 0 when it is short.
	Stamped(data []byte) int64
}

// Presence is a sender in match data.
type Presence struct{ UserID, SessionID, Username string }

// ByName finds a codec by its format name, json or protobuf.
func ByName(name string) (Codec, error) {
	switch name {
	case "json":
		return JSON{}, nil
	case "protobuf":
		return Protobuf{}, nil
	}
	return nil, fmt.Errorf("unknown format %q: use json or protobuf", name)
}

// Mark is text that carries a time through fields of text, as a chat message
// has, in either format: no server has cause to change its letters.
const Mark = "sent@AAAAAAAAAAA"

const markName = len("sent@")

// SetMark writes a time in nanoseconds into the Mark within a message.
func SetMark(message []byte, nanos int64) {
	if i := bytes.Index(message, []byte(Mark[:markName])); i >= 0 && len(message) >= i+len(Mark) {
		var raw [8]byte
		binary.BigEndian.PutUint64(raw[:], uint64(nanos))
		base64.RawURLEncoding.Encode(message[i+markName:], raw[:])
	}
}

// MarkIn reads that time back; 0 when there is none.
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

// withCID is m with that cid; setting it is fine, callers build m for this.
func withCID(cid int, m *rtapi.Envelope) *rtapi.Envelope {
	if cid >= 0 {
		m.Cid = strconv.Itoa(cid)
	}
	return m
}
