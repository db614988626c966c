package script

import (
	"encoding/json"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/heroiclabs/nakama-common/api"
	"github.com/heroiclabs/nakama-common/rtapi"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"kumi/hooks"
	"kumi/vm"
	"kumi/vm/js"
	"kumi/vm/lua"
)

// engines makes an empty VM of each language.
func engines(t testing.TB) map[string]vm.Instance {
	t.Helper()
	code, err := js.Compile("empty.js", "")
	if err != nil {
		t.Fatal(err)
	}
	j, err := js.New(t.Context(), code, js.Options{})
	if err != nil {
		t.Fatal(err)
	}
	program, err := lua.NewProgram()
	if err != nil {
		t.Fatal(err)
	}
	l, err := lua.New(lua.Options{Program: program, Handlers: &Registrar{}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { j.Close(); l.Close() })
	return map[string]vm.Instance{"javascript": j, "lua": l}
}

// messages are empty messages of every type that hooks get.
func messages() (all []proto.Message) {
	for i := range hooks.Methods {
		for _, make := range []func() proto.Message{hooks.Methods[i].In, hooks.Methods[i].Out} {
			if make != nil {
				all = append(all, make())
			}
		}
	}
	return append(all, &rtapi.Envelope{})
}

// fill sets fields of m at random.
func fill(r *rand.Rand, m protoreflect.Message, depth int) {
	fds := m.Descriptor().Fields()
	for i := range fds.Len() {
		fd := fds.Get(i)
		if r.IntN(3) == 0 || fd.Message() != nil && depth == 0 {
			continue
		}
		switch {
		case fd.IsList():
			list := m.Mutable(fd).List()
			for range 1 + r.IntN(2) {
				list.Append(random(r, fd, list.NewElement, depth))
			}
		case fd.IsMap():
			dict := m.Mutable(fd).Map()
			for _, k := range []string{"a", "b.c", "日"}[:1+r.IntN(3)] {
				dict.Set(protoreflect.ValueOfString(k).MapKey(), random(r, fd.MapValue(), dict.NewValue, depth))
			}
		default:
			m.Set(fd, random(r, fd, func() protoreflect.Value { return m.NewField(fd) }, depth))
		}
	}
}

func random(r *rand.Rand, fd protoreflect.FieldDescriptor, fresh func() protoreflect.Value, depth int) protoreflect.Value {
	switch fd.Kind() {
	case protoreflect.StringKind:
		return protoreflect.ValueOfString([]string{"text", "é\n\"", "x\u0000y"}[r.IntN(3)])
	case protoreflect.BoolKind:
		return protoreflect.ValueOfBool(true)
	case protoreflect.Int32Kind:
		return protoreflect.ValueOfInt32(r.Int32() - r.Int32())
	case protoreflect.Uint32Kind:
		return protoreflect.ValueOfUint32(r.Uint32())
	case protoreflect.Int64Kind:
		return protoreflect.ValueOfInt64(r.Int64() - r.Int64())
	case protoreflect.DoubleKind:
		return protoreflect.ValueOfFloat64(float64(r.IntN(1000)) / 8)
	case protoreflect.BytesKind:
		return protoreflect.ValueOfBytes([]byte{1, 2, 255, byte(r.IntN(256))})
	case protoreflect.EnumKind:
		return protoreflect.ValueOfEnum(fd.Enum().Values().Get(fd.Enum().Values().Len() - 1).Number())
	case protoreflect.MessageKind:
		v := fresh()
		if WellKnownOf(fd.Message()) == Timestamp {
			fds := fd.Message().Fields()
			v.Message().Set(fds.ByName("seconds"), protoreflect.ValueOfInt64(r.Int64N(4e9)))
			v.Message().Set(fds.ByName("nanos"), protoreflect.ValueOfInt32([]int32{0, 5e6, 5000, 7}[r.IntN(4)]))
			return v
		}
		fill(r, v.Message(), depth-1)
		return v
	}
	panic("no random value for a field of kind " + fd.Kind().String())
}

// TestPayloadIsProtoJSON compares what hooks see with the JSON form that the
// messages have by definition, and reads it back.
func TestPayloadIsProtoJSON(t *testing.T) {
	t.Parallel()
	forms := map[string]protojson.MarshalOptions{
		"javascript": {EmitUnpopulated: true, UseEnumNumbers: true},
		"lua":        {UseProtoNames: true, UseEnumNumbers: true},
	}
	for lang, e := range engines(t) {
		r := rand.New(rand.NewPCG(1, 2))
		for _, m := range messages() {
			name := string(m.ProtoReflect().Descriptor().Name())
			for n := range 8 {
				m := m.ProtoReflect().New().Interface()
				if n > 0 {
					fill(r, m.ProtoReflect(), 3)
				}
				want, err := forms[lang].Marshal(m)
				if err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				v := Payload(e, m)
				got, err := e.ToJSON(v)
				if err != nil {
					t.Fatalf("%s %s: %v", lang, name, err)
				}
				if diff := cmp.Diff(decode(t, want), decode(t, got)); diff != "" {
					t.Errorf("%s %s differs from its JSON form:\n%s", lang, name, diff)
				}
				back := m.ProtoReflect().New().Interface()
				if err := ReadPayload(e, v, back); err != nil {
					t.Errorf("%s %s cannot be read back: %v", lang, name, err)
				} else if diff := cmp.Diff(m, back, protocmp.Transform()); diff != "" {
					t.Errorf("%s %s is another message when read back:\n%s", lang, name, diff)
				}
			}
		}
	}
}

func decode(t *testing.T, text []byte) (v any) {
	t.Helper()
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return v
}

func TestReadPayload(t *testing.T) {
	t.Parallel()
	vars := func(m map[string]string) *api.AuthenticateDeviceRequest {
		return &api.AuthenticateDeviceRequest{Account: &api.AccountDevice{Id: "x", Vars: m}}
	}
	for _, c := range []struct {
		name, json string
		want       proto.Message // or
		empty      proto.Message // with
		err        string
	}{
		{name: "either spelling", json: `{"objects":[{"collection":"c","permission_read":2},{"permissionWrite":0}]}`,
			want: &api.WriteStorageObjectsRequest{Objects: []*api.WriteStorageObject{
				{Collection: "c", PermissionRead: wrapperspb.Int32(2)}, {PermissionWrite: wrapperspb.Int32(0)}}}},
		{name: "null is unset", json: `{"account":{"id":"x","vars":null},"create":null}`, want: vars(nil)},
		{name: "map", json: `{"account":{"id":"x","vars":{"a":"b"}}}`, want: vars(map[string]string{"a": "b"})},
		{name: "empty map and list", json: `{"account":{"id":"x","vars":{}}}`, want: vars(nil)},
		{name: "numbers as text", json: `{"duration":1,"maxNumScore":"7","createTime":"2020-01-02T12:00:00Z"}`, empty: &api.Tournament{}},
		{name: "unknown key", json: `{"objects":[{},{"colection":"c"}]}`, empty: &api.WriteStorageObjectsRequest{}, err: "objects[1].colection: there is no such field"},
		{name: "wrong kind", json: `{"objects":[{"collection":1}]}`, empty: &api.WriteStorageObjectsRequest{}, err: "objects[0].collection: expected a string"},
		{name: "not a list", json: `{"objects":{"a":1}}`, empty: &api.WriteStorageObjectsRequest{}, err: "objects: expected a list"},
		{name: "empty object as list", json: `{"objects":[]}`, want: &api.WriteStorageObjectsRequest{}},
		{name: "too large", json: `{"limit":3000000000}`, empty: &api.ListMatchesRequest{}, err: "limit: the number is out of range"},
		{name: "fraction", json: `{"limit":1.5}`, empty: &api.ListMatchesRequest{}, err: "limit: expected a whole number"},
		{name: "map value", json: `{"account":{"vars":{"a":1}}}`, empty: &api.AuthenticateDeviceRequest{}, err: "account.vars.a: expected a string"},
		{name: "oneof twice", json: `{"ping":{},"pong":{}}`, empty: &rtapi.Envelope{}, err: "only one field of this kind"},
		{name: "both spellings", json: `{"leaderboardId":"a","leaderboard_id":"b"}`, empty: &api.WriteLeaderboardRecordRequest{}, err: "given twice"},
		{name: "time", json: `{"createTime":"yesterday"}`, empty: &api.Tournament{}, err: "createTime: expected a time"},
		{name: "bytes", json: `{"matchDataSend":{"matchId":"m","opCode":"5","data":"AQI="}}`,
			want: &rtapi.Envelope{Message: &rtapi.Envelope_MatchDataSend{MatchDataSend: &rtapi.MatchDataSend{MatchId: "m", OpCode: 5, Data: []byte{1, 2}}}}},
	} {
		for lang, e := range engines(t) {
			t.Run(c.name+"/"+lang, func(t *testing.T) {
				v, err := e.FromJSON(c.json)
				if err != nil {
					t.Fatal(err)
				}
				m := c.empty
				if c.want != nil {
					m = c.want
				}
				got := m.ProtoReflect().New().Interface()
				err = ReadPayload(e, v, got)
				switch {
				case c.err != "":
					if err == nil || !strings.Contains(err.Error(), c.err) {
						t.Errorf("got the error %v, want it to say %q", err, c.err)
					}
				case err != nil:
					t.Error(err)
				case c.want != nil:
					if diff := cmp.Diff(c.want, got, protocmp.Transform()); diff != "" {
						t.Errorf("got another message than wanted:\n%s", diff)
					}
				}
			})
		}
	}
}

// Lua has one empty table for both empty lists and empty objects.
func TestReadPayloadEmptyTable(t *testing.T) {
	t.Parallel()
	e := engines(t)["lua"]
	empty := e.Object(emptyLayout, nil)
	table := e.Object(vm.NewLayout(vm.N("objects"), vm.N("cursor")), []vm.Ref{empty, e.FromStr("c")})
	m := &api.StorageObjectList{}
	if err := ReadPayload(e, table, m); err != nil {
		t.Fatal(err)
	}
	if m.Cursor != "c" || len(m.Objects) != 0 {
		t.Errorf("got %v, want no objects and the cursor c", m)
	}
}

func TestReadPayloadCycle(t *testing.T) {
	t.Parallel()
	for lang, e := range engines(t) {
		o := e.Object(emptyLayout, nil)
		e.SetNamed(o, "message", o)
		e.SetNamed(o, "user", o)
		if err := ReadPayload(e, o, &api.Friend{}); err == nil {
			t.Errorf("%s: a value that contains itself was read", lang)
		}
	}
}

// longNumber is what JavaScript and Lua numbers cannot hold.
var longNumber = regexp.MustCompile(`[0-9.eE+-]{15}`)

// FuzzReadPayload: what the JSON form of a message may say, scripts may say.
func FuzzReadPayload(f *testing.F) {
	for _, seed := range []string{
		`{"cid":"1","matchDataSend":{"matchId":"m","opCode":"5","data":"AQI=","presences":[{"userId":"u"}],"reliable":true}}`,
		`{"status_update":{"status":"here"}}`, `{"matchmaker_add":{"min_count":2,"string_properties":{"a":"b"},"numeric_properties":{"n":1.5,"x":"NaN"},"count_multiple":2}}`,
		`{"channel_message_send":{"channel_id":"2...room","content":"{}"}}`, `{"error":{"code":1,"context":{"a":"b"}}}`,
		`{"channel_presence_event":{"joins":[{"persistence":true,"status":"x"}]}}`, `{"notifications":{"notifications":[{"createTime":"2020-01-02T12:00:00.5Z","code":-3}]}}`,
		`{"ping":null,"pong":{}}`, `[]`, `{"rpc":{"id":"x","http_key":null}}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		want := &rtapi.Envelope{}
		wantErr := protojson.Unmarshal([]byte(text), want)
		for lang, e := range engines(t) {
			v, err := e.FromJSON(text)
			if err != nil {
				continue
			}
			got := &rtapi.Envelope{}
			err = ReadPayload(e, v, got)
			if wantErr != nil || longNumber.MatchString(text) {
				continue // it must not panic, that is all
			}
			if err != nil {
				t.Errorf("%s refuses %s: %v", lang, text, err)
			} else if !proto.Equal(want, got) {
				t.Errorf("%s reads %s as %v, not as %v", lang, text, got, want)
			}
		}
	})
}

// A record that comes back is read by what was done to it.
func TestReadPayloadOfRecord(t *testing.T) {
	t.Parallel()
	in := func() *api.WriteStorageObjectsRequest {
		return &api.WriteStorageObjectsRequest{Objects: []*api.WriteStorageObject{
			{Collection: "a", Key: "k", PermissionRead: wrapperspb.Int32(2)}, {Collection: "b"}}}
	}
	for lang, e := range engines(t) {
		spelled := func(n vm.Name) string { return n.In(e.Lang()) }
		for name, c := range map[string]struct {
			in    proto.Message
			touch func(v vm.Ref)
			want  proto.Message
			err   string
		}{
			"untouched": {in(), func(vm.Ref) {}, in(), ""},
			"read":      {in(), func(v vm.Ref) { e.Index(e.FieldNamed(v, "objects"), 0) }, in(), ""},
			"nested write": {in(), func(v vm.Ref) { e.SetNamed(e.Index(e.FieldNamed(v, "objects"), 1), "collection", e.FromStr("c")) },
				&api.WriteStorageObjectsRequest{Objects: []*api.WriteStorageObject{in().Objects[0], {Collection: "c"}}}, ""},
			"set to nil": {in(), func(v vm.Ref) {
				e.SetNamed(e.Index(e.FieldNamed(v, "objects"), 0), spelled(nPermissionRead), e.Nil())
			}, &api.WriteStorageObjectsRequest{Objects: []*api.WriteStorageObject{{Collection: "a", Key: "k"}, {Collection: "b"}}}, ""},
			"added key": {in(), func(v vm.Ref) { e.SetNamed(v, "colour", e.FromStr("red")) }, nil, "colour: there is no such field"},
			"wrong kind": {in(), func(v vm.Ref) { e.SetNamed(e.Index(e.FieldNamed(v, "objects"), 0), "key", e.FromInt(5)) }, nil,
				"objects[0].key: expected a string"},
			"second of a oneof": {&rtapi.Envelope{Message: &rtapi.Envelope_Ping{Ping: &rtapi.Ping{}}}, func(v vm.Ref) {
				e.SetNamed(v, "pong", e.Object(emptyLayout, nil))
			}, nil, "only one field of this kind"},
			"other of a oneof": {&rtapi.Envelope{Cid: "1", Message: &rtapi.Envelope_Ping{Ping: &rtapi.Ping{}}}, func(v vm.Ref) {
				e.SetNamed(v, "ping", e.Nil())
				e.SetNamed(v, "pong", e.Object(emptyLayout, nil))
			}, &rtapi.Envelope{Cid: "1", Message: &rtapi.Envelope_Pong{Pong: &rtapi.Pong{}}}, ""},
		} {
			v := Payload(e, c.in)
			c.touch(v)
			got := c.in.ProtoReflect().New().Interface()
			err := ReadPayload(e, v, got)
			switch {
			case c.err != "":
				if err == nil || !strings.Contains(err.Error(), c.err) {
					t.Errorf("%s %s: got the error %v, want it to say %q", lang, name, err, c.err)
				}
			case err != nil:
				t.Errorf("%s %s: %v", lang, name, err)
			default:
				if diff := cmp.Diff(c.want, got, protocmp.Transform()); diff != "" {
					t.Errorf("%s %s: got another message:\n%s", lang, name, diff)
				}
			}
		}
	}
}
