package api

import (
	"encoding/base64"
	"net/url"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/timestamppb"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// bindQuery sets the fields that query parameters name, in either spelling:
// scalars, wrappers, lists (repeated parameters), and by dotted names the
// fields of messages and the entries of maps. Unknown names are ignored, and so
// is what the path and the body already gave.
func bindQuery(m protoreflect.Message, query url.Values, rt *route) error {
	for name, values := range query {
		if err := bindParam(m, name, values, rt); err != nil {
			return err
		}
	}
	return nil
}

func bindParam(m protoreflect.Message, name string, values []string, rt *route) error {
	for depth := 0; ; depth++ {
		first, rest, nested := cutName(name)
		field := fieldNamed(m, first)
		if field == nil || depth == 0 && rt.gives(field) {
			return nil
		}
		switch {
		case !nested:
			return setField(m, field, values)
		case field.IsMap():
			return setEntry(m, field, rest, values)
		case field.IsList() || field.Message() == nil:
			return nil // no such name
		}
		m, name = m.Mutable(field).Message(), rest
	}
}

// cutName splits "a.b.c" and "a[b]" after the first name.
func cutName(name string) (first, rest string, nested bool) {
	if strings.HasSuffix(name, "]") {
		if first, rest, ok := strings.Cut(name[:len(name)-1], "["); ok && !strings.Contains(first, ".") {
			return first, rest, true
		}
	}
	return strings.Cut(name, ".")
}

// gives tells whether a field is set from the path or the body.
func (rt *route) gives(field protoreflect.FieldDescriptor) bool {
	if rt.body == field {
		return true
	}
	for _, p := range rt.params {
		if p == field {
			return true
		}
	}
	return false
}

func fieldNamed(m protoreflect.Message, name string) protoreflect.FieldDescriptor {
	fields := m.Descriptor().Fields()
	if f := fields.ByName(protoreflect.Name(name)); f != nil {
		return f
	}
	return fields.ByJSONName(name)
}

func setField(m protoreflect.Message, field protoreflect.FieldDescriptor, values []string) error {
	if field.IsMap() {
		return badField(field, invalid("needs a key, as in %s[key]", field.Name()))
	}
	if field.IsList() {
		list := m.Mutable(field).List()
		for _, text := range values {
			v, err := parseValue(field, text)
			if err != nil {
				return badField(field, err)
			}
			list.Append(v)
		}
		return nil
	}
	if len(values) != 1 {
		return tooManyValues(field, values)
	}
	v, err := parseValue(field, values[0])
	if err != nil {
		return badField(field, err)
	}
	m.Set(field, v)
	return nil
}

// badField and tooManyValues begin as the protocol's texts do.
func badField(field protoreflect.FieldDescriptor, err error) error {
	return invalid("parsing field %q: %v", field.Name(), err)
}

func tooManyValues(field protoreflect.FieldDescriptor, values []string) error {
	return invalid("too many values for field %q: given %d times, expected once", field.Name(), len(values))
}

func setEntry(m protoreflect.Message, field protoreflect.FieldDescriptor, key string, values []string) error {
	if len(values) != 1 {
		return tooManyValues(field, values)
	}
	k, err := parseValue(field.MapKey(), key)
	if err != nil {
		return badField(field, err)
	}
	v, err := parseValue(field.MapValue(), values[0])
	if err != nil {
		return badField(field, err)
	}
	m.Mutable(field).Map().Set(k.MapKey(), v)
	return nil
}

// parseValue reads one value of a field from text.
func parseValue(field protoreflect.FieldDescriptor, text string) (protoreflect.Value, error) {
	if field.Kind() == protoreflect.MessageKind {
		return parseMessage(field.Message(), text)
	}
	if field.Kind() == protoreflect.EnumKind {
		return parseEnum(field.Enum(), text)
	}
	return parseScalar(field.Kind(), text)
}

func parseScalar(kind protoreflect.Kind, text string) (v protoreflect.Value, err error) {
	switch kind {
	case protoreflect.StringKind:
		return protoreflect.ValueOfString(strings.ToValidUTF8(text, "\ufffd")), nil
	case protoreflect.BoolKind:
		b, err := strconv.ParseBool(text)
		return protoreflect.ValueOfBool(b), badValue(err, text, "a boolean")
	case protoreflect.Int32Kind, protoreflect.Sint32Kind, protoreflect.Sfixed32Kind:
		n, err := strconv.ParseInt(text, 0, 32)
		return protoreflect.ValueOfInt32(int32(n)), badValue(err, text, "a 32-bit integer")
	case protoreflect.Int64Kind, protoreflect.Sint64Kind, protoreflect.Sfixed64Kind:
		n, err := strconv.ParseInt(text, 0, 64)
		return protoreflect.ValueOfInt64(n), badValue(err, text, "a 64-bit integer")
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
		n, err := strconv.ParseUint(text, 0, 32)
		return protoreflect.ValueOfUint32(uint32(n)), badValue(err, text, "an unsigned 32-bit integer")
	case protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		n, err := strconv.ParseUint(text, 0, 64)
		return protoreflect.ValueOfUint64(n), badValue(err, text, "an unsigned 64-bit integer")
	case protoreflect.FloatKind:
		f, err := strconv.ParseFloat(text, 32)
		return protoreflect.ValueOfFloat32(float32(f)), badValue(err, text, "a number")
	case protoreflect.DoubleKind:
		f, err := strconv.ParseFloat(text, 64)
		return protoreflect.ValueOfFloat64(f), badValue(err, text, "a number")
	case protoreflect.BytesKind:
		b, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			b, err = base64.URLEncoding.DecodeString(text)
		}
		return protoreflect.ValueOfBytes(b), badValue(err, text, "base64")
	}
	return v, invalid("cannot be given in a query")
}

