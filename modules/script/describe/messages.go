package describe

import (
	"strings"

	"github.com/heroiclabs/nakama-common/rtapi"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"kumi/hooks"
	"kumi/modules/script"
	"kumi/vm"
)

// hookMessages declares the protobuf messages that hooks get, as types.
type hookMessages struct {
	lang     vm.Lang
	declared map[string]bool // names in use
	list     []TypeDecl
	seen     map[protoreflect.FullName]bool
	requests bool // the messages being added are sent by clients
}

// hookMessage names the type of a hook's request or response, and the type that
// existing modules may use for it.
type hookMessage struct{ name, also string }

// sameAsDeclared are the messages with the same properties as a declared type.
var sameAsDeclared = map[protoreflect.FullName]string{
	"nakama.api.AccountDevice":     "AccountDevice",
	"nakama.realtime.UserPresence": "Presence",
}

// otherNames are the names of messages in Nakama's published types, where they differ
// from those of the messages.
var otherNames = map[protoreflect.FullName]string{
	"nakama.api.UpdateAccountRequest":                "UserUpdateAccount",
	"nakama.api.SubscriptionList":                    "ValidatedSubscriptionList",
	"nakama.api.StorageObjectAck":                    "StorageWriteAck",
	"nakama.api.GroupUserList.GroupUser":             "GroupUser",
	"nakama.api.FriendsOfFriendsList.FriendOfFriend": "FriendOfFriend",
}

// renamed are messages whose own names are taken by other types in Nakama's published
// types.
var renamed = map[protoreflect.FullName]string{
	"nakama.api.NotificationList":          "ApiNotificationList",
	"nakama.api.MatchmakerCompletionStats": "MatchmakerStatsCompletion",
}

// never are properties that Nakama's published types declare but that messages do not
// have.
var never = map[protoreflect.FullName]string{"nakama.realtime.MatchJoin": "id"}

// required are the requests in which all properties are required, as Nakama's
// published types say; in others a module that makes one may leave properties out.
var required = map[protoreflect.FullName]bool{
	"nakama.api.AuthenticateEmailRequest": true, "nakama.api.ListStorageObjectsRequest": true, "nakama.api.DeleteNotificationsRequest": true,
	"nakama.api.ValidatePurchaseAppleRequest": true, "nakama.api.ValidatePurchaseGoogleRequest": true,
	"nakama.api.ValidatePurchaseHuaweiRequest": true, "nakama.api.ValidatePurchaseSamsungRequest": true,
	"nakama.api.ValidateSubscriptionAppleRequest": true, "nakama.api.ValidateSubscriptionGoogleRequest": true,
}

// notRequired are the optional properties of required messages.
var notRequired = map[protoreflect.FullName]bool{
	"nakama.api.ValidatePurchaseAppleRequest.persist": true, "nakama.api.ValidatePurchaseGoogleRequest.persist": true,
	"nakama.api.ValidatePurchaseHuaweiRequest.persist": true, "nakama.api.ValidatePurchaseSamsungRequest.persist": true,
	"nakama.api.ValidateSubscriptionAppleRequest.persist": true, "nakama.api.ValidateSubscriptionGoogleRequest.persist": true,
	"nakama.realtime.ChannelJoin.target": true, "nakama.realtime.ChannelJoin.type": true,
	"nakama.realtime.ChannelJoin.persistence": true, "nakama.realtime.ChannelJoin.hidden": true,
	"nakama.realtime.MatchDataSend.data": true, "nakama.realtime.MatchDataSend.presences": true, "nakama.realtime.MatchDataSend.reliable": true,
	"nakama.realtime.PartyDataSend.data": true, "nakama.realtime.StatusUpdate.status": true,
	"nakama.realtime.Channel.id": true, "nakama.realtime.Channel.presences": true, "nakama.realtime.Channel.self": true,
	"nakama.realtime.Channel.room_name": true, "nakama.realtime.Channel.group_id": true,
	"nakama.realtime.Channel.user_id_one": true, "nakama.realtime.Channel.user_id_two": true,
}

// loose are properties with another type than Nakama's published types say. They are
// declared as any, so that code written for either compiles.
var loose = map[protoreflect.FullName]bool{
	"nakama.realtime.PartyDataSend.op_code":      true,
	"nakama.api.Event.properties":                true,
	"nakama.api.ListTournamentsRequest.end_time": true,
}

func newHookMessages(d *Declarations) *hookMessages {
	m := &hookMessages{lang: d.Lang, declared: map[string]bool{}, seen: map[protoreflect.FullName]bool{}}
	for _, t := range d.Types {
		m.declared[t.Name] = true
	}
	for _, o := range d.Objects {
		for _, f := range o.Functions {
			m.declared[f.As] = true
		}
	}
	// Requests first: a message that is part of one is declared as a request everywhere.
	m.requests = true
	for i := range hooks.Methods {
		if in := hooks.Methods[i].In; in != nil {
			m.add(in().ProtoReflect().Descriptor())
		}
	}
	m.requests = false
	for i := range hooks.Methods {
		if out := hooks.Methods[i].Out; out != nil {
			m.add(out().ProtoReflect().Descriptor())
		}
	}
	for _, f := range m.envelopes() {
		m.add(f.Message())
	}
	return m
}

