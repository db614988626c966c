package presence

import (
	"encoding/base64"
	"slices"
	"strconv"
	"strings"

	"github.com/heroiclabs/nakama-common/rtapi"

	"kumi/internal/json"
)

// The readers below know the kinds of envelope that clients send all the time,
// in the shape in which clients write them. Whatever else they meet, right or
// wrong, makes them give up (nil), and protojson decides. What they do accept
// they read exactly as protojson does.

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
	chatEnvelope struct {
		env  rtapi.Envelope
		wrap rtapi.Envelope_ChannelMessageSend
		send rtapi.ChannelMessageSend
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

// jsonReader reads envelopes and makes sure that no field comes twice.
type jsonReader struct{ json.Reader }

func newJSONReader(frame string) jsonReader {
	r := jsonReader{json.NewReader(frame)}
	r.Strict = true
	return r
}

// fields takes an object of fields that read knows; read is false for those it
// does not know, or whose value it does not like. Each may come once.
func (r *jsonReader) fields(read func(name string) bool) {
	var seen [8]string
	n := 0
	for more := r.Open('{'); more; more = r.More('{') {
		name := r.Name()
		if n == len(seen) || slices.Contains(seen[:n], name) || !read(name) {
			r.Fail("it has another shape")
			return
		}
		seen[n] = name
		n++
	}
}

// readJSON reads match_data_send, channel_message_send and ping envelopes; calls
// are for ReadRPC.
func readJSON(frame []byte) *rtapi.Envelope {
	r := newJSONReader(string(frame)) // one copy; the texts are parts of it
	var env *rtapi.Envelope
	cid := ""
	r.fields(func(name string) bool {
		switch {
		case name == "cid":
			cid = r.String()
		case env != nil:
			return false
		case name == "match_data_send":
			env = r.data()
		case name == "channel_message_send":
			env = r.channelMessageSend()
		case name == "ping":
			env = &newPing().env
			return !r.Open('{')
		default:
			return false
		}
		return true
	})
	r.End()
	if env == nil || r.Err() != nil {
		return nil
	}
	env.Cid = cid
	return env
}

func (r *jsonReader) data() *rtapi.Envelope {
	e := newData()
	r.fields(func(name string) (ok bool) {
		switch name {
		case "match_id":
			e.data.MatchId = r.String()
		case "op_code":
			e.data.OpCode, ok = r.whole()
			return ok
		case "data":
			e.data.Data, ok = r.base64()
			return ok
		case "presences":
			return !r.Open('[')
		case "reliable":
			e.data.Reliable = r.Bool()
		default:
			return false
		}
		return true
	})
	return &e.env
}

func (r *jsonReader) channelMessageSend() *rtapi.Envelope {
	e := new(chatEnvelope)
	e.wrap.ChannelMessageSend = &e.send
	e.env.Message = &e.wrap
	r.fields(func(name string) bool {
		switch name {
		case "channel_id":
			e.send.ChannelId = r.String()
		case "content":
			e.send.Content = r.String()
		default:
			return false
		}
		return true
	})
	return &e.env
}

// whole takes a whole number of at most 18 digits, with or without quotes.
// protojson takes 1.0 and 1e3, too.
func (r *jsonReader) whole() (n int64, ok bool) {
	text := ""
	if r.Peek() == '"' {
		text = r.String()
	} else {
		text = r.Number()
	}
	digits := strings.TrimPrefix(text, "-")
	if digits == "" || len(digits) > 18 || len(digits) > 1 && digits[0] == '0' || digits[0] == '+' {
		return 0, false
	}
	n, err := strconv.ParseInt(text, 10, 64)
	return n, err == nil
}

func (r *jsonReader) base64() ([]byte, bool) {
	text := r.String()
	if len(text)%4 != 0 || strings.ContainsAny(text, "-_\r\n") {
		return nil, false
	}
	if text == "" {
		return nil, true
	}
	b := make([]byte, base64.StdEncoding.DecodedLen(len(text)))
	n, err := base64.StdEncoding.Decode(b, []byte(text))
	return b[:n], err == nil
}
