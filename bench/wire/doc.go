// Package wire builds and reads the few realtime messages the load generator
// uses, as bytes, in both wire formats. Nothing here reflects or allocates per
// message: requests are built once and sent again and again, replies are only
// scanned for what the generator needs. A Codec has no state and may be used
// from any goroutine.
package wire

import "fmt"

// Kind says what a received envelope holds, as far as the generator cares.
type Kind uint8

// The kinds a Codec tells apart.
const (
	Other Kind = iota
	RPC
	Error
	Match
	MatchData
)

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
	// MatchCreate asks for a relayed match.
	MatchCreate(cid int) []byte
	// MatchJoin asks to join a match.
	MatchJoin(cid int, matchID string) []byte
	// MatchDataSend sends data to a match. Offset is where the data begins in
	// the message, for Stamp.
	MatchDataSend(matchID string, opCode int64, data []byte) (message []byte, offset int)
	// MatchData is what a server makes of MatchDataSend for the receivers,
	// with a sender when one is given.
	MatchData(matchID string, sender *Presence, opCode int64, data []byte) (message []byte, offset int)

	// Scan finds the parts of a received message.
	Scan(message []byte) Envelope
	// MatchID reads the id out of a message of kind Match.
	MatchID(message []byte) (string, error)

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
