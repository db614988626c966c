package script

import (
	"encoding/base64"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/timestamppb"

	"kumi/store/fault"
	"kumi/vm"
)

// ReadPayload fills m, which must be empty, from a script value. Names may be in
// either spelling. An unknown field, or a value of the wrong type, is an
// InvalidArgument with its path.
func ReadPayload(e vm.Engine, v vm.Ref, m proto.Message) error {
	r := m.ProtoReflect()
	w := payloadWriter{e: e}
	if !e.IsObject(v) {
		return fault.Newf(fault.InvalidArgument, "expected an object with the fields of %s", r.Descriptor().Name())
	}
	SchemaOf(r.Descriptor()).write(&w, v, r)
	return w.err
}

// payloadWriter holds the current path and the first error.
type payloadWriter struct {
	e     vm.Engine
	path  []byte
	depth int
	err   error
}

// maxPayloadDepth is the maximum nesting of a message. It also stops cycles.
const maxPayloadDepth = 64

func (w *payloadWriter) fail(want string) {
	if w.err != nil {
		return
	}
	if at := strings.TrimPrefix(string(w.path), "."); at != "" {
		want = at + ": " + want
	}
	w.err = fault.New(fault.InvalidArgument, want)
}

func (p *MessageSchema) write(w *payloadWriter, v vm.Ref, m protoreflect.Message) {
	if w.depth++; w.depth > maxPayloadDepth {
		w.fail("nested too deeply")
		return
	}
	at := len(w.path)
	var oneofs oneofSet
	if rec := p.recorded(w.e, v); rec != nil {
		p.copy(w, rec, &oneofs, m)
	} else {
		w.e.EachField(v, func(key string, x vm.Ref) bool {
			w.path = append(append(w.path[:at], '.'), key...)
			i, ok := p.byKey[key]
			if !ok {
				w.fail("there is no such field in " + p.name)
				return false
			}
			if w.e.IsNil(x) {
				return true
			}
			f := &p.Fields[i]
			if m.Has(f.Desc) {
				w.fail("the field is given twice, in both spellings")
				return false
			}
			if oneofs.add(w, f) {
				f.write(w, x, m)
			}
			return w.err == nil
		})
	}
	w.path = w.path[:at]
	w.depth--
}

// oneofSet is the set of the oneofs of a message that are set; no message has more
// than 64.
type oneofSet uint64

func (s *oneofSet) add(w *payloadWriter, f *MessageField) bool {
	if f.Oneof == 0 {
		return true
	}
	bit := oneofSet(1) << (f.Oneof - 1)
	if *s&bit != 0 {
		w.fail("only one field of this kind can be set at a time")
		return false
	}
	*s |= bit
	return true
}

// recorded returns the record that v is, if it was made from a message of this type
// and has no further properties.
func (p *MessageSchema) recorded(e vm.Engine, v vm.Ref) vm.Recorded {
	r, ok := e.(vm.Recorder)
	if !ok {
		return nil
	}
	rec := r.Recorded(v)
	if rec == nil || rec.Extended() {
		return nil
	}
	if src, ok := rec.Source().(*payload); !ok || src.MessageSchema != p {
		return nil
	}
	return rec
}

// copy shares the fields that the script has not touched with the message they came
// from, and reads only the others from the script.
func (p *MessageSchema) copy(w *payloadWriter, rec vm.Recorded, oneofs *oneofSet, m protoreflect.Message) {
	from := rec.Source().(*payload).m
	at := len(w.path)
	for i := range p.Fields {
		f := &p.Fields[i]
		x, touched := rec.Touched(i)
		switch {
		case !touched:
			if from.Has(f.Desc) && oneofs.add(w, f) {
				m.Set(f.Desc, from.Get(f.Desc))
			}
		case x != nil && !w.e.IsNil(x):
			w.path = append(append(w.path[:at], '.'), f.Name.In(w.e.Lang())...)
			if oneofs.add(w, f) {
				f.write(w, x, m)
			}
		}
		if w.err != nil {
			return
		}
	}
}

// write sets the field in m from x.
func (f *MessageField) write(w *payloadWriter, x vm.Ref, m protoreflect.Message) {
	e := w.e
	switch {
	case f.List:
		if !e.IsList(x) {
			w.fail("expected a list")
			return
		}
		n := e.Len(x)
		if n == 0 {
			return
		}
		list := m.Mutable(f.Desc).List()
		at := len(w.path)
		for i := range n {
			w.path = append(strconv.AppendInt(append(w.path[:at], '['), int64(i), 10), ']')
			v, ok := f.writeValue(w, e.Index(x, i), list.NewElement)
			if !ok {
				return
			}
			list.Append(v)
		}
		w.path = w.path[:at]
	case f.Map:
		f.writeMap(w, x, m)
	default:
		v, ok := f.writeValue(w, x, func() protoreflect.Value { return m.NewField(f.Desc) })
		if ok {
			m.Set(f.Desc, v)
		}
	}
}

