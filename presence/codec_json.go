package presence

import (
	"encoding/base64"
	"strconv"
	"unicode/utf8"

	"github.com/heroiclabs/nakama-common/rtapi"
)

// The writers below produce what protojson does, compactly: fields in order of
// their numbers, zero values left out, 64-bit numbers as text. Text that is not
// UTF-8 makes them give up, so that the library names the error.

// hotJSON writes the kinds of envelope that are sent often.
func hotJSON(env *rtapi.Envelope) ([]byte, bool) {
	w := jsonWriter{ok: true}
	switch m := env.Message.(type) {
	case *rtapi.Envelope_Rpc:
		return rpcJSON(env.Cid, m.Rpc.GetId(), m.Rpc.GetPayload(), m.Rpc.GetHttpKey())
	case *rtapi.Envelope_MatchData:
		w.b = make([]byte, 0, 256+base64.StdEncoding.EncodedLen(len(m.MatchData.GetData())))
		w.open(env.Cid)
		w.key("match_data")
		w.matchData(m.MatchData)
	case *rtapi.Envelope_StreamData:
		w.b = make([]byte, 0, 256+len(m.StreamData.GetData())*9/8)
		w.open(env.Cid)
		w.key("stream_data")
		w.streamData(m.StreamData)
	case *rtapi.Envelope_MatchPresenceEvent:
		e := m.MatchPresenceEvent
		w.b = make([]byte, 0, 128+160*(len(e.GetJoins())+len(e.GetLeaves())))
		w.open(env.Cid)
		w.key("match_presence_event")
		w.begin()
		w.str("match_id", e.GetMatchId())
		w.presences("joins", e.GetJoins())
		w.presences("leaves", e.GetLeaves())
		w.end()
	case *rtapi.Envelope_Error:
		if len(m.Error.GetContext()) > 0 {
			return nil, false
		}
		w.b = make([]byte, 0, 64+len(env.Cid)+len(m.Error.GetMessage()))
		w.open(env.Cid)
		w.key("error")
		w.begin()
		if c := m.Error.GetCode(); c != 0 {
			w.key("code")
			w.b = strconv.AppendInt(w.b, int64(c), 10)
		}
		w.str("message", m.Error.GetMessage())
		w.end()
	case *rtapi.Envelope_Pong:
		w.b = make([]byte, 0, 32+len(env.Cid))
		w.open(env.Cid)
		w.key("pong")
		w.b = append(w.b, '{', '}')
	case nil:
		w.b = make([]byte, 0, 16+len(env.Cid))
		w.open(env.Cid)
	default:
		var known bool
		if w, known = chatJSON(env); !known {
			if w, known = matchmakerJSON(env); !known {
				return nil, false
			}
		}
	}
	w.end()
	return w.b, w.ok
}

// jsonWriter appends to b. ok turns false for text that is not UTF-8.
type jsonWriter struct {
	b  []byte
	ok bool
}

func (w *jsonWriter) open(cid string) {
	w.begin()
	w.str("cid", cid)
}

func (w *jsonWriter) begin() { w.b = append(w.b, '{') }
func (w *jsonWriter) end()   { w.b = append(w.b, '}') }

// key writes a member name, after a comma unless it is the first.
func (w *jsonWriter) key(name string) {
	if w.b[len(w.b)-1] != '{' {
		w.b = append(w.b, ',')
	}
	w.b = append(w.b, '"')
	w.b = append(w.b, name...)
	w.b = append(w.b, '"', ':')
}

func (w *jsonWriter) str(name, value string) {
	if value == "" {
		return
	}
	w.key(name)
	w.text(value)
}

func (w *jsonWriter) yes(name string, value bool) {
	if value {
		w.key(name)
		w.b = append(w.b, "true"...)
	}
}

func (w *jsonWriter) long(name string, value int64) {
	if value != 0 {
		w.key(name)
		w.b = append(w.b, '"')
		w.b = strconv.AppendInt(w.b, value, 10)
		w.b = append(w.b, '"')
	}
}

func (w *jsonWriter) bytes(name string, value []byte) {
	if len(value) > 0 {
		w.key(name)
		w.b = append(w.b, '"')
		w.b = base64.StdEncoding.AppendEncode(w.b, value)
		w.b = append(w.b, '"')
	}
}

const hexDigits = "0123456789abcdef"

// text writes a string with the escapes that protojson writes: the quote, the
// backslash and control characters, nothing else.
func (w *jsonWriter) text(s string) {
	w.b = append(w.b, '"')
	from, ascii := 0, true
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' {
			ascii = ascii && c < utf8.RuneSelf
			continue
		}
		w.b = append(w.b, s[from:i]...)
		from = i + 1
		switch c {
		case '"', '\\':
			w.b = append(w.b, '\\', c)
		case '\b':
			w.b = append(w.b, '\\', 'b')
		case '\f':
			w.b = append(w.b, '\\', 'f')
		case '\n':
			w.b = append(w.b, '\\', 'n')
		case '\r':
			w.b = append(w.b, '\\', 'r')
		case '\t':
			w.b = append(w.b, '\\', 't')
		default:
			w.b = append(w.b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
	}
	w.b = append(w.b, s[from:]...)
	w.b = append(w.b, '"')
	if !ascii && !utf8.ValidString(s) {
		w.ok = false
	}
}

func (w *jsonWriter) matchData(d *rtapi.MatchData) {
	w.begin()
	w.str("match_id", d.GetMatchId())
	if d.GetPresence() != nil {
		w.key("presence")
		w.presence(d.GetPresence())
	}
	w.long("op_code", d.GetOpCode())
	w.bytes("data", d.GetData())
	w.yes("reliable", d.GetReliable())
	w.end()
}

func (w *jsonWriter) streamData(d *rtapi.StreamData) {
	w.begin()
	if s := d.GetStream(); s != nil {
		w.key("stream")
		w.begin()
		if s.GetMode() != 0 {
			w.key("mode")
			w.b = strconv.AppendInt(w.b, int64(s.GetMode()), 10)
		}
		w.str("subject", s.GetSubject())
		w.str("subcontext", s.GetSubcontext())
		w.str("label", s.GetLabel())
		w.end()
	}
	if d.GetSender() != nil {
		w.key("sender")
		w.presence(d.GetSender())
	}
	w.str("data", d.GetData())
	w.yes("reliable", d.GetReliable())
	w.end()
}

func (w *jsonWriter) presences(name string, all []*rtapi.UserPresence) {
	if len(all) == 0 {
		return
	}
	w.key(name)
	w.b = append(w.b, '[')
	for i, p := range all {
		if i > 0 {
			w.b = append(w.b, ',')
		}
		w.presence(p)
	}
	w.b = append(w.b, ']')
}

func (w *jsonWriter) presence(p *rtapi.UserPresence) {
	w.begin()
	w.str("user_id", p.GetUserId())
	w.str("session_id", p.GetSessionId())
	w.str("username", p.GetUsername())
	w.yes("persistence", p.GetPersistence())
	if p.GetStatus() != nil {
		w.key("status")
		w.text(p.GetStatus().GetValue())
	}
	w.end()
}
