package json

import (
	"math"
	"strconv"

	"google.golang.org/protobuf/types/known/timestamppb"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// Writer appends a message to B in the form of compact protojson: fields in the
// order in which they are written, those that are zero left out, 64-bit numbers
// as text. Names are written as they are and must need no escapes.
//
// What protojson refuses sets Bad: text that is not UTF-8, numbers that are not
// finite and times out of range. B is of no use then; whoever needs the error
// lets protojson write the message.
type Writer struct {
	B   []byte
	Bad bool
}

// Begin begins an object; End ends it.
func (w *Writer) Begin() { w.B = append(w.B, '{') }

// End ends an object.
func (w *Writer) End() { w.B = append(w.B, '}') }

// Name writes the name of a field, after a comma unless it is the first.
func (w *Writer) Name(name string) {
	if w.B[len(w.B)-1] != '{' {
		w.B = append(w.B, ',')
	}
	w.B = append(w.B, '"')
	w.B = append(w.B, name...)
	w.B = append(w.B, '"', ':')
}

// Text writes a value that is a string.
func (w *Writer) Text(s string) {
	var valid bool
	w.B, valid = AppendString(w.B, s)
	w.Bad = w.Bad || !valid
}

// Number writes a value that is a double.
func (w *Writer) Number(f float64) {
	if math.IsInf(f, 0) || math.IsNaN(f) {
		w.Bad = true
	}
	if f == 0 && math.Signbit(f) {
		w.B = append(w.B, '-')
	}
	w.B = AppendNumber(w.B, f)
}

// String writes a field with a string.
func (w *Writer) String(name, value string) {
	if value != "" {
		w.Name(name)
		w.Text(value)
	}
}

// Bool writes a field that is true.
func (w *Writer) Bool(name string, value bool) {
	if value {
		w.Name(name)
		w.B = append(w.B, "true"...)
	}
}

// Int32 writes a field with a 32-bit number, or an enum.
func (w *Writer) Int32(name string, value int32) {
	if value != 0 {
		w.Name(name)
		w.B = strconv.AppendInt(w.B, int64(value), 10)
	}
}

// Int64 writes a field with a 64-bit number, which is text in JSON.
func (w *Writer) Int64(name string, value int64) {
	if value != 0 {
		w.Name(name)
		w.B = append(w.B, '"')
		w.B = strconv.AppendInt(w.B, value, 10)
		w.B = append(w.B, '"')
	}
}

// Bytes writes a field with binary data.
func (w *Writer) Bytes(name string, value []byte) {
	if len(value) > 0 {
		w.Name(name)
		w.B = AppendBytes(w.B, value)
	}
}

// Time writes a field with a time.
func (w *Writer) Time(name string, t *timestamppb.Timestamp) {
	if t == nil {
		return
	}
	w.Bad = w.Bad || t.CheckValid() != nil
	w.Name(name)
	w.B = AppendTimestamp(w.B, t.AsTime())
}

// Int32Value writes a field that is zero or absent.
func (w *Writer) Int32Value(name string, v *wrapperspb.Int32Value) {
	if v != nil {
		w.Name(name)
		w.B = strconv.AppendInt(w.B, int64(v.Value), 10)
	}
}

// BoolValue writes a field that is true, false or absent.
func (w *Writer) BoolValue(name string, v *wrapperspb.BoolValue) {
	if v != nil {
		w.Name(name)
		w.B = strconv.AppendBool(w.B, v.Value)
	}
}

// Item comes before each item of a list, of which i is the number: it writes the
// name of the field and the opening bracket, or a comma. EndList ends the list.
//
//	for i, p := range presences {
//		w.Item("joins", i)
//		writePresence(w, p)
//	}
//	w.EndList(len(presences))
func (w *Writer) Item(name string, i int) {
	if i > 0 {
		w.B = append(w.B, ',')
		return
	}
	w.Name(name)
	w.B = append(w.B, '[')
}

// EndList ends a list of n items. One of none is not written at all.
func (w *Writer) EndList(n int) {
	if n > 0 {
		w.B = append(w.B, ']')
	}
}

// Entry is Item for the entries of a map; protojson orders them by their keys.
func (w *Writer) Entry(name string, i int, key string) {
	if i > 0 {
		w.B = append(w.B, ',')
	} else {
		w.Name(name)
		w.Begin()
	}
	w.Text(key)
	w.B = append(w.B, ':')
}

// EndMap ends a map of n entries. One of none is not written at all.
func (w *Writer) EndMap(n int) {
	if n > 0 {
		w.End()
	}
}
