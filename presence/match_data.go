package presence

import (
	"encoding/base64"
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"

	"kumi/internal/json"
)

// matchData is the content of a match_data envelope, encoded without making an
// envelope.
type matchData struct {
	matchID                 string
	hasSender               bool
	user, session, username string
	opCode                  int64
	data                    []byte
	reliable                bool
}

type matchDataMessage struct {
	Message
	matchData
}

// NewMatchData makes a match_data message; sender is nil for the server. data
// must not be modified until the message has been sent.
func NewMatchData(matchID string, sender *Presence, opCode int64, data []byte, reliable bool) *Message {
	m := &matchDataMessage{matchData: matchData{matchID: matchID, opCode: opCode, data: data, reliable: reliable}}
	if sender != nil {
		m.hasSender = true
		m.user, m.session, m.username = sender.UserID.String(), sender.Session.String(), sender.Username
	}
	m.from = m
	return &m.Message
}

// NewMatchDataFrom is NewMatchData with the sender as text, for senders that
// are not presences of this server.
func NewMatchDataFrom(matchID, user, session, username string, opCode int64, data []byte, reliable bool) *Message {
	m := &matchDataMessage{matchData: matchData{
		matchID: matchID, opCode: opCode, data: data, reliable: reliable,
		hasSender: true, user: user, session: session, username: username,
	}}
	m.from = m
	return &m.Message
}

func (m *matchDataMessage) encode(f Format) ([]byte, error) {
	if f == Protobuf {
		if !m.plain() {
			return nil, fmt.Errorf("write match data as protobuf: text is not UTF-8")
		}
		return m.appendProto(nil, ""), nil
	}
	var w json.Writer
	open(&w, 96+len(m.matchID)+len(m.user)+len(m.session)+len(m.username)*2+base64.StdEncoding.EncodedLen(len(m.data)), "", "match_data")
	w.Begin()
	w.String("match_id", m.matchID)
	if m.hasSender {
		w.Name("presence")
		w.Begin()
		w.String("user_id", m.user)
		w.String("session_id", m.session)
		w.String("username", m.username)
		w.End()
	}
	w.Int64("op_code", m.opCode)
	w.Bytes("data", m.data)
	w.Bool("reliable", m.reliable)
	w.End()
	w.End()
	if w.Bad {
		return nil, fmt.Errorf("write match data as JSON: text is not UTF-8")
	}
	return w.B, nil
}

func (d *matchData) plain() bool { return plain(d.matchID, d.user, d.session, d.username) }

func (d *matchData) appendProto(b []byte, cid string) []byte {
	sender := 0
	n := protoStringSize(1, d.matchID)
	if d.hasSender {
		sender = protoStringSize(1, d.user) + protoStringSize(2, d.session) + protoStringSize(3, d.username)
		n += protowire.SizeTag(2) + protowire.SizeBytes(sender)
	}
	if d.opCode != 0 {
		n += protowire.SizeTag(3) + protowire.SizeVarint(uint64(d.opCode))
	}
	if len(d.data) > 0 {
		n += protowire.SizeTag(4) + protowire.SizeBytes(len(d.data))
	}
	if d.reliable {
		n += protowire.SizeTag(5) + 1
	}
	if b == nil {
		b = make([]byte, 0, protoStringSize(1, cid)+protowire.SizeTag(14)+protowire.SizeBytes(n))
	}
	b = appendProtoString(b, 1, cid)
	b = protowire.AppendTag(b, 14, protowire.BytesType)
	b = protowire.AppendVarint(b, uint64(n))
	b = appendProtoString(b, 1, d.matchID)
	if d.hasSender {
		b = protowire.AppendTag(b, 2, protowire.BytesType)
		b = protowire.AppendVarint(b, uint64(sender))
		b = appendProtoString(b, 1, d.user)
		b = appendProtoString(b, 2, d.session)
		b = appendProtoString(b, 3, d.username)
	}
	if d.opCode != 0 {
		b = protowire.AppendTag(b, 3, protowire.VarintType)
		b = protowire.AppendVarint(b, uint64(d.opCode))
	}
	if len(d.data) > 0 {
		b = protowire.AppendTag(b, 4, protowire.BytesType)
		b = protowire.AppendBytes(b, d.data)
	}
	if d.reliable {
		b = protowire.AppendTag(b, 5, protowire.VarintType)
		b = protowire.AppendVarint(b, 1)
	}
	return b
}
