package script

import (
	"sync"

	"google.golang.org/protobuf/reflect/protoreflect"

	"kumi/vm"
)

// A plan says how messages of one type look in scripts. It is made once per
// type and kept, so that a call needs no look-ups in descriptors.
type plan struct {
	name   string
	layout *vm.Layout
	Fields []PlanField
	byKey  map[string]int // both spellings
}

// PlanField is one field of a message.
type PlanField struct {
	Fd       protoreflect.FieldDescriptor
	Name     vm.Name
	Kind     protoreflect.Kind
	List     bool
	Dict     bool
	Presence bool       // unset differs from default: a message, an optional, a member of a oneof
	Message  bool       // not a list or map, and a message
	Oneof    int        // number of its oneof, from 1; optionals have none
	Value    *PlanField // dict: its values
	key      protoreflect.Kind
	Known    wellKnown

	once sync.Once
	sub  *plan // message fields: see plan()
}

// wellKnown are the messages with a JSON form of their own.
type wellKnown uint8

const (
	Ordinary wellKnown = iota
	Timestamp
	Duration
	Wrapper
	Special // through protojson
)

var plans sync.Map // protoreflect.FullName -> *plan

// PlanOf finds or makes the plan of a type.
func PlanOf(d protoreflect.MessageDescriptor) *plan {
	if p, ok := plans.Load(d.FullName()); ok {
		return p.(*plan)
	}
	p, _ := plans.LoadOrStore(d.FullName(), newPlan(d))
	return p.(*plan)
}

func newPlan(d protoreflect.MessageDescriptor) *plan {
	fds := d.Fields()
	p := &plan{name: string(d.FullName()), Fields: make([]PlanField, fds.Len()), byKey: make(map[string]int, 2*fds.Len())}
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

func initField(f *PlanField, fd protoreflect.FieldDescriptor) {
	f.Fd = fd
	f.Name = vm.NameAs(fd.TextName(), fd.JSONName())
	f.Kind = fd.Kind()
	f.List = fd.IsList()
	f.Presence = fd.HasPresence()
	if fd.IsMap() {
		f.Dict = true
		f.key = fd.MapKey().Kind()
		f.Value = new(PlanField)
		initField(f.Value, fd.MapValue())
		return
	}
	if f.Kind == protoreflect.MessageKind || f.Kind == protoreflect.GroupKind {
		f.Known = WellKnownOf(fd.Message())
		f.Message = !f.List
	}
}

// Plan is the plan of a message field's type. It is made on first use because
// messages may contain themselves.
func (f *PlanField) Plan() *plan {
	f.once.Do(func() { f.sub = PlanOf(f.Fd.Message()) })
	return f.sub
}

// WellKnownOf says whether a message has a JSON form of its own, and which.
func WellKnownOf(d protoreflect.MessageDescriptor) wellKnown {
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
		return Special
	}
	return Ordinary
}