// envelopes returns the kinds of realtime messages, as fields of the envelope.
func (m *hookMessages) envelopes() (list []protoreflect.FieldDescriptor) {
	fields := (*rtapi.Envelope)(nil).ProtoReflect().Descriptor().Oneofs().Get(0).Fields()
	for i := range fields.Len() {
		list = append(list, fields.Get(i))
	}
	return list
}

// of returns the types of what a hook gets; nil stands for nothing.
func (m *hookMessages) of(make func() proto.Message) hookMessage {
	if make == nil {
		return hookMessage{"void", "void"}
	}
	d := make().ProtoReflect().Descriptor()
	x := hookMessage{m.name(d), m.plain(d)}
	if other, ok := otherNames[d.FullName()]; ok {
		x.also = other
	}
	if !m.declared[x.also] {
		x.also = x.name
	}
	return x
}

// plain returns a message's own name, after those of the messages that contain it.
func (m *hookMessages) plain(d protoreflect.MessageDescriptor) string {
	name := string(d.Name())
	for p, ok := d.Parent().(protoreflect.MessageDescriptor); ok; p, ok = p.Parent().(protoreflect.MessageDescriptor) {
		name = string(p.Name()) + name
	}
	return name
}

func (m *hookMessages) name(d protoreflect.MessageDescriptor) string {
	if same, ok := sameAsDeclared[d.FullName()]; ok {
		return same
	}
	if other, ok := renamed[d.FullName()]; ok {
		return other
	}
	name, prefix := m.plain(d), "Api"
	if d.ParentFile().Package() == "nakama.realtime" {
		prefix = "Rt"
		switch {
		case name == "MatchDataSend":
			name = "MatchDataMessageSend"
		case strings.HasPrefix(name, "Match"), strings.HasPrefix(name, "Party"), strings.HasPrefix(name, "Status"):
			name += "Message"
		}
	}
	if !m.declared[name] {
		return name
	}
	if name = prefix + name; m.declared[name] {
		name += "Message"
	}
	return name
}

func (m *hookMessages) add(d protoreflect.MessageDescriptor) {
	if m.seen[d.FullName()] || sameAsDeclared[d.FullName()] != "" || script.WellKnownOf(d) != script.Ordinary {
		return
	}
	m.seen[d.FullName()] = true
	p := script.SchemaOf(d)
	t := TypeDecl{Name: m.name(d), Doc: "The message " + string(d.FullName()) + "."}
	at := len(m.list)
	m.list = append(m.list, t)
	for i := range p.Fields {
		f := &p.Fields[i]
		optional := f.Presence && !(f.Message && f.Oneof == 0) // absent when unset
		if m.lang == vm.Lua {
			optional = true
		} else if m.requests && !required[d.FullName()] || notRequired[f.Desc.FullName()] {
			optional = true
		} else if f.Known == script.Wrapper {
			optional = false
		}
		t.Fields = append(t.Fields, vm.Field{Name: f.Name, Type: m.typ(f), Optional: optional})
	}
	if extra := never[d.FullName()]; extra != "" && m.lang == vm.JS {
		t.Fields = append(t.Fields, vm.Field{Name: vm.N(extra), Type: vm.TypeAny, Doc: "always absent"})
	}
	m.list[at] = t
}

func (m *hookMessages) typ(f *script.MessageField) vm.Type {
	switch {
	case loose[f.Desc.FullName()] && m.lang == vm.JS:
		return vm.TypeAny
	case f.Map:
		return vm.MapType(m.single(f.Value))
	case f.List:
		return vm.ListType(m.single(f))
	}
	return m.single(f)
}

func (m *hookMessages) single(f *script.MessageField) vm.Type {
	switch f.Kind {
	case protoreflect.BoolKind:
		return vm.TypeBoolean
	case protoreflect.Int32Kind, protoreflect.Sint32Kind, protoreflect.Sfixed32Kind, protoreflect.Uint32Kind, protoreflect.Fixed32Kind,
		protoreflect.FloatKind, protoreflect.DoubleKind, protoreflect.EnumKind:
		return vm.TypeNumber
	case protoreflect.MessageKind, protoreflect.GroupKind:
		switch f.Known {
		case script.Wrapper:
			return m.single(&f.Schema().Fields[0])
		case script.Timestamp, script.Duration:
			return vm.TypeString
		case script.ViaProtoJSON:
			return vm.TypeAny
		}
		m.add(f.Desc.Message())
		return vm.Type{Name: m.name(f.Desc.Message())}
	}
	return vm.TypeString // strings, base64, 64-bit integers
}
