package presence

import (
	"bytes"
	"math"
	"strings"
	"testing"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/api"
	"github.com/heroiclabs/nakama-common/rtapi"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
	"google.golang.org/protobuf/types/known/wrapperspb"
	"pgregory.net/rapid"
)

// texts are strings with everything in them that needs care.
var texts = rapid.OneOf(
	rapid.Just(""),
	rapid.StringMatching(`[a-z0-9-]{1,40}`),
	rapid.String(),
	rapid.StringOf(rapid.SampledFrom([]rune("ab\"\\/\b\f\n\r\t\x00\x1f\x7f<>&é😀\u2028\ufffd"))),
	rapid.Map(rapid.SliceOfN(rapid.Byte(), 0, 6), func(b []byte) string { return string(b) }),
)

// Tests that run in parallel share texts: rapid would describe it when one of them
// first needs that, and race with the others.
func init() { _ = texts.String() }

func drawPresence(t *rapid.T) *rtapi.UserPresence {
	p := &rtapi.UserPresence{
		UserId: texts.Draw(t, "user"), SessionId: texts.Draw(t, "session"), Username: texts.Draw(t, "name"),
		Persistence: rapid.Bool().Draw(t, "persistence"),
	}
	if rapid.Bool().Draw(t, "has status") {
		p.Status = wrapperspb.String(texts.Draw(t, "status"))
	}
	return p
}

func maybePresence(t *rapid.T) *rtapi.UserPresence {
	if rapid.Bool().Draw(t, "has presence") {
		return drawPresence(t)
	}
	return nil
}

func drawPresences(t *rapid.T) []*rtapi.UserPresence {
	return rapid.SliceOfN(rapid.Custom(drawPresence), 0, 3).Draw(t, "presences")
}

func drawMatched(t *rapid.T) *rtapi.MatchmakerMatched_MatchmakerUser {
	return &rtapi.MatchmakerMatched_MatchmakerUser{
		Presence: maybePresence(t), PartyId: texts.Draw(t, "party"),
		StringProperties: rapid.MapOfN(texts, texts, 0, 3).Draw(t, "strings"),
		NumericProperties: rapid.MapOfN(texts, rapid.OneOf(rapid.Float64(), rapid.Float64Range(-1000, 1000),
			rapid.SampledFrom([]float64{0, 42, 1e-7, 1.5e-12, 1e20, 1e21, 1e300, math.Inf(1), math.Inf(-1), math.NaN(), math.Copysign(0, -1)})), 0, 3).Draw(t, "numbers"),
	}
}

func drawNotification(t *rapid.T) *api.Notification {
	return &api.Notification{
		Id: texts.Draw(t, "id"), Subject: texts.Draw(t, "subject"), Content: texts.Draw(t, "content"), Code: rapid.Int32().Draw(t, "code"),
		SenderId: texts.Draw(t, "sender"), CreateTime: maybeTime(t), Persistent: rapid.Bool().Draw(t, "persistent"),
	}
}

// maybeTime is a time, now and then one that cannot be written.
func maybeTime(t *rapid.T) *timestamppb.Timestamp {
	if !rapid.Bool().Draw(t, "has time") {
		return nil
	}
	return &timestamppb.Timestamp{
		Seconds: rapid.OneOf(rapid.Int64Range(-70_000_000_000, 300_000_000_000), rapid.Just(int64(0))).Draw(t, "seconds"),
		Nanos:   rapid.OneOf(rapid.SampledFrom([]int32{0, 1, 1000, 120_000, 1_000_000, 999_000_000, 999_999_999, -1, 1_000_000_000}), rapid.Int32Range(0, 999_999_999)).Draw(t, "nanos"),
	}
}

func maybeCode(t *rapid.T) *wrapperspb.Int32Value {
	if !rapid.Bool().Draw(t, "has code") {
		return nil
	}
	return wrapperspb.Int32(rapid.Int32().Draw(t, "code"))
}

func maybeBool(t *rapid.T) *wrapperspb.BoolValue {
	if !rapid.Bool().Draw(t, "has persistent") {
		return nil
	}
	return wrapperspb.Bool(rapid.Bool().Draw(t, "persistent"))
}

