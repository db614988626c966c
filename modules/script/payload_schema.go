package script

import (
	"sync"

	"google.golang.org/protobuf/reflect/protoreflect"

	"kumi/vm"
)

// MessageSchema says how messages of one type look in scripts. It is made once per
// type and cached, so that calls do not search descriptors. It is immutable.
type MessageSchema struct {
	name   string
	layout *vm.Layout
	Fields []MessageField
	byKey  map[string]int // both spellings
}

// MessageField is one field of a message.
type MessageField struct {
	Desc     protoreflect.FieldDescriptor
	Name     vm.Name
	Kind     protoreflect.Kind
	List     bool
	Map      bool
	Presence bool          // unset differs from the default value: a message, an optional, a member of a oneof
	Message  bool          // a single message, not a list or map of them
	Oneof    int           // number of its oneof, from 1; 0 for none. An optional has none
	Value    *MessageField // of a map: its values
	key      protoreflect.Kind
	Known    WellKnown

	once sync.Once
	sub  *MessageSchema // of a message, see Schema
}

// WellKnown reports whether a message has a JSON form of its own, and which.
type WellKnown uint8

const (
	Ordinary WellKnown = iota
	Timestamp
	Duration
	Wrapper
	ViaProtoJSON // Struct, Any and the like
)

var schemas sync.Map // protoreflect.FullName -> *MessageSchema

// SchemaOf returns the schema of a message type. It may be called from any goroutine.
func SchemaOf(d protoreflect.MessageDescriptor) *MessageSchema {
	if p, ok := schemas.Load(d.FullName()); ok {
		return p.(*MessageSchema)
	}
	p, _ := schemas.LoadOrStore(d.FullName(), newSchema(d))
	return p.(*MessageSchema)
}

func newSchema(d protoreflect.MessageDescriptor) *MessageSchema {
	fds := d.Fields()
	p := &MessageSchema{name: string(d.FullName()), Fields: make([]MessageField, fds.Len()), byKey: make(map[string]int, 2*fds.Len())}
	names := make([]vm.Name, fds.Len())
	for i := range p.Fields {
		f := &p.Fields[i]
		fd := fds.Get(i)
		initField(f, fd)
		if o := fd.ContainingOneof(); o != nil && !o.IsSynthetic() {
			f.Oneof = o.Index() + 1
		}
		names[i] = f.Name
		p.byKey[f.Name.Camel] = i
		p.byKey[f.Name.Snake] = i
	}
	p.layout = vm.NewLayout(names...)
	return p
}

func initField(f *MessageField, fd protoreflect.FieldDescriptor) {
	f.Desc = fd
	f.Name = vm.NameAs(fd.TextName(), fd.JSONName())
	f.Kind = fd.Kind()
	f.List = fd.IsList()
	f.Presence = fd.HasPresence()
	if fd.IsMap() {
		f.Map = true
		f.key = fd.MapKey().Kind()
		f.Value = new(MessageField)
		initField(f.Value, fd.MapValue())
		return
	}
	if f.Kind == protoreflect.MessageKind || f.Kind == protoreflect.GroupKind {
		f.Known = WellKnownOf(fd.Message())
		f.Message = !f.List
	}
}

// Schema returns the schema of the field's message type. It is made on first use,
// because messages may contain themselves.
func (f *MessageField) Schema() *MessageSchema {
	f.once.Do(func() { f.sub = SchemaOf(f.Desc.Message()) })
	return f.sub
}

// WellKnownOf returns which well-known type a message is, if any.
func WellKnownOf(d protoreflect.MessageDescriptor) WellKnown {
	if d.ParentFile().Package() != "google.protobuf" {
		return Ordinary
	}
	switch d.Name() {
	case "Timestamp":
		return Timestamp
	case "Duration":
		return Duration
	case "DoubleValue", "FloatValue", "Int64Value", "UInt64Value", "Int32Value", "UInt32Value", "BoolValue", "StringValue", "BytesValue":
		return Wrapper
	case "Struct", "Value", "ListValue", "Any", "FieldMask":
		return ViaProtoJSON
	}
	return Ordinary
}
