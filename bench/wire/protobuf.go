package wire

import (
	"encoding/binary"
	"fmt"
	"strconv"

	"github.com/heroiclabs/nakama-common/rtapi"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
)

// Protobuf is the binary format.
type Protobuf struct{}

// Name returns "protobuf".
func (Protobuf) Name() string { return "protobuf" }

// Text returns false.
func (Protobuf) Text() bool { return false }

// RPC implements Codec.
func (Protobuf) RPC(cid int, id, payload string) []byte {
	return message(cid, RPC, text(text(nil, 1, id), 2, payload))
}

// MatchDataSend implements Codec.
func (Protobuf) MatchDataSend(matchID string, opCode int64, data []byte) ([]byte, int) {
	b := text(nil, 1, matchID)
	b = varint(b, 2, uint64(opCode))
	b = text(b, 3, string(data))
	tail := len(b) - len(data)
	b = varint(b, 5, 1)
	m := message(-1, matchDataSend, b)
	return m, len(m) - len(b) + tail
}

// MatchData implements Codec.
func (Protobuf) MatchData(matchID string, sender *Presence, opCode int64, data []byte) ([]byte, int) {
	b := text(nil, 1, matchID)
	if sender != nil {
		p := text(text(text(nil, 1, sender.UserID), 2, sender.SessionID), 3, sender.Username)
		b = text(b, 2, string(p))
	}
	b = varint(b, 3, uint64(opCode))
	b = text(b, 4, string(data))
	tail := len(b) - len(data)
	b = varint(b, 5, 1)
	m := message(-1, MatchData, b)
	return m, len(m) - len(b) + tail
}

// matchDataSend is only sent, so it is not among the exported kinds.
const matchDataSend Kind = 15

func message(cid int, kind Kind, body []byte) []byte {
	var b []byte
	if cid >= 0 {
		b = text(b, fieldCID, strconv.Itoa(cid))
	}
	b = protowire.AppendTag(b, protowire.Number(kind), protowire.BytesType)
	return protowire.AppendBytes(b, body)
}

func text(b []byte, field protowire.Number, s string) []byte {
	return protowire.AppendString(protowire.AppendTag(b, field, protowire.BytesType), s)
}

func varint(b []byte, field protowire.Number, v uint64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(b, field, protowire.VarintType), v)
}

// Scan implements Codec.
func (Protobuf) Scan(message []byte) Envelope {
	env := Envelope{CID: -1}
	for len(message) > 0 {
		field, body, n := next(message)
		if n < 0 {
			return Envelope{CID: -1}
		}
		message = message[n:]
		switch kind := Kind(field); {
		case field == fieldCID:
			env.CID = atoi(body)
		case field < 1<<8:
			env.Kind = kind
			if kind == MatchData {
				env.Data = find(body, 4)
			}
		}
	}
	return env
}

// next reads one field; body is nil unless it is length-delimited.
func next(b []byte) (field protowire.Number, body []byte, n int) {
	field, kind, n := protowire.ConsumeTag(b)
	if n < 0 {
		return 0, nil, n
	}
	if kind == protowire.BytesType {
		body, m := protowire.ConsumeBytes(b[n:])
		if m < 0 {
			return 0, nil, m
		}
		return field, body, n + m
	}
	m := protowire.ConsumeFieldValue(field, kind, b[n:])
	if m < 0 {
		return 0, nil, m
	}
	return field, nil, n + m
}

// find returns the first length-delimited field with that number.
func find(b []byte, want protowire.Number) []byte {
	for len(b) > 0 {
		field, body, n := next(b)
		if n < 0 {
			return nil
		}
		if field == want {
			return body
		}
		b = b[n:]
	}
	return nil
}

// Build implements Codec.
func (Protobuf) Build(cid int, m *rtapi.Envelope) []byte {
	b, err := proto.Marshal(withCID(cid, m))
	if err != nil {
		panic(err) // cannot happen: only text that is not UTF-8 fails
	}
	return b
}

// Read implements Codec.
func (Protobuf) Read(message []byte) (*rtapi.Envelope, error) {
	var m rtapi.Envelope
	if err := proto.Unmarshal(message, &m); err != nil {
		return nil, fmt.Errorf("read message: %w", err)
	}
	return &m, nil
}

// Stamp implements Codec.
func (Protobuf) Stamp(message []byte, offset int, nanos int64) {
	binary.BigEndian.PutUint64(message[offset:], uint64(nanos))
}

// Stamped implements Codec.
func (Protobuf) Stamped(data []byte) int64 {
	if len(data) < StampSize {
		return 0
	}
	return int64(binary.BigEndian.Uint64(data))
}