func drawEnvelope(t *rapid.T) *rtapi.Envelope {
	env := &rtapi.Envelope{Cid: texts.Draw(t, "cid")}
	numbers := rapid.Int64()
	switch rapid.IntRange(0, 15).Draw(t, "kind") {
	case 0:
		env.Message = &rtapi.Envelope_Rpc{Rpc: &api.Rpc{Id: texts.Draw(t, "id"), Payload: texts.Draw(t, "payload"), HttpKey: texts.Draw(t, "key")}}
	case 1:
		env.Message = &rtapi.Envelope_MatchData{MatchData: &rtapi.MatchData{
			MatchId: texts.Draw(t, "match"), Presence: maybePresence(t), OpCode: numbers.Draw(t, "op"),
			Data: rapid.SliceOf(rapid.Byte()).Draw(t, "data"), Reliable: rapid.Bool().Draw(t, "reliable"),
		}}
	case 2:
		d := &rtapi.StreamData{Sender: maybePresence(t), Data: texts.Draw(t, "data"), Reliable: rapid.Bool().Draw(t, "reliable")}
		if rapid.Bool().Draw(t, "has stream") {
			d.Stream = &rtapi.Stream{Mode: rapid.Int32().Draw(t, "mode"), Subject: texts.Draw(t, "subject"), Subcontext: texts.Draw(t, "sub"), Label: texts.Draw(t, "label")}
		}
		env.Message = &rtapi.Envelope_StreamData{StreamData: d}
	case 3:
		env.Message = &rtapi.Envelope_MatchPresenceEvent{MatchPresenceEvent: &rtapi.MatchPresenceEvent{MatchId: texts.Draw(t, "match"), Joins: drawPresences(t), Leaves: drawPresences(t)}}
	case 4:
		e := &rtapi.Error{Code: rapid.Int32().Draw(t, "code"), Message: texts.Draw(t, "message")}
		if rapid.Bool().Draw(t, "has context") {
			e.Context = map[string]string{"a": "b"}
		}
		env.Message = &rtapi.Envelope_Error{Error: e}
	case 5:
		env.Message = &rtapi.Envelope_Pong{Pong: &rtapi.Pong{}}
	case 6:
	case 7:
		env.Message = &rtapi.Envelope_MatchDataSend{MatchDataSend: &rtapi.MatchDataSend{
			MatchId: texts.Draw(t, "match"), OpCode: numbers.Draw(t, "op"), Data: rapid.SliceOf(rapid.Byte()).Draw(t, "data"),
			Presences: drawPresences(t), Reliable: rapid.Bool().Draw(t, "reliable"),
		}}
	case 8:
		env.Message = &rtapi.Envelope_Ping{Ping: &rtapi.Ping{}}
	case 9:
		env.Message = &rtapi.Envelope_Notifications{Notifications: &rtapi.Notifications{Notifications: rapid.SliceOfN(rapid.Custom(drawNotification), 0, 3).Draw(t, "notifications")}}
	case 10:
		env.Message = &rtapi.Envelope_ChannelMessage{ChannelMessage: &api.ChannelMessage{
			ChannelId: texts.Draw(t, "channel"), MessageId: texts.Draw(t, "message"), Code: maybeCode(t), SenderId: texts.Draw(t, "sender"),
			Username: texts.Draw(t, "name"), Content: texts.Draw(t, "content"), CreateTime: maybeTime(t), UpdateTime: maybeTime(t), Persistent: maybeBool(t),
			RoomName: texts.Draw(t, "room"), GroupId: texts.Draw(t, "group"), UserIdOne: texts.Draw(t, "one"), UserIdTwo: texts.Draw(t, "two"),
		}}
	case 11:
		env.Message = &rtapi.Envelope_ChannelMessageAck{ChannelMessageAck: &rtapi.ChannelMessageAck{
			ChannelId: texts.Draw(t, "channel"), MessageId: texts.Draw(t, "message"), Code: maybeCode(t),
			Username: texts.Draw(t, "name"), CreateTime: maybeTime(t), UpdateTime: maybeTime(t), Persistent: maybeBool(t),
			RoomName: texts.Draw(t, "room"), GroupId: texts.Draw(t, "group"), UserIdOne: texts.Draw(t, "one"), UserIdTwo: texts.Draw(t, "two"),
		}}
	case 13:
		env.Message = &rtapi.Envelope_ChannelMessageSend{ChannelMessageSend: &rtapi.ChannelMessageSend{ChannelId: texts.Draw(t, "channel"), Content: texts.Draw(t, "content")}}
	case 14:
		env.Message = &rtapi.Envelope_MatchmakerTicket{MatchmakerTicket: &rtapi.MatchmakerTicket{Ticket: texts.Draw(t, "ticket")}}
	case 15:
		m := &rtapi.MatchmakerMatched{Ticket: texts.Draw(t, "ticket"), Users: rapid.SliceOfN(rapid.Custom(drawMatched), 0, 3).Draw(t, "users")}
		switch rapid.IntRange(0, 2).Draw(t, "id") {
		case 1:
			m.Id = &rtapi.MatchmakerMatched_MatchId{MatchId: texts.Draw(t, "match")}
		case 2:
			m.Id = &rtapi.MatchmakerMatched_Token{Token: texts.Draw(t, "token")}
		}
		if rapid.Bool().Draw(t, "has self") {
			m.Self = drawMatched(t)
		}
		env.Message = &rtapi.Envelope_MatchmakerMatched{MatchmakerMatched: m}
	case 12:
		env.Message = &rtapi.Envelope_ChannelPresenceEvent{ChannelPresenceEvent: &rtapi.ChannelPresenceEvent{
			ChannelId: texts.Draw(t, "channel"), Joins: drawPresences(t), Leaves: drawPresences(t),
			RoomName: texts.Draw(t, "room"), GroupId: texts.Draw(t, "group"), UserIdOne: texts.Draw(t, "one"), UserIdTwo: texts.Draw(t, "two"),
		}}
	}
	return env
}