func parseEnum(enum protoreflect.EnumDescriptor, text string) (v protoreflect.Value, err error) {
	if value := enum.Values().ByName(protoreflect.Name(text)); value != nil {
		return protoreflect.ValueOfEnum(value.Number()), nil
	}
	n, err := strconv.ParseInt(text, 0, 32)
	if err != nil || enum.Values().ByNumber(protoreflect.EnumNumber(n)) == nil {
		return v, invalid("%q is no %s", text, enum.Name())
	}
	return protoreflect.ValueOfEnum(protoreflect.EnumNumber(n)), nil
}

// parseMessage reads the messages that stand for a single value.
func parseMessage(message protoreflect.MessageDescriptor, text string) (v protoreflect.Value, err error) {
	var out proto.Message
	switch message.FullName() {
	case "google.protobuf.Timestamp":
		t, err := time.Parse(time.RFC3339Nano, text)
		if err != nil {
			return v, badValue(err, text, "a time in RFC 3339 form")
		}
		out = timestamppb.New(t)
	case "google.protobuf.BoolValue":
		out = new(wrapperspb.BoolValue)
	case "google.protobuf.StringValue":
		out = new(wrapperspb.StringValue)
	case "google.protobuf.BytesValue":
		out = new(wrapperspb.BytesValue)
	case "google.protobuf.Int32Value":
		out = new(wrapperspb.Int32Value)
	case "google.protobuf.Int64Value":
		out = new(wrapperspb.Int64Value)
	case "google.protobuf.UInt32Value":
		out = new(wrapperspb.UInt32Value)
	case "google.protobuf.UInt64Value":
		out = new(wrapperspb.UInt64Value)
	case "google.protobuf.FloatValue":
		out = new(wrapperspb.FloatValue)
	case "google.protobuf.DoubleValue":
		out = new(wrapperspb.DoubleValue)
	default:
		return v, invalid("cannot be given in a query")
	}
	m := out.ProtoReflect()
	if _, isTime := out.(*timestamppb.Timestamp); !isTime {
		field := message.Fields().ByNumber(1)
		value, err := parseScalar(field.Kind(), text)
		if err != nil {
			return v, err
		}
		m.Set(field, value)
	}
	return protoreflect.ValueOfMessage(m), nil
}

func badValue(err error, text, wanted string) error {
	if err == nil {
		return nil
	}
	if len(text) > 64 {
		text = text[:64] + "…"
	}
	return invalid("%q is not %s", text, wanted)
}
