package wire

import (
	"bytes"
	"testing"

	"github.com/heroiclabs/nakama-common/api"
	"github.com/heroiclabs/nakama-common/rtapi"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// format is the library's own rendering of a codec's format.
type format struct {
	codec     Codec
	marshal   func(proto.Message) ([]byte, error)
	unmarshal func([]byte, proto.Message) error
}

var formats = []format{
	{JSON{}, protojson.MarshalOptions{UseProtoNames: true, UseEnumNumbers: true}.Marshal, protojson.Unmarshal},
	{JSON{}, protojson.MarshalOptions{UseProtoNames: true, Multiline: true}.Marshal, protojson.Unmarshal},
	{Protobuf{}, proto.Marshal, proto.Unmarshal},
}

func TestBuiltMessagesAreWhatTheLibraryReads(t *testing.T) {
	t.Parallel()
	data := bytes.Repeat([]byte{1, 2, 255}, 40)
	sender := &Presence{UserID: "u", SessionID: "s", Username: `n"ame`}
	for _, f := range formats {
		send, _ := f.codec.MatchDataSend("m.", 7, data)
		got, _ := f.codec.MatchData("m.", sender, 7, data)
		for _, c := range []struct {
			built []byte
			want  *rtapi.Envelope
		}{
			{f.codec.RPC(3, "echo", `{"a":"b\n"}`), &rtapi.Envelope{Cid: "3", Message: &rtapi.Envelope_Rpc{Rpc: &api.Rpc{Id: "echo", Payload: `{"a":"b\n"}`}}}},
			{f.codec.Build(0, &rtapi.Envelope{Message: &rtapi.Envelope_MatchCreate{MatchCreate: &rtapi.MatchCreate{}}}), &rtapi.Envelope{Cid: "0", Message: &rtapi.Envelope_MatchCreate{MatchCreate: &rtapi.MatchCreate{}}}},
			{f.codec.Build(-1, &rtapi.Envelope{}), &rtapi.Envelope{}},
			{send, &rtapi.Envelope{Message: &rtapi.Envelope_MatchDataSend{MatchDataSend: &rtapi.MatchDataSend{MatchId: "m.", OpCode: 7, Data: data, Reliable: true}}}},
			{got, matchData(sender, data)},
		} {
			var read rtapi.Envelope
			if err := f.unmarshal(c.built, &read); err != nil {
				t.Errorf("%s: %q is not readable: %v", f.codec.Name(), c.built, err)
			} else if !proto.Equal(&read, c.want) {
				t.Errorf("%s: built %v, want %v", f.codec.Name(), &read, c.want)
			}
		}
	}
}

func matchData(sender *Presence, data []byte) *rtapi.Envelope {
	m := &rtapi.MatchData{MatchId: "m.", OpCode: 7, Data: data, Reliable: true}
	if sender != nil {
		m.Presence = &rtapi.UserPresence{UserId: sender.UserID, SessionId: sender.SessionID, Username: sender.Username}
	}
	return &rtapi.Envelope{Message: &rtapi.Envelope_MatchData{MatchData: m}}
}

func TestScanReadsWhatTheLibraryWrites(t *testing.T) {
	t.Parallel()
	trap := `{"cid":"9","error":{},"data":"x"}`
	for _, f := range formats {
		for _, c := range []struct {
			env  *rtapi.Envelope
			cid  int
			kind Kind
		}{
			{&rtapi.Envelope{Cid: "12", Message: &rtapi.Envelope_Rpc{Rpc: &api.Rpc{Id: "a", Payload: trap}}}, 12, RPC},
			{&rtapi.Envelope{Cid: "0", Message: &rtapi.Envelope_Error{Error: &rtapi.Error{Code: 7, Message: trap}}}, 0, Error},
			{&rtapi.Envelope{Message: &rtapi.Envelope_Error{Error: &rtapi.Error{Code: 3}}}, -1, Error},
			{&rtapi.Envelope{Cid: "1", Message: &rtapi.Envelope_Match{Match: &rtapi.Match{MatchId: "x.", Label: wrapperspb.String(trap)}}}, 1, Match},
			{&rtapi.Envelope{Message: &rtapi.Envelope_StatusPresenceEvent{StatusPresenceEvent: &rtapi.StatusPresenceEvent{}}}, -1, StatusPresenceEvent},
			{&rtapi.Envelope{Message: &rtapi.Envelope_PartyData{PartyData: &rtapi.PartyData{PartyId: trap}}}, -1, PartyData},
			{&rtapi.Envelope{Cid: "5"}, 5, 0},
		} {
			b, err := f.marshal(c.env)
			if err != nil {
				t.Fatal(err)
			}
			if got := f.codec.Scan(b); got.CID != c.cid || got.Kind != c.kind {
				t.Errorf("%s: scanned %+v from %q, want cid %d kind %d", f.codec.Name(), got, b, c.cid, c.kind)
			}
			if m, err := f.codec.Read(b); err != nil || !proto.Equal(m, c.env) {
				t.Errorf("%s: read %v from %q (%v)", f.codec.Name(), m, b, err)
			}
		}
	}
}

func TestStampSurvivesTheServer(t *testing.T) {
	t.Parallel()
	const now = int64(1_700_000_000_123_456_789)
	data := make([]byte, 50)
	for _, f := range formats {
		sent, offset := f.codec.MatchDataSend("m.", 1, data)
		f.codec.Stamp(sent, offset, now)
		var read rtapi.Envelope
		if err := f.unmarshal(sent, &read); err != nil {
			t.Fatalf("%s: %v", f.codec.Name(), err)
		}
		for _, sender := range []*Presence{nil, {UserID: "u", SessionID: "s", Username: "data"}} {
			relayed, err := f.marshal(matchData(sender, read.GetMatchDataSend().Data))
			if err != nil {
				t.Fatal(err)
			}
			env := f.codec.Scan(relayed)
			if env.Kind != MatchData || f.codec.Stamped(env.Data) != now {
				t.Errorf("%s: stamp is %d, want %d", f.codec.Name(), f.codec.Stamped(env.Data), now)
			}
		}
		built, offset := f.codec.MatchData("m.", &Presence{UserID: "u"}, 1, data)
		f.codec.Stamp(built, offset, now)
		if got := f.codec.Stamped(f.codec.Scan(built).Data); got != now {
			t.Errorf("%s: stamp of a built message is %d, want %d", f.codec.Name(), got, now)
		}
	}
}

func TestMarkSurvivesTheServer(t *testing.T) {
	t.Parallel()
	const now = int64(1_700_000_000_123_456_789)
	for _, f := range formats {
		b := f.codec.Build(1, &rtapi.Envelope{Message: &rtapi.Envelope_ChannelMessageSend{ChannelMessageSend: &rtapi.ChannelMessageSend{ChannelId: "c", Content: `{"text":"` + Mark + `"}`}}})
		SetMark(b, now)
		var read rtapi.Envelope
		if err := f.unmarshal(b, &read); err != nil {
			t.Fatalf("%s: %v", f.codec.Name(), err)
		}
		out, err := f.marshal(&rtapi.Envelope{Message: &rtapi.Envelope_ChannelMessage{ChannelMessage: &api.ChannelMessage{Content: read.GetChannelMessageSend().Content}}})
		if err != nil {
			t.Fatal(err)
		}
		if env := f.codec.Scan(out); env.Kind != ChannelMessage || MarkIn(out) != now {
			t.Errorf("%s: kind %d with mark %d, want %d", f.codec.Name(), env.Kind, MarkIn(out), now)
		}
	}
	for _, none := range []string{"", "sent@AAAA", "sent@***********"} {
		b := []byte(none)
		if SetMark(b[:min(len(b), 9)], 1); MarkIn(b) != 0 {
			t.Errorf("a mark in %q", none)
		}
	}
}

func TestScanDoesNotAllocate(t *testing.T) {
	for _, codec := range []Codec{JSON{}, Protobuf{}} {
		m, offset := codec.MatchData("m.", &Presence{UserID: "u"}, 1, make([]byte, 100))
		rpc := codec.RPC(3, "echo", "{}")
		allocs := testing.AllocsPerRun(100, func() {
			codec.Stamp(m, offset, 1)
			_ = codec.Stamped(codec.Scan(m).Data)
			_ = codec.Scan(rpc)
		})
		if allocs != 0 {
			t.Errorf("%s: %v allocations per message", codec.Name(), allocs)
		}
	}
}

func FuzzScan(f *testing.F) {
	for _, codec := range []Codec{JSON{}, Protobuf{}} {
		f.Add(codec.RPC(1, "a", "{}"))
		m, _ := codec.MatchData("m.", nil, 1, make([]byte, 20))
		f.Add(m)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, codec := range []Codec{JSON{}, Protobuf{}} {
			env := codec.Scan(b)
			_ = codec.Stamped(env.Data)
			_ = MarkIn(b)
		}
	})
}
