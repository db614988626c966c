package script

import (
	"encoding/base64"
	"fmt"
	"math"
	"strconv"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/timestamppb"

	"kumi/vm"
)

// Payload converts a message to a script value, as hooks get it. It follows protobuf's
// JSON form, with enums as numbers and 64-bit integers as strings. JavaScript sees
// camelCase names and every field; Lua sees the names of the .proto files and only the
// fields that are set.
//
// The message must not change while the value is in use.
func Payload(e vm.Engine, m proto.Message) vm.Ref {
	r := m.ProtoReflect()
	return SchemaOf(r.Descriptor()).of(e, r)
}

func (p *MessageSchema) of(e vm.Engine, m protoreflect.Message) vm.Ref {
	return e.Record(p.layout, &payload{MessageSchema: p, m: m, all: e.Lang() == vm.JS})
}

// payload provides the properties of a record from a message.
type payload struct {
	*MessageSchema
	m   protoreflect.Message
	all bool // include fields that are not set
}

// Has implements vm.Source.
func (s *payload) Has(i int) bool {
	f := &s.Fields[i]
	if !s.all || f.Presence && !(f.Message && f.Oneof == 0) {
		return s.m.Has(f.Desc)
	}
	return true
}

// Get implements vm.Source.
func (s *payload) Get(e vm.Engine, i int) (vm.Ref, error) {
	f := &s.Fields[i]
	if f.Message && !s.m.Has(f.Desc) {
		return e.Nil(), nil
	}
	v := s.m.Get(f.Desc)
	switch {
	case f.List:
		list := v.List()
		refs := make([]vm.Ref, list.Len())
		for i := range refs {
			x, err := f.read(e, list.Get(i))
			if err != nil {
				return nil, err
			}
			refs[i] = x
		}
		return e.List(refs), nil
	case f.Map:
		return f.readMap(e, v.Map())
	}
	return f.read(e, v)
}

func (f *MessageField) readMap(e vm.Engine, m protoreflect.Map) (vm.Ref, error) {
	names := make([]vm.Name, 0, m.Len())
	refs := make([]vm.Ref, 0, m.Len())
	var failed error
	m.Range(func(k protoreflect.MapKey, v protoreflect.Value) bool {
		var ref vm.Ref
		if ref, failed = f.Value.read(e, v); failed != nil {
			return false
		}
		names = append(names, vm.NameAs(k.String(), k.String()))
		refs = append(refs, ref)
		return true
	})
	if failed != nil {
		return nil, failed
	}
	return e.Object(vm.NewLayout(names...), refs), nil
}

// read converts one value of the field: a list's item or a map's value.
func (f *MessageField) read(e vm.Engine, v protoreflect.Value) (vm.Ref, error) {
	switch f.Kind {
	case protoreflect.StringKind:
		return e.FromStr(v.String()), nil
	case protoreflect.BoolKind:
		return e.FromBool(v.Bool()), nil
	case protoreflect.Int32Kind, protoreflect.Sint32Kind, protoreflect.Sfixed32Kind:
		return e.FromInt(v.Int()), nil
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
		return e.FromInt(int64(v.Uint())), nil
	case protoreflect.Int64Kind, protoreflect.Sint64Kind, protoreflect.Sfixed64Kind:
		return e.FromStr(strconv.FormatInt(v.Int(), 10)), nil
	case protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		return e.FromStr(strconv.FormatUint(v.Uint(), 10)), nil
	case protoreflect.FloatKind, protoreflect.DoubleKind:
		return readFloat(e, v.Float()), nil
	case protoreflect.EnumKind:
		return e.FromInt(int64(v.Enum())), nil
	case protoreflect.BytesKind:
		return e.FromStr(base64.StdEncoding.EncodeToString(v.Bytes())), nil
	case protoreflect.MessageKind, protoreflect.GroupKind:
		return f.readMessage(e, v.Message())
	}
	return nil, fmt.Errorf("field %s has a kind that scripts cannot read", f.Desc.FullName())
}

func readFloat(e vm.Engine, x float64) vm.Ref {
	switch {
	case math.IsNaN(x):
		return e.FromStr("NaN")
	case math.IsInf(x, 1):
		return e.FromStr("Infinity")
	case math.IsInf(x, -1):
		return e.FromStr("-Infinity")
	}
	return e.FromFloat(x)
}

func (f *MessageField) readMessage(e vm.Engine, m protoreflect.Message) (vm.Ref, error) {
	switch f.Known {
	case Ordinary:
		return f.Schema().of(e, m), nil
	case Wrapper:
		value := &f.Schema().Fields[0]
		return value.read(e, m.Get(value.Desc))
	case Timestamp:
		if t, ok := m.Interface().(*timestamppb.Timestamp); ok && t.IsValid() {
			return e.FromStr(formatTime(t.AsTime())), nil
		}
	}
	text, err := protojson.Marshal(m.Interface())
	if err != nil {
		return nil, fmt.Errorf("field %s: %w", f.Desc.FullName(), err)
	}
	return e.FromJSON(string(text))
}

// formatTime formats a time as protobuf's JSON form does: with 0, 3, 6 or 9 digits
// after the second.
func formatTime(t time.Time) string {
	switch ns := t.Nanosecond(); {
	case ns == 0:
		return t.Format("2006-01-02T15:04:05Z")
	case ns%1e6 == 0:
		return t.Format("2006-01-02T15:04:05.000Z")
	case ns%1e3 == 0:
		return t.Format("2006-01-02T15:04:05.000000Z")
	}
	return t.Format("2006-01-02T15:04:05.000000000Z")
}
