package wire

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/heroiclabs/nakama-common/rtapi"
	"google.golang.org/protobuf/encoding/protojson"
)

// JSON is the text format.
type JSON struct{}

// Name returns "json".
func (JSON) Name() string { return "json" }

// Text returns true.
func (JSON) Text() bool { return true }

// RPC implements Codec.
func (JSON) RPC(cid int, id, payload string) []byte {
	b := appendCID(nil, cid)
	b = append(b, `,"rpc":{"id":`...)
	b = appendText(b, id)
	b = append(b, `,"payload":`...)
	b = appendText(b, payload)
	return append(b, "}}"...)
}

// MatchDataSend implements Codec.
func (JSON) MatchDataSend(matchID string, opCode int64, data []byte) ([]byte, int) {
	b := append([]byte(nil), `{"match_data_send":{"match_id":`...)
	return appendData(appendText(b, matchID), opCode, data)
}

// MatchData implements Codec.
func (JSON) MatchData(matchID string, sender *Presence, opCode int64, data []byte) ([]byte, int) {
	b := append([]byte(nil), `{"match_data":{"match_id":`...)
	b = appendText(b, matchID)
	if sender != nil {
		b = append(b, `,"presence":{"user_id":`...)
		b = appendText(b, sender.UserID)
		b = append(b, `,"session_id":`...)
		b = appendText(b, sender.SessionID)
		b = append(b, `,"username":`...)
		b = append(appendText(b, sender.Username), '}')
	}
	return appendData(b, opCode, data)
}

func appendCID(b []byte, cid int) []byte {
	b = append(b, `{"cid":"`...)
	b = strconv.AppendInt(b, int64(cid), 10)
	return append(b, '"')
}

// appendText is for messages built once, so the library's quoting is fast
// enough.
func appendText(b []byte, s string) []byte {
	quoted, _ := json.Marshal(s)
	return append(b, quoted...)
}

func appendData(b []byte, opCode int64, data []byte) ([]byte, int) {
	b = append(b, `,"op_code":"`...)
	b = strconv.AppendInt(b, opCode, 10)
	b = append(b, `","data":"`...)
	offset := len(b)
	b = base64.StdEncoding.AppendEncode(b, data)
	return append(b, `","reliable":true}}`...), offset
}

var (
	cidKey  = []byte(`"cid":`)
	dataKey = []byte(`"data":`)
)

// Scan relies on two facts: servers write the message name first or right
// after the cid, and quotes inside strings are escaped, so that a key in
// quotes is found only where it is a key.
func (JSON) Scan(message []byte) Envelope {
	env := Envelope{CID: -1}
	rest := skipTo(message, '{')
	if cid := trimSpace(rest); bytes.HasPrefix(cid, cidKey) {
		text, after := quoted(cid[len(cidKey):])
		env.CID = atoi(text)
		rest = skipTo(after, ',')
	}
	name, rest := quoted(rest)
	env.Kind = kinds[string(name)] // the compiler does not allocate for this
	if env.Kind == MatchData {
		if i := bytes.Index(rest, dataKey); i >= 0 {
			env.Data, _ = quoted(rest[i+len(dataKey):])
		}
	}
	if env.CID < 0 && env.Kind != MatchData {
		// Other servers may write the cid last.
		if i := bytes.LastIndex(message, cidKey); i >= 0 {
			text, _ := quoted(message[i+len(cidKey):])
			env.CID = atoi(text)
		}
	}
	return env
}

// skipTo returns what follows the first c, nil if there is none.
func skipTo(b []byte, c byte) []byte {
	if i := bytes.IndexByte(b, c); i >= 0 {
		return b[i+1:]
	}
	return nil
}

func trimSpace(b []byte) []byte {
	for len(b) > 0 && (b[0] == ' ' || b[0] == '\n' || b[0] == '\t') {
		b = b[1:]
	}
	return b
}

// quoted returns the text between the next two quotes, and what follows.
func quoted(b []byte) (text, rest []byte) {
	b = skipTo(b, '"')
	if i := bytes.IndexByte(b, '"'); i >= 0 {
		return b[:i], b[i+1:]
	}
	return nil, nil
}

func atoi(text []byte) int {
	if len(text) == 0 || len(text) > 9 {
		return -1
	}
	n := 0
	for _, c := range text {
		if c < '0' || c > '9' {
			return -1
		}
		n = n*10 + int(c-'0')
	}
	return n
}

// Build implements Codec.
func (JSON) Build(cid int, m *rtapi.Envelope) []byte {
	var b bytes.Buffer
	// The library varies its white space.
	if err := json.Compact(&b, []byte(protojson.MarshalOptions{UseProtoNames: true}.Format(withCID(cid, m)))); err != nil {
		panic(err) // cannot happen: the library wrote it
	}
	return b.Bytes()
}

// Read implements Codec.
func (JSON) Read(message []byte) (*rtapi.Envelope, error) {
	var m rtapi.Envelope
	if err := (protojson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(message, &m); err != nil {
		return nil, fmt.Errorf("read message: %w", err)
	}
	return &m, nil
}

// Stamp implements Codec.
func (JSON) Stamp(message []byte, offset int, nanos int64) {
	var raw [StampSize]byte
	binary.BigEndian.PutUint64(raw[:], uint64(nanos))
	base64.StdEncoding.Encode(message[offset:], raw[:])
}

// Stamped implements Codec.
func (JSON) Stamped(data []byte) int64 {
	const encoded = StampSize / 3 * 4
	var raw [StampSize]byte
	if len(data) < encoded {
		return 0
	}
	if _, err := base64.StdEncoding.Decode(raw[:], data[:encoded]); err != nil {
		return 0
	}
	return int64(binary.BigEndian.Uint64(raw[:]))
}
