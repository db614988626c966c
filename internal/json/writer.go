package json

import (
	"math"
	"strconv"

	"google.golang.org/protobuf/types/known/timestamppb"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// Writer appends a message to B in the compact format of protojson: zero fields
// are omitted, 64-bit integers are strings. Fields have the order in which they are
// written. Names are not escaped.
//
// Values that protojson rejects set Bad: invalid UTF-8, numbers that are not finite
// and times out of range. B is then invalid; callers that need the error let
// protojson write the message.
type Writer struct {
	B   []byte
	Bad bool
}

// Begin begins an object. End ends it.
func (w *Writer) Begin() { w.B = append(w.B, '{') }

// End ends an object.
func (w *Writer) End() { w.B = append(w.B, '}') }

// Name writes the name of a field, with a comma before it unless it is the first.
func (w *Writer) Name(name string) {
	if w.B[len(w.B)-1] != '{' {
		w.B = append(w.B, ',')
	}
	w.B = append(w.B, '"')
	w.B = append(w.B, name...)
	w.B = append(w.B, '"', ':')
}

// Text writes a string value.
func (w *Writer) Text(s string) {
	var valid bool
	w.B, valid = AppendString(w.B, s)
	w.Bad = w.Bad || !valid
}

// Number writes a value of type double.
func (w *Writer) Number(f float64) {
	if math.IsInf(f, 0) || math.IsNaN(f) {
		w.Bad = true
	}
	if f == 0 && math.Signbit(f) {
		w.B = append(w.B, '-')
	}
	w.B = AppendNumber(w.B, f)
}

// String writes a string field unless it is empty.
func (w *Writer) String(name, value string) {
	if value != "" {
		w.Name(name)
		w.Text(value)
	}
}

// Bool writes a boolean field if it is true.
func (w *Writer) Bool(name string, value bool) {
	if value {
		w.Name(name)
		w.B = append(w.B, "true"...)
	}
}

// Int32 writes a 32-bit integer or enum field unless it is 0.
func (w *Writer) Int32(name string, value int32) {
	if value != 0 {
		w.Name(name)
		w.B = strconv.AppendInt(w.B, int64(value), 10)
	}
}

// Int64 writes a 64-bit integer field, as a string, unless it is 0.
func (w *Writer) Int64(name string, value int64) {
	if value != 0 {
		w.Name(name)
		w.B = append(w.B, '"')
		w.B = strconv.AppendInt(w.B, value, 10)
		w.B = append(w.B, '"')
	}
}

// Bytes writes a field of binary data unless it is empty.
func (w *Writer) Bytes(name string, value []byte) {
	if len(value) > 0 {
		w.Name(name)
		w.B = AppendBytes(w.B, value)
	}
}

// Time writes a timestamp field unless it is nil.
func (w *Writer) Time(name string, t *timestamppb.Timestamp) {
	if t == nil {
		return
	}
	w.Bad = w.Bad || t.CheckValid() != nil
	w.Name(name)
	w.B = AppendTimestamp(w.B, t.AsTime())
}

// Int32Value writes a field unless it is nil; 0 is written.
func (w *Writer) Int32Value(name string, v *wrapperspb.Int32Value) {
	if v != nil {
		w.Name(name)
		w.B = strconv.AppendInt(w.B, int64(v.Value), 10)
	}
}

// BoolValue writes a field unless it is nil; false is written.
func (w *Writer) BoolValue(name string, v *wrapperspb.BoolValue) {
	if v != nil {
		w.Name(name)
		w.B = strconv.AppendBool(w.B, v.Value)
	}
}

// Item is called before item i of a list field, from 0: it writes the name and the
// opening bracket before the first one, and a comma before others. EndList ends
// the list.
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

// EndList ends a list of n items. Empty lists are omitted.
func (w *Writer) EndList(n int) {
	if n > 0 {
		w.B = append(w.B, ']')
	}
}

// Entry is Item for the entries of a map field. The caller sorts them by key, as
// protojson does.
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

// EndMap ends a map of n entries. Empty maps are omitted.
func (w *Writer) EndMap(n int) {
	if n > 0 {
		w.End()
	}
}