func (f *MessageField) writeMap(w *payloadWriter, x vm.Ref, m protoreflect.Message) {
	if !w.e.IsObject(x) {
		w.fail("expected an object")
		return
	}
	at := len(w.path)
	var dict protoreflect.Map
	w.e.EachField(x, func(key string, item vm.Ref) bool {
		w.path = append(append(w.path[:at], '.'), key...)
		if dict == nil {
			dict = m.Mutable(f.Desc).Map()
		}
		k, ok := mapKey(w, f.key, key)
		if !ok {
			return false
		}
		v, ok := f.Value.writeValue(w, item, dict.NewValue)
		if !ok {
			return false
		}
		dict.Set(k, v)
		return true
	})
	w.path = w.path[:at]
}

func mapKey(w *payloadWriter, kind protoreflect.Kind, key string) (protoreflect.MapKey, bool) {
	switch kind {
	case protoreflect.StringKind:
		if !utf8.ValidString(key) {
			w.fail("the key is not valid UTF-8")
			return protoreflect.MapKey{}, false
		}
		return protoreflect.ValueOfString(key).MapKey(), true
	case protoreflect.BoolKind:
		if b, err := strconv.ParseBool(key); err == nil {
			return protoreflect.ValueOfBool(b).MapKey(), true
		}
	case protoreflect.Int32Kind, protoreflect.Sint32Kind, protoreflect.Sfixed32Kind:
		if n, err := strconv.ParseInt(key, 10, 32); err == nil {
			return protoreflect.ValueOfInt32(int32(n)).MapKey(), true
		}
	case protoreflect.Int64Kind, protoreflect.Sint64Kind, protoreflect.Sfixed64Kind:
		if n, err := strconv.ParseInt(key, 10, 64); err == nil {
			return protoreflect.ValueOfInt64(n).MapKey(), true
		}
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
		if n, err := strconv.ParseUint(key, 10, 32); err == nil {
			return protoreflect.ValueOfUint32(uint32(n)).MapKey(), true
		}
	case protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		if n, err := strconv.ParseUint(key, 10, 64); err == nil {
			return protoreflect.ValueOfUint64(n).MapKey(), true
		}
	}
	w.fail("the key is not of the map's key type")
	return protoreflect.MapKey{}, false
}

// writeValue converts one value of the field: a list's item or a map's value. fresh
// makes an empty message.
func (f *MessageField) writeValue(w *payloadWriter, x vm.Ref, fresh func() protoreflect.Value) (protoreflect.Value, bool) {
	e := w.e
	none := protoreflect.Value{}
	switch f.Kind {
	case protoreflect.StringKind:
		if !e.IsStr(x) {
			w.fail("expected a string")
			return none, false
		}
		s := e.Str(x)
		if !utf8.ValidString(s) {
			w.fail("expected text in UTF-8")
			return none, false
		}
		return protoreflect.ValueOfString(s), true
	case protoreflect.BoolKind:
		if !e.IsBool(x) {
			w.fail("expected a boolean")
			return none, false
		}
		return protoreflect.ValueOfBool(e.Bool(x)), true
	case protoreflect.Int32Kind, protoreflect.Sint32Kind, protoreflect.Sfixed32Kind:
		n, ok := f.integer(w, x, math.MinInt32, math.MaxInt32)
		return protoreflect.ValueOfInt32(int32(n)), ok
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
		n, ok := f.integer(w, x, 0, math.MaxUint32)
		return protoreflect.ValueOfUint32(uint32(n)), ok
	case protoreflect.Int64Kind, protoreflect.Sint64Kind, protoreflect.Sfixed64Kind:
		n, ok := f.integer(w, x, math.MinInt64, math.MaxInt64)
		return protoreflect.ValueOfInt64(n), ok
	case protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		if e.IsStr(x) {
			n, err := strconv.ParseUint(e.Str(x), 10, 64)
			if err != nil {
				w.fail("expected a whole number of 0 or more")
				return none, false
			}
			return protoreflect.ValueOfUint64(n), true
		}
		n, ok := f.integer(w, x, 0, math.MaxInt64)
		return protoreflect.ValueOfUint64(uint64(n)), ok
	case protoreflect.FloatKind:
		n, ok := writeFloat(w, x)
		return protoreflect.ValueOfFloat32(float32(n)), ok
	case protoreflect.DoubleKind:
		n, ok := writeFloat(w, x)
		return protoreflect.ValueOfFloat64(n), ok
	case protoreflect.EnumKind:
		if e.IsStr(x) {
			if ev := f.Desc.Enum().Values().ByName(protoreflect.Name(e.Str(x))); ev != nil {
				return protoreflect.ValueOfEnum(ev.Number()), true
			}
			w.fail("expected a number, or a name of " + string(f.Desc.Enum().FullName()))
			return none, false
		}
		n, ok := f.integer(w, x, math.MinInt32, math.MaxInt32)
		return protoreflect.ValueOfEnum(protoreflect.EnumNumber(n)), ok
	case protoreflect.BytesKind:
		return writeBytes(w, x)
	case protoreflect.MessageKind, protoreflect.GroupKind:
		return f.writeMessage(w, x, fresh)
	}
	w.fail("scripts cannot set a field of this kind")
	return none, false
}

