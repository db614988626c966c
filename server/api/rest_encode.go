package api

import (
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/heroiclabs/nakama-common/api"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// toJSON writes answers: names as in the protocol files, enums as numbers,
// nothing that is zero.
var toJSON = protojson.MarshalOptions{UseProtoNames: true, UseEnumNumbers: true}

// appendJSON writes a message in compact form. The messages of hot calls have
// their own code below, which gives the same bytes.
func appendJSON(b []byte, m proto.Message) ([]byte, error) {
	switch m := m.(type) {
	case *emptypb.Empty:
		return append(b, '{', '}'), nil
	case *api.Session:
		return appendSession(b, m), nil
	case *api.StorageObjectAcks:
		return appendAcks(b, m), nil
	case *api.StorageObjects:
		return appendObjects(b, m), nil
	}
	start := len(b)
	b, err := toJSON.MarshalAppend(b, m)
	if err != nil {
		return b[:start], err
	}
	return compactJSON(b, start), nil
}

// compactJSON takes the white space between tokens out of b[start:]. protojson
// puts some in, differently from build to build.
func compactJSON(b []byte, start int) []byte {
	out := b[:start]
	inString := false
	for i := start; i < len(b); i++ {
		c := b[i]
		if inString {
			out = append(out, c)
			switch c {
			case '\\':
				i++
				out = append(out, b[i])
			case '"':
				inString = false
			}
			continue
		}
		if c == ' ' || c == '\n' {
			continue
		}
		inString = c == '"'
		out = append(out, c)
	}
	return out
}

// object writes the fields of a JSON object, leaving out those that are zero.
type object struct {
	b     []byte
	empty bool
}

func beginObject(b []byte) object { return object{append(b, '{'), true} }

// name writes a field's name; names need no escapes.
func (o *object) name(name string) {
	if !o.empty {
		o.b = append(o.b, ',')
	}
	o.empty = false
	o.b = append(o.b, '"')
	o.b = append(o.b, name...)
	o.b = append(o.b, '"', ':')
}

func (o *object) str(name, value string) {
	if value != "" {
		o.name(name)
		o.b = appendString(o.b, value)
	}
}

func (o *object) int32(name string, value int32) {
	if value != 0 {
		o.name(name)
		o.b = strconv.AppendInt(o.b, int64(value), 10)
	}
}

func (o *object) time(name string, value *timestamppb.Timestamp) {
	if value != nil {
		o.name(name)
		o.b = appendTime(o.b, value)
	}
}

func (o *object) end() []byte { return append(o.b, '}') }

func appendSession(b []byte, s *api.Session) []byte {
	o := beginObject(b)
	if s.Created {
		o.name("created")
		o.b = append(o.b, "true"...)
	}
	o.str("token", s.Token)
	o.str("refresh_token", s.RefreshToken)
	return o.end()
}

func appendAcks(b []byte, acks *api.StorageObjectAcks) []byte {
	return appendList(b, "acks", acks.Acks, func(b []byte, a *api.StorageObjectAck) []byte {
		o := beginObject(b)
		o.str("collection", a.Collection)
		o.str("key", a.Key)
		o.str("version", a.Version)
		o.str("user_id", a.UserId)
		o.time("create_time", a.CreateTime)
		o.time("update_time", a.UpdateTime)
		return o.end()
	})
}

func appendObjects(b []byte, objects *api.StorageObjects) []byte {
	return appendList(b, "objects", objects.Objects, func(b []byte, s *api.StorageObject) []byte {
		o := beginObject(b)
		o.str("collection", s.Collection)
		o.str("key", s.Key)
		o.str("user_id", s.UserId)
		o.str("value", s.Value)
		o.str("version", s.Version)
		o.int32("permission_read", s.PermissionRead)
		o.int32("permission_write", s.PermissionWrite)
		o.time("create_time", s.CreateTime)
		o.time("update_time", s.UpdateTime)
		return o.end()
	})
}

// appendList writes an object with one list, or an empty one.
func appendList[T any](b []byte, name string, items []T, item func([]byte, T) []byte) []byte {
	o := beginObject(b)
	if len(items) > 0 {
		o.name(name)
		for i, it := range items {
			sep := byte(',')
			if i == 0 {
				sep = '['
			}
			o.b = item(append(o.b, sep), it)
		}
		o.b = append(o.b, ']')
	}
	return o.end()
}

// appendTime writes RFC 3339 in UTC with as many groups of three fractional
// digits as are needed.
func appendTime(b []byte, ts *timestamppb.Timestamp) []byte {
	t := time.Unix(ts.Seconds, 0).UTC()
	b = append(b, '"')
	b = t.AppendFormat(b, "2006-01-02T15:04:05")
	if n := ts.Nanos; n != 0 {
		digits, width := int64(n), 9
		for width > 3 && digits%1000 == 0 {
			digits, width = digits/1000, width-3
		}
		var fraction [10]byte
		fraction[0] = '.'
		for i := width; i > 0; i-- {
			fraction[i] = byte('0' + digits%10)
			digits /= 10
		}
		b = append(b, fraction[:width+1]...)
	}
	return append(b, 'Z', '"')
}

// appendString writes a JSON string: quotes, backslashes and control
// characters escaped, bytes that are no UTF-8 replaced, the rest as it is.
func appendString(b []byte, s string) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	done := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && size == 1 {
				b = append(b, s[done:i]...)
				b = append(b, "\ufffd"...)
				done = i + 1
			}
			i += size
			continue
		}
		if c >= ' ' && c != '"' && c != '\\' {
			i++
			continue
		}
		b = append(b, s[done:i]...)
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\n':
			b = append(b, '\\', 'n')
		case '\r':
			b = append(b, '\\', 'r')
		case '\t':
			b = append(b, '\\', 't')
		case '\b':
			b = append(b, '\\', 'b')
		case '\f':
			b = append(b, '\\', 'f')
		default:
			b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
		i++
		done = i
	}
	b = append(b, s[done:]...)
	return append(b, '"')
}