func TestHandWrittenEncodersEqualTheLibrary(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) { checkEncode(t, drawEnvelope(t)) })
}

// checkEncode compares both ways of writing an envelope.
func checkEncode(t interface{ Fatalf(string, ...any) }, env *rtapi.Envelope) {
	want, wantErr := encodeJSON(env)
	got, err := Encode(env, JSON)
	if (err == nil) != (wantErr == nil) || !bytes.Equal(got, want) {
		t.Fatalf("JSON of %v:\n got %s %v\nwant %s %v", env, got, err, want, wantErr)
	}
	want, wantErr = encodeProto(env)
	got, err = Encode(env, Protobuf)
	if (err == nil) != (wantErr == nil) {
		t.Fatalf("protobuf of %v: error %v, want %v", env, err, wantErr)
	}
	if err != nil {
		return
	}
	// Of maps the library does not promise an order.
	if env.GetError() == nil && env.GetMatchmakerMatched() == nil && !bytes.Equal(got, want) {
		t.Fatalf("protobuf of %v:\n got %x\nwant %x", env, got, want)
	}
}

// checkDecode compares both ways of reading a frame.
func checkDecode(t interface{ Fatalf(string, ...any) }, frame []byte, f Format) (fast bool) {
	read, decode := readJSON, decodeJSON
	if f == Protobuf {
		read, decode = readProto, decodeProto
	}
	got := read(frame)
	want, err := decode(frame)
	if call, ok := ReadRPC(bytes.Clone(frame), f); ok {
		if got != nil {
			t.Fatalf("%q is read in two ways", frame)
		}
		got = &rtapi.Envelope{Cid: call.CID, Message: &rtapi.Envelope_Rpc{Rpc: &api.Rpc{Id: call.ID, Payload: call.Payload, HttpKey: want.GetRpc().GetHttpKey()}}}
	}
	if got == nil {
		return false
	}
	if err != nil || !proto.Equal(got, want) {
		t.Fatalf("read %q as %v, the library has %v, %v", frame, got, want, err)
	}
	return true
}

