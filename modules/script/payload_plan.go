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
	fields []planField
	byKey  map[string]int // both spellings
}

type planField struct {
	fd       protoreflect.FieldDescriptor
	name     vm.Name
	kind     protoreflect.Kind
	list     bool
	dict     bool
	presence bool       // unset differs from default: a message, an optional, a member of a oneof
	message  bool       // not a list or map, and a message
	oneof    int        // number of its oneof, from 1; optionals have none
	value    *planField // dict: its values
	key      protoreflect.Kind
	known    wellKnown

	once sync.Once
	sub  *plan // message fields: see plan()
}

// wellKnown are the messages with a JSON form of their own.
type wellKnown uint8

const (
	ordinary wellKnown = iota
	timestamp
	duration
	wrapper
	special // through protojson
)

var plans sync.Map // protoreflect.FullName -> *plan

// planOf finds or makes the plan of a type.
func planOf(d protoreflect.MessageDescriptor) *plan {
	if p, ok := plans.Load(d.FullName()); ok {
		return p.(*plan)
	}
	p, _ := plans.LoadOrStore(d.FullName(), newPlan(d))
	return p.(*plan)
}

func newPlan(d protoreflect.MessageDescriptor) *plan {
	fds := d.Fields()
	p := &plan{name: string(d.FullName()), fields: make([]planField, fds.Len()), byKey: make(map[string]int, 2*fds.Len())}
	names := make([]vm.Name, fds.Len())
	for i := range p.fields {
		f := &p.fields[i]
		fd := fds.Get(i)
		initField(f, fd)
		if o := fd.ContainingOneof(); o != nil && !o.IsSynthetic() {
			f.oneof = o.Index() + 1
		}
		names[i] = f.name
		p.byKey[f.name.Camel] = i
		p.byKey[f.name.Snake] = i
	}
	p.layout = vm.NewLayout(names...)
	return p
}

func initField(f *planField, fd protoreflect.FieldDescriptor) {
	f.fd = fd
	f.name = vm.NameAs(fd.TextName(), fd.JSONName())
	f.kind = fd.Kind()
	f.list = fd.IsList()
	f.presence = fd.HasPresence()
	if fd.IsMap() {
		f.dict = true
		f.key = fd.MapKey().Kind()
		f.value = new(planField)
		initField(f.value, fd.MapValue())
		return
	}
	if f.kind == protoreflect.MessageKind || f.kind == protoreflect.GroupKind {
		f.known = wellKnownOf(fd.Message())
		f.message = !f.list
	}
}

// plan is the plan of a message field's type. It is made on first use because
// messages may contain themselves.
func (f *planField) plan() *plan {
	f.once.Do(func() { f.sub = planOf(f.fd.Message()) })
	return f.sub
}

func wellKnownOf(d protoreflect.MessageDescriptor) wellKnown {
	if d.ParentFile().Package() != "google.protobuf" {
		return ordinary
	}
	switch d.Name() {
	case "Timestamp":
		return timestamp
	case "Duration":
		return duration
	case "DoubleValue", "FloatValue", "Int64Value", "UInt64Value", "Int32Value", "UInt32Value", "BoolValue", "StringValue", "BytesValue":
		return wrapper
	case "Struct", "Value", "ListValue", "Any", "FieldMask":
		return special
	}
	return ordinary
}
