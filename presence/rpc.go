package presence

import (
	"bytes"
	"errors"
	"fmt"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"

	"kumi/internal/json"
)

// RPC is a call over a socket, or its answer. It is the most frequent message,
// so it is read and written without making an envelope.
type RPC struct{ CID, ID, Payload string }

// ReadRPC reads a call in the form in which clients write it. For anything
// else ok is false and q is empty: use Decode. The strings are copies.
func ReadRPC(frame []byte, f Format) (q RPC, ok bool) {
	if f == Protobuf {
		ok = q.readProto(frame)
	} else {
		ok = q.readJSON(frame)
	}
	if !ok {
		q = RPC{} // discard what was read so far
	}
	return q, ok
}

var rpcField = []byte(`"rpc"`)

func (q *RPC) readJSON(frame []byte) bool {
	if !bytes.Contains(frame, rpcField) { // other messages are not copied
		return false
	}
	r := newJSONReader(string(frame))
	hasRPC := false
	r.fields(func(name string) bool {
		switch name {
		case "cid":
			q.CID = r.String()
		case "rpc":
			hasRPC = true
			r.fields(func(name string) bool {
				switch name {
				case "id":
					q.ID = r.String()
				case "payload":
					q.Payload = r.String()
				case "http_key": // for calls over HTTP
					_ = r.String()
				default:
					return false
				}
				return true
			})
		default:
			return false
		}
		return true
	})
	r.End()
	return r.Err() == nil && hasRPC
}

func (q *RPC) readProto(frame []byte) bool {
	var hasCID, hasRPC bool
	for b := frame; len(b) > 0; {
		num, value, rest, ok := textOfProto(b)
		switch {
		case !ok:
			return false
		case num == 1 && !hasCID && utf8.Valid(value):
			hasCID, q.CID = true, string(value)
		case num == 24 && !hasRPC:
			hasRPC = true
			for b := value; len(b) > 0; {
				num, value, rest, ok := textOfProto(b)
				if !ok || !utf8.Valid(value) {
					return false
				}
				switch num {
				case 1:
					q.ID = string(value)
				case 2:
					q.Payload = string(value)
				case 3: // http_key, for calls over HTTP
				default:
					return false
				}
				b = rest
			}
		default:
			return false
		}
		b = rest
	}
	return hasRPC
}

// textOfProto reads a length-delimited field.
func textOfProto(b []byte) (num protowire.Number, value, rest []byte, ok bool) {
	num, kind, n := protowire.ConsumeTag(b)
	if n < 0 || kind != protowire.BytesType {
		return 0, nil, nil, false
	}
	value, m := protowire.ConsumeBytes(b[n:])
	if m < 0 {
		return 0, nil, nil, false
	}
	return num, value, b[n+m:], true
}

// written is a message encoded when it was made, in one format.
type written struct {
	Message
	encoded
}

var errWritten = errors.New("the message was made for one session, which has another format")

func (*written) encode(Format) ([]byte, error) { return nil, errWritten }

// NewRPC makes the answer to a call, for a session of format f. It keeps
// nothing of q. It fails if a text is not UTF-8.
func NewRPC(q RPC, f Format) (*Message, error) {
	m := new(written)
	m.from = m
	var ok bool
	if f == Protobuf {
		m.bytes, ok = rpcProto(q.CID, q.ID, q.Payload, "")
	} else {
		m.bytes, ok = rpcJSON(q.CID, q.ID, q.Payload, "")
	}
	if !ok {
		return nil, fmt.Errorf("write the answer of an RPC as %s: text is not UTF-8", f)
	}
	m.Message.encoded[f].Store(&m.encoded)
	return &m.Message, nil
}

// rpcJSON writes an envelope with an RPC; ok is false for text that is not UTF-8.
func rpcJSON(cid, id, payload, httpKey string) (b []byte, ok bool) {
	var w json.Writer
	open(&w, 48+len(id)+len(payload)*5/4, cid, "rpc") // about every fifth byte of JSON is a quote, which is escaped
	w.Begin()
	w.String("id", id)
	w.String("payload", payload)
	w.String("http_key", httpKey)
	w.End()
	w.End()
	return w.B, !w.Bad
}

// rpcProto is rpcJSON in protobuf.
func rpcProto(cid, id, payload, httpKey string) (b []byte, ok bool) {
	if !plain(cid, id, payload, httpKey) {
		return nil, false
	}
	n := protoStringSize(1, id) + protoStringSize(2, payload) + protoStringSize(3, httpKey)
	b = make([]byte, 0, protoStringSize(1, cid)+3+protowire.SizeBytes(n))
	b = appendProtoString(b, 1, cid)
	b = protowire.AppendTag(b, 24, protowire.BytesType)
	b = protowire.AppendVarint(b, uint64(n))
	b = appendProtoString(b, 1, id)
	b = appendProtoString(b, 2, payload)
	return appendProtoString(b, 3, httpKey), true
}
