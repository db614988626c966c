package presence

import (
	"encoding/base64"
	"strings"
	"unicode/utf8"

	"github.com/heroiclabs/nakama-common/rtapi"
)

// The readers below know the kinds that clients send all the time, in the shape
// in which clients write them. Whatever else they meet, right or wrong, makes
// them give up (nil), and the library decides. What they do accept they read
// exactly as the library does.

// Each of these is an envelope in one allocation.
type (
	dataEnvelope struct {
		env  rtapi.Envelope
		wrap rtapi.Envelope_MatchDataSend
		data rtapi.MatchDataSend
	}
	pingEnvelope struct {
		env  rtapi.Envelope
		wrap rtapi.Envelope_Ping
		ping rtapi.Ping
	}
)

func newData() *dataEnvelope {
	e := new(dataEnvelope)
	e.wrap.MatchDataSend = &e.data
	e.env.Message = &e.wrap
	return e
}

func newPing() *pingEnvelope {
	e := new(pingEnvelope)
	e.wrap.Ping = &e.ping
	e.env.Message = &e.wrap
	return e
}

// readJSON reads match_data_send, channel_message_send and ping envelopes; calls
// are for ReadRPC.
func readJSON(frame []byte) *rtapi.Envelope {
	if !utf8.Valid(frame) {
		return nil
	}
	// One copy; the texts are parts of it.
	r := jsonReader{s: string(frame)}
	var env *rtapi.Envelope
	var cid string
	hasCID := false
	if !r.begin() {
		return nil
	}
	for first := true; !r.end(); first = false {
		key, ok := r.member(first)
		if !ok {
			return nil
		}
		switch {
		case key == "cid" && !hasCID:
			hasCID = true
			if cid, ok = r.text(); !ok {
				return nil
			}
		case key == "match_data_send" && env == nil:
			env = r.data()
		case key == "channel_message_send" && env == nil:
			env = r.channelMessageSend()
		case key == "ping" && env == nil:
			env = r.ping()
		default:
			return nil
		}
		if r.bad {
			return nil
		}
	}
	if env == nil || r.bad || !r.done() {
		return nil
	}
	env.Cid = cid
	return env
}

// jsonReader reads the JSON of s from i on. bad is set once it has met what it
// does not know.
type jsonReader struct {
	s   string
	i   int
	bad bool
}

func (r *jsonReader) space() {
	for r.i < len(r.s) {
		switch r.s[r.i] {
		case ' ', '\t', '\n', '\r':
			r.i++
		default:
			return
		}
	}
}

// next takes c after white space, if it is there.
func (r *jsonReader) next(c byte) bool {
	r.space()
	if r.i < len(r.s) && r.s[r.i] == c {
		r.i++
		return true
	}
	return false
}

func (r *jsonReader) begin() bool { return r.next('{') }

// end takes the end of an object. At the end of the text it reports an end,
// too, with bad set.
func (r *jsonReader) end() bool {
	if r.bad || r.i >= len(r.s) {
		r.bad = true
		return true
	}
	return r.next('}')
}

func (r *jsonReader) done() bool {
	r.space()
	return r.i == len(r.s)
}

// member takes a member's name and colon, and the comma before all but the
// first.
func (r *jsonReader) member(first bool) (string, bool) {
	if !first && !r.next(',') {
		return "", false
	}
	key, ok := r.text()
	return key, ok && r.next(':')
}

// text takes a string. Escapes other than \u are resolved.
func (r *jsonReader) text() (string, bool) {
	if !r.next('"') {
		return "", false
	}
	from := r.i
	for i := from; i < len(r.s); i++ {
		switch c := r.s[i]; {
		case c == '"':
			r.i = i + 1
			return r.s[from:i], true
		case c == '\\':
			return r.escaped(from, i)
		case c < ' ':
			return "", false
		}
	}
	return "", false
}