func (f *MessageField) integer(w *payloadWriter, x vm.Ref, min, max int64) (int64, bool) {
	var n int64
	ok := false
	switch {
	case w.e.IsStr(x):
		s := w.e.Str(x)
		var err error
		if n, err = strconv.ParseInt(s, 10, 64); err == nil {
			ok = true
			break
		}
		// 1e3 and 1.0 are integers too.
		f, err := strconv.ParseFloat(s, 64)
		n = int64(f)
		ok = err == nil && math.Abs(f) < 1<<53 && float64(n) == f
	case w.e.IsNum(x):
		n, ok = w.e.Int(x)
		ok = ok && w.e.Float(x) == math.Trunc(w.e.Float(x)) // Lua's Int truncates
	}
	if !ok {
		w.fail("expected a whole number")
		return 0, false
	}
	if n < min || n > max {
		w.fail("the number is out of range")
		return 0, false
	}
	return n, true
}

func writeFloat(w *payloadWriter, x vm.Ref) (float64, bool) {
	switch {
	case w.e.IsStr(x):
		// ParseFloat would take more spellings than a message may have.
		switch s := w.e.Str(x); s {
		case "NaN":
			return math.NaN(), true
		case "Infinity":
			return math.Inf(1), true
		case "-Infinity":
			return math.Inf(-1), true
		default:
			if n, err := strconv.ParseFloat(s, 64); err == nil && !math.IsNaN(n) && !math.IsInf(n, 0) {
				return n, true
			}
		}
	case w.e.IsNum(x):
		return w.e.Float(x), true
	}
	w.fail("expected a number")
	return 0, false
}

// writeBytes takes base64 text in either alphabet, padded or not, and in JavaScript
// binary data.
func writeBytes(w *payloadWriter, x vm.Ref) (protoreflect.Value, bool) {
	switch {
	case w.e.IsStr(x):
		s := strings.TrimRight(w.e.Str(x), "=")
		enc := base64.RawStdEncoding
		if strings.ContainsAny(s, "-_") {
			enc = base64.RawURLEncoding
		}
		if b, err := enc.DecodeString(s); err == nil {
			return protoreflect.ValueOfBytes(b), true
		}
		w.fail("expected base64")
		return protoreflect.Value{}, false
	case w.e.IsBytes(x):
		return protoreflect.ValueOfBytes(w.e.Bytes(x)), true
	}
	w.fail("expected base64 text")
	return protoreflect.Value{}, false
}

func (f *MessageField) writeMessage(w *payloadWriter, x vm.Ref, fresh func() protoreflect.Value) (protoreflect.Value, bool) {
	switch f.Known {
	case Ordinary:
		if !w.e.IsObject(x) {
			w.fail("expected an object")
			return protoreflect.Value{}, false
		}
		v := fresh()
		f.Schema().write(w, x, v.Message())
		return v, w.err == nil
	case Wrapper:
		value := &f.Schema().Fields[0]
		inner, ok := value.writeValue(w, x, nil)
		if !ok {
			return protoreflect.Value{}, false
		}
		v := fresh()
		v.Message().Set(value.Desc, inner)
		return v, true
	case Timestamp:
		if w.e.IsStr(x) {
			if t, err := time.Parse(time.RFC3339Nano, w.e.Str(x)); err == nil {
				if ts := timestamppb.New(t); ts.IsValid() {
					return protoreflect.ValueOfMessage(ts.ProtoReflect()), true
				}
			}
		}
		w.fail("expected a time like 2006-01-02T15:04:05Z")
		return protoreflect.Value{}, false
	}
	text, err := w.e.ToJSON(x)
	v := fresh()
	if err == nil {
		err = protojson.Unmarshal(text, v.Message().Interface())
	}
	if err != nil {
		w.fail("expected the JSON form of " + string(f.Desc.Message().FullName()))
		return protoreflect.Value{}, false
	}
	return v, true
}