func TestHandWrittenDecodersEqualTheLibrary(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		env := drawEnvelope(t)
		for _, f := range []Format{JSON, Protobuf} {
			b, err := Encode(env, f)
			if err != nil {
				continue
			}
			checkDecode(t, b, f)
			// And with a bit of it changed.
			if len(b) > 0 {
				i := rapid.IntRange(0, len(b)-1).Draw(t, "at")
				b[i] = rapid.Byte().Draw(t, "to")
				checkDecode(t, b, f)
			}
		}
	})
}

// What clients send all the time must take the short way.
func TestUsualMessagesAreReadByHand(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		`{"cid":"1","rpc":{"id":"echo","payload":"{\"a\":[1,2],\"b\":\"x\\n\"}"}}`,
		`{"rpc":{"id":"echo"}}`,
		`{"cid":"12","ping":{}}`,
		`{"match_data_send":{"match_id":"358c4021-7393-5e08-ae5a-059e36c15bae.","op_code":"3","data":"aGVsbG8=","presences":[],"reliable":true}}`,
		`{"match_data_send": {"match_id": "x.n", "op_code": 3, "data": "aGVsbG8="}}`,
	} {
		if !checkDecode(t, []byte(text), JSON) {
			t.Errorf("%s was left to the library", text)
		}
		env, _ := decodeJSON([]byte(text))
		b, _ := encodeProto(env)
		if !checkDecode(t, b, Protobuf) {
			t.Errorf("%s as protobuf was left to the library", text)
		}
	}
	if text := `{"cid":"7","channel_message_send":{"channel_id":"2...lobby","content":"{\"text\":\"hi\"}"}}`; !checkDecode(t, []byte(text), JSON) {
		t.Errorf("%s was left to the library", text)
	}
	for _, text := range []string{
		`{"channel_message_send":{"content":"a","content":"b"}}`, `{"channel_message_send":{"message":"a"}}`, `{"channel_message_send":{"content":{}}}`,
		`{"cid":"1","rpc":{"id":"a","id":"b"}}`, `{"cid":"1","cid":"2","ping":{}}`, `{"ping":{},"rpc":{}}`, `{"ping":{}}x`,
		`{"ping":{},}`, `{"ping":null}`, `{"rpc":{"id":1}}`, `{"rpc":{"nope":""}}`, `{"match_data_send":{"op_code":01}}`,
		`{"match_data_send":{"op_code":99999999999999999999}}`, `{"match_data_send":{"data":"a"}}`, "{\"rpc\":{\"id\":\"\x01\"}}", `{"rpc":{"id":"\ud800"}}`, ``, `{`, `{"rpc"`, `{"rpc":{"id":"\`,
	} {
		checkDecode(t, []byte(text), JSON)
	}
}

func TestMatchDataEqualsTheEnvelope(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := &Presence{ID: ID{Session: uuid.Must(uuid.NewV4())}, UserID: uuid.Must(uuid.NewV4()), Meta: Meta{Username: texts.Draw(t, "name")}}
		sender := p
		env := &rtapi.MatchData{
			MatchId: texts.Draw(t, "match"), Presence: p.UserPresence(), OpCode: rapid.Int64().Draw(t, "op"),
			Data: rapid.SliceOf(rapid.Byte()).Draw(t, "data"), Reliable: rapid.Bool().Draw(t, "reliable"),
		}
		if rapid.Bool().Draw(t, "from server") {
			env.Presence, sender = nil, nil
		}
		m := NewMatchData(env.MatchId, sender, env.OpCode, env.Data, env.Reliable)
		for _, f := range []Format{JSON, Protobuf} {
			want, wantErr := Encode(&rtapi.Envelope{Message: &rtapi.Envelope_MatchData{MatchData: env}}, f)
			got, err := m.Bytes(f)
			if (err == nil) != (wantErr == nil) || err == nil && !bytes.Equal(got, want) {
				t.Fatalf("%s: got %q %v, want %q %v", f, got, err, want, wantErr)
			}
		}
	})
}

func TestMessageIsEncodedOnce(t *testing.T) {
	t.Parallel()
	m := NewMessage(&rtapi.Envelope{Cid: "1", Message: &rtapi.Envelope_Notifications{Notifications: &rtapi.Notifications{Notifications: []*api.Notification{{Subject: "s"}}}}})
	for _, f := range []Format{JSON, Protobuf} {
		first, _ := m.Bytes(f)
		second, _ := m.Bytes(f)
		if &first[0] != &second[0] {
			t.Errorf("%s was encoded twice", f)
		}
	}
	b, _ := m.Bytes(JSON)
	if string(b) != `{"cid":"1","notifications":{"notifications":[{"subject":"s"}]}}` {
		t.Errorf("JSON is %s", b)
	}
	bad := NewMessage(&rtapi.Envelope{Cid: "\xff"})
	if _, err := bad.Bytes(JSON); err == nil {
		t.Error("text that is not UTF-8 was written")
	}
}

// keptPayload checks that a call's payload is not a part of its frame.
func keptPayload(t *testing.T, frame []byte, f Format) {
	t.Helper()
	frame = bytes.Clone(frame)
	call, ok := ReadRPC(frame, f)
	payload := strings.Clone(call.Payload)
	clear(frame)
	if ok && call.Payload != payload {
		t.Fatalf("payload %q changed with its frame", payload)
	}
}

// Of a message that proves to be another there is nothing.
func TestReadRPCOfOthers(t *testing.T) {
	t.Parallel()
	for _, env := range []*rtapi.Envelope{
		{Cid: "7", Message: &rtapi.Envelope_MatchCreate{MatchCreate: &rtapi.MatchCreate{}}},
		{Cid: "7"},
	} {
		for _, f := range []Format{JSON, Protobuf} {
			frame, err := Encode(env, f)
			if err != nil {
				t.Fatal(err)
			}
			if call, ok := ReadRPC(frame, f); ok || call != (RPC{}) {
				t.Errorf("%s: read %q as %+v, %v", f, frame, call, ok)
			}
		}
	}
}

func TestRPC(t *testing.T) {
	t.Parallel()
	for _, f := range []Format{JSON, Protobuf} {
		for _, payload := range []string{"", "plain", `{"quoted":"\n"}`} {
			env := &rtapi.Envelope{Cid: "7", Message: &rtapi.Envelope_Rpc{Rpc: &api.Rpc{Id: "echo", Payload: payload}}}
			frame, err := Encode(env, f)
			if err != nil {
				t.Fatal(err)
			}
			keptPayload(t, frame, f)
			call, ok := ReadRPC(frame, f)
			if !ok || call != (RPC{"7", "echo", payload}) {
				t.Fatalf("%s: read %q as %+v", f, frame, call)
			}
			m, err := NewRPC(call, f)
			if err != nil {
				t.Fatal(err)
			}
			if b, err := m.Bytes(f); err != nil || !bytes.Equal(b, frame) {
				t.Errorf("%s: wrote %q, %v, want %q", f, b, err, frame)
			}
			if _, err := m.Bytes(1 - f); err == nil {
				t.Errorf("a message for one format was written in another")
			}
		}
		if _, err := NewRPC(RPC{"1", "echo", "\xff"}, f); err == nil {
			t.Errorf("%s: text that is not UTF-8 was written", f)
		}
	}
}

func FuzzDecodeJSON(f *testing.F) {
	f.Add([]byte(`{"cid":"1","rpc":{"id":"echo","payload":"{\"a\":1}"}}`))
	f.Add([]byte(`{"match_data_send":{"match_id":"x","op_code":"-3","data":"aGVsbG8=","presences":[],"reliable":true}}`))
	f.Add([]byte(` {"ping" : { } , "cid":"1" } `))
	f.Fuzz(func(t *testing.T, frame []byte) {
		checkDecode(t, frame, JSON)
		keptPayload(t, frame, JSON)
		if env, err := Decode(frame, JSON); err == nil {
			checkEncode(t, env)
		}
	})
}

func FuzzDecodeProtobuf(f *testing.F) {
	for _, text := range []string{`{"cid":"1","rpc":{"id":"echo","payload":"x"}}`, `{"ping":{}}`, `{"match_data_send":{"match_id":"x","op_code":"3","data":"aGVsbG8=","reliable":true}}`, `{"match_data":{"match_id":"x","presence":{"user_id":"u"}}}`} {
		env, _ := decodeJSON([]byte(text))
		b, _ := encodeProto(env)
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, frame []byte) {
		checkDecode(t, frame, Protobuf)
		keptPayload(t, frame, Protobuf)
		if env, err := Decode(frame, Protobuf); err == nil && env.GetError() == nil {
			checkEncode(t, env)
		}
	})
}

func BenchmarkCodec(b *testing.B) {
	rpc := &rtapi.Envelope{Cid: "42", Message: &rtapi.Envelope_Rpc{Rpc: &api.Rpc{Id: "echo", Payload: `{"player":"ann","score":12,"list":[1,2,3]}`}}}
	data := &rtapi.Envelope{Message: &rtapi.Envelope_MatchData{MatchData: &rtapi.MatchData{
		MatchId: "358c4021-7393-5e08-ae5a-059e36c15bae.", OpCode: 3, Data: []byte(strings.Repeat("x", 120)), Reliable: true,
		Presence: &rtapi.UserPresence{UserId: "358c4021-7393-5e08-ae5a-059e36c15bae", SessionId: "358c4021-7393-5e08-ae5a-059e36c15bae", Username: "ann"},
	}}}
	chat := &rtapi.Envelope{Message: &rtapi.Envelope_ChannelMessage{ChannelMessage: &api.ChannelMessage{
		ChannelId: "2...lobby", MessageId: "358c4021-7393-5e08-ae5a-059e36c15bae", Code: wrapperspb.Int32(0), SenderId: "358c4021-7393-5e08-ae5a-059e36c15bae",
		Username: "ann", Content: `{"text":"hello everyone"}`, CreateTime: &timestamppb.Timestamp{Seconds: 1_700_000_000, Nanos: 123_456_000},
		UpdateTime: &timestamppb.Timestamp{Seconds: 1_700_000_000, Nanos: 123_456_000}, Persistent: wrapperspb.Bool(true), RoomName: "lobby",
	}}}
	for _, c := range []struct {
		name string
		run  func()
	}{
		{"chat/json/write/hand", func() { _, _ = Encode(chat, JSON) }},
		{"chat/json/write/library", func() { _, _ = encodeJSON(chat) }},
		{"chat/protobuf/write/library", func() { _, _ = encodeProto(chat) }},
		{"rpc/json/write/hand", func() { _, _ = Encode(rpc, JSON) }},
		{"rpc/json/write/library", func() { _, _ = encodeJSON(rpc) }},
		{"rpc/protobuf/write/hand", func() { _, _ = Encode(rpc, Protobuf) }},
		{"rpc/protobuf/write/library", func() { _, _ = encodeProto(rpc) }},
		{"data/json/write/hand", func() { _, _ = Encode(data, JSON) }},
		{"data/json/write/library", func() { _, _ = encodeJSON(data) }},
		{"data/protobuf/write/hand", func() { _, _ = Encode(data, Protobuf) }},
		{"data/protobuf/write/library", func() { _, _ = encodeProto(data) }},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				c.run()
			}
		})
	}
	text, _ := encodeJSON(rpc)
	bin, _ := encodeProto(rpc)
	said := []byte(`{"cid":"7","channel_message_send":{"channel_id":"2...lobby","content":"{\"text\":\"hello everyone\"}"}}`)
	for _, c := range []struct {
		name string
		run  func()
	}{
		{"rpc/json/read/hand", func() { _, _ = Decode(text, JSON) }},
		{"rpc/json/read/library", func() { _, _ = decodeJSON(text) }},
		{"chat/json/read/hand", func() { _, _ = Decode(said, JSON) }},
		{"chat/json/read/library", func() { _, _ = decodeJSON(said) }},
		{"rpc/protobuf/read/hand", func() { _, _ = Decode(bin, Protobuf) }},
		{"rpc/protobuf/read/library", func() { _, _ = decodeProto(bin) }},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				c.run()
			}
		})
	}
}