// escaped takes the rest of a string whose first escape is at i.
func (r *jsonReader) escaped(from, i int) (string, bool) {
	var b strings.Builder
	// Most of what follows is usually part of the string.
	b.Grow(len(r.s) - from)
	b.WriteString(r.s[from:i])
	for i < len(r.s) {
		c := r.s[i]
		switch {
		case c == '"':
			r.i = i + 1
			return b.String(), true
		case c < ' ':
			return "", false
		case c != '\\':
			to := i + 1
			for to < len(r.s) && r.s[to] != '"' && r.s[to] != '\\' && r.s[to] >= ' ' {
				to++
			}
			b.WriteString(r.s[i:to])
			i = to
			continue
		}
		if i+1 >= len(r.s) {
			return "", false
		}
		switch r.s[i+1] {
		case '"', '\\', '/':
			b.WriteByte(r.s[i+1])
		case 'b':
			b.WriteByte('\b')
		case 'f':
			b.WriteByte('\f')
		case 'n':
			b.WriteByte('\n')
		case 'r':
			b.WriteByte('\r')
		case 't':
			b.WriteByte('\t')
		default:
			return "", false
		}
		i += 2
	}
	return "", false
}

// whole takes a number of at most 18 digits, with or without quotes.
func (r *jsonReader) whole() (n int64, ok bool) {
	r.space()
	quoted := r.i < len(r.s) && r.s[r.i] == '"'
	if quoted {
		r.i++
	}
	negative := r.i < len(r.s) && r.s[r.i] == '-'
	if negative {
		r.i++
	}
	from := r.i
	for r.i < len(r.s) && r.s[r.i] >= '0' && r.s[r.i] <= '9' {
		n = n*10 + int64(r.s[r.i]-'0')
		r.i++
	}
	digits := r.i - from
	if digits == 0 || digits > 18 || digits > 1 && r.s[from] == '0' {
		return 0, false
	}
	if negative {
		n = -n
	}
	if quoted {
		if r.i >= len(r.s) || r.s[r.i] != '"' {
			return 0, false
		}
		r.i++
		return n, true
	}
	// 1.0 and 1e3 are whole numbers too, for the library to read.
	return n, r.i < len(r.s) && (r.s[r.i] == ',' || r.s[r.i] == '}')
}

func (r *jsonReader) yesNo() (yes, ok bool) {
	r.space()
	rest := r.s[r.i:]
	for _, word := range []string{"true", "false"} {
		if strings.HasPrefix(rest, word) {
			r.i += len(word)
			return word == "true", r.i < len(r.s) && (r.s[r.i] == ',' || r.s[r.i] == '}')
		}
	}
	return false, false
}

func (r *jsonReader) fail() *rtapi.Envelope {
	r.bad = true
	return nil
}

// textField is a member of an object whose value is a string.
type textField struct {
	name string
	to   *string
}

// texts takes an object that has nothing but strings in it, each at most once.
func (r *jsonReader) texts(fields ...textField) bool {
	if !r.begin() {
		r.bad = true
		return false
	}
	seen := 0
	for first := true; !r.end(); first = false {
		key, ok := r.member(first)
		at := 0
		for at < len(fields) && fields[at].name != key {
			at++
		}
		if !ok || at == len(fields) || seen&(1<<at) != 0 {
			r.bad = true
			return false
		}
		seen |= 1 << at
		if *fields[at].to, ok = r.text(); !ok {
			r.bad = true
			return false
		}
	}
	return true
}

func (r *jsonReader) data() *rtapi.Envelope {
	if !r.begin() {
		return r.fail()
	}
	e := newData()
	seen := 0
	for first := true; !r.end(); first = false {
		key, ok := r.member(first)
		if !ok {
			return r.fail()
		}
		field := 0
		switch key {
		case "match_id":
			field = 1
			e.data.MatchId, ok = r.text()
		case "op_code":
			field = 2
			e.data.OpCode, ok = r.whole()
		case "data":
			field = 4
			e.data.Data, ok = r.base64()
		case "presences":
			field = 8
			ok = r.next('[') && r.next(']')
		case "reliable":
			field = 16
			e.data.Reliable, ok = r.yesNo()
		default:
			ok = false
		}
		if !ok || seen&field != 0 {
			return r.fail()
		}
		seen |= field
	}
	return &e.env
}

func (r *jsonReader) base64() ([]byte, bool) {
	text, ok := r.text()
	if !ok || len(text)%4 != 0 || strings.ContainsAny(text, "-_\r\n") {
		return nil, false
	}
	if text == "" {
		return nil, true
	}
	b := make([]byte, base64.StdEncoding.DecodedLen(len(text)))
	n, err := base64.StdEncoding.Decode(b, []byte(text))
	return b[:n], err == nil
}

func (r *jsonReader) ping() *rtapi.Envelope {
	if !r.begin() || !r.next('}') {
		return r.fail()
	}
	return &newPing().env
}
